/* gemm_direct.h - a few rows of C straight from B where it lies, for kernel files with AVX-512; see GemmKernel.direct.
 *
 * With few rows each number of B is used a few times only, so writing it to a panel first costs more than using it. Sixteen columns at a
 * time: where a column's steps of k are contiguous, sixteen by sixteen are turned in registers; where the columns of a step are, they
 * are loaded. The order of additions is that of gemm.h. A template: after gemm_micro.h. */
#ifndef ENGINE_OP_GEMM_DIRECT_H
#define ENGINE_OP_GEMM_DIRECT_H

#include "engine/op/gemm_pack.h"

#if SIMD_AVX512

enum {
    DIRECT_AHEAD_STEPS = 16,  /* rows of B prefetched, where each step of k is a row */
    DIRECT_VECS_MAX = 4,
};

/* sum[r] += A[r, k] * b */
SIMD_INLINE void direct_step(Reg *sum, const int n_rows, const GemmStrip *s, int64_t k, Reg b)
{
    MICRO_UNROLL for (int r = 0; r < n_rows; r++)
        sum[r] = reg_fma(((const FloatWord *)s->a)[r * s->a_row_stride + k], b, sum[r]);
}

/* Step k of sixteen columns, of which n are there, of any layout. By itself: inlined into every case below, its sixteen conversions were most of
 * what they are made of, and a quarter of the time that all kernels take to compile. */
static __attribute__((noinline)) void direct_words(uint32_t words[16], const GemmLanes *b, int64_t first, int n, int64_t k)
{
    for (int l = 0; l < 16; l++)
        words[l] = element_word(b, first + (l < n ? l : n - 1), k);
}

/* Steps [k, n_k) one by one: of a column's tail, or of a layout that has no other way. */
SIMD_INLINE void direct_elements(Reg *sum, const int n_rows, const GemmStrip *s, int64_t k, const GemmLanes *b, int64_t first, int n)
{
    for (; k < s->n_words; k++) {
        _Alignas(64) uint32_t words[16];
        direct_words(words, b, first, n, k);
        direct_step(sum, n_rows, s, k, reg_load((const float *)words));
    }
}

/* Columns whose steps of k are contiguous. */
SIMD_INLINE void direct_along_k(Reg *sum, const int n_rows, const GemmStrip *s, const GemmLanes *b, int64_t first, int n, const DType dtype)
{
    const int n_bytes = dtype == DTYPE_F32 ? 4 : 2, steps = 64 / n_bytes;
    LaneGroup group = lane_group((const char *)b->base + first * b->lane_stride * n_bytes, b->lane_stride * n_bytes, n);
    int64_t k = 0;
    for (; k + steps <= s->n_words; k += steps) {
        __m512i words[16];
        __asm__("" : "+r"(group.stride_bytes));  /* so that no pointer is worth keeping, see LaneGroup */
        transpose_16x16(words, &group);
        MICRO_UNROLL for (int i = 0; i < 16; i++) {
            _mm_prefetch(lane_address(&group, i) + PACK_AHEAD_BYTES, _MM_HINT_T0);
            if (dtype != DTYPE_F32) {
                const WordSplit split = dtype == DTYPE_F16 ? WORD_PAIR_F16 : WORD_PAIR_BF16;
                direct_step(sum, n_rows, s, k + 2 * i, (Reg)even_step(words[i], split));
                direct_step(sum, n_rows, s, k + 2 * i + 1, (Reg)odd_step(words[i], split));
            } else {
                direct_step(sum, n_rows, s, k + i, (Reg)words[i]);
            }
        }
        for (int i = 0; i < 4; i++)
            group.base[i] += 64;
    }
    direct_elements(sum, n_rows, s, k, b, first, n);
}

/* Steps of k whose columns are contiguous: n columns in one pass, at most 16 n_vecs; the more of a row of B at once, the better memory
 * follows. */
