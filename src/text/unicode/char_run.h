/* char_run.h - runs of the two kinds of character that most of our texts are made of: ASCII letters, eight a look, and Hangul syllables. */
#ifndef TEXT_CHAR_RUN_H
#define TEXT_CHAR_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The first place from `at` on that holds no ASCII letter. */
static inline size_t ascii_letters_end(const char *text, size_t at, size_t n_bytes)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x80 * ones;
    while (at + 8 <= n_bytes) {  /* bytes side by side: each sum sets its high bit when the byte is not below a bound */
        uint64_t eight;
        memcpy(&eight, text + at, 8);
        uint64_t low = (eight | 0x20 * ones) & ~high;
        uint64_t letters = (low + (0x80 - 'a') * ones) & ~(low + (0x7F - 'z') * ones) & ~eight, others = ~letters & high;
        if (others)
            return at + (size_t)__builtin_ctzll(others) / 8;
        at += 8;
    }
    while (at < n_bytes && ((unsigned char)text[at] | 0x20u) - 'a' < 26u)
        at++;
    return at;
}

/* U+AC00 to U+D7A3 are EA B0 80 to ED 9E A3. */
enum { SYLLABLE_BYTES = 3 };
static inline bool is_syllable(const char *at, size_t n_bytes)
{
    if (n_bytes < SYLLABLE_BYTES)
        return false;
    uint32_t word = (uint32_t)(unsigned char)at[0] << 16 | (uint32_t)(unsigned char)at[1] << 8 | (unsigned char)at[2];
    return word - 0xEAB080u <= 0xED9EA3u - 0xEAB080u && (word & 0xC0C0) == 0x8080;
}

static inline size_t syllables_end(const char *text, size_t at, size_t n_bytes)
{
    while (is_syllable(text + at, n_bytes - at))
        at += SYLLABLE_BYTES;
    return at;
}

#endif
