/* gemm_pack.h - packing of panels (gemm_kernels.h), shared by the kernel files. Words are moved as 32 bits, whatever
 * they hold. With AVX-512, sources whose lanes or steps of k are contiguous are packed sixteen words at a time. */
#ifndef ENGINE_OP_GEMM_PACK_H
#define ENGINE_OP_GEMM_PACK_H

#include "engine/op/gemm_kernels.h"
#include "engine/op/simd.h"

/* One element as an f32. */
static uint32_t element_word(const GemmLanes *s, int64_t lane, int64_t k)
{
    int64_t at = lane * s->lane_stride + k * s->k_stride;
    if (s->dtype == DTYPE_BF16)
        return (uint32_t)((const uint16_t *)s->base)[at] << 16;
    float value;
    if (s->dtype == DTYPE_F16)
        value = f32_from_f16(((const uint16_t *)s->base)[at]);
    else
        value = ((const float *)s->base)[at];
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

/* Packs f32 lanes that are contiguous at each step of k. Absent lanes become zero. */
static __attribute__((unused)) void pack_rows(uint32_t *panels, PanelShape shape, int64_t n_lanes, int64_t n_k, const GemmLanes *s)
{
    for (int64_t first = 0; first < n_lanes; first += shape.lanes)
        for (int64_t k = 0; k < n_k; k++, panels += shape.width) {
            int64_t n = n_lanes - first < shape.lanes ? n_lanes - first : shape.lanes;
            memcpy(panels, (const float *)s->base + first + k * s->k_stride, (size_t)n * sizeof *panels);
            memset(panels + n, 0, (size_t)(shape.width - n) * sizeof *panels);
        }
}

/* Packs steps [first_k, n_k) of any source. An absent lane repeats the last one. */
static void pack_elements(uint32_t *panels, PanelShape shape, int64_t n_lanes, int64_t first_k, int64_t n_k, const GemmLanes *s)
{
    for (int64_t first = 0; first < n_lanes; first += shape.lanes, panels += n_k * shape.width)
        for (int64_t k = first_k; k < n_k; k++)
            for (int l = 0; l < shape.width; l++) {
                int64_t lane = first + (l < shape.lanes ? l : shape.lanes - 1);
                panels[k * shape.width + l] = element_word(s, lane < n_lanes ? lane : n_lanes - 1, k);
            }
}

#if SIMD_AVX512

enum {
    PACK_AHEAD_BYTES = 1024,  /* prefetched in each of 16 streams: more than the CPU follows by itself */
    PACK_AHEAD_STEPS = 16,    /* rows prefetched where each step of k is a row, */
    PACK_STEPS = 16           /* so many of which are packed together */
};

/* Sixteen lanes, stride_bytes apart, of which n are there; the others repeat one of them. Addresses are four bases and two steps:
 * left to itself the compiler keeps sixteen pointers, most of them in memory. */
typedef struct {
    const char *base[4];  /* of lanes 0, 4, 8, 12 */
    int64_t stride_bytes;
    int n;
} LaneGroup;

SIMD_INLINE LaneGroup lane_group(const char *base, int64_t stride_bytes, int n)
{
    LaneGroup group = {{base}, stride_bytes, n};
    for (int i = 1; i < 4; i++)
        group.base[i] = base + (4 * i < n ? 4 * i : 0) * stride_bytes;
    return group;
}

SIMD_INLINE const char *lane_address(const LaneGroup *group, int lane)
{
    int first = lane & ~3, n_here = group->n - first < 1 ? group->n : group->n - first, last = n_here < 4 ? n_here - 1 : 3;
    int step = (lane & 3) < last ? lane & 3 : last;
    return group->base[lane / 4] + step * group->stride_bytes;
}

/* out[i] = the i-th 32-bit words of the sixteen lanes. */
SIMD_INLINE void transpose_16x16(__m512i out[16], const LaneGroup *group)
{
#define QUAD_(lane) _mm_loadu_si128((const __m128i *)(lane_address(group, lane) + 16 * quarter))
#pragma GCC unroll 4
    for (int quarter = 0; quarter < 4; quarter++) {
        __m512i row[4];  /* row[j]: four words each of lanes j, j+4, j+8, j+12 */
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            row[j] = _mm512_inserti32x4(_mm512_castsi128_si512(QUAD_(j)), QUAD_(j + 4), 1);
            row[j] = _mm512_inserti32x4(row[j], QUAD_(j + 8), 2);
            row[j] = _mm512_inserti32x4(row[j], QUAD_(j + 12), 3);
        }
        __m512i low_01 = _mm512_unpacklo_epi32(row[0], row[1]), high_01 = _mm512_unpackhi_epi32(row[0], row[1]);
        __m512i low_23 = _mm512_unpacklo_epi32(row[2], row[3]), high_23 = _mm512_unpackhi_epi32(row[2], row[3]);
        out[4 * quarter] = _mm512_unpacklo_epi64(low_01, low_23);
        out[4 * quarter + 1] = _mm512_unpackhi_epi64(low_01, low_23);
        out[4 * quarter + 2] = _mm512_unpacklo_epi64(high_01, high_23);
        out[4 * quarter + 3] = _mm512_unpackhi_epi64(high_01, high_23);
    }
#undef QUAD_
}

