/* cast.c - the same numbers in another dtype, rounded to nearest, ties to even; also a dense copy of a strided window. */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

OP_KERNELS_DECLARE(cast);  /* in elementwise_cpu.c */

typedef struct {
    DType dtype;
} CastAttr;

static void cast_infer(Infer *infer)
{
    DType dtype = ((const CastAttr *)infer->attr)->dtype;
    if (!infer_is_float(infer, 0, "x"))
        return;
    if (!dtype_is_float(dtype)) {
        infer_fail(infer, "to %s: a float expected", dtype_name(dtype));
        return;
    }
    infer_like(infer, 0, 0);
    infer->out[0].dtype = dtype;
}

static void cast_derive(Derive *d)
{
    d->dx[0] = cast(d->g, d->dy[0], node_dtype(d->in[0]));
}

static void cast_reference(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++)
        tensor_set(&call->out[0], i, tensor_get(&call->in[0], i));
}

const OpInfo cast_info = {
    .name = "cast",
    .axes = "abcd->abcd",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = cast_infer,
    .derive = cast_derive,
    .reference = cast_reference,
    .cpu = OP_KERNELS(cast),
};

static Node *cast_always(Graph *g, Node *x, DType dtype)
{
    CastAttr attr = {dtype};
    return graph_call(g, &cast_info, &x, 1, &attr, sizeof attr);
}

bool call_is_cast(const Call *call)
{
    return call->op == &cast_info;
}

Node *cast(Graph *g, Node *x, DType dtype)
{
    return node_dtype(x) == dtype ? x : cast_always(g, x, dtype);
}

Node *dense(Graph *g, Node *x)
{
    return node_is_dense(x) ? x : cast_always(g, x, node_dtype(x));
}
