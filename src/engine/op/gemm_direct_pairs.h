/* gemm_direct_pairs.h - gemm_direct.h for two bf16 operands and the dot product of pairs: a few rows of C straight from B where it lies.
 *
 * Where a column's steps of k are contiguous, its pairs are words as they lie, turned sixteen by sixteen; where the columns of a step are, two steps are
 * joined. A template: after gemm_micro.h, with BF16_DOT. */
#ifndef ENGINE_OP_GEMM_DIRECT_PAIRS_H
#define ENGINE_OP_GEMM_DIRECT_PAIRS_H

#include "engine/op/gemm_pack.h"

#if SIMD_AVX512

enum {
    PAIRS_AHEAD_STEPS = 16,  /* rows of B prefetched, where each step of k is a row */
    PAIRS_VECS_MAX = 8,
};

/* sum[r] += pair `word` of row r times b */
SIMD_INLINE void direct_pair(V16 *sum, const int n_rows, const GemmStrip *s, int64_t word, __m512i b)
{
    MICRO_UNROLL for (int r = 0; r < n_rows; r++)
        sum[r] = BF16_DOT(sum[r], v16_set1(((const FloatWord *)s->a)[r * s->a_row_stride + word]), (V16)b);
}

/* Steps [k, n_k) pair by pair, k even: of a column's tail, or of a layout that has no other way. An absent odd step is zero. */
SIMD_INLINE void direct_pairs_elements(V16 *sum, const int n_rows, const GemmStrip *s, int64_t k, const GemmLanes *b, int64_t first, int n)
{
    for (; k < s->n_words; k += 2) {
        _Alignas(64) uint32_t words[16];
        for (int l = 0; l < 16; l++)
            words[l] = element_pair(b, first + (l < n ? l : n - 1), k, s->n_words);
        direct_pair(sum, n_rows, s, k / 2, _mm512_load_si512(words));
    }
}

/* At most sixteen columns whose steps of k are contiguous. */
SIMD_INLINE void direct_pairs_along_k(V16 *sum, const int n_rows, const GemmStrip *s, const GemmLanes *b, int64_t first, int n)
{
    LaneGroup group = lane_group((const char *)b->base + first * b->lane_stride * 2, b->lane_stride * 2, n);
    int64_t k = 0;
    for (; k + 32 <= s->n_words; k += 32) {
        __m512i words[16];
        __asm__("" : "+r"(group.stride_bytes));  /* so that no pointer is worth keeping, see LaneGroup */
        transpose_16x16(words, &group);
        MICRO_UNROLL for (int i = 0; i < 16; i++) {
            _mm_prefetch(lane_address(&group, i) + PACK_AHEAD_BYTES, _MM_HINT_T0);
            direct_pair(sum, n_rows, s, k / 2 + i, words[i]);
        }
        for (int i = 0; i < 4; i++)
            group.base[i] += 64;
    }
    direct_pairs_elements(sum, n_rows, s, k, b, first, n);
}

/* n columns, at most 16 n_vecs, whose steps of k are rows. */
SIMD_INLINE void direct_pairs_along_lanes(float *out, const int n_rows, const int n_vecs, const GemmStrip *s, const GemmLanes *b, int64_t first, int64_t n)
{
    V16 sum[PAIRS_VECS_MAX][GEMM_DIRECT_ROWS_MAX];
    MICRO_UNROLL for (int v = 0; v < n_vecs; v++)
        MICRO_UNROLL for (int r = 0; r < n_rows; r++)
            sum[v][r] = v16_zero();
    for (int64_t k = 0; k < s->n_words; k += 2) {
        const bool has_odd = k + 1 < s->n_words;
        const uint16_t *from = (const uint16_t *)b->base + first + k * b->k_stride;
        MICRO_UNROLL for (int v = 0; v < n_vecs; v++, from += 16) {
            const __mmask16 mask = n >= 16 * v + 16 ? 0xffff : n <= 16 * v ? 0 : (__mmask16)((1u << (n - 16 * v)) - 1);
            __m512i even = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from));
            __m512i odd = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(has_odd ? mask : 0, from + b->k_stride));
            if (v % 2 == 0) {
                _mm_prefetch(from + PAIRS_AHEAD_STEPS * b->k_stride, _MM_HINT_T0);
                _mm_prefetch(from + (PAIRS_AHEAD_STEPS + 1) * b->k_stride, _MM_HINT_T0);
            }
            direct_pair(sum[v], n_rows, s, k / 2, _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
        }
    }
    MICRO_UNROLL for (int v = 0; v < n_vecs; v++)
        MICRO_UNROLL for (int r = 0; r < n_rows; r++)
            v16_store(out + (v / 2 * n_rows + r) * MICRO_COLUMNS + v % 2 * 16, sum[v][r]);
}

/* All columns of the strip, 16 n_vecs at a time; n_vecs is even. */
SIMD_INLINE void direct_pairs_rows(const int n_rows, const int n_vecs, const GemmStrip *s, const GemmLanes *b)
{
    for (int64_t first = 0; first < s->n_columns; first += 16 * n_vecs) {
        float out[PAIRS_VECS_MAX / 2 * GEMM_DIRECT_ROWS_MAX * MICRO_COLUMNS];  /* [panel of 32][row][column] */
        int64_t n = s->n_columns - first < 16 * n_vecs ? s->n_columns - first : 16 * n_vecs;
        if (b->lane_stride == 1)
            direct_pairs_along_lanes(out, n_rows, n_vecs, s, b, first, n);
        for (int64_t column = 0; column < n && b->lane_stride != 1; column += 16) {
            V16 sum[GEMM_DIRECT_ROWS_MAX];
            int n_here = n - column < 16 ? (int)(n - column) : 16;
            MICRO_UNROLL for (int r = 0; r < n_rows; r++)
                sum[r] = v16_zero();
            if (b->k_stride == 1)
                direct_pairs_along_k(sum, n_rows, s, b, first + column, n_here);
            else
                direct_pairs_elements(sum, n_rows, s, 0, b, first + column, n_here);
            MICRO_UNROLL for (int r = 0; r < n_rows; r++)
                v16_store(out + (column / 32 * n_rows + r) * MICRO_COLUMNS + column % 32, sum[r]);
        }
        for (int64_t column = 0; column < n; column += MICRO_COLUMNS)
            micro_out(s, first + column, out + column * n_rows);
    }
}

/* As many columns at a time as their sums have registers. */
static void direct_pairs(const GemmStrip *s, GemmLanes b)
{
    switch (s->n_rows) {
    case 1: direct_pairs_rows(1, 8, s, &b); break;
    case 2: direct_pairs_rows(2, 8, s, &b); break;
    case 3: direct_pairs_rows(3, 4, s, &b); break;
    case 4: direct_pairs_rows(4, 4, s, &b); break;
    case 5: direct_pairs_rows(5, 4, s, &b); break;
    case 6: direct_pairs_rows(6, 4, s, &b); break;
    case 7: direct_pairs_rows(7, 2, s, &b); break;
    case 8: direct_pairs_rows(8, 2, s, &b); break;
    }
}

#endif
#endif
