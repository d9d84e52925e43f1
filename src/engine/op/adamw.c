/* adamw.c - one step of AdamW in place, over whole slabs (Kingma & Ba 2015, arXiv:1412.6980; Loshchilov & Hutter 2019,
 * arXiv:1711.05101).
 *
 *   p        the parameters, f32 or bf16         grad, m, v  f32 (f64 of f64), the same count
 *   scalars  f32 [N_STEP_SCALARS]                norm_factor f32 [2], of grad_norm
 *
 * With g = factor * grad, t the step from 1, in the order in which PyTorch rounds:
 *   p = p * (1 - lr * weight_decay)
 *   m = m + (1 - beta1) (g - m)                  v = v * beta2 + (1 - beta2) g g
 *   p = p - (lr / (1 - beta1^t)) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 * Zeros in the gaps of a slab stay zero. A factor of 0 changes nothing. With clear_grad the gradient is zeros afterwards, also then: it is at hand,
 * and the next step adds to it. */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

#include <math.h>

OP_KERNELS_DECLARE(adamw);

enum { P, GRAD, M, V, SCALARS, NORM_FACTOR, GRAD_OUT = 3 };

static void adamw_infer(Infer *infer)
{
    for (int i = P; i <= V; i++)
        if (!infer_is_float(infer, i, "a slab") || !infer_has_shape(infer, i, infer->in[P]->shape, "a slab"))
            return;
    if (infer->in[GRAD]->dtype != infer->in[M]->dtype || infer->in[M]->dtype != infer->in[V]->dtype) {
        infer_fail(infer, "grad %s, m %s, v %s: one dtype expected", infer_describe(infer, GRAD), infer_describe(infer, M),
                   infer_describe(infer, V));
        return;
    }
    if (!infer_has_shape(infer, SCALARS, shape_1(N_STEP_SCALARS), "the step's scalars") ||
        !infer_has_shape(infer, NORM_FACTOR, shape_1(2), "norm and factor"))
        return;
    infer->n_out = 3;
    infer_writes(infer, 0, P);
    infer_writes(infer, 1, M);
    infer_writes(infer, 2, V);
    if (((const AdamwOptions *)infer->attr)->clear_grad)
        infer_writes(infer, infer->n_out++, GRAD);
}

static void adamw_reference_clear(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->in[GRAD]) && call->n_out > GRAD_OUT; i++)
        tensor_set(&call->out[GRAD_OUT], i, 0.0);
}

static void adamw_reference_step(const KernelCall *call)
{
    const AdamwOptions *o = call->attr;
    double lr = tensor_get(&call->in[SCALARS], SCALAR_LR), t = tensor_get(&call->in[SCALARS], SCALAR_STEP);
    double factor = tensor_get(&call->in[NORM_FACTOR], 1);
    if (factor == 0.0)
        return;
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++) {
        double p = tensor_get(&call->in[P], i), g = factor * tensor_get(&call->in[GRAD], i);
        double m = o->beta1 * tensor_get(&call->in[M], i) + (1.0 - o->beta1) * g;
        double v = o->beta2 * tensor_get(&call->in[V], i) + (1.0 - o->beta2) * g * g;
        p -= lr * o->weight_decay * p;
        p -= lr / (1.0 - pow(o->beta1, t)) * m / (sqrt(v / (1.0 - pow(o->beta2, t))) + o->eps);
        tensor_set(&call->out[0], i, p);
        tensor_set(&call->out[1], i, m);
        tensor_set(&call->out[2], i, v);
    }
}

static void adamw_reference(const KernelCall *call)
{
    adamw_reference_step(call);
    adamw_reference_clear(call);
}

static void adamw_cost(const Call *call, Cost *cost)
{
    cost->other_flops += 15.0 * node_count(call->out[0]);
}

const OpInfo adamw_info = {
    .name = "adamw",
    .axes = "a,a,a,a,s,f->a,a,a,a",
    .flags = OP_WRITES_STATE,
    .precision = PRECISION_KEEP,
    .infer = adamw_infer,
    .cost = adamw_cost,
    .reference = adamw_reference,
    .cpu = OP_KERNELS(adamw),
};

Node *adamw(Graph *g, Node *p, Node *grad, Node *m, Node *v, Node *scalars, Node *norm_factor, const AdamwOptions *options)
{
    return graph_call(g, &adamw_info, (Node *[]){p, grad, m, v, scalars, norm_factor}, 6, options, sizeof *options);
}
