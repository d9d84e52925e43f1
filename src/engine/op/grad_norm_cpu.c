/* grad_norm_cpu.c - one pass over the gradients, bound by memory. */
#include "engine/op/op.h"
#include "engine/op/simd_rows.h"

typedef double D16 __attribute__((vector_size(128)));

static double block_squares(const void *x, DType dtype, int64_t n)
{
    D16 total = {0};
    for (int64_t i = 0; i < n; i += 16) {
        D16 v = __builtin_convertvector(load16(x, dtype, i, n), D16);
        total += v * v;
    }
    double sum = 0.0;
    for (int k = 0; k < 16; k++)
        sum += total[k];
    return sum;
}

static double slab_squares(const Tensor *grad, double *blocks)
{
    int64_t count = tensor_count(grad), n_blocks = (count + SUM_BLOCK - 1) / SUM_BLOCK;
    double sum = 0.0;
    assert(is_fast_dtype(grad->dtype));
#pragma omp parallel for schedule(static) if (count > PARALLEL_MIN)
    for (int64_t b = 0; b < n_blocks; b++) {
        int64_t n = count - b * SUM_BLOCK < SUM_BLOCK ? count - b * SUM_BLOCK : SUM_BLOCK;
        blocks[b] = block_squares((const char *)grad->data + b * SUM_BLOCK * dtype_bytes(grad->dtype), grad->dtype, n);
    }
    for (int64_t b = 0; b < n_blocks; b++)
        sum += blocks[b];
    return sum;
}

void KERNEL(grad_norm)(const KernelCall *call)
{
    const float *scalars = call->in[0].data;
    double inv_targets = scalars[SCALAR_INV_TARGETS], max = scalars[SCALAR_GRAD_NORM_MAX], squares = 0.0;
    for (int i = 1; i < call->n_in; i++)
        squares += slab_squares(&call->in[i], call->workspace);
    double norm = sqrt(squares) * inv_targets;
    double factor = max > 0.0 && norm > max ? inv_targets * (max / norm) : inv_targets;
    float *out = call->out[0].data;
    out[0] = (float)norm;
    out[1] = isfinite(norm) ? (float)factor : 0.0f;
}
