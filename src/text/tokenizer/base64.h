/* base64.h - bytes in 64 printable characters (RFC 4648, section 4), as rank files and normalisation maps are written. */
#ifndef TEXT_BASE64_H
#define TEXT_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Writes at most n bytes; returns their number, -1 when the text is no base64. Padding may be absent. */
int64_t base64_decode(char *out, const char *text, size_t n);
/* Writes (n + 2) / 3 * 4 characters, padded; returns their number. */
size_t base64_encode(char *out, const char *bytes, size_t n);

#endif
