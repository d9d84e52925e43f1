/* fill.c - a value of one number: the seed of differentiation, the zeros that a sum over tokens starts from. */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

OP_KERNELS_DECLARE(fill);

typedef struct {
    double value;  /* first: fill_cpu.c reads it */
    Shape shape;
    DType dtype;
    int bound;
} FillAttr;

static void fill_infer(Infer *infer)
{
    const FillAttr *attr = infer->attr;
    infer->out[0].dtype = attr->dtype;
    infer->out[0].shape = attr->shape;
    infer->out[0].bound = attr->bound;
}

static void fill_reference(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++)
        tensor_set(&call->out[0], i, *(const double *)call->attr);
}

const OpInfo fill_info = {
    .name = "fill",
    .axes = "->abcd",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_KEEP,
    .infer = fill_infer,
    .reference = fill_reference,
    .cpu = OP_KERNELS(fill),
};

Node *fill(Graph *g, DType dtype, Shape shape, int bound, double value)
{
    FillAttr attr;
    memset(&attr, 0, sizeof attr);
    attr.dtype = dtype;
    attr.bound = bound;
    attr.value = value;
    attr.shape.n_dims = shape.n_dims;
    memcpy(attr.shape.dim, shape.dim, sizeof *shape.dim * (size_t)shape.n_dims);
    return graph_call(g, &fill_info, NULL, 0, &attr, sizeof attr);
}

/* ---- state = value ---- */

static void state_fill_infer(Infer *infer)
{
    infer_writes(infer, 0, 0);
}

const OpInfo state_fill_info = {
    .name = "state_fill",
    .axes = "abcd->abcd",
    .flags = OP_WRITES_STATE,
    .precision = PRECISION_KEEP,
    .infer = state_fill_infer,
    .reference = fill_reference,
    .cpu = OP_KERNELS(fill),
};

Node *state_fill(Graph *g, Node *state, double value)
{
    return graph_call(g, &state_fill_info, &state, 1, &value, sizeof value);
}
