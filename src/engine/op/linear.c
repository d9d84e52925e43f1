/* linear.c - y = x W + b and its derivatives.
 *
 *   x     [N, K]  f32 or bf16           w  [M, K] (WEIGHT_OUT_IN) or [K, M] (WEIGHT_IN_OUT)
 *   bias  [M]     f32, may be absent    y  [N, M]  dtype of x; sums in f32, bias added last, one rounding
 *
 * With y[n, m] = sum_k x[n, k] W[k, m] + b[m]:
 *   dx[n, k] = sum_m dy[n, m] W[k, m]     a linear again, the layout exchanged
 *   dW[k, m] = sum_n x[n, k] dy[n, m]     a sum over tokens: leaf by leaf into the gradient
 *   db[m]    = sum_n dy[n, m]             the same
 * Each layout is an operator of its own, for its axes differ. */
#include "engine/op/linear_internal.h"
#include "engine/op/packed_weight.h"

OP_KERNELS_DECLARE(linear_grad_bias);

static const OpInfo *linear_op(WeightLayout layout);
static const OpInfo *linear_grad_weight_op(WeightLayout layout);
const OpInfo linear_grad_bias_info;

/* ---- forward ---- */

static bool is_f64(const Infer *infer)
{
    for (int i = 0; i < infer->n_in; i++)
        if (infer->in[i] && infer->in[i]->dtype == DTYPE_F64)
            return true;
    return false;
}

/* Shapes and strides alone; data pointers come with a run. */
static Gemm linear_gemm(WeightLayout layout, int64_t n, int64_t k, int64_t m, DType x, DType w, DType y)
{
    bool out_in = layout == WEIGHT_OUT_IN;
    return (Gemm){.m = n, .n = m, .k = k, .a_dtype = x, .b_dtype = w, .c_dtype = y, .a_row_stride = k, .a_col_stride = 1,
                  .b_row_stride = out_in ? 1 : m, .b_col_stride = out_in ? k : 1, .c_row_stride = m};
}

void linear_infer(Infer *infer, WeightLayout layout)
{
    if (!infer_is_float(infer, 0, "x") || !infer_is_rows(infer, 0, 2, "x") || !infer_is_float(infer, 1, "w") ||
        !infer_is_rows(infer, 1, 2, "w"))
        return;
    const Node *x = infer->in[LINEAR_X], *w = infer->in[LINEAR_W], *bias = infer->in[LINEAR_BIAS];
    bool out_in = layout == WEIGHT_OUT_IN;
    int64_t k = w->shape.dim[out_in ? 1 : 0], m = w->shape.dim[out_in ? 0 : 1];
    if (x->shape.dim[1] != k) {
        infer_fail(infer, "x is %s, w is %s [%s]: the inner sizes differ", infer_describe(infer, 0), infer_describe(infer, 1),
                   out_in ? "out, in" : "in, out");
        return;
    }
    if (bias && !infer_has_shape(infer, 2, shape_1(m), "bias"))
        return;
    if (bias && bias->dtype != DTYPE_F32 && bias->dtype != DTYPE_F64) {
        infer_fail(infer, "bias is %s: f32 expected", infer_describe(infer, 2));
        return;
    }
    if (!panels_infer(infer, LINEAR_PANELS, w->shape, layout))
        return;
    infer_like(infer, 0, 0);
    infer->out[0].shape.dim[1] = m;
    if (!is_f64(infer)) {
        Gemm gemm = linear_gemm(layout, x->shape.dim[0], k, m, x->dtype, w->dtype, x->dtype);
        infer->workspace_bytes = gemm_workspace_bytes(&gemm);
    }
}

Gemm linear_gemm_of(const KernelCall *call, WeightLayout layout, const Tensor *y)
{
    const Tensor *x = &call->in[0], *w = &call->in[1], *bias = &call->in[2];
    bool out_in = layout == WEIGHT_OUT_IN;
    Gemm gemm = linear_gemm(layout, tensor_dim(x, 0), tensor_dim(x, 1), tensor_dim(y, 1), x->dtype, w->dtype, y->dtype);
    gemm.a = x->data, gemm.b = w->data, gemm.c = y->data, gemm.bias = bias->data, gemm.b_panels = call->in[LINEAR_PANELS].data;
    gemm.a_row_stride = x->stride[0];
    gemm.b_row_stride = w->stride[out_in ? 1 : 0];
    gemm.b_col_stride = w->stride[out_in ? 0 : 1];
    return gemm;
}

