/* rotary.c - positions as rotations (Su et al. 2021, arXiv:2104.09864), in the half layout of Hugging Face.
 *
 *   x  [N, H, D]  f32 or bf16, D even       positions  i32 [N]       y  like x
 *
 * Pair i of a head is (x[i], x[i + D/2]) and turns by the angle a = position * theta^(-2i/D):
 *   y[i] = x[i] cos a - x[i + D/2] sin a        y[i + D/2] = x[i + D/2] cos a + x[i] sin a
 * so that a query and a key turned so have a dot product that depends on the distance of their positions. A rotation's derivative
 * is the rotation back: dx is dy turned by -a. Angles are made in double: position * frequency in f32 would be off by 10^-3 at
 * 10^4 tokens. */
#include "engine/op/rotary_internal.h"
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

#include <math.h>

OP_KERNELS_DECLARE(rotary);

static void rotary_infer(Infer *infer)
{
    const Node *x = infer->in[0], *positions = infer->in[1];
    if (!infer_is_float(infer, 0, "x") || !infer_is_rows(infer, 0, 3, "x"))
        return;
    if (x->shape.dim[2] % 2) {
        infer_fail(infer, "x is %s: an even head width expected", infer_describe(infer, 0));
        return;
    }
    if (positions->dtype != DTYPE_I32 || positions->shape.n_dims != 1 || positions->shape.dim[0] != x->shape.dim[0] ||
        positions->bound != x->bound) {
        infer_fail(infer, "positions are %s, x is %s: one i32 a token expected", infer_describe(infer, 1), infer_describe(infer, 0));
        return;
    }
    infer_like(infer, 0, 0);
    infer->workspace_bytes = sizeof(double) * (size_t)(x->shape.dim[2] / 2);
}

static Node *rotary_turn(Graph *g, Node *x, Node *positions, double theta, double direction);

static void rotary_derive(Derive *d)
{
    const RotaryAttr *attr = d->attr;
    d->dx[0] = cast(d->g, rotary_turn(d->g, d->dy[0], d->in[1], attr->theta, -attr->direction), node_dtype(d->in[0]));
}

static void rotary_reference(const KernelCall *call)
{
    const Tensor *x = &call->in[0], *y = &call->out[0];
    const RotaryAttr *attr = call->attr;
    int64_t N = tensor_dim(x, 0), H = tensor_dim(x, 1), D = tensor_dim(x, 2);
    for (int64_t n = 0; n < N; n++)
        for (int64_t h = 0; h < H; h++)
            for (int64_t i = 0; i < D / 2; i++) {
                double angle = attr->direction * tensor_get(&call->in[1], n) * pow(attr->theta, -2.0 * (double)i / (double)D);
                int64_t at = (n * H + h) * D + i;
                double left = tensor_get(x, at), right = tensor_get(x, at + D / 2);
                tensor_set(y, at, left * cos(angle) - right * sin(angle));
                tensor_set(y, at + D / 2, right * cos(angle) + left * sin(angle));
            }
}

static void rotary_cost(const Call *call, Cost *cost)
{
    cost->other_flops += 3.0 * node_count(call->out[0]);
}

const OpInfo rotary_info = {
    .name = "rotary",
    .axes = "nhD,n->nhD",
    .flags = OP_PURE | OP_CHEAP,
    .precision = PRECISION_FOLLOW,
    .infer = rotary_infer,
    .derive = rotary_derive,
    .cost = rotary_cost,
    .reference = rotary_reference,
    .cpu = OP_KERNELS(rotary),
};

static Node *rotary_turn(Graph *g, Node *x, Node *positions, double theta, double direction)
{
    RotaryAttr attr = {theta, direction};
    return graph_call(g, &rotary_info, (Node *[]){x, positions}, 2, &attr, sizeof attr);
}

Node *rotary(Graph *g, Node *x, Node *positions, double theta)
{
    return rotary_turn(g, x, positions, theta, 1.0);
}
