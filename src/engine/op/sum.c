/* sum.c - y[0] = the sum of all elements of x.
 *
 *   x  any shape, f32 or bf16        y  f32 [1] (f64 of f64)
 *
 * Blocks of SUM_BLOCK elements are summed in double, then the blocks from the left: an order that the shape alone decides. The
 * derivative gives dy[0] to every element. */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

OP_KERNELS_DECLARE(sum);
OP_KERNELS_DECLARE(sum_backward);

const OpInfo sum_backward_info;

static void sum_infer(Infer *infer)
{
    if (!infer_is_float(infer, 0, "x"))
        return;
    if (!node_is_dense(infer->in[0])) {
        infer_fail(infer, "x is %s and not dense", infer_describe(infer, 0));
        return;
    }
    infer->out[0].dtype = dtype_wider(infer->in[0]->dtype, DTYPE_F32);
    infer->out[0].shape = shape_1(1);
    infer->workspace_bytes = sizeof(double) * (size_t)(shape_count(infer->in[0]->shape) / SUM_BLOCK + 1);
}

static void sum_derive(Derive *d)
{
    d->dx[0] = graph_call(d->g, &sum_backward_info, (Node *[]){d->in[0], d->dy[0]}, 2, NULL, 0);
}

static void sum_reference(const KernelCall *call)
{
    double total = 0.0;
    for (int64_t i = 0; i < tensor_count(&call->in[0]); i++)
        total += tensor_get(&call->in[0], i);
    tensor_set(&call->out[0], 0, total);
}

static void sum_cost(const Call *call, Cost *cost)
{
    cost->other_flops += node_count(call->in[0]);
}

const OpInfo sum_info = {
    .name = "sum",
    .axes = "abcd->e",
    .flags = OP_PURE,
    .precision = PRECISION_KEEP,
    .infer = sum_infer,
    .derive = sum_derive,
    .cost = sum_cost,
    .reference = sum_reference,
    .cpu = OP_KERNELS(sum),
};

Node *sum(Graph *g, Node *x)
{
    x = dense(g, x);
    return graph_call(g, &sum_info, &x, 1, NULL, 0);
}

/* ---- backward: x for its shape, dy [1] -> dx ---- */

static void backward_infer(Infer *infer)
{
    if (infer_is_float(infer, 1, "dy") && infer_has_shape(infer, 1, shape_1(1), "dy"))
        infer_like(infer, 0, 0);
}

static void backward_reference(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++)
        tensor_set(&call->out[0], i, tensor_get(&call->in[1], 0));
}

static void backward_cost(const Call *call, Cost *cost)
{
    (void)call;
    cost->bytes_read = 4.0;  /* x is there for its shape only */
}

const OpInfo sum_backward_info = {
    .name = "sum_backward",
    .axes = "abcd,e->abcd",
    .flags = OP_PURE | OP_CHEAP,
    .precision = PRECISION_KEEP,
    .infer = backward_infer,
    .cost = backward_cost,
    .reference = backward_reference,
    .cpu = OP_KERNELS(sum_backward),
};
