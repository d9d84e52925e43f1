/* layernorm.c - y = (x - mean) / sqrt(var + eps) * gain + bias over the last axis (Ba, Kiros & Hinton 2016, arXiv:1607.06450).
 *
 *   x     [..., C]  f32 or bf16              gain, bias  [C]; bias may be absent
 *   y     like x, or rounded (round_output)  var is the mean of (x - mean)^2, found in a second pass over the row
 *   siblings: mean and inv_std, f32 (f64 of f64), one a row: kept for the derivative; two floats against C subtractions and squares
 *
 * With n = (x - mean) inv_std and dn = dy gain:
 *   dx = inv_std (dn - mean(dn) - n mean(dn n))     shifting or scaling a row must not change y: those parts of dn are removed
 *   dgain = sum of dy n over rows,  dbias = sum of dy over rows: leaf by leaf into their gradients */
#include "engine/op/addend.h"
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

#include <math.h>

OP_KERNELS_DECLARE(layernorm);
OP_KERNELS_DECLARE(layernorm_backward);

const OpInfo layernorm_backward_info;

typedef struct {
    double eps;
    int64_t round_to;  /* DType of y; DTYPE_F32: that of x */
} LayernormAttr;

enum { X, GAIN, BIAS };

static void layernorm_infer(Infer *infer)
{
    const Node *x = infer->in[X];
    if (!infer_is_float(infer, X, "x"))
        return;
    int n_dims = x->shape.n_dims;
    if (n_dims < 1 || x->shape.dim[n_dims - 1] < 1) {
        infer_fail(infer, "x is %s: a last axis to normalise expected", infer_describe(infer, X));
        return;
    }
    Shape row = shape_1(x->shape.dim[n_dims - 1]);
    if (!infer_is_rows(infer, X, n_dims, "x") || !infer_is_float(infer, GAIN, "gain") ||
        !infer_has_shape(infer, GAIN, row, "gain") ||
        (infer->in[BIAS] && (!infer_is_float(infer, BIAS, "bias") || !infer_has_shape(infer, BIAS, row, "bias"))))
        return;
    infer->n_out = 3;
    infer_like(infer, 0, X);
    infer_rounded(infer, 0, (DType)((const LayernormAttr *)infer->attr)->round_to);
    for (int o = 1; o < 3; o++) {
        infer_like(infer, o, X);
        infer->out[o].shape.n_dims--;
        infer->out[o].dtype = dtype_wider(x->dtype, DTYPE_F32);
    }
}

static void layernorm_round_output(Graph *g, Call *call, DType dtype)
{
    LayernormAttr attr = *(const LayernormAttr *)call->attr;
    attr.round_to = dtype;
    graph_set_attr(g, call, &attr);
}

static void layernorm_derive(Derive *d)
{
    LeafCopyAttr attr = {graph_grad_leaf(d->g), DTYPE_F32};
    Node *gain_sink = d->wanted[GAIN] ? derive_sink(d, GAIN) : NULL;
    Node *bias_sink = d->wanted[BIAS] ? derive_sink(d, BIAS) : NULL;
    Node *in[] = {d->in[X], d->in[GAIN], d->out[1], d->out[2], d->dy[0], gain_sink, bias_sink, NULL};
    Node *dx = graph_call(d->g, &layernorm_backward_info, in, 8, &attr, sizeof attr);
    int next = 1;
    d->dx[X] = dx;
    if (gain_sink)
        d->dx[GAIN] = node_sibling(dx, next++);
    if (bias_sink)
        d->dx[BIAS] = node_sibling(dx, next);
}

static void layernorm_reference(const KernelCall *call)
{
    const Tensor *x = &call->in[X], *gain = &call->in[GAIN], *bias = &call->in[BIAS];
    double eps = ((const LayernormAttr *)call->attr)->eps;
    int64_t C = cols_of(x);
    for (int64_t row = 0; row < rows_of(x); row++) {
        double mean = 0.0, var = 0.0;
        for (int64_t c = 0; c < C; c++)
            mean += tensor_get(x, row * C + c) / (double)C;
        for (int64_t c = 0; c < C; c++)
            var += pow(tensor_get(x, row * C + c) - mean, 2.0) / (double)C;
        double inv_std = 1.0 / sqrt(var + eps);
        for (int64_t c = 0; c < C; c++) {
            double n = (tensor_get(x, row * C + c) - mean) * inv_std;
            tensor_set(&call->out[0], row * C + c, n * tensor_get(gain, c) + (bias->data ? tensor_get(bias, c) : 0.0));
        }
        tensor_set(&call->out[1], row, mean);
        tensor_set(&call->out[2], row, inv_std);
    }
}

static void layernorm_cost(const Call *call, Cost *cost)
{
    cost->other_flops += 8.0 * node_count(call->out[0]);
}

