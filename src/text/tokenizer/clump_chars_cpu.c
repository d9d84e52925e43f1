/* clump_chars_cpu.c - see clumps.h: UTF-8 to characters, without asking of each how long it is. */
#include "text/tokenizer/clumps.h"

enum { LOOK = 64 };

static inline bool is_white(char c, bool lines)
{
    return c == ' ' || (lines && (c == '\n' || c == '\t' || c == '\r'));
}

#if defined __AVX2__
#include <immintrin.h>
#endif

#if defined __AVX512BW__ && defined __AVX512VL__

static inline uint64_t white_mask(__m512i bytes, bool lines)
{
    uint64_t white = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(' '));
    if (lines)
        white |= _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n')) | _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\t')) |
                 _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\r'));
    return white;
}

/* Where characters begin, but those of a run of white space that are not its last. */
static inline size_t find_chars(const char *bytes, size_t n_bytes, bool is_collapsed, bool lines, uint32_t *places)
{
    size_t n = 0;
    const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (size_t at = 0; at < n_bytes; at += LOOK) {
        uint64_t there = n_bytes - at < LOOK ? (1ull << (n_bytes - at)) - 1 : UINT64_MAX;
        __m512i look = _mm512_maskz_loadu_epi8(there, bytes + at);
        uint64_t begins = there & ~(uint64_t)_mm512_cmplt_epi8_mask(look, _mm512_set1_epi8(-64));
        if (is_collapsed) {
            uint64_t white = white_mask(look, lines), next = is_white(bytes[at + LOOK], lines) && at + LOOK < n_bytes;
            begins &= ~(white & (white >> 1 | next << 63));
        }
        for (size_t i = 0; i < LOOK; i += 16) {
            __mmask16 mask = (__mmask16)(begins >> i);
            _mm512_storeu_si512(places + n, _mm512_maskz_compress_epi32(mask, _mm512_add_epi32(first, _mm512_set1_epi32((int)(at + i)))));
            n += (size_t)__builtin_popcount(mask);
        }
    }
    return n;
}

/* Sixteen characters from their first four bytes. */
static inline __m512i decode(__m512i bytes, bool lines)
{
    const __m512i low6 = _mm512_set1_epi32(0x3F);
    __m512i second = _mm512_and_si512(_mm512_srli_epi32(bytes, 8), low6), third = _mm512_and_si512(_mm512_srli_epi32(bytes, 16), low6);
    __m512i three = _mm512_and_si512(_mm512_slli_epi32(bytes, 12), _mm512_set1_epi32(0xF000));
    three = _mm512_or_si512(_mm512_or_si512(three, _mm512_slli_epi32(second, 6)), third);
    __m512i two = _mm512_or_si512(_mm512_and_si512(_mm512_slli_epi32(bytes, 6), _mm512_set1_epi32(0x7C0)), second);
    __m512i lead = _mm512_and_si512(bytes, _mm512_set1_epi32(0xFF));
    __mmask16 is_ascii = _mm512_cmplt_epi32_mask(lead, _mm512_set1_epi32(0x80)), is_wide = _mm512_cmpge_epi32_mask(lead, _mm512_set1_epi32(0xE0));
    __m512i chars = _mm512_mask_mov_epi32(_mm512_mask_mov_epi32(two, is_ascii, lead), is_wide, three);
    chars = _mm512_mask_mov_epi32(chars, _mm512_cmpge_epi32_mask(lead, _mm512_set1_epi32(0xF0)), _mm512_set1_epi32(CLUMP_FAR_CHAR));
    __mmask16 white = _mm512_cmpeq_epi32_mask(lead, _mm512_set1_epi32(' '));
    if (lines)
        white |= _mm512_cmpeq_epi32_mask(lead, _mm512_set1_epi32('\n')) | _mm512_cmpeq_epi32_mask(lead, _mm512_set1_epi32('\t')) |
                 _mm512_cmpeq_epi32_mask(lead, _mm512_set1_epi32('\r'));
    return _mm512_mask_mov_epi32(chars, white, _mm512_set1_epi32(CLUMP_SPACE_MARK));
}

static inline size_t read_chars(const char *bytes, size_t n_bytes, bool is_collapsed, bool lines, uint16_t *chars, uint32_t *places)
{
    size_t n = find_chars(bytes, n_bytes, is_collapsed, lines, places);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 there = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : (__mmask16)0xFFFF;
        __m512i four = _mm512_i32gather_epi32(_mm512_maskz_loadu_epi32(there, places + i), bytes, 1);
        _mm256_storeu_si256((__m256i *)(chars + i), _mm512_cvtepi32_epi16(decode(four, lines)));
    }
    return n;
}

#else

static inline uint32_t decode(const unsigned char *b, bool lines, size_t *length)
{
    *length = 1u + (b[0] >= 0xC0) + (b[0] >= 0xE0) + (b[0] >= 0xF0);
    if (b[0] < 0x80)
        return is_white((char)b[0], lines) ? CLUMP_SPACE_MARK : b[0];
    if (b[0] >= 0xF0)
        return CLUMP_FAR_CHAR;
    return b[0] >= 0xE0 ? (b[0] & 0xFu) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu) : (b[0] & 0x1Fu) << 6 | (b[1] & 0x3Fu);
}

static inline size_t read_chars(const char *bytes, size_t n_bytes, bool is_collapsed, bool lines, uint16_t *chars, uint32_t *places)
{
    size_t n = 0;
    for (size_t at = 0, length; at < n_bytes; at += length) {
        chars[n] = (uint16_t)decode((const unsigned char *)bytes + at, lines, &length);
        places[n] = (uint32_t)at;
        n += !(is_collapsed && chars[n] == CLUMP_SPACE_MARK && at + 1 < n_bytes && is_white(bytes[at + 1], lines));
    }
    return n;
}

#endif

size_t KERNEL(clump_chars)(const char *bytes, size_t n_bytes, bool is_collapsed, bool lines, uint16_t *chars, uint32_t *places)
{
    return lines ? read_chars(bytes, n_bytes, is_collapsed, true, chars, places) : read_chars(bytes, n_bytes, is_collapsed, false, chars, places);
}
