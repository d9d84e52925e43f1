/* sum_cpu.c - blocks in double, then the blocks from the left. */
#include "engine/op/simd_rows.h"

typedef double D16 __attribute__((vector_size(128)));

static double block_sum(const void *x, DType dtype, int64_t n)
{
    D16 total = {0};
    for (int64_t i = 0; i < n; i += 16)
        total += __builtin_convertvector(load16(x, dtype, i, n), D16);
    double sum = 0.0;
    for (int k = 0; k < 16; k++)
        sum += total[k];
    return sum;
}

void KERNEL(sum)(const KernelCall *call)
{
    const Tensor *x = &call->in[0];
    int64_t count = tensor_count(x), n_blocks = (count + SUM_BLOCK - 1) / SUM_BLOCK;
    double *blocks = call->workspace, total = 0.0;
    assert(is_fast_dtype(x->dtype));
#pragma omp parallel for schedule(static) if (count > PARALLEL_MIN)
    for (int64_t b = 0; b < n_blocks; b++) {
        int64_t n = count - b * SUM_BLOCK < SUM_BLOCK ? count - b * SUM_BLOCK : SUM_BLOCK;
        blocks[b] = block_sum((const char *)x->data + b * SUM_BLOCK * dtype_bytes(x->dtype), x->dtype, n);
    }
    for (int64_t b = 0; b < n_blocks; b++)
        total += blocks[b];
    *(float *)call->out[0].data = (float)total;
}

void KERNEL(sum_backward)(const KernelCall *call)
{
    const Tensor *dx = &call->out[0], *dy = &call->in[1];
    int64_t count = tensor_count(dx);
    V16 value = v16_set1(load16(dy->data, dy->dtype, 0, 1)[0]);
    assert(is_fast_dtype(dx->dtype) && is_fast_dtype(dy->dtype));
#pragma omp parallel for schedule(static) if (count > PARALLEL_MIN)
    for (int64_t i = 0; i < count; i += 16)
        store16(dx->data, dx->dtype, i, count, value);
}
