/* utf8.h - code points and their bytes (The Unicode Standard 15.0, section 3.9, table 3-7).
 *
 * Ill-formed input is never an error here: it is named. A decoder step over bytes that no well-formed sequence begins with
 * yields UTF8_ILL_FORMED for the "maximal subpart" (the longest prefix of a well-formed sequence, at least one byte), which is how
 * browsers and Python count replacement characters. Surrogates and code points past U+10FFFF are ill-formed. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UTF8_BYTES_MAX = 4, UNICODE_MAX = 0x10FFFF };
#define UTF8_ILL_FORMED 0xFFFFFFFFu

/* Decodes the character that starts at `at` (at < end) and returns how many bytes it takes, 1 to 4. An ill-formed subpart gives
 * UTF8_ILL_FORMED and its length. */
int utf8_decode(uint32_t *code_point, const char *at, const char *end);
/* The same when the bytes are known to be well-formed and whole. */
int utf8_decode_valid(uint32_t *code_point, const char *at);
/* Writes 1 to 4 bytes and returns how many. `code_point` is a scalar value: no surrogate, not past U+10FFFF. */
int utf8_encode(char out[UTF8_BYTES_MAX], uint32_t code_point);
/* Bytes of the character that `first` opens: 1 to 4; 0 for a byte that opens none. */
int utf8_length_of(unsigned char first);

/* Do three bytes of the plain middle stand here: U+4000 to U+D7FF, Han and Hangul for the most part, well-formed? For fast paths. */
static inline bool utf8_is_middle(const char *at, const char *end)
{
    const unsigned char *b = (const unsigned char *)at;
    return end - at >= 3 && b[0] >= 0xE4 && b[0] <= 0xED && (b[1] & 0xC0) == 0x80 && (b[2] & 0xC0) == 0x80 && (b[0] != 0xED || b[1] < 0xA0);
}
/* The same for all of U+1000 to U+FFFF. */
static inline bool utf8_is_wide(const char *at, const char *end)
{
    const unsigned char *b = (const unsigned char *)at;
    return end - at >= 3 && b[0] >= 0xE1 && b[0] <= 0xEF && (b[1] & 0xC0) == 0x80 && (b[2] & 0xC0) == 0x80 && (b[0] != 0xED || b[1] < 0xA0);
}
/* utf8_decode, with a short way for most of what texts hold: ASCII, characters of two and three bytes, and bytes that begin nothing. */
static inline int utf8_decode_quick(uint32_t *code_point, const char *at, const char *end)
{
    const unsigned char *b = (const unsigned char *)at;
    *code_point = b[0];
    if (b[0] < 0x80)
        return 1;
    *code_point = UTF8_ILL_FORMED;
    if (b[0] < 0xC2 || b[0] > 0xF4 || end - at < 2 || (b[1] & 0xC0) != 0x80)
        return 1;
    if (b[0] < 0xE0) {
        *code_point = (b[0] & 0x1Fu) << 6 | (b[1] & 0x3Fu);
        return 2;
    }
    if (!utf8_is_wide(at, end))
        return utf8_decode(code_point, at, end);
    *code_point = (uint32_t)(b[0] & 0xF) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu);
    return 3;
}
/* A Hangul syllable, U+AC00 to U+D7A3? */
static inline bool utf8_is_syllable(const char *at, const char *end)
{
    const unsigned char *b = (const unsigned char *)at;
    if (!utf8_is_middle(at, end) || b[0] < 0xEA)
        return false;
    return b[0] == 0xEA ? b[1] >= 0xB0 : b[0] != 0xED || b[1] < 0x9E || (b[1] == 0x9E && b[2] <= 0xA3);
}

bool utf8_is_valid(const char *text, size_t n_bytes);
/* Length of the longest well-formed prefix. */
size_t utf8_valid_prefix(const char *text, size_t n_bytes);
/* Bytes at the end of the text that begin a well-formed character but do not finish it, 0 to 3: what a stream holds back. */
size_t utf8_incomplete_tail(const char *text, size_t n_bytes);
/* Code points; each ill-formed subpart counts one. */
int64_t utf8_count(const char *text, size_t n_bytes);
/* The text with every ill-formed subpart replaced by U+FFFD. The input itself when it is well-formed, else a copy in `arena`. */
const char *utf8_repair(Arena *arena, const char *text, size_t n_bytes, size_t *n_out_bytes);

#endif
