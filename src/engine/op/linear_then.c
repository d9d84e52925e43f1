/* linear_then.c - z = f(x W + b, ...): a linear, and an elementwise operator upon what it makes.
 *
 *   x, W, b as linear has them; the elementwise operator's other inputs follow, each [N, M] with the dtype of x
 *   z  [N, M]  dtype of x, one or two of them       y = x W + b as one more sibling, where something else reads it
 *
 * The product's rows are still in the cache of the thread that made them when the elementwise operator's own kernel goes over them: what lies
 * between is neither written to memory nor read back, and threads meet once. The same kernels do the same to the same numbers, so there is no
 * difference in any bit. Made by pass/fuse.h alone, after differentiation: it has no derivative. Linears over packed weights: linear_packed_then.c. */
#include "engine/op/linear_then.h"

#include "base/cpu_level.h"
#include "engine/op/linear_internal.h"

#include <assert.h>

enum { WINDOW_ELEMENTS = PARALLEL_MIN /* that the elementwise kernel gets at once: no more than it keeps on one thread */ };

extern const OpInfo linear_packed_info, linear_packed_then_info;
static const OpInfo *linear_then_op(WeightLayout layout);

/* ---- what fits ---- */

/* Each element of its outputs comes from the same element of its inputs, by no other means. */
static bool is_elementwise(const OpInfo *op)
{
    const char *one = "abcd->abcd", *two = "abcd,abcd->abcd", *one_to_two = "abcd->abcd,abcd";
    return (op->flags & OP_PURE) && !(op->flags & (OP_RANDOM | OP_VIEW | OP_COLLECTIVE)) &&
           (strcmp(op->axes, one) == 0 || strcmp(op->axes, two) == 0 || strcmp(op->axes, one_to_two) == 0);
}

static bool fits(const Node *node, const Node *y)
{
    return node && node->dtype == y->dtype && shape_equal(node->shape, y->shape) && node->bound == y->bound && node->stride[1] == 1;
}

bool linear_then_can_keep(const Call *linear)
{
    return linear->op != &linear_packed_info;
}

bool linear_then_fits(const Call *linear, const Call *then, int slot)
{
    WeightLayout layout;
    if ((linear->op != &linear_packed_info && !call_is_linear(linear, &layout)) || !is_elementwise(then->op) || then->workspace_bytes > 0 ||
        (linear->op == &linear_packed_info && then->n_out != 1))
        return false;
    const Node *y = linear->out[0];
    bool all = then->in[slot] == y;
    for (int o = 0; o < then->n_out; o++)
        all = all && !then->out[o]->alias && then->out[o]->dtype == y->dtype;
    for (int i = 0; i < then->n_in; i++)
        all = all && fits(then->in[i], y) && (i == slot || then->in[i] != y);
    return all;
}

Node *linear_then(Graph *g, const Call *linear, const Call *then, int slot, bool keeps)
{
    assert(linear_then_fits(linear, then, slot));
    WeightLayout layout;
    LinearThen attr = {.op = then->op, .attr = then->attr, .n_in = then->n_in, .n_out = then->n_out, .slot = slot, .keeps = keeps};
    Node *in[OP_INPUTS_MAX];
    int n = 0;
    for (; n < linear->n_in; n++)
        in[n] = linear->in[n];
    for (int i = 0; i < then->n_in; i++)
        if (i != slot)
            in[n++] = then->in[i];
    if (call_is_linear(linear, &layout))
        return graph_call(g, linear_then_op(layout), in, n, &attr, sizeof attr);
    PackedThen packed = {*(const PackedSpec *)linear->attr, attr};
    return graph_call(g, &linear_packed_then_info, in, n, &packed, sizeof packed);
}

/* ---- the operator ---- */

void linear_then_infer_others(Infer *infer, const LinearThen *then)
{
    for (int i = infer->n_in - (int)then->n_in + 1; i < infer->n_in && !infer->failed; i++)
        if (infer_is_rows(infer, i, 2, "an elementwise input"))
            infer_has_shape(infer, i, infer->out[0].shape, "an elementwise input");
}

static void then_infer(Infer *infer, WeightLayout layout)
{
    const LinearThen *attr = infer->attr;
    linear_infer(infer, layout);
    linear_then_infer_others(infer, attr);
    infer->n_out = (int)(attr->n_out + attr->keeps);
    for (int o = 1; o < infer->n_out; o++)
        infer->out[o] = infer->out[0];
}

/* Which output the linear writes: its own, or in the place of what follows. */
static int64_t output_of_linear(const LinearThen *then)
{
    return then->keeps ? then->n_out : 0;
}

/* Rows and columns of a matrix. */
static Tensor window(const Tensor *t, int64_t row, int64_t n_rows, int64_t column, int64_t n_columns)
{
    Tensor part = *t;
    part.shape = shape_2(n_rows, n_columns);
    part.data = (char *)t->data + (row * t->stride[0] + column) * dtype_bytes(t->dtype);
    return part;
}