static void linear_run(const KernelCall *call, WeightLayout layout)
{
    Gemm gemm = linear_gemm_of(call, layout, &call->out[0]);
    gemm_run(&gemm, call->workspace);
}

void linear_reference_of(const KernelCall *call, WeightLayout layout, const Tensor *y)
{
    const Tensor *x = &call->in[0], *w = &call->in[1], *bias = &call->in[2];
    int64_t n_tokens = tensor_dim(x, 0), K = tensor_dim(x, 1), M = tensor_dim(y, 1);
    for (int64_t n = 0; n < n_tokens; n++)
        for (int64_t m = 0; m < M; m++) {
            double total = bias->data ? tensor_get(bias, m) : 0.0;
            for (int64_t k = 0; k < K; k++)
                total += tensor_get(x, n * K + k) * tensor_get(w, layout == WEIGHT_OUT_IN ? m * K + k : k * M + m);
            tensor_set(y, n * M + m, total);
        }
}

static Node *linear_grad_weight(Graph *g, Node *sink, Node *x, Node *dy, WeightLayout layout)
{
    LeafAttr attr = {graph_grad_leaf(g)};
    return graph_call(g, linear_grad_weight_op(layout), (Node *[]){sink, x, dy}, 3, &attr, sizeof attr);
}

static void linear_derive(Derive *d, WeightLayout layout)
{
    LeafAttr attr = {graph_grad_leaf(d->g)};
    WeightLayout exchanged = layout == WEIGHT_OUT_IN ? WEIGHT_IN_OUT : WEIGHT_OUT_IN;
    if (d->wanted[1])
        d->dx[1] = linear_grad_weight(d->g, derive_sink(d, 1), d->in[0], d->dy[0], layout);
    if (d->wanted[2])
        d->dx[2] = graph_call(d->g, &linear_grad_bias_info, (Node *[]){derive_sink(d, 2), d->dy[0]}, 2, &attr, sizeof attr);
    if (d->wanted[0])  /* last: strands that wait to add to the gradients have this to do */
        d->dx[0] = cast(d->g, linear(d->g, d->dy[0], d->in[1], NULL, exchanged), node_dtype(d->in[0]));
}

void linear_cost(const Call *call, Cost *cost)
{
    cost->matmul_flops += 2.0 * node_count(call->out[0]) * (double)call->in[0]->shape.dim[1];
    cost->other_flops += call->in[LINEAR_BIAS] ? node_count(call->out[0]) : 0.0;
    cost->bytes_read -= panels_spare_bytes(call, LINEAR_PANELS, LINEAR_W);
}

static void linear_out_in_infer(Infer *infer)
{
    linear_infer(infer, WEIGHT_OUT_IN);
}

static void linear_in_out_infer(Infer *infer)
{
    linear_infer(infer, WEIGHT_IN_OUT);
}

static void linear_out_in_derive(Derive *d)
{
    linear_derive(d, WEIGHT_OUT_IN);
}

static void linear_in_out_derive(Derive *d)
{
    linear_derive(d, WEIGHT_IN_OUT);
}

static void linear_out_in_reference(const KernelCall *call)
{
    linear_reference_of(call, WEIGHT_OUT_IN, &call->out[0]);
}

static void linear_in_out_reference(const KernelCall *call)
{
    linear_reference_of(call, WEIGHT_IN_OUT, &call->out[0]);
}

static void linear_out_in_run(const KernelCall *call)
{
    linear_run(call, WEIGHT_OUT_IN);
}

static void linear_in_out_run(const KernelCall *call)
{
    linear_run(call, WEIGHT_IN_OUT);
}

const OpInfo linear_info = {
    .name = "linear",
    .axes = "nk,mk,m,p->nm",
    .flags = OP_PURE | OP_ROWS,
    .precision = PRECISION_COMPUTE,
    .keep_inputs = 1u << 2,
    .infer = linear_out_in_infer,
    .derive = linear_out_in_derive,
    .cost = linear_cost,
    .reference = linear_out_in_reference,
    .cpu = OP_KERNEL_AT_ALL_LEVELS(linear_out_in_run),
};

const OpInfo linear_in_out_info = {
    .name = "linear_in_out",
    .axes = "nk,km,m,p->nm",
    .flags = OP_PURE | OP_ROWS,
    .precision = PRECISION_COMPUTE,
    .keep_inputs = 1u << 2,
    .infer = linear_in_out_infer,
    .derive = linear_in_out_derive,
    .cost = linear_cost,
    .reference = linear_in_out_reference,
    .cpu = OP_KERNEL_AT_ALL_LEVELS(linear_in_out_run),
};

