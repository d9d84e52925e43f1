/* clump_chars_cpu.c - see clumps.h: UTF-8 to characters, without asking of each how long it is. */
#include "text/tokenizer/clumps.h"
#include "base/scan.h"

#include <string.h>

enum { LOOK = 64 };

static inline bool is_white(char c, bool lines)
{
    return c == ' ' || (lines && (c == '\n' || c == '\t' || c == '\r'));
}

static inline uint32_t decode_one(const unsigned char *b, bool lines, size_t *length)
{
    *length = 1u + (b[0] >= 0xC0) + (b[0] >= 0xE0) + (b[0] >= 0xF0);
    if (b[0] < 0x80)
        return is_white((char)b[0], lines) ? CLUMP_SPACE_MARK : b[0];
    if (b[0] >= 0xF0)
        return CLUMP_FAR_CHAR;
    return b[0] >= 0xE0 ? (b[0] & 0xFu) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu) : (b[0] & 0x1Fu) << 6 | (b[1] & 0x3Fu);
}

static inline size_t read_one_by_one(const char *bytes, size_t n_bytes, bool is_collapsed, bool lines, uint16_t *chars, uint64_t *begins)
{
    size_t n = 0;
    memset(begins, 0, (n_bytes + LOOK - 1) / LOOK * sizeof *begins);
    if (!KERNEL(scan_is_utf8)(bytes, n_bytes))
        return CLUMP_ILL_FORMED;
    for (size_t at = 0, length; at < n_bytes; at += length) {
        chars[n] = (uint16_t)decode_one((const unsigned char *)bytes + at, lines, &length);
        bool is_left_out = is_collapsed && chars[n] == CLUMP_SPACE_MARK && at + 1 < n_bytes && is_white(bytes[at + 1], lines);
        begins[at / LOOK] |= (uint64_t)!is_left_out << at % LOOK;
        n += !is_left_out;
    }
    return n;
}

#if defined __AVX512BW__ && defined __AVX512VL__
#include <immintrin.h>

#define WITH_VBMI2 __attribute__((target("avx512vbmi2")))

/* Thirty-two characters from their first three bytes. */
static inline __m512i decode(__m256i first, __m256i second, __m256i third, __mmask32 white)
{
    const __m512i low6 = _mm512_set1_epi16(0x3F), mark = _mm512_set1_epi16(CLUMP_SPACE_MARK), far = _mm512_set1_epi16((short)CLUMP_FAR_CHAR);
    __m512i lead = _mm512_cvtepu8_epi16(first), b = _mm512_and_si512(_mm512_cvtepu8_epi16(second), low6),
            c = _mm512_and_si512(_mm512_cvtepu8_epi16(third), low6);
    __m512i three = _mm512_or_si512(_mm512_or_si512(_mm512_slli_epi16(lead, 12), _mm512_slli_epi16(b, 6)), c);
    __m512i two = _mm512_or_si512(_mm512_and_si512(_mm512_slli_epi16(lead, 6), _mm512_set1_epi16(0x7C0)), b);
    __mmask32 is_ascii = _mm512_cmplt_epi16_mask(lead, _mm512_set1_epi16(0x80)), is_wide = _mm512_cmpge_epi16_mask(lead, _mm512_set1_epi16(0xE0));
    __m512i chars = _mm512_mask_mov_epi16(_mm512_mask_mov_epi16(two, is_ascii, lead), is_wide, three);
    chars = _mm512_mask_mov_epi16(chars, _mm512_cmpge_epi16_mask(lead, _mm512_set1_epi16(0xF0)), far);
    return _mm512_mask_mov_epi16(chars, white, mark);
}

/* The low half of a byte names the one white space with it; 0xFF matches none. */
static inline __mmask64 white_mask(__m512i bytes, __m512i named)
{
    return _mm512_cmpeq_epi8_mask(bytes, _mm512_shuffle_epi8(named, bytes));
}

static inline uint64_t range_mask(__m512i bytes, unsigned char first, unsigned char end)
{
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8((char)first)), _mm512_set1_epi8((char)(end - first)));
}

/* The bytes of 64 that begin a character are moved together, and so are those one and two behind them. Whether they are well-formed is seen at once where
 * characters of several bytes begin with C2 to DF, which one byte follows, or E1 to EF, which two follow, of those behind ED the first below A0. */
