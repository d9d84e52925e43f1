/* dropout_cpu.c - masks of sixteen channels from four Philox blocks. */
#include "engine/op/dropout_internal.h"
#include "engine/op/simd_rows.h"

static void drop_row(void *y, const void *x, DType dtype, int64_t C, const DropoutAttr *attr, const int32_t draw[3])
{
    const uint32_t threshold = dropout_threshold(attr);
    const float grown = (float)(1.0 / (1.0 - attr->rate));
    for (int64_t i = 0; i < C; i += 16) {
        float factor[16];
        for (int64_t k = 0; k < 4; k++) {
            Philox words = dropout_words(attr, draw, (uint64_t)(i / 4 + k));
            for (int w = 0; w < 4; w++)
                factor[4 * k + w] = words.word[w] >= threshold ? grown : 0.0f;
        }
        V16 f = v16_load(factor), v = load16(x, dtype, i, C);
        store16(y, dtype, i, C, v16_select(f > 0.0f, v * f, v16_zero()));  /* what is dropped is 0, NaN or not */
    }
}

void KERNEL(dropout)(const KernelCall *call)
{
    const Tensor *x = &call->in[0], *y = &call->out[0];
    const int32_t *draws = call->in[1].data;
    const int64_t n_rows = tensor_dim(x, 0), C = tensor_dim(x, 1);
    assert(is_fast_dtype(x->dtype) && y->dtype == x->dtype);
#pragma omp parallel for schedule(static) if (n_rows * C > PARALLEL_MIN / 8)
    for (int64_t n = 0; n < n_rows; n++)
        drop_row(row_at(y, n), row_at(x, n), x->dtype, C, call->attr, draws + 3 * n);
}
