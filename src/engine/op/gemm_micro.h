/* gemm_micro.h - the tile of C that stays in registers while a block of K passes; a template for the kernel files.
 *
 * Before including it, a kernel file defines
 *     Vec, VEC_LANES              the accumulator: a vector of floats
 *     MICRO_ROWS, MICRO_VECS      the tile: rows, and vectors in a row, such that all accumulators fit the registers
 *     MICRO_MULTIPLY_ADD(acc, a, b)  acc plus the product(s) of two words: a one word for all lanes, b a vector of words, as Vec
 * and gets micro_tile, a GemmKernel.tile. */
#include "engine/op/gemm_kernels.h"
#include "engine/op/simd.h"

#if defined(__clang__)
#define MICRO_UNROLL _Pragma("unroll")
#else
#define MICRO_UNROLL _Pragma("GCC unroll 16")
#endif

enum { MICRO_COLUMNS = MICRO_VECS * VEC_LANES };
typedef Vec VecUnaligned __attribute__((aligned(4), may_alias));
typedef float FloatWord __attribute__((may_alias));

static float out_load(const void *base, DType dtype, int64_t at)
{
    return dtype == DTYPE_BF16 ? f32_from_bf16(((const uint16_t *)base)[at]) : ((const float *)base)[at];
}

/* The general way out: edges, bf16, bias. */
static __attribute__((noinline)) void micro_out(int n_rows, const float *sum, const GemmOut *out)
{
    for (int i = 0; i < n_rows; i++)
        for (int j = 0; j < out->n_columns; j++) {
            float x = sum[i * MICRO_COLUMNS + j];
            if (out->from)
                x = out_load(out->from, out->from_dtype, i * out->from_stride + j) + x;
            if (out->bias)
                x += out->bias[j];
            if (out->to_dtype == DTYPE_BF16)
                ((uint16_t *)out->to)[i * out->to_stride + j] = bf16_from_f32(x);
            else
                ((float *)out->to)[i * out->to_stride + j] = x;
        }
}

SIMD_INLINE void micro_rows(const int n_rows, int64_t n_words, const uint32_t *a_panel, const uint32_t *b_panel,
                            const GemmOut *out)
{
    Vec acc[MICRO_ROWS][MICRO_VECS];
    const FloatWord *a = (const FloatWord *)a_panel, *b = (const FloatWord *)b_panel;
    MICRO_UNROLL for (int i = 0; i < n_rows; i++)
        MICRO_UNROLL for (int v = 0; v < MICRO_VECS; v++)
            acc[i][v] = (Vec){};
    if (out->from && out->from_dtype == DTYPE_F32)
        for (int i = 0; i < n_rows; i++)
            for (int j = 0; j < MICRO_COLUMNS; j += 16)
                __builtin_prefetch((const float *)out->from + i * out->from_stride + j, 1);
    for (int64_t k = 0; k < n_words; k++) {
        Vec row[MICRO_VECS];
        MICRO_UNROLL for (int v = 0; v < MICRO_VECS; v++)
            row[v] = *(const VecUnaligned *)(b + v * VEC_LANES);
        __builtin_prefetch(b + 8 * MICRO_COLUMNS);
        __builtin_prefetch(b + 8 * MICRO_COLUMNS + 16);
        MICRO_UNROLL for (int i = 0; i < n_rows; i++)
            MICRO_UNROLL for (int v = 0; v < MICRO_VECS; v++)
                acc[i][v] = MICRO_MULTIPLY_ADD(acc[i][v], a[i], row[v]);
        a += n_rows;
        b += MICRO_COLUMNS;
    }
    if (out->n_columns == MICRO_COLUMNS && !out->bias && out->to_dtype == DTYPE_F32 &&
        (!out->from || out->from_dtype == DTYPE_F32)) {
        MICRO_UNROLL for (int i = 0; i < n_rows; i++)
            MICRO_UNROLL for (int v = 0; v < MICRO_VECS; v++) {
                Vec x = acc[i][v];
                if (out->from)
                    x = *(const VecUnaligned *)((const float *)out->from + i * out->from_stride + v * VEC_LANES) + x;
                *(VecUnaligned *)((float *)out->to + i * out->to_stride + v * VEC_LANES) = x;
            }
    } else {
        Vec sum[MICRO_ROWS][MICRO_VECS];  /* a copy: acc itself must not need an address, or it leaves the registers */
        MICRO_UNROLL for (int i = 0; i < n_rows; i++)
            MICRO_UNROLL for (int v = 0; v < MICRO_VECS; v++)
                sum[i][v] = acc[i][v];
        micro_out(n_rows, (const float *)sum, out);
    }
}

#define MICRO_CASE(rows) \
    case rows: micro_rows(rows, n_words, a, b, out); break

static void micro_tile(int n_rows, int64_t n_words, const uint32_t *a, const uint32_t *b, const GemmOut *out)
{
    switch (n_rows) {
        MICRO_CASE(1);
        MICRO_CASE(2);
        MICRO_CASE(3);
        MICRO_CASE(4);
#if MICRO_ROWS > 4
        MICRO_CASE(5);
        MICRO_CASE(6);
        MICRO_CASE(7);
        MICRO_CASE(8);
        MICRO_CASE(9);
        MICRO_CASE(10);
        MICRO_CASE(11);
        MICRO_CASE(12);
        MICRO_CASE(13);
        MICRO_CASE(14);
#endif
    }
}
