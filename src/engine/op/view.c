/* view.c - the same numbers under another shape, row-major: no kernel, no bytes.
 *
 * A strided window (a part of split) keeps the stride of its first axis when that axis stays: [N, C] with rows 3C apart becomes
 * [N, H, D] with tokens 3C apart. Other strided values are copied first. The derivative is a view back. */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

typedef struct {
    Shape shape;
} ViewAttr;

/* Can x be seen as `shape` where it lies? */
static bool is_viewable(const Node *x, Shape shape)
{
    if (node_is_dense(x))
        return true;
    if (shape.n_dims < 1 || x->shape.n_dims < 1 || shape.dim[0] != x->shape.dim[0])
        return false;
    int64_t stride = 1;
    for (int i = x->shape.n_dims - 1; i > 0; i--) {
        if (x->shape.dim[i] != 1 && x->stride[i] != stride)
            return false;
        stride *= x->shape.dim[i];
    }
    return true;
}

static void view_infer(Infer *infer)
{
    const Node *x = infer->in[0];
    Shape shape = ((const ViewAttr *)infer->attr)->shape;
    char text[SHAPE_TEXT_BYTES];
    int64_t count;
    if (!shape_count_checked(&count, shape) || count != shape_count(x->shape)) {
        infer_fail(infer, "%s as %s: the counts differ", infer_describe(infer, 0), shape_to_text(text, shape));
        return;
    }
    bool same_first = shape.n_dims > 0 && x->shape.n_dims > 0 && shape.dim[0] == x->shape.dim[0];
    if (x->bound && !same_first) {
        infer_fail(infer, "%s as %s: the first dimension is bound and must stay", infer_describe(infer, 0),
                   shape_to_text(text, shape));
        return;
    }
    if (!is_viewable(x, shape)) {
        infer_fail(infer, "%s as %s: the rows are strided", infer_describe(infer, 0), shape_to_text(text, shape));
        return;
    }
    OutSpec *out = &infer->out[0];
    *out = (OutSpec){.dtype = x->dtype, .shape = shape, .bound = same_first ? x->bound : 0, .alias = 0};
    if (!node_is_dense(x)) {
        int64_t stride = 1;
        for (int i = shape.n_dims - 1; i > 0; i--) {
            out->stride[i] = stride;
            stride *= shape.dim[i];
        }
        out->stride[0] = x->stride[0];
    }
}

static void view_derive(Derive *d)
{
    d->dx[0] = view(d->g, d->dy[0], node_shape(d->in[0]));
}

const OpInfo view_info = {
    .name = "view",
    .axes = "",
    .flags = OP_PURE | OP_VIEW | OP_CHEAP,
    .precision = PRECISION_FOLLOW,
    .infer = view_infer,
    .derive = view_derive,
};

Node *view(Graph *g, Node *x, Shape shape)
{
    ViewAttr attr;
    memset(&attr, 0, sizeof attr);
    attr.shape.n_dims = shape.n_dims;
    for (int i = 0; i < shape.n_dims && i < TENSOR_DIMS_MAX; i++)
        attr.shape.dim[i] = shape.dim[i];
    if (!is_viewable(x, shape))
        x = dense(g, x);
    return graph_call(g, &view_info, &x, 1, &attr, sizeof attr);
}
