/* rmsnorm.c - y = x / sqrt(mean(x^2) + eps) * gain over the last axis (Zhang & Sennrich 2019, arXiv:1910.07467).
 *
 *   x     [..., C]  f32 or bf16              gain  [C]
 *   y     like x, or rounded (round_output)  sibling: inv_rms, f32 (f64 of f64), one a row, kept for the derivative
 *
 * The gain may be kept as its distance from an offset (1): then offset + gain stands for it below.
 * With n = x inv_rms and dn = dy gain:
 *   dx = inv_rms (dn - n mean(dn n))         the part of dn along x is removed: scaling a row must not change y
 *   dgain = sum of dy n over rows: leaf by leaf into its gradient */
#include "engine/op/addend.h"
#include "engine/op/op.h"
#include "engine/op/op_internal.h"
#include "engine/op/rmsnorm_internal.h"

#include <math.h>

OP_KERNELS_DECLARE(rmsnorm);
OP_KERNELS_DECLARE(rmsnorm_backward);

const OpInfo rmsnorm_backward_info;

static void rmsnorm_infer(Infer *infer)
{
    const Node *x = infer->in[0];
    int n_dims = x->shape.n_dims;
    if (n_dims < 1 || x->shape.dim[n_dims - 1] < 1) {
        infer_fail(infer, "x is %s: a last axis to normalise expected", infer_describe(infer, 0));
        return;
    }
    if (!infer_is_float(infer, 0, "x") || !infer_is_rows(infer, 0, n_dims, "x") || !infer_is_float(infer, 1, "gain") ||
        !infer_has_shape(infer, 1, shape_1(x->shape.dim[n_dims - 1]), "gain"))
        return;
    infer->n_out = 2;
    infer_like(infer, 0, 0);
    infer_rounded(infer, 0, (DType)((const RmsnormAttr *)infer->attr)->round_to);
    infer_like(infer, 1, 0);
    infer->out[1].shape.n_dims--;
    infer->out[1].dtype = dtype_wider(x->dtype, DTYPE_F32);
}

static void rmsnorm_round_output(Graph *g, Call *call, DType dtype)
{
    RmsnormAttr attr = *(const RmsnormAttr *)call->attr;
    attr.round_to = dtype;
    graph_set_attr(g, call, &attr);
}

static void rmsnorm_derive(Derive *d)
{
    RmsnormAttr attr = *(const RmsnormAttr *)d->attr;
    attr.leaf = graph_grad_leaf(d->g);
    attr.round_to = DTYPE_F32;
    Node *sink = d->wanted[1] ? derive_sink(d, 1) : NULL;
    Node *in[] = {d->in[0], d->in[1], d->out[1], d->dy[0], sink, NULL};
    d->dx[0] = graph_call(d->g, &rmsnorm_backward_info, in, 6, &attr, sizeof attr);
    if (sink)
        d->dx[1] = node_sibling(d->dx[0], 1);
}

static void rmsnorm_reference(const KernelCall *call)
{
    const Tensor *x = &call->in[0], *gain = &call->in[1];
    double eps = ((const RmsnormAttr *)call->attr)->eps, offset = ((const RmsnormAttr *)call->attr)->offset;
    int64_t C = cols_of(x);
    for (int64_t row = 0; row < rows_of(x); row++) {
        double mean_square = 0.0;
        for (int64_t c = 0; c < C; c++)
            mean_square += pow(tensor_get(x, row * C + c), 2.0) / (double)C;
        double inv_rms = 1.0 / sqrt(mean_square + eps);
        for (int64_t c = 0; c < C; c++)
            tensor_set(&call->out[0], row * C + c, tensor_get(x, row * C + c) * inv_rms * (offset + tensor_get(gain, c)));
        tensor_set(&call->out[1], row, inv_rms);
    }
}

static void rmsnorm_cost(const Call *call, Cost *cost)
{
    cost->other_flops += 4.0 * node_count(call->out[0]);
}

const OpInfo rmsnorm_info = {
    .name = "rmsnorm",
    .axes = "abcC,C->abcC,abc",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_KEEP,
    .infer = rmsnorm_infer,
    .derive = rmsnorm_derive,
    .cost = rmsnorm_cost,
    .round_output = rmsnorm_round_output,
    .reference = rmsnorm_reference,
    .cpu = OP_KERNELS(rmsnorm),
};

