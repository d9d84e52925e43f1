/* gelu_tanh.c - y = x/2 (1 + tanh u) with u = sqrt(2/pi) (x + 0.044715 x^3), as GPT-2 has it (Hendrycks & Gimpel 2016, arXiv:1606.08415).
 *
 *   x  any shape, f32 or bf16       y  like x; computed in f32
 *
 * (1 + tanh u) / 2 is s = 1 / (1 + e^(-2u)), which keeps its digits where tanh nears -1. So y = x s, and with ds/du = 2 s (1 - s):
 *   dx = dy (s + 2 x s (1 - s) u')        u' = sqrt(2/pi) (1 + 3 * 0.044715 x^2) */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"
#include "engine/op/slope.h"

#include <math.h>

OP_KERNELS_DECLARE(gelu_tanh);
OP_KERNELS_DECLARE(gelu_tanh_backward);
OP_KERNELS_DECLARE(gelu_tanh_slope);

const OpInfo gelu_tanh_backward_info, gelu_tanh_slope_info;

static const double SQRT_2_PI = 0.79788456080286535588, CUBIC = 0.044715;

static void gelu_infer(Infer *infer)
{
    if (infer_is_float(infer, 0, "x"))
        infer_like(infer, 0, 0);
}

static void gelu_derive(Derive *d)
{
    d->dx[0] = graph_call(d->g, &gelu_tanh_backward_info, (Node *[]){d->in[0], d->dy[0]}, 2, NULL, 0);
}

static double gelu_sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-2.0 * SQRT_2_PI * (x + CUBIC * x * x * x)));
}

static void gelu_reference(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++) {
        double x = tensor_get(&call->in[0], i);
        tensor_set(&call->out[0], i, x * gelu_sigmoid(x));
    }
}

/* An exponential counts as ten operations. */
static void gelu_cost(const Call *call, Cost *cost)
{
    cost->other_flops += 18.0 * node_count(call->out[0]);
}

const OpInfo gelu_tanh_info = {
    .name = "gelu_tanh",
    .axes = "abcd->abcd",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = gelu_infer,
    .derive = gelu_derive,
    .cost = gelu_cost,
    .reference = gelu_reference,
    .cpu = OP_KERNELS(gelu_tanh),
};

Node *gelu_tanh(Graph *g, Node *x)
{
    return graph_call(g, &gelu_tanh_info, &x, 1, NULL, 0);
}

static void backward_infer(Infer *infer)
{
    if (infer_is_float(infer, 0, "x") && infer_is_float(infer, 1, "dy") && infer_same_rows(infer, 0, 1))
        infer_like(infer, 0, 0);
}

static double gelu_slope(double x)
{
    double s = gelu_sigmoid(x), inner = SQRT_2_PI * (1.0 + 3.0 * CUBIC * x * x);
    return s + 2.0 * x * s * (1.0 - s) * inner;
}

/* The slope of an f32 is one, whether it is kept (slope.h) or not. */
static void backward_reference(const KernelCall *call)
{
    bool is_f32 = call->in[0].dtype == DTYPE_F32;
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++) {
        double slope = gelu_slope(tensor_get(&call->in[0], i));
        tensor_set(&call->out[0], i, tensor_get(&call->in[1], i) * (is_f32 ? (double)(float)slope : slope));
    }
}

const OpInfo gelu_tanh_backward_info = {
    .name = "gelu_tanh_backward",
    .axes = "abcd,abcd->abcd",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = backward_infer,
    .cost = gelu_cost,
    .reference = backward_reference,
    .cpu = OP_KERNELS(gelu_tanh_backward),
};

/* ---- x -> y, dy/dx: both of one exponential (slope.h) ---- */

static void slope_infer(Infer *infer)
{
    if (!infer_is_float(infer, 0, "x"))
        return;
    infer->n_out = 2;
    infer_like(infer, 0, 0);
    infer_like(infer, 1, 0);
}

static void slope_reference(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++) {
        double x = tensor_get(&call->in[0], i);
        tensor_set(&call->out[1], i, gelu_slope(x));
        tensor_set(&call->out[0], i, x * gelu_sigmoid(x));
    }
}

static void slope_cost(const Call *call, Cost *cost)
{
    cost->other_flops += 26.0 * node_count(call->out[0]);
}

const OpInfo gelu_tanh_slope_info = {
    .name = "gelu_tanh_slope",
    .axes = "abcd->abcd,abcd",
    .flags = OP_PURE | OP_ROWS,
    .precision = PRECISION_KEEP,
    .infer = slope_infer,
    .cost = slope_cost,
    .reference = slope_reference,
    .cpu = OP_KERNELS(gelu_tanh_slope),
};

bool slope_fits(const Call *forward, const Call *backward)
{
    return forward->op == &gelu_tanh_info && backward->op == &gelu_tanh_backward_info && forward->in[0] == backward->in[0] &&
           forward->in[0]->dtype == DTYPE_F32 && backward->in[1]->dtype == DTYPE_F32;
}

Node *slope_keep(Graph *g, const Call *forward)
{
    return graph_call(g, &gelu_tanh_slope_info, forward->in, 1, NULL, 0);
}
