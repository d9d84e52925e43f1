/* silu_gate.c - y = silu(gate) * up with silu(a) = a s(a), s(a) = 1 / (1 + e^-a): SwiGLU without its products (Shazeer 2020,
 * arXiv:2002.05202).
 *
 *   gate, up  any one shape, f32 or bf16       y  the wider dtype of the two; computed in f32
 *
 * With ds/da = s (1 - s):   dgate = dy up (s + gate s (1 - s))       dup = dy silu(gate) */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

#include <math.h>

OP_KERNELS_DECLARE(silu_gate);
OP_KERNELS_DECLARE(silu_gate_backward);

const OpInfo silu_gate_backward_info;

static double sigmoid(double a)
{
    return 1.0 / (1.0 + exp(-a));
}

static void silu_infer(Infer *infer)
{
    if (!infer_is_float(infer, 0, "gate") || !infer_is_float(infer, 1, "up") || !infer_same_rows(infer, 0, 1))
        return;
    infer_like(infer, 0, 0);
    infer->out[0].dtype = dtype_wider(infer->in[0]->dtype, infer->in[1]->dtype);
}

static void silu_derive(Derive *d)
{
    Node *dgate = graph_call(d->g, &silu_gate_backward_info, (Node *[]){d->in[0], d->in[1], d->dy[0]}, 3, NULL, 0);
    d->dx[0] = dgate;
    d->dx[1] = node_sibling(dgate, 1);
}

static void silu_reference(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++) {
        double gate = tensor_get(&call->in[0], i);
        tensor_set(&call->out[0], i, gate * sigmoid(gate) * tensor_get(&call->in[1], i));
    }
}

/* An exponential counts as ten operations. */
static void silu_cost(const Call *call, Cost *cost)
{
    cost->other_flops += 14.0 * node_count(call->out[0]);
}

const OpInfo silu_gate_info = {
    .name = "silu_gate",
    .axes = "abcd,abcd->abcd",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = silu_infer,
    .derive = silu_derive,
    .cost = silu_cost,
    .reference = silu_reference,
    .cpu = OP_KERNELS(silu_gate),
};

Node *silu_gate(Graph *g, Node *gate, Node *up)
{
    return graph_call(g, &silu_gate_info, (Node *[]){gate, up}, 2, NULL, 0);
}

static void backward_infer(Infer *infer)
{
    if (!infer_is_float(infer, 0, "gate") || !infer_is_float(infer, 1, "up") || !infer_is_float(infer, 2, "dy") ||
        !infer_same_rows(infer, 0, 1) || !infer_same_rows(infer, 0, 2))
        return;
    infer->n_out = 2;
    infer_like(infer, 0, 0);
    infer_like(infer, 1, 1);
}

static void backward_reference(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++) {
        double gate = tensor_get(&call->in[0], i), up = tensor_get(&call->in[1], i), dy = tensor_get(&call->in[2], i);
        double s = sigmoid(gate);
        tensor_set(&call->out[0], i, dy * up * (s + gate * s * (1.0 - s)));
        tensor_set(&call->out[1], i, dy * gate * s);
    }
}

const OpInfo silu_gate_backward_info = {
    .name = "silu_gate_backward",
    .axes = "abcd,abcd,abcd->abcd,abcd",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = backward_infer,
    .cost = silu_cost,
    .reference = backward_reference,
    .cpu = OP_KERNELS(silu_gate_backward),
};
