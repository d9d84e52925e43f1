/* cache_write.c - cache[slots[n]] = x[n], in place: new keys and values enter a cache.
 *
 *   cache  [Hkv, capacity, D]  a state, f32 or bf16       x  [N, Hkv, D]  rounded to the cache's dtype
 *   slots  [N] i32             in [0, capacity), all different; an assert, for the host that gave them has checked
 *
 * A head's keys follow one another, so that a token which looks back reads one stretch of memory a head. Reads of the result see x: it is the cache,
 * seen as [capacity, Hkv, D]. Not differentiable: a cache outlives the run. */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"
#include "engine/op/simd_rows.h"

#include <assert.h>
#include <string.h>

OP_KERNELS_DECLARE(cache_write);

static void cache_write_infer(Infer *infer)
{
    const Node *cache = infer->in[0], *x = infer->in[1], *slots = infer->in[2];
    if (!infer_is_float(infer, 0, "the cache") || !infer_is_rows(infer, 0, 3, "the cache") || !infer_is_float(infer, 1, "x") ||
        !infer_is_rows(infer, 1, 3, "x"))
        return;
    const int64_t n_heads = cache->shape.dim[0], capacity = cache->shape.dim[1], width = cache->shape.dim[2];
    if (x->shape.dim[1] != n_heads || x->shape.dim[2] != width)
        infer_fail(infer, "the cache is %s, x is %s: the same heads expected", infer_describe(infer, 0), infer_describe(infer, 1));
    else if (slots->dtype != DTYPE_I32 || !shape_equal(slots->shape, shape_1(x->shape.dim[0])) || slots->bound != x->bound)
        infer_fail(infer, "x is %s, slots is %s: an i32 a token expected", infer_describe(infer, 1), infer_describe(infer, 2));
    if (infer->failed)
        return;
    infer_writes(infer, 0, 0);
    infer->out[0].shape = shape_3(capacity, n_heads, width);
    memcpy(infer->out[0].stride, (int64_t[]){width, capacity * width, 1}, 3 * sizeof(int64_t));
}

static void cache_write_reference(const KernelCall *call)
{
    const Tensor *cache = &call->out[0], *x = &call->in[1], *slots = &call->in[2];
    int64_t n_tokens = tensor_dim(x, 0), row = tensor_dim(x, 1) * tensor_dim(x, 2);
    for (int64_t n = 0; n < n_tokens; n++) {
        int64_t slot = ((const int32_t *)slots->data)[n];
        assert(slot >= 0 && slot < tensor_dim(cache, 0));
        for (int64_t i = 0; i < row; i++)
            tensor_set(cache, slot * row + i, tensor_get(x, n * row + i));
    }
}

static bool cache_write_shares(const Call *call)
{
    (void)call;
    return true;
}

const OpInfo cache_write_info = {
    .name = "cache_write",
    .axes = "gSd,ngd,n->Sgd",
    .flags = OP_WRITES_STATE | OP_HEADS,
    .shares = cache_write_shares,
    .precision = PRECISION_FOLLOW,
    .infer = cache_write_infer,
    .reference = cache_write_reference,
    .cpu = OP_KERNELS(cache_write),
};

Node *cache_write(Graph *g, Node *cache, Node *x, Node *slots)
{
    return graph_call(g, &cache_write_info, (Node *[]){cache, x, slots}, 3, NULL, 0);
}
