/* linear_cpu.c - the bias gradient: columns of dy summed over tokens, leaf by leaf. The products are gemm's. */
#include "engine/op/simd_rows.h"

/* sums [n] += the rows [begin, end), four in one pass over the sums, which stay in the first cache. */
SIMD_INLINE void block_sum(float *sums, const Tensor *dy, DType dtype, int64_t begin, int64_t end, int64_t n)
{
    int64_t row = begin;
    for (; row + 4 <= end; row += 4) {
        const void *r0 = row_at(dy, row), *r1 = row_at(dy, row + 1), *r2 = row_at(dy, row + 2), *r3 = row_at(dy, row + 3);
        for (int64_t i = 0; i < n; i += 16) {
            V16 total = load16(sums, DTYPE_F32, i, n) + load16(r0, dtype, i, n);
            total = total + load16(r1, dtype, i, n) + load16(r2, dtype, i, n) + load16(r3, dtype, i, n);
            store16(sums, DTYPE_F32, i, n, total);
        }
    }
    for (; row < end; row++)
        for (int64_t i = 0; i < n; i += 16)
            store16(sums, DTYPE_F32, i, n, load16(sums, DTYPE_F32, i, n) + load16(row_at(dy, row), dtype, i, n));
}

void KERNEL(linear_grad_bias)(const KernelCall *call)
{
    const Tensor *db = &call->out[0], *dy = &call->in[1];
    int64_t n_tokens = tensor_dim(dy, 0), n = tensor_dim(dy, 1);
    LeafBlocks blocks = token_leaf_blocks(dy->shape, ((const LeafAttr *)call->attr)->leaf);
    assert(db->dtype == DTYPE_F32 && is_fast_dtype(dy->dtype));
#pragma omp parallel for schedule(static) if (n_tokens * n > PARALLEL_MIN)
    for (int64_t block = 0; block < blocks.n_blocks; block++) {
        float *sums = (float *)call->workspace + block * n;
        memset(sums, 0, sizeof *sums * (size_t)n);
        int64_t begin = leaf_block_begin(&blocks, block), end = leaf_block_end(&blocks, block);
        WITH_FAST_DTYPE(dy->dtype, D, block_sum(sums, dy, D, begin, end, n))
    }
    leaf_sums_add(db->data, call->workspace, n, n, &blocks);
}
