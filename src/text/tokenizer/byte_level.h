/* byte_level.h - the alphabet in which byte-level vocabularies are written (Radford et al. 2019): each byte is one printable
 * character. Bytes 33-126, 161-172 and 174-255 stand for themselves, the other 68 for U+0100 onwards, in order. */
#ifndef TEXT_BYTE_LEVEL_H
#define TEXT_BYTE_LEVEL_H

#include <stddef.h>
#include <stdint.h>

uint32_t byte_level_char(unsigned char byte);
/* The byte that a character stands for, -1 for a character outside the alphabet. */
int byte_level_byte(uint32_t code_point);
/* Writes n_bytes in the alphabet (at most 2 bytes each); returns the length. */
size_t byte_level_write(char *out, const char *bytes, size_t n_bytes);
/* Reads a text in the alphabet back to bytes (never longer than the text). Returns -1 when a character lies outside. */
int64_t byte_level_read(char *out, const char *text, size_t n_bytes);

#endif
