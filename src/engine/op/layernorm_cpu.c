/* layernorm_cpu.c - a row stays in the first cache while three short passes go over it. Backward sums dgain and dbias of a block of
 * rows in the same passes; blocks meet leaf by leaf (op_internal.h). */
#include "engine/op/addend_rows.h"
#include "engine/op/simd_rows.h"

SIMD_INLINE float row_mean(const void *x, DType dtype, int64_t C)
{
    V16 total = v16_zero();
    for (int64_t i = 0; i < C; i += 16)
        total += load16(x, dtype, i, C);
    return v16_sum(total) / (float)C;
}

SIMD_INLINE float row_variance(const void *x, DType dtype, int64_t C, float mean)
{
    V16 total = v16_zero();
    for (int64_t i = 0; i < C; i += 16) {
        V16 delta = keep16(load16(x, dtype, i, C) - mean, i, C);
        total = v16_fma(delta, delta, total);
    }
    return v16_sum(total) / (float)C;
}

SIMD_INLINE void layernorm_row(void *y, DType y_dtype, const void *x, DType dtype, const Tensor *gain, const Tensor *bias, int64_t C, float eps,
                               float *mean, float *inv_std)
{
    *mean = row_mean(x, dtype, C);
    *inv_std = 1.0f / sqrtf(row_variance(x, dtype, C, *mean) + eps);
    V16 shift = v16_set1(*mean), factor = v16_set1(*inv_std);
    for (int64_t i = 0; i < C; i += 16) {
        V16 n = (load16(x, dtype, i, C) - shift) * factor;
        V16 b = bias->data ? load16(bias->data, bias->dtype, i, C) : v16_zero();
        store16(y, y_dtype, i, C, v16_fma(n, load16(gain->data, gain->dtype, i, C), b));
    }
}

static void layernorm_rows(const KernelCall *call, int64_t begin, int64_t end)
{
    const Tensor *x = &call->in[0], *gain = &call->in[1], *bias = &call->in[2], *y = &call->out[0];
    float eps = (float)*(const double *)call->attr;
    float *means = call->out[1].data, *inv_stds = call->out[2].data;
    for (int64_t row = begin; row < end; row++)
        WITH_FAST_DTYPE(x->dtype, D, layernorm_row(row_at(y, row), y->dtype, row_at(x, row), D, gain, bias, cols_of(x), eps, &means[row], &inv_stds[row]))
}

void KERNEL(layernorm)(const KernelCall *call)
{
    const Tensor *x = &call->in[0];
    int64_t n_rows = rows_of(x);
    assert(is_fast_dtype(x->dtype) && is_fast_dtype(call->in[1].dtype) && is_fast_dtype(call->in[2].dtype) && is_fast_dtype(call->out[0].dtype));
    if (n_rows * cols_of(x) <= PARALLEL_MIN) {
        layernorm_rows(call, 0, n_rows);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < n_rows; row++)
        layernorm_rows(call, row, row + 1);
}

/* ---- backward ---- */

typedef struct {
    const void *x, *dy, *addend;  /* addend: NULL: none */
    void *copy;                   /* of dx; NULL: none */
    DType x_dtype, dy_dtype, copy_dtype;
    const Tensor *gain;
    int64_t C;
    float mean, inv_std;
    float *dgain, *dbias;  /* this block's sums, NULL: not wanted */
} BackwardRow;

SIMD_INLINE void layernorm_backward_row(const BackwardRow *r, void *dx)
{
    int64_t C = r->C;
    V16 sum_dn = v16_zero(), sum_dn_n = v16_zero(), shift = v16_set1(r->mean), factor = v16_set1(r->inv_std);
    for (int64_t i = 0; i < C; i += 16) {
        V16 g = load16(r->dy, r->dy_dtype, i, C), n = (load16(r->x, r->x_dtype, i, C) - shift) * factor;
        V16 dn = g * load16(r->gain->data, r->gain->dtype, i, C);
        sum_dn += dn;
        sum_dn_n = v16_fma(dn, n, sum_dn_n);
        if (r->dgain)
            store16(r->dgain, DTYPE_F32, i, C, v16_fma(g, n, load16(r->dgain, DTYPE_F32, i, C)));
        if (r->dbias)
            store16(r->dbias, DTYPE_F32, i, C, g + load16(r->dbias, DTYPE_F32, i, C));
    }
    V16 mean_dn = v16_set1(v16_sum(sum_dn) / (float)C), mean_dn_n = v16_set1(v16_sum(sum_dn_n) / (float)C);
    for (int64_t i = 0; i < C; i += 16) {
        V16 g = load16(r->dy, r->dy_dtype, i, C), n = (load16(r->x, r->x_dtype, i, C) - shift) * factor;
        V16 dn = g * load16(r->gain->data, r->gain->dtype, i, C);
        store16_added(dx, r->addend, r->x_dtype, r->copy, r->copy_dtype, i, C, factor * (dn - mean_dn - n * mean_dn_n));
    }
}

/* The rows of one block. */
SIMD_INLINE void layernorm_backward_rows(const KernelCall *call, BackwardRow r, int64_t begin, int64_t end)
{
    const Tensor *copy = &call->out[call->n_out - 1];
    const bool has_copy = ((const LeafCopyAttr *)call->attr)->copy_dtype != DTYPE_F32;
    r.copy_dtype = copy->dtype;
    for (int64_t row = begin; row < end; row++) {
        r.x = row_at(&call->in[0], row);
        r.dy = row_at(&call->in[4], row);
        r.addend = call->in[7].data ? row_at(&call->in[7], row) : NULL;
        r.copy = has_copy ? row_at(copy, row) : NULL;
        r.mean = ((const float *)call->in[2].data)[row];
        r.inv_std = ((const float *)call->in[3].data)[row];
        layernorm_backward_row(&r, row_at(&call->out[0], row));
    }
}

void KERNEL(layernorm_backward)(const KernelCall *call)
{
    const Tensor *x = &call->in[0], *gain = &call->in[1], *dy = &call->in[4];
    float *dgain = call->in[5].data, *dbias = call->in[6].data;
    int64_t n_rows = rows_of(x), C = cols_of(x);
    LeafBlocks blocks = token_leaf_blocks(x->shape, ((const LeafCopyAttr *)call->attr)->leaf);
    const int64_t n_made = call->part == LEAVES_ADDED ? 0 : blocks.n_blocks;
    assert(is_fast_dtype(x->dtype) && is_fast_dtype(gain->dtype) && is_fast_dtype(dy->dtype));
#pragma omp parallel for schedule(static) if (n_rows * C > PARALLEL_MIN)
    for (int64_t block = 0; block < n_made; block++) {
        float *sums = (float *)call->workspace + block * 2 * C;
        BackwardRow r = {.x_dtype = x->dtype, .dy_dtype = dy->dtype, .gain = gain, .C = C,
                         .dgain = dgain ? sums : NULL, .dbias = dbias ? sums + C : NULL};
        if (dgain || dbias)
            memset(sums, 0, sizeof(float) * (size_t)(2 * C));
        layernorm_backward_rows(call, r, leaf_block_begin(&blocks, block), leaf_block_end(&blocks, block));
    }
    if (dgain && call->part != LEAVES_MADE)
        leaf_sums_add(dgain, call->workspace, 2 * C, C, &blocks);
    if (dbias && call->part != LEAVES_MADE)
        leaf_sums_add(dbias, (const float *)call->workspace + C, 2 * C, C, &blocks);
}