SIMD_INLINE void direct_along_lanes(float *out, const int n_rows, const int n_vecs, const GemmStrip *s, const GemmLanes *b, int64_t first,
                                    int64_t n, const DType dtype)
{
    Reg sum[DIRECT_VECS_MAX][GEMM_DIRECT_ROWS_MAX];
    __mmask16 mask[DIRECT_VECS_MAX];
    MICRO_UNROLL for (int v = 0; v < n_vecs; v++) {
        mask[v] = n >= 16 * v + 16 ? 0xffff : n <= 16 * v ? 0 : (__mmask16)((1u << (n - 16 * v)) - 1);
        MICRO_UNROLL for (int r = 0; r < n_rows; r++)
            sum[v][r] = (Reg){};
    }
    for (int64_t k = 0; k < s->n_words; k++)
        MICRO_UNROLL for (int v = 0; v < n_vecs; v++) {
            int64_t at = first + k * b->k_stride + 16 * v;
            __m512i words;
            if (dtype != DTYPE_F32) {
                const uint16_t *from = (const uint16_t *)b->base + at;
                words = f32_words_from_halves(_mm256_maskz_loadu_epi16(mask[v], from), dtype);
                _mm_prefetch(from + DIRECT_AHEAD_STEPS * b->k_stride, _MM_HINT_T0);
            } else {
                const float *from = (const float *)b->base + at;
                words = _mm512_maskz_loadu_epi32(mask[v], from);
                _mm_prefetch(from + DIRECT_AHEAD_STEPS * b->k_stride, _MM_HINT_T0);
            }
            direct_step(sum[v], n_rows, s, k, (Reg)words);
        }
    MICRO_UNROLL for (int v = 0; v < n_vecs; v++)
        MICRO_UNROLL for (int r = 0; r < n_rows; r++)
            reg_store(out + (v / 2 * n_rows + r) * MICRO_COLUMNS + v % 2 * 16, sum[v][r]);
}

/* Columns [first, first + n) of the strip, at most 16 n_vecs; n_vecs is even. */
SIMD_INLINE void direct_columns(const int n_rows, const int n_vecs, const GemmStrip *s, const GemmLanes *b, int64_t first, int64_t n)
{
    float out[DIRECT_VECS_MAX / 2 * GEMM_DIRECT_ROWS_MAX * MICRO_COLUMNS];  /* [panel of 32][row][column] */
    if (b->lane_stride == 1 && b->dtype == DTYPE_F32)
        direct_along_lanes(out, n_rows, n_vecs, s, b, first, n, DTYPE_F32);
    else if (b->lane_stride == 1 && b->dtype == DTYPE_BF16)
        direct_along_lanes(out, n_rows, n_vecs, s, b, first, n, DTYPE_BF16);
    else if (b->lane_stride == 1)
        direct_along_lanes(out, n_rows, n_vecs, s, b, first, n, DTYPE_F16);
    else
        for (int64_t column = 0; column < n; column += 16) {
            Reg sum[GEMM_DIRECT_ROWS_MAX];
            MICRO_UNROLL for (int r = 0; r < n_rows; r++)
                sum[r] = (Reg){};
            int n_here = n - column < 16 ? (int)(n - column) : 16;
            if (b->k_stride == 1 && b->dtype == DTYPE_F32)
                direct_along_k(sum, n_rows, s, b, first + column, n_here, DTYPE_F32);
            else if (b->k_stride == 1 && b->dtype == DTYPE_BF16)
                direct_along_k(sum, n_rows, s, b, first + column, n_here, DTYPE_BF16);
            else if (b->k_stride == 1)
                direct_along_k(sum, n_rows, s, b, first + column, n_here, DTYPE_F16);
            else
                direct_elements(sum, n_rows, s, 0, b, first + column, n_here);
            MICRO_UNROLL for (int r = 0; r < n_rows; r++)
                reg_store(out + (column / 32 * n_rows + r) * MICRO_COLUMNS + column % 32, sum[r]);
        }
    for (int64_t column = 0; column < n; column += MICRO_COLUMNS)
        micro_out(s, first + column, out + column * n_rows);
}

SIMD_INLINE void direct_rows(const int n_rows, const int n_vecs, const GemmStrip *s, const GemmLanes *b)
{
    for (int64_t first = 0; first < s->n_columns; first += 16 * n_vecs)
        direct_columns(n_rows, n_vecs, s, b, first, s->n_columns - first < 16 * n_vecs ? s->n_columns - first : 16 * n_vecs);
}

/* As many columns at a time as their sums have registers. A function each: in one, the compiler would take twice as long. */
#define DIRECT_ROWS(rows, n_vecs)                                                                          \
    static __attribute__((noinline)) void direct_rows_##rows(const GemmStrip *s, const GemmLanes *b)       \
    {                                                                                                      \
        direct_rows(rows, n_vecs, s, b);                                                                   \
    }
DIRECT_ROWS(1, 4)
DIRECT_ROWS(2, 4)
DIRECT_ROWS(3, 4)
DIRECT_ROWS(4, 4)
DIRECT_ROWS(5, 4)
DIRECT_ROWS(6, 4)
DIRECT_ROWS(7, 2)
DIRECT_ROWS(8, 2)

static void micro_direct(const GemmStrip *s, GemmLanes b)
{
    static void (*const rows[])(const GemmStrip *, const GemmLanes *) = {direct_rows_1, direct_rows_2, direct_rows_3, direct_rows_4,
                                                                          direct_rows_5, direct_rows_6, direct_rows_7, direct_rows_8};
    rows[s->n_rows - 1](s, &b);
}

#endif
#endif
