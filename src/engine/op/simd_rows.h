/* simd_rows.h - sixteen elements of a row of f32, bf16 or fp16, for kernels that take any: halves are widened on the way in and rounded once
 * on the way out. Element i .. i+15 of a row of n; what lies beyond n is read as 0 and not written. For *_cpu.c only. */
#ifndef ENGINE_OP_SIMD_ROWS_H
#define ENGINE_OP_SIMD_ROWS_H

#include "engine/op/op_internal.h"
#include "engine/op/simd.h"

#include <assert.h>

SIMD_INLINE V16 load16(const void *row, DType dtype, int64_t i, int64_t n)
{
    if (dtype == DTYPE_F32) {
        const float *p = (const float *)row + i;
        return n - i >= 16 ? v16_load(p) : v16_load_tail(p, n - i);
    }
    const uint16_t *p = (const uint16_t *)row + i;
    if (dtype == DTYPE_F16)
        return n - i >= 16 ? v16_load_f16(p) : v16_load_f16_tail(p, n - i);
    return n - i >= 16 ? v16_load_bf16(p) : v16_load_bf16_tail(p, n - i);
}

SIMD_INLINE void store16(void *row, DType dtype, int64_t i, int64_t n, V16 x)
{
    if (dtype == DTYPE_F32) {
        float *p = (float *)row + i;
        if (n - i >= 16)
            v16_store(p, x);
        else
            v16_store_tail(p, x, n - i);
        return;
    }
    uint16_t *p = (uint16_t *)row + i;
    if (dtype == DTYPE_F16 && n - i >= 16)
        v16_store_f16(p, x);
    else if (dtype == DTYPE_F16)
        v16_store_f16_tail(p, x, n - i);
    else if (n - i >= 16)
        v16_store_bf16(p, x);
    else
        v16_store_bf16_tail(p, x, n - i);
}

/* Runs a statement with the constant D in the place of `dtype`: the compiler then makes code for each format. */
#define WITH_FAST_DTYPE(dtype, D, ...)      \
    switch (dtype) {                        \
    case DTYPE_F32: {                       \
        const DType D = DTYPE_F32;          \
        __VA_ARGS__;                        \
        break;                              \
    }                                       \
    case DTYPE_BF16: {                      \
        const DType D = DTYPE_BF16;         \
        __VA_ARGS__;                        \
        break;                              \
    }                                       \
    default: {                              \
        const DType D = DTYPE_F16;          \
        __VA_ARGS__;                        \
    }                                       \
    }

/* x, with zeros in lanes i+lane >= n: for values that do not vanish where the loads read zeros. */
SIMD_INLINE V16 keep16(V16 x, int64_t i, int64_t n)
{
    const I16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return n - i >= 16 ? x : v16_select(lane < i16_set1((int32_t)(n - i)), x, v16_zero());
}

SIMD_INLINE bool is_fast_dtype(DType dtype)
{
    return dtype == DTYPE_F32 || dtype == DTYPE_BF16 || dtype == DTYPE_F16;
}

/* Adds the sums of blocks to the gradient, leaf by leaf. partial [n_blocks, stride], its first n columns being meant; sink [n]. */
SIMD_INLINE void leaf_sums_add(float *sink, const float *partial, int64_t stride, int64_t n, const LeafBlocks *blocks)
{
#pragma omp parallel for schedule(static) if (blocks->n_blocks * n > PARALLEL_MIN)
    for (int64_t i = 0; i < n; i += 16) {
        V16 total = load16(sink, DTYPE_F32, i, n);
        for (int64_t b = 0; b < blocks->n_blocks;) {
            V16 leaf = load16(partial + b * stride, DTYPE_F32, i, n);
            for (b++; b < blocks->n_blocks && b % blocks->blocks_per_leaf; b++)
                leaf += load16(partial + b * stride, DTYPE_F32, i, n);
            total += leaf;
        }
        store16(sink, DTYPE_F32, i, n, total);
    }
}

#endif
