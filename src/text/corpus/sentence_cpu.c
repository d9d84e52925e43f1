/* sentence_cpu.c - bytes are classed by two tables of 16, one for each half of a byte: each bit of their AND is a high half, allowed by the low halves
 * that go with it. */
#include "text/corpus/sentence_internal.h"

#include <string.h>

#if defined __AVX2__
#include <immintrin.h>

/* Classes of sentence_places; the low five end or quote, the other two are blanks. */
enum { LOW_CONTROL = 1, SIGN = 2, QUESTION = 4, LEAD_2 = 8, LEAD_3 = 16, BLANK_CONTROL = 32, BLANK = 64, ANY_BLANK = BLANK_CONTROL | BLANK };
/* Classes of bytes that final endings end in: 7E 3B 5E; 8C 94 98 A0 A4 A8 AC BC. */
enum { IN_3 = 1, IN_5 = 2, IN_7 = 4, IN_8 = 8, IN_9 = 16, IN_A = 32, IN_B = 64 };

#define TABLE(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) \
    _mm256_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)

static __m256i classes(__m256i x, __m256i by_low, __m256i by_high)
{
    const __m256i half = _mm256_set1_epi8(15);
    return _mm256_and_si256(_mm256_shuffle_epi8(by_low, _mm256_and_si256(x, half)), _mm256_shuffle_epi8(by_high, _mm256_and_si256(_mm256_srli_epi16(x, 4), half)));
}

static uint32_t any_of(__m256i classes, int bits)
{
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_and_si256(classes, _mm256_set1_epi8((char)bits)), _mm256_setzero_si256()));
}

static uint32_t equal_to(__m256i x, int byte)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, _mm256_set1_epi8((char)byte)));
}

typedef struct {
    uint32_t ends, leads, blanks, final;  /* leads: those among the ends that begin a character of two or three bytes */
} Masks;

static inline Masks masks_of(__m256i x)
{
    const __m256i ends_low = TABLE(BLANK | LEAD_3, SIGN | LEAD_3, SIGN | LEAD_3, LEAD_3, 0, 0, LEAD_2, 0, LEAD_2, BLANK_CONTROL, LOW_CONTROL,
                                   BLANK_CONTROL | LEAD_2, LOW_CONTROL, BLANK_CONTROL, SIGN, QUESTION | LEAD_3);
    const __m256i ends_high = TABLE(LOW_CONTROL | BLANK_CONTROL, 0, SIGN | BLANK, QUESTION, 0, 0, 0, 0, 0, 0, 0, 0, 0, LEAD_2, LEAD_3, 0);
    const __m256i final_low = TABLE(IN_A, 0, 0, 0, IN_9 | IN_A, 0, 0, 0, IN_9 | IN_A, 0, 0, IN_3, IN_8 | IN_A | IN_B, 0, IN_5 | IN_7, 0);
    const __m256i final_high = TABLE(0, 0, 0, IN_3, 0, IN_5, 0, IN_7, IN_8, IN_9, IN_A, IN_B, 0, 0, 0, 0);
    __m256i c = classes(x, ends_low, ends_high);
    return (Masks){.ends = any_of(c, ~ANY_BLANK & 0x7F), .leads = any_of(c, LEAD_2 | LEAD_3), .blanks = any_of(c, ANY_BLANK),
                   .final = any_of(classes(x, final_low, final_high), 0x7F)};
}

static uint64_t joined(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

/* Leads that something else than `behind` follows; of the last byte of the block nobody knows. */
static uint64_t letters(__m256i a, __m256i b, int lead, int behind)
{
    uint64_t leads = joined(equal_to(a, lead), equal_to(b, lead)), followed = joined(equal_to(a, behind), equal_to(b, behind));
    return leads & ~(followed >> 1 | (uint64_t)1 << 63);
}

uint64_t KERNEL(sentence_places)(const char *bytes, size_t n_bytes, unsigned char before, bool korean)
{
    static const char finals[] = {0x7E, 0x3B, 0x5E, (char)0x8C, (char)0x94, (char)0x98, (char)0xA0, (char)0xA4, (char)0xA8, (char)0xAC, (char)0xBC};
    char tail[SENTENCE_BLOCK] = {0};
    if (n_bytes < SENTENCE_BLOCK)
        bytes = memcpy(tail, bytes, n_bytes);
    const __m256i *block = (const __m256i *)(const void *)bytes;
    __m256i low = _mm256_loadu_si256(block), high = _mm256_loadu_si256(block + 1);
    Masks a = masks_of(low), b = masks_of(high);
    uint64_t places = joined(a.ends, b.ends);
    if (a.leads | b.leads)  /* most leads of kana, Arabic and Devanagari begin letters */
        places &= ~(letters(low, high, 0xE3, 0x80) | letters(low, high, 0xD8, 0x9F) | letters(low, high, 0xE0, 0xA5));
    if (korean)
        places |= joined(a.blanks, b.blanks) & (joined(a.final, b.final) << 1 | (memchr(finals, before, sizeof finals) != NULL));
    return places;
}

#else

uint64_t KERNEL(sentence_places)(const char *bytes, size_t n_bytes, unsigned char before, bool korean)
{
    static const unsigned char ends[256] = {['\n'] = 1, ['\f'] = 1, ['.'] = 1, ['!'] = 1, ['?'] = 1, ['"'] = 1, [0xD6] = 1, [0xD8] = 1, [0xDB] = 1,
                                            [0xE0 ... 0xE3] = 1, [0xEF] = 1, [' '] = 2, ['\t'] = 2, ['\r'] = 2, ['\v'] = 2};
    static const unsigned char final[256] = {[0x7E] = 1, [0x3B] = 1, [0x5E] = 1, [0x8C] = 1, [0x94] = 1, [0x98] = 1, [0xA0] = 1, [0xA4] = 1, [0xA8] = 1,
                                             [0xAC] = 1, [0xBC] = 1};
    uint64_t places = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        unsigned char c = (unsigned char)bytes[i];
        places |= (uint64_t)(ends[c] == 1 || (ends[c] == 2 && korean && final[before])) << i;
        before = c;
    }
    return places;
}

#endif
