/* split_cpu.c - concat: rows copied side by side. */
#include "engine/op/simd_rows.h"

void KERNEL(concat)(const KernelCall *call)
{
    const Tensor *y = &call->out[0];
    int64_t n_rows = rows_of(y), width = cols_of(y);
    assert(is_fast_dtype(y->dtype));
#pragma omp parallel for schedule(static) if (n_rows * width > PARALLEL_MIN)
    for (int64_t row = 0; row < n_rows; row++) {
        char *to = row_at(y, row);
        for (int k = 0; k < call->n_in; k++) {
            const Tensor *x = &call->in[k];
            int64_t W = cols_of(x);
            const void *from = row_at(x, row);
            for (int64_t i = 0; i < W; i += 16)
                store16(to, y->dtype, i, W, load16(from, x->dtype, i, W));
            to += W * dtype_bytes(y->dtype);
        }
    }
}
