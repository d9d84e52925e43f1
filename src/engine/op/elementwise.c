/* elementwise.c - y = a + b, y = a * b, y = factor * x, element by element.
 *
 *   a, b  one shape, f32 or bf16 (f64 on the reference backend)
 *   y     the wider dtype of the two; computed in f32, rounded once
 *
 * Derivatives: of a sum, dy itself; of a product, dy times the other factor; of factor * x, factor * dy; each in the dtype of
 * its input. A residual stream in f32 so takes bf16 branches and hands bf16 gradients back to them. */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

OP_KERNELS_DECLARE(add);
OP_KERNELS_DECLARE(mul);
OP_KERNELS_DECLARE(scale);

static void pair_infer(Infer *infer)
{
    if (!infer_is_float(infer, 0, "a") || !infer_is_float(infer, 1, "b") || !infer_same_rows(infer, 0, 1))
        return;
    infer_like(infer, 0, 0);
    infer->out[0].dtype = dtype_wider(infer->in[0]->dtype, infer->in[1]->dtype);
}

static void elementwise_cost(const Call *call, Cost *cost)
{
    cost->other_flops += node_count(call->out[0]);
}

/* ---- add ---- */

static void add_derive(Derive *d)
{
    for (int i = 0; i < 2; i++)
        if (d->wanted[i])
            d->dx[i] = cast(d->g, d->dy[0], node_dtype(d->in[i]));
}

static void add_reference(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++)
        tensor_set(&call->out[0], i, tensor_get(&call->in[0], i) + tensor_get(&call->in[1], i));
}

const OpInfo add_info = {
    .name = "add",
    .axes = "abcd,abcd->abcd",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = pair_infer,
    .derive = add_derive,
    .cost = elementwise_cost,
    .reference = add_reference,
    .cpu = OP_KERNELS(add),
};

Node *add(Graph *g, Node *a, Node *b)
{
    return graph_call(g, &add_info, (Node *[]){a, b}, 2, NULL, 0);
}

/* ---- mul ---- */

static void mul_derive(Derive *d)
{
    for (int i = 0; i < 2; i++)
        if (d->wanted[i])
            d->dx[i] = cast(d->g, mul(d->g, d->dy[0], d->in[1 - i]), node_dtype(d->in[i]));
}

static void mul_reference(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++)
        tensor_set(&call->out[0], i, tensor_get(&call->in[0], i) * tensor_get(&call->in[1], i));
}

const OpInfo mul_info = {
    .name = "mul",
    .axes = "abcd,abcd->abcd",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = pair_infer,
    .derive = mul_derive,
    .cost = elementwise_cost,
    .reference = mul_reference,
    .cpu = OP_KERNELS(mul),
};

Node *mul(Graph *g, Node *a, Node *b)
{
    return graph_call(g, &mul_info, (Node *[]){a, b}, 2, NULL, 0);
}

/* ---- scale: attribute: the factor, double ---- */

static void scale_infer(Infer *infer)
{
    if (infer_is_float(infer, 0, "x"))
        infer_like(infer, 0, 0);
}

static void scale_derive(Derive *d)
{
    d->dx[0] = cast(d->g, scale(d->g, d->dy[0], *(const double *)d->attr), node_dtype(d->in[0]));
}

static void scale_reference(const KernelCall *call)
{
    double factor = *(const double *)call->attr;
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++)
        tensor_set(&call->out[0], i, factor * tensor_get(&call->in[0], i));
}

const OpInfo scale_info = {
    .name = "scale",
    .axes = "abcd->abcd",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = scale_infer,
    .derive = scale_derive,
    .cost = elementwise_cost,
    .reference = scale_reference,
    .cpu = OP_KERNELS(scale),
};

Node *scale(Graph *g, Node *x, double factor)
{
    return graph_call(g, &scale_info, &x, 1, &factor, sizeof factor);
}
