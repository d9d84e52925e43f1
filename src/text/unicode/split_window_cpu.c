/* split_window_cpu.c - see split_window.h. Bytes become bits, a word of 64 for each class; a syllable is a lead whose next two bytes fit, found by shifts. */
#include "text/unicode/split_window.h"

/* Bits of the bytes in a window from `first` to `last`. */
#if defined __AVX2__
#include <immintrin.h>

typedef struct {
    __m256i low, high;
} Bytes;

static inline Bytes bytes_at(const char *text)
{
    return (Bytes){_mm256_loadu_si256((const __m256i *)(const void *)text), _mm256_loadu_si256((const __m256i *)(const void *)(text + 32))};
}

static inline uint32_t half_between(__m256i x, uint8_t first, uint8_t last)
{
    __m256i above = _mm256_sub_epi8(x, _mm256_set1_epi8((char)first));
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(above, _mm256_set1_epi8((char)(last - first))), above));
}

static inline uint64_t between(Bytes bytes, uint8_t first, uint8_t last)
{
    return half_between(bytes.low, first, last) | (uint64_t)half_between(bytes.high, first, last) << 32;
}
#else
typedef const char *Bytes;

static inline Bytes bytes_at(const char *text)
{
    return text;
}

static inline uint64_t between(Bytes bytes, uint8_t first, uint8_t last)
{
    uint64_t bits = 0;
    for (int i = 0; i < SPLIT_WINDOW_BYTES; i++)
        bits |= (uint64_t)((unsigned char)bytes[i] >= first && (unsigned char)bytes[i] <= last) << i;
    return bits;
}
#endif

/* U+AC00 is EA B0 80, U+D77F ED 9D BF. */
static inline uint64_t syllables(Bytes x, uint64_t wide)
{
    if (!wide)
        return 0;
    uint64_t low = between(x, 0x80, 0x9D), high = between(x, 0xB0, 0xBF), behind = low | high | between(x, 0x9E, 0xAF);
    uint64_t leads = (between(x, 0xEA, 0xEA) & high >> 1) | (between(x, 0xEB, 0xEC) & behind >> 1) | (between(x, 0xED, 0xED) & low >> 1);
    leads &= behind >> 2;
    return leads | leads << 1 | leads << 2;
}

SplitWindow KERNEL(split_window)(const char *text, bool cased)
{
    Bytes x = bytes_at(text);
    uint64_t small = between(x, 'a', 'z'), capitals = between(x, 'A', 'Z'), wide = between(x, 0x80, 0xFF), hangul = syllables(x, wide);
    if (cased)
        return (SplitWindow){small | hangul, (wide & ~hangul) | capitals | between(x, '\'', '\'')};
    return (SplitWindow){small | capitals | hangul, wide & ~hangul};
}