/* What becomes of a source word: it stays, or the two bf16 or fp16 that it holds become the f32 of two steps. */
typedef enum { WORD_WHOLE, WORD_PAIR_BF16, WORD_PAIR_F16 } WordSplit;

SIMD_INLINE __m512i f32_words_from_halves(__m256i halves, DType dtype)
{
    return dtype == DTYPE_F16 ? _mm512_castps_si512(_mm512_cvtph_ps(halves)) : _mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16);
}

/* The even and the odd step of sixteen words. */
SIMD_INLINE __m512i even_step(__m512i words, WordSplit split)
{
    return split == WORD_PAIR_BF16 ? _mm512_slli_epi32(words, 16) : _mm512_castps_si512(_mm512_cvtph_ps(_mm512_cvtepi32_epi16(words)));
}

SIMD_INLINE __m512i odd_step(__m512i words, WordSplit split)
{
    return split == WORD_PAIR_BF16 ? _mm512_and_si512(words, _mm512_set1_epi32((int)0xffff0000))
                                   : _mm512_castps_si512(_mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(words, 16))));
}

/* n_words (a multiple of 16) source words of a group to column 0 of a panel. */
SIMD_INLINE void pack_group_along_k(uint32_t *panel, int width, LaneGroup group, int64_t n_words, WordSplit split)
{
    for (int64_t w = 0; w < n_words; w += 16) {
        __m512i words[16];
        __asm__("" : "+r"(group.stride_bytes));  /* so that no pointer is worth keeping, see LaneGroup */
        transpose_16x16(words, &group);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            _mm_prefetch(lane_address(&group, i) + PACK_AHEAD_BYTES, _MM_HINT_T0);
            if (split != WORD_WHOLE) {
                _mm512_storeu_si512(panel + 2 * i * width, even_step(words[i], split));
                _mm512_storeu_si512(panel + (2 * i + 1) * width, odd_step(words[i], split));
            } else {
                _mm512_storeu_si512(panel + i * width, words[i]);
            }
        }
        panel += (split != WORD_WHOLE ? 32 : 16) * width;
        for (int i = 0; i < 4; i++)
            group.base[i] += 64;
    }
}

/* The widths there are, as constants: groups of 16 in a panel of 32, of 14 in one of 16, and edges. */
SIMD_INLINE void pack_group(uint32_t *panel, int width, const char *base, int64_t stride_bytes, int n, int64_t n_words,
                            WordSplit split)
{
    if (width == 32 && n == 16)
        pack_group_along_k(panel, 32, lane_group(base, stride_bytes, 16), n_words, split);
    else if (width == 16 && n == 14)
        pack_group_along_k(panel, 16, lane_group(base, stride_bytes, 14), n_words, split);
    else
        pack_group_along_k(panel, width, lane_group(base, stride_bytes, n), n_words, split);
}

/* Lanes contiguous in k: packs sixteen source words (an f32 or two halves each) of sixteen lanes at a time. A pair
 * stays a word, or is split. Returns how many of the n_words source words are done; the rest is the caller's. */