Node *rmsnorm(Graph *g, Node *x, Node *gain, double eps, double offset)
{
    RmsnormAttr attr = {eps, offset, 0, DTYPE_F32};
    return graph_call(g, &rmsnorm_info, (Node *[]){x, gain}, 2, &attr, sizeof attr);
}

/* ---- backward: x, gain, inv_rms, dy, gradient of gain (may be absent), what dx is added to (likewise) -> dx, that gradient changed, dx
 * rounded (copy_rounded) ---- */

enum { X, GAIN, INV_RMS, DY, SINK, ADDEND };

static void backward_infer(Infer *infer)
{
    const Node *x = infer->in[X];
    int n_dims = x->shape.n_dims;
    if (!infer_is_float(infer, DY, "dy") || !infer_same_rows(infer, X, DY) || !infer_is_rows(infer, DY, n_dims, "dy") ||
        !infer_addend(infer, ADDEND, X))
        return;
    infer_like(infer, 0, X);
    if (infer->in[SINK] && !infer_has_shape(infer, SINK, infer->in[GAIN]->shape, "the gradient"))
        return;
    if (infer->in[SINK])
        infer_writes(infer, infer->n_out++, SINK);
    const RmsnormAttr *attr = infer->attr;
    infer_copy_rounded(infer, (DType)attr->round_to);
    if (!infer->in[SINK])
        return;
    LeafBlocks blocks = token_leaf_blocks(x->shape, attr->leaf);
    infer->workspace_bytes = sizeof(float) * (size_t)(blocks.n_blocks * x->shape.dim[n_dims - 1]);
}

static Node *backward_copy_rounded(Graph *g, Call *call, DType dtype)
{
    RmsnormAttr attr = *(const RmsnormAttr *)call->attr;
    if (attr.round_to != DTYPE_F32)
        return NULL;
    attr.round_to = dtype;
    graph_set_attr(g, call, &attr);
    return call->out[call->n_out - 1];
}

static void backward_reference(const KernelCall *call)
{
    const Tensor *x = &call->in[X], *gain = &call->in[GAIN], *dy = &call->in[DY];
    const Tensor *dgain = call->in[SINK].data ? &call->in[SINK] : NULL;
    double offset = ((const RmsnormAttr *)call->attr)->offset;
    int64_t C = cols_of(x);
    for (int64_t row = 0; row < rows_of(x); row++) {
        double inv_rms = tensor_get(&call->in[INV_RMS], row), mean_dn_n = 0.0;
        for (int64_t c = 0; c < C; c++) {
            double n = tensor_get(x, row * C + c) * inv_rms, g = tensor_get(dy, row * C + c);
            mean_dn_n += g * (offset + tensor_get(gain, c)) * n / (double)C;
            if (dgain)
                tensor_set(dgain, c, tensor_get(dgain, c) + g * n);
        }
        for (int64_t c = 0; c < C; c++) {
            double n = tensor_get(x, row * C + c) * inv_rms, dn = tensor_get(dy, row * C + c) * (offset + tensor_get(gain, c));
            tensor_set(&call->out[0], row * C + c, inv_rms * (dn - n * mean_dn_n));
            tensor_add(&call->out[0], row * C + c, &call->in[ADDEND]);
        }
    }
    if (((const RmsnormAttr *)call->attr)->round_to != DTYPE_F32)
        tensor_round(&call->out[call->n_out - 1], &call->out[0]);
}

static void backward_cost(const Call *call, Cost *cost)
{
    cost->other_flops += 10.0 * node_count(call->out[0]);
}

const OpInfo rmsnorm_backward_info = {
    .name = "rmsnorm_backward",
    .axes = "abcC,C,abc,abcC,C,abcC->abcC,C,abcC",
    .flags = OP_WRITES_STATE | OP_LEAVES | OP_LEAVES_APART,
    .precision = PRECISION_KEEP,
    .infer = backward_infer,
    .cost = backward_cost,
    .copy_rounded = backward_copy_rounded,
    .reference = backward_reference,
    .cpu = OP_KERNELS(rmsnorm_backward),
};