void linear_then_window(const KernelCall *call, const LinearThen *then, KernelFn kernel, int64_t row, int64_t n_rows, int64_t column, int64_t n_columns)
{
    Tensor in[2], out[2];
    for (int o = 0; o < then->n_out; o++)
        out[o] = window(&call->out[o], row, n_rows, column, n_columns);
    for (int i = 0, other = call->n_in - (int)then->n_in + 1; i < then->n_in; i++)
        in[i] = window(i != then->slot ? &call->in[other++] : &call->out[output_of_linear(then)], row, n_rows, column, n_columns);
    kernel(&(KernelCall){.in = in, .n_in = (int)then->n_in, .out = out, .n_out = (int)then->n_out, .attr = then->attr});
}

static KernelFn kernel_of(const LinearThen *then)
{
    return then->op->cpu[cpu_level() > CPU_AVX512 ? CPU_AVX512 : cpu_level()];
}

void linear_then_in_place(const LinearThen *then, const Tensor *y)
{
    Tensor in = *y, out = *y;
    assert(then->n_in == 1 && then->n_out == 1 && tensor_count(y) <= WINDOW_ELEMENTS);
    kernel_of(then)(&(KernelCall){.in = &in, .n_in = 1, .out = &out, .n_out = 1, .attr = then->attr});
}

void linear_then_finish(const KernelCall *call, const LinearThen *then, int64_t row, int64_t n_rows, int64_t column, int64_t n_columns)
{
    KernelFn kernel = kernel_of(then);
    int64_t step = WINDOW_ELEMENTS / n_columns > 0 ? WINDOW_ELEMENTS / n_columns : 1;
    for (int64_t r = 0; r < n_rows; r += step)
        linear_then_window(call, then, kernel, row + r, n_rows - r < step ? n_rows - r : step, column, n_columns);
}

static void then_finish(const void *context, int64_t row, int64_t n_rows, int64_t column, int64_t n_columns)
{
    const KernelCall *call = context;
    linear_then_finish(call, call->attr, row, n_rows, column, n_columns);
}

static void then_run(const KernelCall *call, WeightLayout layout)
{
    Gemm gemm = linear_gemm_of(call, layout, &call->out[output_of_linear(call->attr)]);
    gemm.finish = then_finish;
    gemm.finish_context = call;
    gemm_run(&gemm, call->workspace);
}

static void then_reference(const KernelCall *call, WeightLayout layout)
{
    const LinearThen *attr = call->attr;
    const Tensor *y = &call->out[output_of_linear(attr)];
    linear_reference_of(call, layout, y);
    linear_then_window(call, attr, attr->op->reference, 0, tensor_dim(y, 0), 0, tensor_dim(y, 1));
}

static void then_cost(const Call *call, Cost *cost)
{
    const LinearThen *attr = call->attr;
    linear_cost(call, cost);
    if (attr->op->cost)
        attr->op->cost(call, cost);
}

static void then_out_in_infer(Infer *infer)
{
    then_infer(infer, WEIGHT_OUT_IN);
}

static void then_in_out_infer(Infer *infer)
{
    then_infer(infer, WEIGHT_IN_OUT);
}

static void then_out_in_reference(const KernelCall *call)
{
    then_reference(call, WEIGHT_OUT_IN);
}

static void then_in_out_reference(const KernelCall *call)
{
    then_reference(call, WEIGHT_IN_OUT);
}

static void then_out_in_run(const KernelCall *call)
{
    then_run(call, WEIGHT_OUT_IN);
}

static void then_in_out_run(const KernelCall *call)
{
    then_run(call, WEIGHT_IN_OUT);
}

const OpInfo linear_then_info = {
    .name = "linear_then",
    .axes = "nk,mk,m,p,nm->nm,nm,nm",
    .flags = OP_PURE | OP_ROWS,
    .precision = PRECISION_KEEP,
    .infer = then_out_in_infer,
    .cost = then_cost,
    .reference = then_out_in_reference,
    .cpu = OP_KERNEL_AT_ALL_LEVELS(then_out_in_run),
};

const OpInfo linear_in_out_then_info = {
    .name = "linear_in_out_then",
    .axes = "nk,km,m,p,nm->nm,nm,nm",
    .flags = OP_PURE | OP_ROWS,
    .precision = PRECISION_KEEP,
    .infer = then_in_out_infer,
    .cost = then_cost,
    .reference = then_in_out_reference,
    .cpu = OP_KERNEL_AT_ALL_LEVELS(then_in_out_run),
};

static const OpInfo *linear_then_op(WeightLayout layout)
{
    return layout == WEIGHT_OUT_IN ? &linear_then_info : &linear_in_out_then_info;
}
