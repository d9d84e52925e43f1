/* rmsnorm_cpu.c - two short passes over a row that stays in the first cache; dgain is summed by blocks of rows (op_internal.h). */
#include "engine/op/addend_rows.h"
#include "engine/op/rmsnorm_internal.h"
#include "engine/op/simd_rows.h"

SIMD_INLINE float rmsnorm_row(void *y, DType y_dtype, const void *x, DType dtype, const Tensor *gain, int64_t C, float eps, float offset)
{
    V16 squares = v16_zero();
    for (int64_t i = 0; i < C; i += 16) {
        V16 v = load16(x, dtype, i, C);
        squares = v16_fma(v, v, squares);
    }
    float inv_rms = 1.0f / sqrtf(v16_sum(squares) / (float)C + eps);
    for (int64_t i = 0; i < C; i += 16)
        store16(y, y_dtype, i, C, load16(x, dtype, i, C) * inv_rms * (offset + load16(gain->data, gain->dtype, i, C)));
    return inv_rms;
}

static void rmsnorm_rows(const KernelCall *call, int64_t begin, int64_t end)
{
    const Tensor *x = &call->in[0], *gain = &call->in[1], *y = &call->out[0];
    const RmsnormAttr *attr = call->attr;
    float eps = (float)attr->eps, offset = (float)attr->offset, *inv_rms = call->out[1].data;
    for (int64_t row = begin; row < end; row++)
        WITH_FAST_DTYPE(x->dtype, D, inv_rms[row] = rmsnorm_row(row_at(y, row), y->dtype, row_at(x, row), D, gain, cols_of(x), eps, offset))
}

void KERNEL(rmsnorm)(const KernelCall *call)
{
    const Tensor *x = &call->in[0];
    int64_t n_rows = rows_of(x);
    assert(is_fast_dtype(x->dtype) && is_fast_dtype(call->in[1].dtype) && is_fast_dtype(call->out[0].dtype));
    if (n_rows * cols_of(x) <= PARALLEL_MIN) {
        rmsnorm_rows(call, 0, n_rows);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < n_rows; row++)
        rmsnorm_rows(call, row, row + 1);
}

/* dgain: this block's sums; NULL: not wanted. addend, copy (of dx): NULL: none. */
SIMD_INLINE void rmsnorm_backward_row(void *dx, const void *addend, void *copy, DType copy_dtype, float *dgain, const void *x, DType x_dtype, const void *dy, DType dy_dtype,
                                      const Tensor *gain, float offset, float inv_rms, int64_t C)
{
    V16 dot = v16_zero();
    for (int64_t i = 0; i < C; i += 16) {
        V16 n = load16(x, x_dtype, i, C) * inv_rms, g = load16(dy, dy_dtype, i, C);
        dot = v16_fma(g * (offset + load16(gain->data, gain->dtype, i, C)), n, dot);
        if (dgain)
            store16(dgain, DTYPE_F32, i, C, v16_fma(g, n, load16(dgain, DTYPE_F32, i, C)));
    }
    float mean = v16_sum(dot) / (float)C;
    for (int64_t i = 0; i < C; i += 16) {
        V16 n = load16(x, x_dtype, i, C) * inv_rms, dn = load16(dy, dy_dtype, i, C) * (offset + load16(gain->data, gain->dtype, i, C));
        store16_added(dx, addend, x_dtype, copy, copy_dtype, i, C, inv_rms * (dn - n * mean));
    }
}

void KERNEL(rmsnorm_backward)(const KernelCall *call)
{
    const Tensor *x = &call->in[0], *gain = &call->in[1], *dy = &call->in[3], *addend = &call->in[5], *dx = &call->out[0];
    const Tensor *copy = &call->out[call->n_out - 1];
    const RmsnormAttr *attr = call->attr;
    const bool has_copy = attr->round_to != DTYPE_F32;
    const float *inv_rms = call->in[2].data;
    float *dgain = call->in[4].data;
    int64_t n_rows = rows_of(x), C = cols_of(x);
    LeafBlocks blocks = token_leaf_blocks(x->shape, attr->leaf);
    const int64_t n_made = call->part == LEAVES_ADDED ? 0 : blocks.n_blocks;
    assert(is_fast_dtype(x->dtype) && is_fast_dtype(gain->dtype) && is_fast_dtype(dy->dtype));
#pragma omp parallel for schedule(static) if (n_rows * C > PARALLEL_MIN)
    for (int64_t block = 0; block < n_made; block++) {
        float *sums = dgain ? (float *)call->workspace + block * C : NULL;
        if (sums)
            memset(sums, 0, sizeof *sums * (size_t)C);
        for (int64_t row = leaf_block_begin(&blocks, block); row < leaf_block_end(&blocks, block); row++)
            rmsnorm_backward_row(row_at(dx, row), addend->data ? row_at(addend, row) : NULL, has_copy ? row_at(copy, row) : NULL, copy->dtype, sums,
                                 row_at(x, row), x->dtype,
                                 row_at(dy, row), dy->dtype, gain, (float)attr->offset, inv_rms[row], C);
    }
    if (dgain && call->part != LEAVES_MADE)
        leaf_sums_add(dgain, call->workspace, C, C, &blocks);
}