const OpInfo layernorm_info = {
    .name = "layernorm",
    .axes = "abcC,C,C->abcC,abc,abc",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_KEEP,
    .infer = layernorm_infer,
    .derive = layernorm_derive,
    .cost = layernorm_cost,
    .round_output = layernorm_round_output,
    .reference = layernorm_reference,
    .cpu = OP_KERNELS(layernorm),
};

Node *layernorm(Graph *g, Node *x, Node *gain, Node *bias, double eps)
{
    LayernormAttr attr = {eps, DTYPE_F32};
    return graph_call(g, &layernorm_info, (Node *[]){x, gain, bias}, 3, &attr, sizeof attr);
}

/* ---- backward: x, gain, mean, inv_std, dy, gradient of gain, gradient of bias, what dx is added to -> dx, the gradients that are there,
 * and dx rounded (copy_rounded) ---- */

enum { B_X, B_GAIN, B_MEAN, B_INV_STD, B_DY, B_GAIN_SINK, B_BIAS_SINK, B_ADDEND };

static void backward_infer(Infer *infer)
{
    const Node *x = infer->in[B_X];
    int n_dims = x->shape.n_dims;
    if (!infer_is_float(infer, B_DY, "dy") || !infer_same_rows(infer, B_X, B_DY) || !infer_is_rows(infer, B_DY, n_dims, "dy") ||
        !infer_addend(infer, B_ADDEND, B_X))
        return;
    infer_like(infer, 0, B_X);
    int64_t C = x->shape.dim[n_dims - 1], n_sinks = 0;
    for (int i = B_GAIN_SINK; i <= B_BIAS_SINK; i++)
        if (infer->in[i]) {
            if (!infer_has_shape(infer, i, shape_1(C), "the gradient"))
                return;
            infer_writes(infer, infer->n_out++, i);
            n_sinks++;
        }
    const LeafCopyAttr *attr = infer->attr;
    infer_copy_rounded(infer, (DType)attr->copy_dtype);
    LeafBlocks blocks = token_leaf_blocks(x->shape, attr->leaf);
    infer->workspace_bytes = n_sinks ? sizeof(float) * (size_t)(blocks.n_blocks * 2 * C) : 0;
}

static Node *backward_copy_rounded(Graph *g, Call *call, DType dtype)
{
    LeafCopyAttr attr = *(const LeafCopyAttr *)call->attr;
    if (attr.copy_dtype != DTYPE_F32)
        return NULL;
    attr.copy_dtype = dtype;
    graph_set_attr(g, call, &attr);
    return call->out[call->n_out - 1];
}

static void backward_reference(const KernelCall *call)
{
    const Tensor *x = &call->in[B_X], *gain = &call->in[B_GAIN], *dy = &call->in[B_DY];
    const Tensor *dx = &call->out[0];
    const Tensor *dgain = call->in[B_GAIN_SINK].data ? &call->in[B_GAIN_SINK] : NULL;
    const Tensor *dbias = call->in[B_BIAS_SINK].data ? &call->in[B_BIAS_SINK] : NULL;
    int64_t C = cols_of(x);
    for (int64_t row = 0; row < rows_of(x); row++) {
        double mean = tensor_get(&call->in[B_MEAN], row), inv_std = tensor_get(&call->in[B_INV_STD], row);
        double mean_dn = 0.0, mean_dn_n = 0.0;
        for (int64_t c = 0; c < C; c++) {
            double n = (tensor_get(x, row * C + c) - mean) * inv_std;
            double dn = tensor_get(dy, row * C + c) * tensor_get(gain, c);
            mean_dn += dn / (double)C;
            mean_dn_n += dn * n / (double)C;
            if (dgain)
                tensor_set(dgain, c, tensor_get(dgain, c) + tensor_get(dy, row * C + c) * n);
            if (dbias)
                tensor_set(dbias, c, tensor_get(dbias, c) + tensor_get(dy, row * C + c));
        }
        for (int64_t c = 0; c < C; c++) {
            double n = (tensor_get(x, row * C + c) - mean) * inv_std;
            double dn = tensor_get(dy, row * C + c) * tensor_get(gain, c);
            tensor_set(dx, row * C + c, inv_std * (dn - mean_dn - n * mean_dn_n));
            tensor_add(dx, row * C + c, &call->in[B_ADDEND]);
        }
    }
    if (((const LeafCopyAttr *)call->attr)->copy_dtype != DTYPE_F32)
        tensor_round(&call->out[call->n_out - 1], dx);
}

static void backward_cost(const Call *call, Cost *cost)
{
    cost->other_flops += 16.0 * node_count(call->out[0]);
}

const OpInfo layernorm_backward_info = {
    .name = "layernorm_backward",
    .axes = "abcC,C,abc,abc,abcC,C,C,abcC->abcC,C,C,abcC",
    .flags = OP_WRITES_STATE | OP_LEAVES | OP_LEAVES_APART,
    .precision = PRECISION_KEEP,
    .infer = backward_infer,
    .cost = backward_cost,
    .copy_rounded = backward_copy_rounded,
    .reference = backward_reference,
    .cpu = OP_KERNELS(layernorm_backward),
};
