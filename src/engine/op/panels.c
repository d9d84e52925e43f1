/* panels.c - a weight laid out for products (gemm_pack_b): the same numbers in another order, so nothing that is made from them changes.
 *
 *   panels  [bytes]  u8, a state, written whole      w  [M, K] or [K, M], f32, bf16 or fp16 */
#include "engine/op/panels.h"

#include "engine/op/gemm.h"
#include "engine/op/linear_cross_entropy_internal.h"
#include "engine/op/linear_internal.h"

typedef struct {
    int64_t layout, x_dtype;
} PanelsAttr;

/* B of y = x W: [K, M]. */
static Gemm panels_gemm(Shape w, WeightLayout layout)
{
    bool out_in = layout == WEIGHT_OUT_IN;
    int64_t k = w.dim[out_in ? 1 : 0], m = w.dim[out_in ? 0 : 1];
    return (Gemm){.n = m, .k = k, .b_row_stride = out_in ? 1 : m, .b_col_stride = out_in ? k : 1};
}

Shape panels_shape(Shape w, WeightLayout layout)
{
    Gemm gemm = panels_gemm(w, layout);
    return shape_1((int64_t)gemm_b_panels_bytes(gemm.n, gemm.k));
}

static void pack_panels_infer(Infer *infer)
{
    const PanelsAttr *attr = infer->attr;
    if (!infer_is_float(infer, 1, "w") || !infer_is_rows(infer, 1, 2, "w") || !panels_infer(infer, 0, infer->in[1]->shape, (WeightLayout)attr->layout))
        return;
    infer_writes(infer, 0, 0);
}

static void pack_panels_run(const KernelCall *call)
{
    const PanelsAttr *attr = call->attr;
    const Tensor *w = &call->in[1];
    Gemm gemm = panels_gemm(w->shape, (WeightLayout)attr->layout);
    gemm.a_dtype = (DType)attr->x_dtype, gemm.b_dtype = w->dtype, gemm.b = w->data;
    gemm_pack_b(&gemm, call->out[0].data);
}

/* Plain kernels read w itself. */
static void pack_panels_reference(const KernelCall *call)
{
    memset(call->out[0].data, 0, (size_t)tensor_bytes(&call->out[0]));
}

static void pack_panels_cost(const Call *call, Cost *cost)
{
    cost->bytes_read = node_count(call->in[1]) * dtype_bytes(call->in[1]->dtype);  /* the old panels are not read */
}

const OpInfo pack_panels_info = {
    .name = "pack_panels",
    .axes = "P,MK->P",
    .flags = OP_WRITES_STATE,
    .precision = PRECISION_KEEP,
    .infer = pack_panels_infer,
    .cost = pack_panels_cost,
    .reference = pack_panels_reference,
    .cpu = OP_KERNEL_AT_ALL_LEVELS(pack_panels_run),
};

Node *pack_panels(Graph *g, Node *panels, Node *w, WeightLayout layout, DType x_dtype)
{
    PanelsAttr attr = {(int64_t)layout, (int64_t)x_dtype};
    return graph_call(g, &pack_panels_info, (Node *[]){panels, w}, 2, &attr, sizeof attr);
}

bool panels_infer(Infer *infer, int i, Shape w, WeightLayout layout)
{
    const Node *panels = infer->in[i];
    if (!panels || (panels->dtype == DTYPE_U8 && shape_equal(panels->shape, panels_shape(w, layout))))
        return true;
    infer_fail(infer, "panels are %s: u8 [%lld] expected", infer_describe(infer, i), (long long)panels_shape(w, layout).dim[0]);
    return false;
}

double panels_spare_bytes(const Call *call, int i, int i_w)
{
    return call->in[i] ? node_count(call->in[i_w]) * dtype_bytes(call->in[i_w]->dtype) : 0.0;
}

int call_panels_slots(const Call *call, PanelsSlot slot[PANELS_SLOTS_MAX])
{
    WeightLayout layout;
    if (call_is_linear(call, &layout)) {
        slot[0] = (PanelsSlot){LINEAR_PANELS, LINEAR_W, layout, call->in[LINEAR_X]->dtype};
        return 1;
    }
    if (call->op != &linear_cross_entropy_grad_info)
        return 0;
    DType x_dtype = call->in[LCE_X]->dtype;
    slot[0] = (PanelsSlot){LCE_LOGITS_PANELS, LCE_W, WEIGHT_OUT_IN, x_dtype};
    slot[1] = (PanelsSlot){LCE_DX_PANELS, LCE_W, WEIGHT_IN_OUT, x_dtype};
    return ((const LceGradAttr *)call->attr)->want_x ? 2 : 1;
}