static const OpInfo *linear_op(WeightLayout layout)
{
    return layout == WEIGHT_OUT_IN ? &linear_info : &linear_in_out_info;
}

Node *linear(Graph *g, Node *x, Node *w, Node *bias, WeightLayout layout)
{
    return graph_call(g, linear_op(layout), (Node *[]){x, w, bias, NULL}, LINEAR_N_IN, NULL, 0);
}

/* ---- the gradient of w: dw += sum over tokens, a product whose inner axis is the tokens ---- */

/* dw [R, S] = left^T right, where left [N, R] and right [N, S] are dy and x in the layout's order. */
static Gemm grad_weight_gemm(int64_t r, int64_t s, int64_t n, DType left, DType right, int64_t leaf)
{
    return (Gemm){.m = r, .n = s, .k = n, .a_dtype = left, .b_dtype = right, .c_dtype = DTYPE_F32, .a_row_stride = 1,
                  .a_col_stride = r, .b_row_stride = s, .b_col_stride = 1, .c_row_stride = s, .accumulate = true,
                  .k_leaf = leaf};
}

static void grad_weight_infer(Infer *infer, WeightLayout layout)
{
    const Node *x = infer->in[1], *dy = infer->in[2];
    if (!infer_is_float(infer, 1, "x") || !infer_is_rows(infer, 1, 2, "x") || !infer_is_float(infer, 2, "dy") ||
        !infer_is_rows(infer, 2, 2, "dy"))
        return;
    const Node *left = layout == WEIGHT_OUT_IN ? dy : x, *right = layout == WEIGHT_OUT_IN ? x : dy;
    if (!infer_has_shape(infer, 0, shape_2(left->shape.dim[1], right->shape.dim[1]), "the gradient"))
        return;
    if (x->shape.dim[0] != dy->shape.dim[0] || x->bound != dy->bound) {
        infer_fail(infer, "x is %s, dy is %s: their tokens differ", infer_describe(infer, 1), infer_describe(infer, 2));
        return;
    }
    int64_t leaf = ((const LeafAttr *)infer->attr)->leaf;
    if (leaf < 1 || leaf > GEMM_K_LEAF_MAX) {
        infer_fail(infer, "leaves of %lld tokens: 1 to %d expected", (long long)leaf, GEMM_K_LEAF_MAX);
        return;
    }
    infer_writes(infer, 0, 0);
    if (!is_f64(infer)) {
        Gemm gemm = grad_weight_gemm(left->shape.dim[1], right->shape.dim[1], x->shape.dim[0], left->dtype, right->dtype, leaf);
        infer->workspace_bytes = gemm_workspace_bytes(&gemm);
    }
}

static void grad_weight_run(const KernelCall *call, WeightLayout layout)
{
    const Tensor *dw = &call->out[0], *x = &call->in[1], *dy = &call->in[2];
    const Tensor *left = layout == WEIGHT_OUT_IN ? dy : x, *right = layout == WEIGHT_OUT_IN ? x : dy;
    Gemm gemm = grad_weight_gemm(tensor_dim(dw, 0), tensor_dim(dw, 1), tensor_dim(x, 0), left->dtype, right->dtype,
                                 ((const LeafAttr *)call->attr)->leaf);
    gemm.a = left->data, gemm.b = right->data, gemm.c = dw->data;
    gemm.a_col_stride = left->stride[0], gemm.b_row_stride = right->stride[0];
    gemm_run(&gemm, call->workspace);
}

static void grad_weight_reference_of(const KernelCall *call, WeightLayout layout)
{
    const Tensor *dw = &call->out[0], *x = &call->in[1], *dy = &call->in[2];
    const Tensor *left = layout == WEIGHT_OUT_IN ? dy : x, *right = layout == WEIGHT_OUT_IN ? x : dy;
    int64_t n_tokens = tensor_dim(x, 0), R = tensor_dim(dw, 0), S = tensor_dim(dw, 1);
    for (int64_t r = 0; r < R; r++)
        for (int64_t s = 0; s < S; s++) {
            double total = tensor_get(dw, r * S + s);
            for (int64_t n = 0; n < n_tokens; n++)
                total += tensor_get(left, n * R + r) * tensor_get(right, n * S + s);
            tensor_set(dw, r * S + s, total);
        }
}