WITH_VBMI2 static inline size_t read_all(const char *bytes, size_t n_bytes, bool is_collapsed, bool lines, uint16_t *chars, uint64_t *begins)
{
    const char tab = lines ? '\t' : (char)0xFF, feed = lines ? '\n' : (char)0xFF, carriage = lines ? '\r' : (char)0xFF, none = (char)0xFF;
    const __m512i named = _mm512_broadcast_i32x4(_mm_setr_epi8(' ', none, none, none, none, none, none, none, none, tab, feed, none, none, carriage, none, none));
    size_t n = 0;
    uint64_t is_other = 0, faults = 0, follow = 0;  /* `follow`: bits of the next 64 that must continue */
    for (size_t at = 0; at < n_bytes; at += LOOK) {
        uint64_t there = n_bytes - at < LOOK ? (1ull << (n_bytes - at)) - 1 : UINT64_MAX;
        __m512i first = _mm512_maskz_loadu_epi8(there, bytes + at), second = _mm512_maskz_loadu_epi8(there, bytes + at + 1),
                third = _mm512_maskz_loadu_epi8(there, bytes + at + 2);
        uint64_t continues = _mm512_cmplt_epi8_mask(first, _mm512_set1_epi8(-64)), leads = _mm512_movepi8_mask(first) & ~continues;
        uint64_t twos = range_mask(first, 0xC2, 0xE0), threes = range_mask(first, 0xE1, 0xF0);
        is_other |= leads ^ (twos | threes);
        faults |= continues ^ (leads << 1 | threes << 2 | follow);
        faults |= _mm512_mask_cmpge_epu8_mask(_mm512_cmpeq_epi8_mask(first, _mm512_set1_epi8((char)0xED)), second, _mm512_set1_epi8((char)0xA0));
        follow = leads >> 63 | threes >> 62;
        uint64_t begin = there & ~continues;
        if (is_collapsed) {
            uint64_t white = white_mask(first, named), next = is_white(bytes[at + LOOK], lines) && at + LOOK < n_bytes;
            begin &= ~(white & (white >> 1 | next << 63));
        }
        begins[at / LOOK] = begin;
        first = _mm512_maskz_compress_epi8(begin, first);
        second = _mm512_maskz_compress_epi8(begin, second);
        third = _mm512_maskz_compress_epi8(begin, third);
        uint64_t white = white_mask(first, named);
        size_t n_here = (size_t)__builtin_popcountll(begin);
        _mm512_storeu_si512(chars + n, decode(_mm512_castsi512_si256(first), _mm512_castsi512_si256(second), _mm512_castsi512_si256(third), (__mmask32)white));
        if (n_here > LOOK / 2)
            _mm512_storeu_si512(chars + n + LOOK / 2, decode(_mm512_extracti64x4_epi64(first, 1), _mm512_extracti64x4_epi64(second, 1),
                                                             _mm512_extracti64x4_epi64(third, 1), (__mmask32)(white >> LOOK / 2)));
        n += n_here;
    }
    bool is_utf8 = is_other ? KERNEL(scan_is_utf8)(bytes, n_bytes) : (faults | follow) == 0;
    return is_utf8 ? n : CLUMP_ILL_FORMED;
}

WITH_VBMI2 static size_t read_many(const char *bytes, size_t n_bytes, bool is_collapsed, bool lines, uint16_t *chars, uint64_t *begins)
{
    return lines ? read_all(bytes, n_bytes, is_collapsed, true, chars, begins) : read_all(bytes, n_bytes, is_collapsed, false, chars, begins);
}

#endif

size_t KERNEL(clump_chars)(const char *bytes, size_t n_bytes, bool is_collapsed, bool lines, uint16_t *chars, uint64_t *begins)
{
#if defined __AVX512BW__ && defined __AVX512VL__
    if (__builtin_cpu_supports("avx512vbmi2"))
        return read_many(bytes, n_bytes, is_collapsed, lines, chars, begins);
#endif
    return lines ? read_one_by_one(bytes, n_bytes, is_collapsed, true, chars, begins) : read_one_by_one(bytes, n_bytes, is_collapsed, false, chars, begins);
}
