/* gemm_pack.h - packing of panels (gemm_kernels.h), shared by the kernel files. Words are moved as 32 bits, whatever
 * they hold. Sources are fast where lanes or steps of k are contiguous, and slower, element by element, elsewhere. */
#ifndef ENGINE_OP_GEMM_PACK_H
#define ENGINE_OP_GEMM_PACK_H

#include "engine/op/gemm_kernels.h"
#include "engine/op/simd.h"

typedef uint32_t U16Unaligned __attribute__((vector_size(64), aligned(4), may_alias));

enum { PACK_PREFETCH_BYTES = 512 };  /* ahead in each of 16 streams, more than the CPU follows by itself */

/* out[i][l] = the i-th 32-bit word at lane[l]. */
SIMD_INLINE void transpose_16x16(U16 out[16], const char *const lane[16])
{
#if SIMD_AVX512
#define LANE_QUAD_(l) _mm_loadu_si128((const __m128i *)(lane[l] + 16 * quarter))
    for (int quarter = 0; quarter < 4; quarter++) {
        __m512i row[4];  /* row[j]: four words each of lanes j, j+4, j+8, j+12 */
        for (int j = 0; j < 4; j++) {
            row[j] = _mm512_inserti32x4(_mm512_castsi128_si512(LANE_QUAD_(j)), LANE_QUAD_(j + 4), 1);
            row[j] = _mm512_inserti32x4(row[j], LANE_QUAD_(j + 8), 2);
            row[j] = _mm512_inserti32x4(row[j], LANE_QUAD_(j + 12), 3);
        }
        __m512i low_01 = _mm512_unpacklo_epi32(row[0], row[1]), high_01 = _mm512_unpackhi_epi32(row[0], row[1]);
        __m512i low_23 = _mm512_unpacklo_epi32(row[2], row[3]), high_23 = _mm512_unpackhi_epi32(row[2], row[3]);
        out[4 * quarter] = (U16)_mm512_unpacklo_epi64(low_01, low_23);
        out[4 * quarter + 1] = (U16)_mm512_unpackhi_epi64(low_01, low_23);
        out[4 * quarter + 2] = (U16)_mm512_unpacklo_epi64(high_01, high_23);
        out[4 * quarter + 3] = (U16)_mm512_unpackhi_epi64(high_01, high_23);
    }
#undef LANE_QUAD_
#else
    for (int l = 0; l < 16; l++) {
        uint32_t words[16];
        memcpy(words, lane[l], sizeof words);
        for (int i = 0; i < 16; i++)
            out[i][l] = words[i];
    }
#endif
}

SIMD_INLINE void store_words(uint32_t *panel, U16 words, int n)
{
    if (n >= 16)
        *(U16Unaligned *)panel = words;
    else
        v16_store_tail((float *)panel, (V16)words, n);
}

/* One element as an f32. */
static uint32_t element_word(GemmLanes s, int64_t lane, int64_t k)
{
    int64_t at = lane * s.lane_stride + k * s.k_stride;
    if (s.dtype == DTYPE_BF16)
        return (uint32_t)((const uint16_t *)s.base)[at] << 16;
    uint32_t word;
    memcpy(&word, (const float *)s.base + at, sizeof word);
    return word;
}

/* The lanes being contiguous in k: packs sixteen source words (an f32 or two bf16 each) of sixteen lanes at a time. A pair
 * stays a word, or is split into two steps. Returns how many of the n_words source words it packed; the caller does the rest. */
static int64_t pack_words_along_k(uint32_t *panel, int width, int n_lanes, int64_t n_words, GemmLanes s, bool split_pairs)
{
    int64_t n_packed = n_words / 16 * 16;
    for (int first = 0; first < n_lanes; first += 16) {
        int n = n_lanes - first < 16 ? n_lanes - first : 16;
        const char *lane[16];
        for (int l = 0; l < 16; l++)  /* an absent lane repeats the last one: read, not stored */
            lane[l] = (const char *)s.base + (first + (l < n ? l : n - 1)) * s.lane_stride * dtype_bytes(s.dtype);
        for (int64_t w = 0; w < n_packed; w += 16) {
            U16 words[16];
            transpose_16x16(words, lane);
            for (int i = 0; i < 16; i++) {
                __builtin_prefetch(lane[i] + PACK_PREFETCH_BYTES);
                lane[i] += 64;
                if (split_pairs) {
                    store_words(panel + 2 * (w + i) * width + first, words[i] << 16, n);
                    store_words(panel + (2 * (w + i) + 1) * width + first, words[i] & 0xffff0000u, n);
                } else {
                    store_words(panel + (w + i) * width + first, words[i], n);
                }
            }
        }
    }
    return n_packed;
}

static void pack_f32_along_lanes(uint32_t *panel, int width, int n_lanes, int64_t n_k, GemmLanes s)
{
    for (int64_t k = 0; k < n_k; k++)
        for (int first = 0; first < n_lanes; first += 16) {
            int n = n_lanes - first < 16 ? n_lanes - first : 16;
            int64_t at = first + k * s.k_stride;
            V16 x = s.dtype == DTYPE_F32 ? v16_load_tail((const float *)s.base + at, n)
                                         : v16_load_bf16_tail((const uint16_t *)s.base + at, n);
            store_words(panel + k * width + first, (U16)x, n);
        }
}

static void pad_lanes(uint32_t *panel, int width, int n_lanes, int64_t n_words)
{
    for (int64_t w = 0; n_lanes < width && w < n_words; w++)
        memset(panel + w * width + n_lanes, 0, sizeof *panel * (size_t)(width - n_lanes));
}

static __attribute__((unused)) void pack_f32(uint32_t *panel, int width, int n_lanes, int64_t n_k, GemmLanes s)
{
    pad_lanes(panel, width, n_lanes, n_k);
    int64_t k = 0;
    if (s.k_stride == 1 && s.dtype == DTYPE_F32)
        k = pack_words_along_k(panel, width, n_lanes, n_k, s, false);
    else if (s.k_stride == 1)
        k = 2 * pack_words_along_k(panel, width, n_lanes, n_k / 2, s, true);
    else if (s.lane_stride == 1) {
        pack_f32_along_lanes(panel, width, n_lanes, n_k, s);
        return;
    }
    for (; k < n_k; k++)
        for (int l = 0; l < n_lanes; l++)
            panel[k * width + l] = element_word(s, l, k);
}

#endif
