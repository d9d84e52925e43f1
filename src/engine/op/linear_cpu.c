/* linear_cpu.c - the bias gradient: columns of dy summed over tokens, leaf by leaf. The products are gemm's. */
#include "engine/op/simd_rows.h"

enum { COLS = 64 };  /* a strip of columns that one thread sums; its sums stay in registers */

SIMD_INLINE void strip_add_leaf(float *db, const Tensor *dy, int64_t col, int64_t begin, int64_t end)
{
    int64_t n = tensor_dim(dy, 1);
    V16 total[COLS / 16] = {0};
    for (int64_t row = begin; row < end; row++) {
        const void *from = row_at(dy, row);
        for (int k = 0; k < COLS / 16; k++)
            if (col + 16 * k < n)
                total[k] += load16(from, dy->dtype, col + 16 * k, n);
    }
    for (int k = 0; k < COLS / 16; k++)
        if (col + 16 * k < n)
            store16(db, DTYPE_F32, col + 16 * k, n, load16(db, DTYPE_F32, col + 16 * k, n) + total[k]);
}

void KERNEL(linear_grad_bias)(const KernelCall *call)
{
    const Tensor *db = &call->out[0], *dy = &call->in[1];
    int64_t leaf = ((const LeafAttr *)call->attr)->leaf, n_tokens = tensor_dim(dy, 0), n = tensor_dim(dy, 1);
    assert(db->dtype == DTYPE_F32 && is_fast_dtype(dy->dtype));
#pragma omp parallel for schedule(static) if (n_tokens * n > PARALLEL_MIN)
    for (int64_t col = 0; col < n; col += COLS)
        for (int64_t begin = 0; begin < n_tokens; begin += leaf)
            strip_add_leaf(db->data, dy, col, begin, begin + leaf < n_tokens ? begin + leaf : n_tokens);
}
