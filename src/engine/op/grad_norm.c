/* grad_norm.c - the norm of all gradients, and the factor that clips it (Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063).
 *
 *   scalars  f32 [N_STEP_SCALARS]          grads  slabs of sums over tokens, any shapes
 *   y        f32 [2]: norm = |inv_targets * grads|;  factor = inv_targets * min(1, max / norm), max = 0: no clipping
 *
 * A norm that is not finite gives a factor of 0: that step changes nothing. Squares are summed in double, blocks of SUM_BLOCK elements,
 * then the blocks from the left, slab after slab: an order that the slabs' sizes alone decide. */
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

#include <math.h>

OP_KERNELS_DECLARE(grad_norm);

static void grad_norm_infer(Infer *infer)
{
    int64_t n_blocks = 0;
    if (!infer_has_shape(infer, 0, shape_1(N_STEP_SCALARS), "the step's scalars"))
        return;
    for (int i = 1; i < infer->n_in; i++) {
        if (!infer_is_float(infer, i, "a gradient"))
            return;
        if (!node_is_dense(infer->in[i])) {
            infer_fail(infer, "gradient %s is not dense", infer_describe(infer, i));
            return;
        }
        n_blocks += shape_count(infer->in[i]->shape) / SUM_BLOCK + 1;
    }
    infer->out[0].dtype = DTYPE_F32;
    infer->out[0].shape = shape_1(2);
    infer->workspace_bytes = sizeof(double) * (size_t)n_blocks;
}

static void grad_norm_reference(const KernelCall *call)
{
    const Tensor *scalars = &call->in[0];
    double inv_targets = tensor_get(scalars, SCALAR_INV_TARGETS), max = tensor_get(scalars, SCALAR_GRAD_NORM_MAX);
    double squares = 0.0;
    for (int g = 1; g < call->n_in; g++)
        for (int64_t i = 0; i < tensor_count(&call->in[g]); i++)
            squares += tensor_get(&call->in[g], i) * tensor_get(&call->in[g], i);
    double norm = sqrt(squares) * inv_targets;
    double factor = max > 0.0 && norm > max ? inv_targets * (max / norm) : inv_targets;
    tensor_set(&call->out[0], 0, norm);
    tensor_set(&call->out[0], 1, isfinite(norm) ? factor : 0.0);
}

static void grad_norm_cost(const Call *call, Cost *cost)
{
    for (int i = 1; i < call->n_in; i++)
        cost->other_flops += 2.0 * node_count(call->in[i]);
}

const OpInfo grad_norm_info = {
    .name = "grad_norm",
    .axes = "",
    .flags = OP_PURE,
    .precision = PRECISION_KEEP,
    .infer = grad_norm_infer,
    .cost = grad_norm_cost,
    .reference = grad_norm_reference,
    .cpu = OP_KERNELS(grad_norm),
};

Node *grad_norm(Graph *g, Node *const *grads, int n_grads, Node *scalars)
{
    if (n_grads + 1 > OP_INPUTS_MAX) {
        graph_fail(g, "grad_norm: %d slabs: at most %d expected", n_grads, OP_INPUTS_MAX - 1);
        n_grads = OP_INPUTS_MAX - 1;
    }
    Node *in[OP_INPUTS_MAX] = {scalars};
    for (int i = 0; i < n_grads; i++)
        in[i + 1] = grads[i];
    return graph_call(g, &grad_norm_info, in, n_grads + 1, NULL, 0);
}
