/* rotary.c - positions as rotations (Su et al. 2021, arXiv:2104.09864).
 *
 *   x  [N, H, D]  f32 or bf16, D even       positions  i32 [N]       y  like x
 *
 * Pair i of a head, (l, r), is (x[i], x[i + D/2]) in the half layout, (x[2i], x[2i + 1]) in the interleaved one. It turns by the angle
 * a = position * frequency and grows by the amplitude m (of yarn; else 1):
 *   l' = m (l cos a - r sin a)        r' = m (r cos a + l sin a)
 * so that a query and a key turned so have a dot product that depends on the distance of their positions. A rotation's derivative
 * is the rotation back: dx is dy turned by -a, times m. Angles are made in double: position * frequency in f32 would be off by 10^-3 at
 * 10^4 tokens. */
#include "engine/op/rotary_internal.h"
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

#include <math.h>
#include <string.h>

OP_KERNELS_DECLARE(rotary);

/* ---- frequencies ---- */

static double bounded(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

/* The pair, as a fraction, that turns `turns` times within the original length: D ln(L / (2 pi turns)) / (2 ln theta). */
static double yarn_pair(const RotaryOptions *o, double turns, double D)
{
    return D * log((double)o->original_len / (2.0 * M_PI * turns)) / (2.0 * log(o->theta));
}

static double yarn_frequency(const RotaryOptions *o, double frequency, double i, double D)
{
    double first = yarn_pair(o, o->fast, D), last = yarn_pair(o, o->slow, D);
    if (!o->is_ramp_exact)
        first = floor(first), last = ceil(last);
    first = fmax(first, 0.0), last = fmin(last, D - 1.0);
    if (first == last)
        last += 0.001;
    double slow = bounded((i - first) / (last - first), 0.0, 1.0);
    return frequency / o->factor * slow + frequency * (1.0 - slow);
}

static double llama3_frequency(const RotaryOptions *o, double frequency)
{
    double turns = (double)o->original_len * frequency / (2.0 * M_PI);  /* within the original length */
    double stays = bounded((turns - o->slow) / (o->fast - o->slow), 0.0, 1.0);
    return (1.0 - stays) * frequency / o->factor + stays * frequency;
}

double rotary_frequency(const RotaryOptions *o, int64_t i, int64_t width)
{
    double D = (double)width, theta = o->theta, share = -2.0 * (double)i / D;
    if (o->scaling == ROPE_DYNAMIC && o->seq_len > o->original_len && width > 2)
        theta *= pow(o->factor * (double)o->seq_len / (double)o->original_len - (o->factor - 1.0), D / (D - 2.0));
    double frequency = pow(theta, share);
    switch ((RopeScaling)o->scaling) {
    case ROPE_PLAIN:
    case ROPE_DYNAMIC: return frequency;
    case ROPE_LINEAR: return frequency / o->factor;
    case ROPE_YARN: return yarn_frequency(o, frequency, (double)i, D);
    case ROPE_LLAMA3: return llama3_frequency(o, frequency);
    }
    return frequency;
}

/* ---- the operator ---- */

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

static Node *rotary_turn(Graph *g, Node *x, Node *positions, const RotaryOptions *options, double direction);

static void rotary_derive(Derive *d)
{
    const RotaryAttr *attr = d->attr;
    d->dx[0] = cast(d->g, rotary_turn(d->g, d->dy[0], d->in[1], &attr->options, -attr->direction), node_dtype(d->in[0]));
}

static void rotary_reference(const KernelCall *call)
{
    const Tensor *x = &call->in[0], *y = &call->out[0];
    const RotaryAttr *attr = call->attr;
    const RotaryOptions *o = &attr->options;
    int64_t N = tensor_dim(x, 0), H = tensor_dim(x, 1), D = tensor_dim(x, 2);
    for (int64_t n = 0; n < N; n++)
        for (int64_t h = 0; h < H; h++)
            for (int64_t i = 0; i < D / 2; i++) {
                double angle = attr->direction * tensor_get(&call->in[1], n) * rotary_frequency(o, i, D);
                int64_t row = (n * H + h) * D, at = row + (o->interleaved ? 2 * i : i), mate = at + (o->interleaved ? 1 : D / 2);
                double left = o->amplitude * tensor_get(x, at), right = o->amplitude * tensor_get(x, mate);
                tensor_set(y, at, left * cos(angle) - right * sin(angle));
                tensor_set(y, mate, right * cos(angle) + left * sin(angle));
            }
}

static void rotary_cost(const Call *call, Cost *cost)
{
    cost->other_flops += 3.0 * node_count(call->out[0]);
}

const OpInfo rotary_info = {
    .name = "rotary",
    .axes = "nhD,n->nhD",
    .flags = OP_PURE | OP_CHEAP | OP_ROWS,
    .precision = PRECISION_FOLLOW,
    .infer = rotary_infer,
    .derive = rotary_derive,
    .cost = rotary_cost,
    .reference = rotary_reference,
    .cpu = OP_KERNELS(rotary),
};

static Node *rotary_turn(Graph *g, Node *x, Node *positions, const RotaryOptions *options, double direction)
{
    RotaryAttr attr;
    memset(&attr, 0, sizeof attr);  /* the bytes are copied: padding too */
    memcpy(&attr.options, options, sizeof *options);
    attr.direction = direction;
    if (attr.options.amplitude == 0.0)
        attr.options.amplitude = 1.0;
    return graph_call(g, &rotary_info, (Node *[]){x, positions}, 2, &attr, sizeof attr);
}

Node *rotary(Graph *g, Node *x, Node *positions, RotaryOptions options)
{
    return rotary_turn(g, x, positions, &options, 1.0);
}
