/* split.c - cuts the last axis of x [..., W] into windows of given widths; concat puts them side by side.
 *
 * A window costs nothing: it is x's memory, rows W apart. Each is the other's derivative: the gradient of a part that nothing reads
 * is zero. */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

#include <assert.h>

OP_KERNELS_DECLARE(concat);

typedef struct {
    int64_t n;
    int64_t width[OP_OUTPUTS_MAX];
} SplitAttr;

static void split_infer(Infer *infer)
{
    const SplitAttr *attr = infer->attr;
    const Node *x = infer->in[0];
    const int last = x->shape.n_dims - 1;
    if (last < 1) {
        infer_fail(infer, "x is %s: two dimensions or more expected", infer_describe(infer, 0));
        return;
    }
    if (!infer_is_rows(infer, 0, last + 1, "x"))
        return;
    int64_t offset = 0;
    infer->n_out = (int)attr->n;
    for (int o = 0; o < infer->n_out; o++) {
        infer_like(infer, o, 0);
        infer->out[o].shape.dim[last] = attr->width[o];
        infer->out[o].alias = 0;
        infer->out[o].offset = offset;
        memcpy(infer->out[o].stride, x->stride, sizeof x->stride);
        infer->out[o].stride[last] = 1;
        offset += attr->width[o];
    }
    if (offset != x->shape.dim[last])
        infer_fail(infer, "x is %s and the widths sum to %lld", infer_describe(infer, 0), (long long)offset);
}

static void split_derive(Derive *d)
{
    Node *parts[OP_OUTPUTS_MAX];
    for (int o = 0; o < d->call->n_out; o++) {
        const Node *out = d->out[o];
        parts[o] = d->dy[o] ? d->dy[o] : fill(d->g, out->dtype, out->shape, out->bound, 0.0);
    }
    d->dx[0] = cast(d->g, concat(d->g, parts, d->call->n_out), node_dtype(d->in[0]));
}

const OpInfo split_info = {
    .name = "split",
    .axes = "",
    .flags = OP_PURE | OP_VIEW | OP_CHEAP,
    .precision = PRECISION_FOLLOW,
    .infer = split_infer,
    .derive = split_derive,
};

Node *split(Graph *g, Node *x, const int64_t *widths, int n)
{
    assert(n >= 1 && n <= OP_OUTPUTS_MAX);
    SplitAttr attr = {.n = n};
    memcpy(attr.width, widths, sizeof *widths * (size_t)n);
    return graph_call(g, &split_info, &x, 1, &attr, sizeof attr);
}

/* ---- concat ---- */

static void concat_infer(Infer *infer)
{
    OutSpec *out = &infer->out[0];
    for (int i = 0; i < infer->n_in; i++) {
        const Node *x = infer->in[i];
        if (!infer_is_float(infer, i, "a part") || !infer_is_rows(infer, i, infer->in[0]->shape.n_dims, "a part"))
            return;
        const int last = x->shape.n_dims - 1;
        Shape rows = x->shape;
        if (last > 0)
            rows.dim[last] = out->shape.dim[last];
        if (i == 0) {
            infer_like(infer, 0, 0);
            continue;
        }
        if (last < 1 || !shape_equal(rows, out->shape) || x->bound != out->bound) {
            infer_fail(infer, "parts %s and %s: their rows differ", infer_describe(infer, 0), infer_describe(infer, i));
            return;
        }
        out->dtype = dtype_wider(out->dtype, x->dtype);
        out->shape.dim[last] += x->shape.dim[last];
    }
}

/* Windows of dy; in groups, for a call has few outputs. */
static void concat_derive(Derive *d)
{
    int n = d->call->n_in, last = d->dy[0]->shape.n_dims - 1;
    Node *rest = d->dy[0];
    int64_t width = node_dim(rest, last);
    for (int i = 0; i < n; i++) {
        int64_t own = node_dim(d->in[i], last), widths[] = {own, width - own};
        Node *part = i + 1 < n ? split(d->g, rest, widths, 2) : rest;
        if (d->wanted[i])
            d->dx[i] = cast(d->g, part, node_dtype(d->in[i]));
        if (i + 1 < n)
            rest = node_sibling(part, 1);
        width -= own;
    }
}

static void concat_reference(const KernelCall *call)
{
    const Tensor *y = &call->out[0];
    int64_t width = cols_of(y), first = 0;
    for (int i = 0; i < call->n_in; i++) {
        int64_t W = cols_of(&call->in[i]);
        for (int64_t n = 0; n < rows_of(y); n++)
            for (int64_t c = 0; c < W; c++)
                tensor_set(y, n * width + first + c, tensor_get(&call->in[i], n * W + c));
        first += W;
    }
}

const OpInfo concat_info = {
    .name = "concat",
    .axes = "",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = concat_infer,
    .derive = concat_derive,
    .reference = concat_reference,
    .cpu = OP_KERNELS(concat),
};

Node *concat(Graph *g, Node *const *x, int n)
{
    assert(n >= 1 && n <= OP_INPUTS_MAX);
    return graph_call(g, &concat_info, x, n, NULL, 0);
}
