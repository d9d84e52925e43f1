/* linear_packed.c - y = x W + b over a packed weight (packed_weight.h has layout, formula and bits). */
#include "engine/op/linear_packed_internal.h"
#include "engine/op/shares.h"

#include <math.h>

OP_KERNELS_DECLARE(linear_packed);

void linear_packed_infer(Infer *infer)
{
    const PackedSpec *spec = infer->attr;
    if (!infer_is_float(infer, 0, "x") || !infer_is_rows(infer, 0, 2, "x"))
        return;
    const Node *x = infer->in[0], *packed = infer->in[1], *bias = infer->in[2];
    if (x->shape.dim[1] != spec->n_in)
        infer_fail(infer, "x is %s, the weight has %lld inputs", infer_describe(infer, 0), (long long)spec->n_in);
    else if (packed->dtype != DTYPE_U8 || !shape_equal(packed->shape, shape_1(packed_bytes(spec))))
        infer_fail(infer, "the packed weight is %s: u8 [%lld] expected", infer_describe(infer, 1), (long long)packed_bytes(spec));
    else if (bias && bias->dtype != DTYPE_F32)
        infer_fail(infer, "bias is %s: f32 expected", infer_describe(infer, 2));
    if (infer->failed || (bias && !infer_has_shape(infer, 2, shape_1(spec->n_out), "bias")))
        return;
    infer_like(infer, 0, 0);
    infer->out[0].shape.dim[1] = spec->n_out;
    size_t n_rows = (size_t)x->shape.dim[0], n_groups = (size_t)((spec->n_in + PACKED_GROUP - 1) / PACKED_GROUP);
    if (spec->format >= PACKED_INT8)
        infer->workspace_bytes = n_rows * n_groups * sizeof(PackedInputs);
    else
        infer->workspace_bytes = x->dtype == DTYPE_F32 ? 0 : sizeof(float) * (size_t)shape_count(x->shape);
}

void linear_packed_cost(const Call *call, Cost *cost)
{
    cost->matmul_flops += 2.0 * node_count(call->out[0]) * (double)call->in[0]->shape.dim[1];
    cost->other_flops += call->in[2] ? node_count(call->out[0]) : 0.0;
}

bool linear_packed_shares(const Call *call)
{
    return linear_packed_row_is_shared(call->attr);
}

const void *linear_packed_share_reads(const KernelCall *call, int64_t *n_bytes)
{
    const PackedSpec *spec = call->attr;
    int64_t first = share_begin(packed_panels(spec), call->share, call->n_shares), end = share_begin(packed_panels(spec), call->share + 1, call->n_shares);
    *n_bytes = (end - first) * packed_panel_bytes(spec);
    return (const char *)call->in[1].data + first * packed_panel_bytes(spec);
}

/* Steps [first, end), a group, of row n with output m. */
static double group_product(const KernelCall *call, int64_t n, int64_t m, int64_t first, int64_t end)
{
    const PackedSpec *spec = call->attr;
    const Tensor *x = &call->in[0];
    bool is_rounded = spec->format >= PACKED_INT8;
    float largest = 0.0f;
    double sum = 0.0;
    for (int64_t k = first; k < end && is_rounded; k++) {
        float size = fabsf((float)tensor_get(x, n * spec->n_in + k));
        if (!isfinite(size))
            return NAN;
        largest = size > largest ? size : largest;
    }
    for (int64_t k = first; k < end; k++) {
        double input = tensor_get(x, n * spec->n_in + k);
        if (is_rounded)
            input = (double)(largest / (float)PACKED_INPUT_MAX) * packed_input((float)input, largest);
        sum += input * packed_weight(call->in[1].data, spec, k, m);
    }
    return sum;
}

void linear_packed_reference(const KernelCall *call)
{
    const PackedSpec *spec = call->attr;
    const Tensor *x = &call->in[0], *bias = &call->in[2], *y = &call->out[0];
    for (int64_t n = 0; n < tensor_dim(x, 0); n++)
        for (int64_t m = 0; m < spec->n_out; m++) {
            double total = bias->data ? tensor_get(bias, m) : 0.0;
            for (int64_t k = 0; k < spec->n_in; k += PACKED_GROUP)
                total += group_product(call, n, m, k, k + PACKED_GROUP < spec->n_in ? k + PACKED_GROUP : spec->n_in);
            tensor_set(y, n * spec->n_out + m, total);
        }
}

const OpInfo linear_packed_info = {
    .name = "linear_packed",
    .axes = "nk,P,m->nm",
    .flags = OP_PURE,
    .precision = PRECISION_COMPUTE,
    .keep_inputs = 1u << 2,
    .infer = linear_packed_infer,
    .cost = linear_packed_cost,
    .shares = linear_packed_shares,
    .share_reads = linear_packed_share_reads,
    .reference = linear_packed_reference,
    .cpu = OP_KERNELS(linear_packed),
};

Node *linear_packed(Graph *g, Node *x, Node *packed, Node *bias, const PackedSpec *spec)
{
    return graph_call(g, &linear_packed_info, (Node *[]){x, packed, bias}, 3, spec, sizeof *spec);
}
