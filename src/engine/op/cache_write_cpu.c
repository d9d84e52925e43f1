/* cache_write_cpu.c - rows into a cache; see cache_write.c. */
#include "engine/op/shares.h"
#include "engine/op/simd_rows.h"

/* Heads [first, end) of token n. */
static void row_write(const Tensor *cache, int64_t slot, const Tensor *x, int64_t n, int64_t first, int64_t end)
{
    assert(slot >= 0 && slot < cache->shape.dim[0]);
    int64_t width = x->shape.dim[2];
    for (int64_t h = first; h < end; h++) {
        void *to = row_at(cache, slot * cache->shape.dim[1] + h);
        const void *from = row_at(x, n * x->shape.dim[1] + h);
        for (int64_t i = 0; i < width; i += 16)
            store16(to, cache->dtype, i, width, load16(from, x->dtype, i, width));
    }
}

void KERNEL(cache_write)(const KernelCall *call)
{
    const Tensor *cache = &call->out[0], *x = &call->in[1];
    const int32_t *slots = call->in[2].data;
    const int64_t n_heads = x->shape.dim[1];
    assert(is_fast_dtype(cache->dtype) && is_fast_dtype(x->dtype));
    if (call->n_shares > 0) {
        for (int64_t n = 0; n < x->shape.dim[0]; n++)
            row_write(cache, slots[n], x, n, share_begin(n_heads, call->share, call->n_shares), share_begin(n_heads, call->share + 1, call->n_shares));
        return;
    }
    if (tensor_count(x) <= PARALLEL_MIN) {
        for (int64_t n = 0; n < x->shape.dim[0]; n++)
            row_write(cache, slots[n], x, n, 0, n_heads);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t n = 0; n < x->shape.dim[0]; n++)
        row_write(cache, slots[n], x, n, 0, n_heads);
}
