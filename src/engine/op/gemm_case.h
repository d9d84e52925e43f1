/* gemm_case.h - products with made-up operands, for the tests and benches of gemm. */
#ifndef ENGINE_OP_GEMM_CASE_H
#define ENGINE_OP_GEMM_CASE_H

#include "base/arena.h"
#include "engine/op/gemm.h"

/* How an operand lies: rows one after the other, columns one after the other, or every third element of rows. */
typedef enum { LAY_ROWS, LAY_COLUMNS, LAY_SPREAD } Lay;

/* n values in [-1, 1), f32, bf16 or fp16, from a linear congruential generator (Knuth's MMIX): cheap, for there are many. */
static inline void *gemm_case_values(Arena *arena, DType dtype, int64_t n, uint32_t stream)
{
    void *values = arena_alloc(arena, (size_t)n * (size_t)dtype_bytes(dtype));
    uint64_t state = stream;
    for (int64_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        float x = (float)(int32_t)(state >> 32) * 0x1p-31f;
        if (dtype == DTYPE_BF16)
            ((uint16_t *)values)[i] = bf16_from_f32(x);
        else if (dtype == DTYPE_F16)
            ((uint16_t *)values)[i] = f16_from_f32(x);
        else
            ((float *)values)[i] = x;
    }
    return values;
}

static inline void gemm_case_strides(Lay lay, int64_t n_rows, int64_t n_columns, int64_t *row_stride, int64_t *col_stride)
{
    *row_stride = lay == LAY_ROWS ? n_columns : lay == LAY_COLUMNS ? 1 : 3 * n_columns + 2;
    *col_stride = lay == LAY_ROWS ? 1 : lay == LAY_COLUMNS ? n_rows : 3;
}

/* Operands of m x n x k, dtypes abc, A and B lying as said; no bias, not accumulating. C has 5 columns between its rows. */
static inline Gemm gemm_case(Arena *arena, int64_t m, int64_t n, int64_t k, DType a, DType b, DType c, Lay lay_a, Lay lay_b)
{
    Gemm g = {.m = m, .n = n, .k = k, .a_dtype = a, .b_dtype = b, .c_dtype = c, .c_row_stride = n + 5};
    gemm_case_strides(lay_a, m, k, &g.a_row_stride, &g.a_col_stride);
    gemm_case_strides(lay_b, k, n, &g.b_row_stride, &g.b_col_stride);
    g.a = gemm_case_values(arena, a, (lay_a == LAY_SPREAD ? 3 : 1) * (m * k + 2 * m), 1);
    g.b = gemm_case_values(arena, b, (lay_b == LAY_SPREAD ? 3 : 1) * (k * n + 2 * k), 2);
    g.c = gemm_case_values(arena, c, m * g.c_row_stride, 3);
    return g;
}

#endif
