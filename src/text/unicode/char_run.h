/* char_run.h - runs of the two kinds of character that most of our texts are made of: ASCII letters, sixteen a look, and Hangul syllables. */
#ifndef TEXT_CHAR_RUN_H
#define TEXT_CHAR_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The first place from `at` on that holds no ASCII letter. */
static inline size_t ascii_letters_end(const char *text, size_t at, size_t n_bytes)
{
#ifdef __SSE2__
    while (at + 16 <= n_bytes) {  /* c | 0x20 moved so that 'a' is the least signed byte: letters are the least 26 */
        __m128i c = _mm_or_si128(_mm_loadu_si128((const __m128i *)(text + at)), _mm_set1_epi8(0x20));
        __m128i moved = _mm_sub_epi8(c, _mm_set1_epi8((char)('a' + 128)));
        unsigned others = ~(unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(moved, _mm_set1_epi8(-128 + 26))) & 0xFFFF;
        if (others)
            return at + (size_t)__builtin_ctz(others);
        at += 16;
    }
#endif
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