static int64_t pack_along_k(uint32_t *panels, PanelShape shape, int64_t n_lanes, int64_t panel_words, int64_t n_words,
                            const GemmLanes *s, WordSplit split)
{
    int64_t n_done = n_words / 16 * 16, stride_bytes = s->lane_stride * (s->dtype == DTYPE_F32 ? 4 : 2);
    for (int64_t first = 0; first < n_lanes; first += shape.lanes, panels += panel_words)
        for (int column = 0; column < shape.width && column < n_lanes - first; column += 16) {
            int64_t n_left = n_lanes - first - column, n_wanted = shape.lanes - column < 16 ? shape.lanes - column : 16;
            const char *base = (const char *)s->base + (first + column) * stride_bytes;
            int n = (int)(n_left < n_wanted ? n_left : n_wanted);
            switch (split) {
            case WORD_WHOLE: pack_group(panels + column, shape.width, base, stride_bytes, n, n_done, WORD_WHOLE); break;
            case WORD_PAIR_BF16: pack_group(panels + column, shape.width, base, stride_bytes, n, n_done, WORD_PAIR_BF16); break;
            case WORD_PAIR_F16: pack_group(panels + column, shape.width, base, stride_bytes, n, n_done, WORD_PAIR_F16); break;
            }
        }
    return n_done;
}

/* Steps [k, k_end) of sixteen lanes, of which those of `mask` are there: each step is contiguous. */
SIMD_INLINE void pack_steps(uint32_t *to, int width, const GemmLanes *s, int64_t lane, int64_t k, int64_t k_end, __mmask16 mask, DType dtype)
{
    const char *from = (const char *)s->base + (lane + k * s->k_stride) * (dtype == DTYPE_F32 ? 4 : 2);
    int64_t stride_bytes = s->k_stride * (dtype == DTYPE_F32 ? 4 : 2);
    for (; k < k_end; k++, from += stride_bytes, to += width) {
        __m512i words = dtype == DTYPE_F32 ? _mm512_maskz_loadu_epi32(mask, from)
                                           : f32_words_from_halves(_mm256_maskz_loadu_epi16(mask, from), dtype);
        _mm_prefetch(from + PACK_AHEAD_STEPS * stride_bytes, _MM_HINT_T0);
        _mm512_storeu_si512(to, words);
    }
}

/* Each step of k contiguous in the lanes. Absent lanes become zero. All panels move on together, some steps at a time, so that rows of the source
 * are read as they lie. */
SIMD_INLINE void pack_f32_along_lanes(uint32_t *panels, PanelShape shape, int64_t n_lanes, int64_t n_k, const GemmLanes *s,
                                      DType dtype)
{
    for (int64_t k = 0; k < n_k; k += PACK_STEPS) {
        int64_t k_end = k + PACK_STEPS < n_k ? k + PACK_STEPS : n_k;
        uint32_t *to = panels + k * shape.width;
        for (int64_t first = 0; first < n_lanes; first += shape.lanes, to += n_k * shape.width)
            for (int column = 0; column < shape.width; column += 16) {
                int64_t n = n_lanes - first - column, n_wanted = shape.lanes - column;
                n = n < n_wanted ? n : n_wanted;
                __mmask16 mask = n >= 16 ? 0xffff : n <= 0 ? 0 : (__mmask16)((1u << n) - 1);
                pack_steps(to + column, shape.width, s, first + column, k, k_end, mask, dtype);
            }
    }
}

static __attribute__((unused)) void pack_f32(uint32_t *panels, PanelShape shape, int64_t n_lanes, int64_t n_k, GemmLanes s)
{
    int64_t k = 0;
    if (s.lane_stride == 1) {
        switch (s.dtype) {
        case DTYPE_F32: pack_f32_along_lanes(panels, shape, n_lanes, n_k, &s, DTYPE_F32); return;
        case DTYPE_BF16: pack_f32_along_lanes(panels, shape, n_lanes, n_k, &s, DTYPE_BF16); return;
        default: pack_f32_along_lanes(panels, shape, n_lanes, n_k, &s, DTYPE_F16); return;
        }
    }
    if (s.k_stride == 1 && s.dtype == DTYPE_F32)
        k = pack_along_k(panels, shape, n_lanes, n_k * shape.width, n_k, &s, WORD_WHOLE);
    else if (s.k_stride == 1)
        k = 2 * pack_along_k(panels, shape, n_lanes, n_k * shape.width, n_k / 2, &s, s.dtype == DTYPE_F16 ? WORD_PAIR_F16 : WORD_PAIR_BF16);
    pack_elements(panels, shape, n_lanes, k, n_k, &s);
}

#else

static __attribute__((unused)) void pack_f32(uint32_t *panels, PanelShape shape, int64_t n_lanes, int64_t n_k, GemmLanes s)
{
    if (s.lane_stride == 1 && s.dtype == DTYPE_F32)
        pack_rows(panels, shape, n_lanes, n_k, &s);
    else
        pack_elements(panels, shape, n_lanes, 0, n_k, &s);
}

#endif
#endif
