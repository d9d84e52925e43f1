/* linear_packed_then.c - z = f(x W + b, ...) over a packed weight: linear_packed, and an elementwise operator upon what it makes; see linear_then.c.
 *
 * A thread goes over the columns that it has made, while they are near: of one row, which is decode, over all of them at once. */
#include "engine/op/linear_packed_internal.h"
#include "engine/op/linear_then.h"

OP_KERNELS_DECLARE(linear_packed_then);

static const LinearThen *then_of(const void *attr)
{
    return &((const PackedThen *)attr)->then;
}

static void packed_then_infer(Infer *infer)
{
    linear_packed_infer(infer);
    linear_then_infer_others(infer, then_of(infer->attr));
}

static void packed_then_cost(const Call *call, Cost *cost)
{
    linear_packed_cost(call, cost);
    if (then_of(call->attr)->op->cost)
        then_of(call->attr)->op->cost(call, cost);
}

static void packed_then_reference(const KernelCall *call)
{
    const LinearThen *then = then_of(call->attr);
    const Tensor *y = &call->out[0];
    linear_packed_reference(call);
    linear_then_window(call, then, then->op->reference, 0, tensor_dim(y, 0), 0, tensor_dim(y, 1));
}

const OpInfo linear_packed_then_info = {
    .name = "linear_packed_then",
    .axes = "nk,P,m,nm->nm",
    .flags = OP_PURE,
    .precision = PRECISION_KEEP,
    .infer = packed_then_infer,
    .cost = packed_then_cost,
    .shares = linear_packed_shares,
    .share_reads = linear_packed_share_reads,
    .reference = packed_then_reference,
    .cpu = OP_KERNELS(linear_packed_then),
};
