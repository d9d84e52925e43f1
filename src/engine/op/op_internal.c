/* op_internal.c - checks, costs and walks that operators share. */
#include "engine/op/op_internal.h"
#include "engine/op/op.h"

#include <assert.h>

bool dtype_is_float(DType dtype)
{
    return dtype == DTYPE_F32 || dtype == DTYPE_BF16 || dtype == DTYPE_F16 || dtype == DTYPE_F64;
}

DType dtype_wider(DType a, DType b)
{
    if (a == DTYPE_F64 || b == DTYPE_F64)
        return DTYPE_F64;
    return a == b ? a : DTYPE_F32;  /* bf16 and fp16: neither holds the other */
}

bool infer_is_float(Infer *infer, int i, const char *name)
{
    bool holds = dtype_is_float(infer->in[i]->dtype);
    if (!holds)
        infer_fail(infer, "%s is %s: floats expected", name, infer_describe(infer, i));
    return holds;
}

bool infer_is_rows(Infer *infer, int i, int n_dims, const char *name)
{
    const Node *node = infer->in[i];
    if (node->shape.n_dims != n_dims) {
        infer_fail(infer, "%s is %s: %d dimensions expected", name, infer_describe(infer, i), n_dims);
        return false;
    }
    bool holds = n_dims == 0 || node->shape.dim[n_dims - 1] <= 1 || node->stride[n_dims - 1] == 1;
    if (!holds)
        infer_fail(infer, "%s is %s and its rows are not dense", name, infer_describe(infer, i));
    return holds;
}

bool infer_has_shape(Infer *infer, int i, Shape shape, const char *name)
{
    char want[SHAPE_TEXT_BYTES];
    bool holds = shape_equal(infer->in[i]->shape, shape);
    if (!holds)
        infer_fail(infer, "%s is %s: %s expected", name, infer_describe(infer, i), shape_to_text(want, shape));
    return holds;
}

bool infer_same_rows(Infer *infer, int i, int k)
{
    const Node *a = infer->in[i], *b = infer->in[k];
    if (!shape_equal(a->shape, b->shape)) {
        infer_fail(infer, "%s and %s: equal shapes expected", infer_describe(infer, i), infer_describe(infer, k));
        return false;
    }
    bool holds = a->bound == b->bound;
    if (!holds)
        infer_fail(infer, "inputs %d and %d have different bounds", i, k);
    return holds;
}

void infer_writes(Infer *infer, int o, int i)
{
    infer_like(infer, o, i);
    infer->out[o].alias = i;
    infer->out[o].writes = true;
}

void infer_rounded(Infer *infer, int o, DType dtype)
{
    if (infer->out[o].dtype == DTYPE_F32)
        infer->out[o].dtype = dtype;
}

void infer_copy_rounded(Infer *infer, DType dtype)
{
    if (dtype == DTYPE_F32)
        return;
    infer->out[infer->n_out] = infer->out[0];
    infer->out[infer->n_out++].dtype = dtype;
}

double node_count(const Node *node)
{
    return (double)shape_count(node->shape);
}

static Tensor node_tensor(const Node *node)
{
    Tensor t = {.dtype = node->dtype, .shape = node->shape};
    memcpy(t.stride, node->stride, sizeof t.stride);
    return t;
}

bool node_is_dense(const Node *node)
{
    Tensor t = node_tensor(node);
    return tensor_is_contiguous(&t);
}

/* Are the axes from `axis` on one dense stretch? */
static bool is_dense_from(const Tensor *t, int axis)
{
    int64_t stride = 1;
    for (int i = t->shape.n_dims - 1; i >= axis; i--) {
        if (t->shape.dim[i] != 1 && t->stride[i] != stride)
            return false;
        stride *= t->shape.dim[i];
    }
    return true;
}

Pieces pieces_of(const Tensor *const *t, int n_tensors)
{
    const Shape *shape = &t[0]->shape;
    Pieces p = {.n_cols = 1, .count = shape_count(*shape)};
    for (int i = 0; i < n_tensors; i++) {
        assert(shape_equal(t[i]->shape, *shape));
        while (p.outer < shape->n_dims && !is_dense_from(t[i], p.outer))
            p.outer++;
    }
    for (int i = p.outer; i < shape->n_dims; i++)
        p.n_cols *= shape->dim[i];
    p.n_blocks = (p.n_cols + PIECE_MAX - 1) / PIECE_MAX;
    p.n_pieces = p.count ? p.count / p.n_cols * p.n_blocks : 0;
    return p;
}
