/* activation.c - elementwise functions that take one input and, some of them, one number.
 *
 *   x  any shape, f32 or bf16       y  like x; computed in f32
 *
 *   relu      y = max(x, 0)                             dy/dx = [x > 0]
 *   gelu_erf  y = x F(x) (Hendrycks & Gimpel 2016,      dy/dx = F(x) + x f(x)
 *             arXiv:1606.08415)                         F, f: the normal distribution and its density
 *   softcap   y = c tanh(x / c) (Gemma 2, Riviere et    dy/dx = 1 - tanh(x / c)^2
 *             al. 2024, arXiv:2408.00118)
 * A backward takes x and dy. */
#include "engine/op/activation_internal.h"
#include "engine/op/op.h"

#include <math.h>

OP_KERNELS_DECLARE(relu);
OP_KERNELS_DECLARE(relu_backward);
OP_KERNELS_DECLARE(gelu_erf);
OP_KERNELS_DECLARE(gelu_erf_backward);
OP_KERNELS_DECLARE(softcap);
OP_KERNELS_DECLARE(softcap_backward);

/* ---- shapes and cost, of all ---- */

static void activation_infer(Infer *infer)
{
    if (infer_is_float(infer, 0, "x"))
        infer_like(infer, 0, 0);
}

static void backward_infer(Infer *infer)
{
    if (infer_is_float(infer, 0, "x") && infer_is_float(infer, 1, "dy") && infer_same_rows(infer, 0, 1))
        infer_like(infer, 0, 0);
}

static void one_flop(const Call *call, Cost *cost)
{
    cost->other_flops += node_count(call->out[0]);
}

/* An exponential counts as ten operations. */
static void many_flops(const Call *call, Cost *cost)
{
    cost->other_flops += 24.0 * node_count(call->out[0]);
}

/* ---- formulas ---- */

static double relu_value(double x, double number)
{
    (void)number;
    return x <= 0.0 ? 0.0 : x;  /* NaN stays */
}

static double relu_slope(double x, double number)
{
    (void)number;
    return x > 0.0 ? 1.0 : 0.0;
}

static double normal_below(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

static double gelu_erf_value(double x, double number)
{
    (void)number;
    return x * normal_below(x);
}

static double gelu_erf_slope(double x, double number)
{
    (void)number;
    return normal_below(x) + x * exp(-0.5 * x * x) * 0.39894228040143267794;
}

static double softcap_value(double x, double cap)
{
    return cap * tanh(x / cap);
}

static double softcap_slope(double x, double cap)
{
    return 1.0 - tanh(x / cap) * tanh(x / cap);
}

static double number_of(const KernelCall *call)
{
    return call->attr ? ((const ActivationAttr *)call->attr)->number : 0.0;
}

static void map_reference(const KernelCall *call, double (*value)(double, double))
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++)
        tensor_set(&call->out[0], i, value(tensor_get(&call->in[0], i), number_of(call)));
}

static void slope_reference(const KernelCall *call, double (*slope)(double, double))
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++)
        tensor_set(&call->out[0], i, tensor_get(&call->in[1], i) * slope(tensor_get(&call->in[0], i), number_of(call)));
}

/* ---- the operators ---- */

#define ACTIVATION(function, flops)                                                                                        \
    const OpInfo function##_backward_info;                                                                                 \
    static void function##_derive(Derive *d)                                                                               \
    {                                                                                                                      \
        d->dx[0] = graph_call(d->g, &function##_backward_info, (Node *[]){d->in[0], d->dy[0]}, 2, d->attr,                 \
                              d->attr ? sizeof(ActivationAttr) : 0);                                                       \
    }                                                                                                                      \
    static void function##_reference(const KernelCall *call)                                                               \
    {                                                                                                                      \
        map_reference(call, function##_value);                                                                             \
    }                                                                                                                      \
    static void function##_backward_reference(const KernelCall *call)                                                      \
    {                                                                                                                      \
        slope_reference(call, function##_slope);                                                                           \
    }                                                                                                                      \
    const OpInfo function##_info = {                                                                                       \
        .name = #function, .axes = "abcd->abcd", .flags = OP_PURE | OP_CHEAP | OP_ROWS, .precision = PRECISION_FOLLOW,               \
        .infer = activation_infer, .derive = function##_derive, .cost = flops, .reference = function##_reference,          \
        .cpu = OP_KERNELS(function),                                                                                       \
    };                                                                                                                     \
    const OpInfo function##_backward_info = {                                                                              \
        .name = #function "_backward", .axes = "abcd,abcd->abcd", .flags = OP_PURE | OP_CHEAP | OP_ROWS, .precision = PRECISION_FOLLOW, \
        .infer = backward_infer, .cost = flops, .reference = function##_backward_reference,                                \
        .cpu = OP_KERNELS(function##_backward),                                                                            \
    };

ACTIVATION(relu, one_flop)
ACTIVATION(gelu_erf, many_flops)
ACTIVATION(softcap, many_flops)

Node *relu(Graph *g, Node *x)
{
    return graph_call(g, &relu_info, &x, 1, NULL, 0);
}

Node *gelu_erf(Graph *g, Node *x)
{
    return graph_call(g, &gelu_erf_info, &x, 1, NULL, 0);
}

Node *softcap(Graph *g, Node *x, double cap)
{
    ActivationAttr attr = {cap};
    return graph_call(g, &softcap_info, &x, 1, &attr, sizeof attr);
}