static void grad_weight_cost(const Call *call, Cost *cost)
{
    cost->matmul_flops += 2.0 * node_count(call->out[0]) * (double)call->in[1]->shape.dim[0];
}

static void grad_weight_out_in_infer(Infer *infer)
{
    grad_weight_infer(infer, WEIGHT_OUT_IN);
}

static void grad_weight_in_out_infer(Infer *infer)
{
    grad_weight_infer(infer, WEIGHT_IN_OUT);
}

static void grad_weight_out_in_reference(const KernelCall *call)
{
    grad_weight_reference_of(call, WEIGHT_OUT_IN);
}

static void grad_weight_in_out_reference(const KernelCall *call)
{
    grad_weight_reference_of(call, WEIGHT_IN_OUT);
}

static void grad_weight_out_in_run(const KernelCall *call)
{
    grad_weight_run(call, WEIGHT_OUT_IN);
}

static void grad_weight_in_out_run(const KernelCall *call)
{
    grad_weight_run(call, WEIGHT_IN_OUT);
}

const OpInfo linear_grad_weight_info = {
    .name = "linear_grad_weight",
    .axes = "mk,nk,nm->mk",
    .flags = OP_WRITES_STATE | OP_LEAVES,
    .precision = PRECISION_KEEP,
    .infer = grad_weight_out_in_infer,
    .cost = grad_weight_cost,
    .reference = grad_weight_out_in_reference,
    .cpu = OP_KERNEL_AT_ALL_LEVELS(grad_weight_out_in_run),
};

const OpInfo linear_in_out_grad_weight_info = {
    .name = "linear_in_out_grad_weight",
    .axes = "km,nk,nm->km",
    .flags = OP_WRITES_STATE | OP_LEAVES,
    .precision = PRECISION_KEEP,
    .infer = grad_weight_in_out_infer,
    .cost = grad_weight_cost,
    .reference = grad_weight_in_out_reference,
    .cpu = OP_KERNEL_AT_ALL_LEVELS(grad_weight_in_out_run),
};

static const OpInfo *linear_grad_weight_op(WeightLayout layout)
{
    return layout == WEIGHT_OUT_IN ? &linear_grad_weight_info : &linear_in_out_grad_weight_info;
}

/* ---- the gradient of the bias: db += sum of the rows of dy ---- */

static void grad_bias_infer(Infer *infer)
{
    if (infer_is_float(infer, 1, "dy") && infer_is_rows(infer, 1, 2, "dy") &&
        infer_has_shape(infer, 0, shape_1(infer->in[1]->shape.dim[1]), "the gradient")) {
        infer_writes(infer, 0, 0);
        LeafBlocks blocks = token_leaf_blocks(infer->in[1]->shape, ((const LeafAttr *)infer->attr)->leaf);
        infer->workspace_bytes = sizeof(float) * (size_t)(blocks.n_blocks * infer->in[1]->shape.dim[1]);
    }
}

static void grad_bias_reference(const KernelCall *call)
{
    const Tensor *db = &call->out[0], *dy = &call->in[1];
    int64_t M = tensor_dim(db, 0);
    for (int64_t m = 0; m < M; m++) {
        double total = tensor_get(db, m);
        for (int64_t n = 0; n < tensor_dim(dy, 0); n++)
            total += tensor_get(dy, n * M + m);
        tensor_set(db, m, total);
    }
}

static void grad_bias_cost(const Call *call, Cost *cost)
{
    cost->other_flops += node_count(call->in[1]);
}

const OpInfo linear_grad_bias_info = {
    .name = "linear_grad_bias",
    .axes = "m,nm->m",
    .flags = OP_WRITES_STATE | OP_LEAVES,
    .precision = PRECISION_KEEP,
    .infer = grad_bias_infer,
    .cost = grad_bias_cost,
    .reference = grad_bias_reference,
    .cpu = OP_KERNELS(linear_grad_bias),
};

/* ---- what a pass may ask ---- */

bool call_is_linear(const Call *call, WeightLayout *layout)
{
    *layout = call->op == &linear_info ? WEIGHT_OUT_IN : WEIGHT_IN_OUT;
    return call->op == &linear_info || call->op == &linear_in_out_info;
}

bool linear_is_over_param(const Graph *g, const Call *call, WeightLayout *layout)
{
    if (!call_is_linear(call, layout))
        return false;
    const Node *w = call->in[1];
    if (w->kind != NODE_STATE || w->param < 0)
        return false;
    return !store_bucket(graph_store(g), store_param(graph_store(g), w->param)->bucket)->trainable;
}
