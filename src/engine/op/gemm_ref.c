/* gemm_ref.c - the plain matrix product that judges the fast one; see gemm.h. */
#include "engine/op/gemm.h"

#include <math.h>

static double element(const void *base, DType dtype, int64_t index)
{
    if (dtype == DTYPE_F32)
        return (double)((const float *)base)[index];
    uint16_t half = ((const uint16_t *)base)[index];
    return (double)(dtype == DTYPE_F16 ? f32_from_f16(half) : f32_from_bf16(half));
}

void gemm_ref(const Gemm *g, double *c, double *magnitude)
{
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            double old = g->accumulate ? element(g->c, g->c_dtype, i * g->c_row_stride + j) : 0.0;
            double bias = g->bias ? (double)g->bias[j] : 0.0;
            double sum = old, size = fabs(old);
            for (int64_t k = 0; k < g->k; k++) {
                double product = element(g->a, g->a_dtype, i * g->a_row_stride + k * g->a_col_stride) *
                                 element(g->b, g->b_dtype, k * g->b_row_stride + j * g->b_col_stride);
                sum += product;
                size += fabs(product);
            }
            c[i * g->n + j] = sum + bias;
            magnitude[i * g->n + j] = size + fabs(bias);
        }
}

/* A product meets its own rounding (none if fused), those of the sum of its block, of adding the blocks and the bias; blocks are of either length
 * where pairs may be multiplied. */
double gemm_error_bound(const Gemm *g)
{
    const int64_t longest = g->a_dtype == DTYPE_BF16 && g->b_dtype == DTYPE_BF16 ? GEMM_K_BLOCK_PAIRS : GEMM_K_BLOCK;
    int64_t block = g->k_leaf ? g->k_leaf : longest, shortest = g->k_leaf ? g->k_leaf : GEMM_K_BLOCK;
    int64_t n_blocks = (g->k + shortest - 1) / shortest;
    double roundings = (double)((g->k < block ? g->k : block) + n_blocks + 2);
    double u = ldexp(1.0, -24), gamma = roundings * u / (1.0 - roundings * u);
    if (g->c_dtype == DTYPE_F32)
        return gamma;
    return gamma + ldexp(1.0 + gamma, g->c_dtype == DTYPE_F16 ? -11 : -8);
}
