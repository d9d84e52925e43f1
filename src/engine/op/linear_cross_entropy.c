/* linear_cross_entropy.c - the last product of a language model and its loss, without holding the logits of all tokens.
 *
 *   x       [N, C]  f32 or bf16     w     [V, C]  the output embedding, tied or not
 *   label   [N]     i32             weight [N]    f32; where it is 0 the label may be anything, e.g. -100, and nothing flows back
 *   loss    [N]     f32 (f64 of f64), nats:  loss = weight (logsumexp_v z_v - z_label),  z = x w^T
 *
 * With P = softmax(z):  dloss/dz_v = weight (P_v - [v = label]) =: G_v for a gradient dy of 1, and
 *     dx[n] = sum_v dy[n] G[n, v] w[v]          dw[v] = sum_n dy[n] G[n, v] x[n]
 * With options, z' is the capped logit c tanh(z / c), t the target distribution (label smoothing), and
 *     loss = weight (logsumexp(z') - sum_v t_v z'_v + [KL] sum t ln t + z_loss logsumexp(z')^2)
 *     G_v  = weight ((1 + 2 z_loss logsumexp(z')) P_v - t_v) (1 - (z'_v / c)^2)
 * t has three values (label, ignored token, others), so sum t z' needs the sum of z' and two of them.
 * Everything that G needs is at hand once z is known, so when dy is known beforehand (it does not depend on the loss itself: a mean, a
 * sum, fixed weights) loss and gradients are made together, chunk of tokens by chunk: z by a product, G in its place, dx and dw by two
 * more. That is 6 N V C FLOPs where separate passes need 8, and a workspace of CHUNK_TOKENS * V instead of N * V (the same idea as in Apple's
 * cut cross-entropy, Wijmans et al. 2024, arXiv:2411.09009, and Liger, Hsu et al. 2024, arXiv:2410.10989). When dy depends on the loss, the
 * forward stays and the same operator computes z again.
 *
 * Bits: a row's loss and dx depend on that row, w and the CPU level (gemm.h). dw is summed leaf by leaf, and chunks are whole leaves, so it
 * does not show how tokens were cut into chunks or micro batches of whole leaves. */
#include "engine/op/gemm.h"
#include "engine/op/linear_cross_entropy_internal.h"
#include "engine/op/op.h"
#include "engine/op/panels.h"

#include <math.h>
#include <stdlib.h>

/* Each chunk reads and writes all of dw and packs all of w twice: of 1024 tokens it is a sixth faster than of 512. */
enum { CHUNK_TOKENS = 1024, FORWARD_CHUNK_TOKENS = 256 };

/* ---- the target distribution ---- */

LceTarget lce_target(const CrossEntropyOptions *options, int64_t n_vocab)
{
    double e = options->smoothing, V = (double)n_vocab;
    if (e == 0.0)
        return (LceTarget){.at_label = 1.0};
    if (options->smoothing_kind == SMOOTH_UNIFORM)
        return (LceTarget){1.0 - e + e / V, e / V, e / V, 0.0};
    double n_others = V - 1.0 - (double)options->has_ignored, other = n_others > 0.0 ? e / n_others : 0.0;
    double entropy = (1.0 - e) * log(1.0 - e) + (other > 0.0 ? e * log(other) : 0.0);
    return (LceTarget){1.0 - e, 0.0, other, entropy};
}

/* ---- the products of a chunk ---- */

/* Floats from row to row of the logits: rows begin with a cache line, so that no vector that products and losses write lies in two; but no multiple of
 * 4 kB apart, for then the rows of a tile would meet in one set of the first cache. */
static int64_t logits_row_stride(int64_t n_vocab)
{
    enum { LINE = 16 };
    int64_t stride = (n_vocab + LINE - 1) / LINE * LINE;
    return stride % GEMM_SAME_CACHE_SET == 0 ? stride + LINE : stride;
}

/* z [n, V] = x w^T */
static Gemm logits_gemm(int64_t n, const Shape *w, DType x_dtype, DType w_dtype)
{
    int64_t n_vocab = w->dim[0], width = w->dim[1];
    return (Gemm){.m = n, .n = n_vocab, .k = width, .a_dtype = x_dtype, .b_dtype = w_dtype, .c_dtype = DTYPE_F32,
                  .a_row_stride = width, .a_col_stride = 1, .b_row_stride = 1, .b_col_stride = width,
                  .c_row_stride = logits_row_stride(n_vocab)};
}

/* From row to row of G, which takes the place of f32 logits: in its own elements. */
static int64_t grad_row_stride(int64_t n_vocab, DType dtype)
{
    return logits_row_stride(n_vocab) * dtype_bytes(DTYPE_F32) / dtype_bytes(dtype);
}

/* dx [n, C] = G w */
static Gemm dx_gemm(int64_t n, const Shape *w, DType x_dtype, DType w_dtype)
{
    int64_t n_vocab = w->dim[0], width = w->dim[1];
    return (Gemm){.m = n, .n = width, .k = n_vocab, .a_dtype = x_dtype, .b_dtype = w_dtype, .c_dtype = x_dtype,
                  .a_row_stride = grad_row_stride(n_vocab, x_dtype), .a_col_stride = 1, .b_row_stride = width,
                  .b_col_stride = 1, .c_row_stride = width};
}

/* dw [V, C] += G^T x */
static Gemm dw_gemm(int64_t n, const Shape *w, DType x_dtype, int64_t leaf)
{
    int64_t n_vocab = w->dim[0], width = w->dim[1];
    return (Gemm){.m = n_vocab, .n = width, .k = n, .a_dtype = x_dtype, .b_dtype = x_dtype, .c_dtype = DTYPE_F32, .a_row_stride = 1,
                  .a_col_stride = grad_row_stride(n_vocab, x_dtype), .b_row_stride = width, .b_col_stride = 1,
                  .c_row_stride = width, .accumulate = true, .k_leaf = leaf};
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Logits first, then what gemm wants. */
static size_t logits_bytes(int64_t n_tokens, int64_t n_vocab)
{
    return (size_t)(n_tokens * logits_row_stride(n_vocab)) * sizeof(float);
}

/* ---- forward ---- */

static bool lce_infer_inputs(Infer *infer)
{
    const CrossEntropyOptions *options = &((const LceGradAttr *)infer->attr)->options;
    const Node *x = infer->in[LCE_X], *w = infer->in[LCE_W], *label = infer->in[LCE_LABEL], *weight = infer->in[LCE_WEIGHT];
    if (!infer_is_float(infer, LCE_X, "x") || !infer_is_rows(infer, LCE_X, 2, "x") || !infer_is_float(infer, LCE_W, "w") ||
        !infer_is_rows(infer, LCE_W, 2, "w"))
        return false;
    Shape rows = shape_1(x->shape.dim[0]);
    if (x->shape.dim[1] != w->shape.dim[1] || w->shape.dim[0] < 1)
        infer_fail(infer, "x is %s, w is %s: the same width expected", infer_describe(infer, LCE_X), infer_describe(infer, LCE_W));
    else if (label->dtype != DTYPE_I32 || !shape_equal(label->shape, rows) || label->bound != x->bound)
        infer_fail(infer, "x is %s, label is %s: an i32 a token expected", infer_describe(infer, LCE_X), infer_describe(infer, LCE_LABEL));
    else if ((weight->dtype != DTYPE_F32 && weight->dtype != DTYPE_F64) || !shape_equal(weight->shape, rows) || weight->bound != x->bound)
        infer_fail(infer, "x is %s, weight is %s: an f32 a token expected", infer_describe(infer, LCE_X),
                   infer_describe(infer, LCE_WEIGHT));
    else if (!(options->softcap >= 0.0) || !(options->smoothing >= 0.0 && options->smoothing < 1.0) || !(options->z_loss >= 0.0))
        infer_fail(infer, "soft-cap %g, smoothing %g, z-loss %g: none may be negative, smoothing must be below 1", options->softcap,
                   options->smoothing, options->z_loss);
    return !infer->failed;
}

static void lce_infer_loss(Infer *infer)
{
    const Node *x = infer->in[LCE_X];
    infer->out[0] = (OutSpec){.dtype = x->dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32, .shape = shape_1(x->shape.dim[0]),
                              .bound = x->bound, .alias = -1};
}

static void lce_infer(Infer *infer)
{
    if (!lce_infer_inputs(infer))
        return;
    const Node *x = infer->in[LCE_X], *w = infer->in[LCE_W];
    lce_infer_loss(infer);
    if (x->dtype == DTYPE_F64 || w->dtype == DTYPE_F64)
        return;
    int64_t n = x->shape.dim[0] < FORWARD_CHUNK_TOKENS ? x->shape.dim[0] : FORWARD_CHUNK_TOKENS;
    Gemm gemm = logits_gemm(n, &w->shape, x->dtype, w->dtype);
    infer->workspace_bytes = logits_bytes(n, w->shape.dim[0]) + gemm_workspace_bytes(&gemm);
}

/* Row n of a matrix. */
static void *matrix_row(const Tensor *t, int64_t n)
{
    return (char *)t->data + n * t->stride[0] * dtype_bytes(t->dtype);
}

/* Logits, loss and, if dy is given, G of the tokens [begin, begin + n). */
static void chunk_logits(const KernelCall *call, int64_t begin, int64_t n, const float *dy, float *logits, void *workspace)
{
    const Tensor *x = &call->in[LCE_X], *w = &call->in[LCE_W];
    Gemm gemm = logits_gemm(n, &w->shape, x->dtype, w->dtype);
    gemm.a = matrix_row(x, begin), gemm.b = w->data, gemm.c = logits;
    gemm.a_row_stride = x->stride[0], gemm.b_col_stride = w->stride[0];
    gemm.b_panels = call->n_in == LCE_N_IN ? call->in[LCE_LOGITS_PANELS].data : NULL;
    gemm_run(&gemm, workspace);
    LceRows rows = {.logits = logits, .n_rows = n, .n_vocab = w->shape.dim[0], .row_stride = gemm.c_row_stride,
                    .label = (const int32_t *)call->in[LCE_LABEL].data + begin,
                    .options = &((const LceGradAttr *)call->attr)->options,
                    .weight = (const float *)call->in[LCE_WEIGHT].data + begin, .dy = dy ? dy + begin : NULL,
                    .loss = (float *)call->out[0].data + begin, .grad_dtype = x->dtype};
    KERNEL_PICK(lce_rows)(&rows);
}

static void lce_run(const KernelCall *call)
{
    int64_t n_tokens = tensor_dim(&call->in[LCE_X], 0), n_vocab = tensor_dim(&call->in[LCE_W], 0);
    int64_t chunk = n_tokens < FORWARD_CHUNK_TOKENS ? n_tokens : FORWARD_CHUNK_TOKENS;
    void *workspace = (char *)call->workspace + logits_bytes(chunk, n_vocab);
    for (int64_t begin = 0; begin < n_tokens; begin += chunk)
        chunk_logits(call, begin, n_tokens - begin < chunk ? n_tokens - begin : chunk, NULL, call->workspace, workspace);
}

static void lce_cost(const Call *call, Cost *cost)
{
    double logits = node_count(call->in[LCE_X]) * (double)call->in[LCE_W]->shape.dim[0];
    cost->matmul_flops += 2.0 * logits;
    cost->other_flops += 4.0 * logits / (double)call->in[LCE_X]->shape.dim[1];
}

/* Does `node` come from `source`? */
static bool depends_on(const Node *node, const Node *source, bool *seen)
{
    if (node == source)
        return true;
    if (node->kind != NODE_CALL || seen[node->call->id])
        return false;
    seen[node->call->id] = true;
    for (int i = 0; i < node->call->n_in; i++)
        if (node->call->in[i] && depends_on(node->call->in[i], source, seen))
            return true;
    return false;
}

static void lce_derive(Derive *d)
{
    if (d->wanted[LCE_WEIGHT])
        graph_fail(d->g, "%s: the weights of a loss have no derivative", d->call->name);
    if (!d->wanted[LCE_X] && !d->wanted[LCE_W])
        return;
    LceGradAttr attr = *(const LceGradAttr *)d->attr;
    attr.leaf = graph_grad_leaf(d->g), attr.want_x = d->wanted[LCE_X], attr.want_w = d->wanted[LCE_W];
    Node *in[LCE_N_IN] = {d->in[LCE_X], d->in[LCE_W], d->in[LCE_LABEL], d->in[LCE_WEIGHT], d->dy[0],
                          attr.want_w ? derive_sink(d, LCE_W) : NULL, NULL, NULL};
    bool *seen = mem_alloc((size_t)graph_n_calls(d->g) + 1);
    bool known = graph_fuses(d->g) && !depends_on(d->dy[0], d->out[0], seen);
    free(seen);
    Node *loss = graph_call(d->g, &linear_cross_entropy_grad_info, in, LCE_N_IN, &attr, sizeof attr);
    if (attr.want_x)
        d->dx[LCE_X] = node_sibling(loss, 1);
    if (attr.want_w)
        d->dx[LCE_W] = node_sibling(loss, attr.want_x ? 2 : 1);
    if (known)
        derive_supersede(d, d->out[0], loss);
}

const OpInfo linear_cross_entropy_info = {
    .name = "linear_cross_entropy",
    .axes = "nc,Vc,n,n->n",
    .flags = OP_PURE,
    .precision = PRECISION_COMPUTE,
    .keep_inputs = 1u << LCE_WEIGHT,
    .infer = lce_infer,
    .derive = lce_derive,
    .cost = lce_cost,
    .reference = linear_cross_entropy_reference,
    .cpu = OP_KERNEL_AT_ALL_LEVELS(lce_run),
};

Node *linear_cross_entropy(Graph *g, Node *x, Node *w, Node *label, Node *weight, CrossEntropyOptions options)
{
    LceGradAttr attr = {0};
    attr.options = options;
    return graph_call(g, &linear_cross_entropy_info, (Node *[]){x, w, label, weight}, 4, &attr, sizeof attr);
}

/* ---- the loss and its gradients ---- */

/* Whole leaves, about CHUNK_TOKENS; not more than there are tokens. */
static int64_t chunk_tokens(int64_t leaf, int64_t n_tokens)
{
    int64_t chunk = leaf < CHUNK_TOKENS ? CHUNK_TOKENS / leaf * leaf : leaf;
    return chunk < n_tokens ? chunk : n_tokens;
}

/* The largest a chunk of at most n tokens can ask of gemm. */
static size_t grad_gemm_bytes(int64_t n, const Shape *w, DType x_dtype, DType w_dtype, int64_t leaf)
{
    Gemm logits = logits_gemm(n, w, x_dtype, w_dtype), dx = dx_gemm(n, w, x_dtype, w_dtype), dw = dw_gemm(n, w, x_dtype, leaf);
    return larger(gemm_workspace_bytes(&logits), larger(gemm_workspace_bytes(&dx), gemm_workspace_bytes(&dw)));
}

static void lce_grad_infer(Infer *infer)
{
    if (!lce_infer_inputs(infer))
        return;
    const LceGradAttr *attr = infer->attr;
    const Node *x = infer->in[LCE_X], *w = infer->in[LCE_W], *dy = infer->in[LCE_DY];
    lce_infer_loss(infer);
    if (dy->dtype != infer->out[0].dtype || !infer_has_shape(infer, LCE_DY, infer->out[0].shape, "dy")) {
        infer_fail(infer, "dy is %s: the loss's dtype expected", infer_describe(infer, LCE_DY));
        return;
    }
    if (attr->leaf < 1 || attr->leaf > GEMM_K_LEAF_MAX) {
        infer_fail(infer, "leaves of %lld tokens: 1 to %d expected", (long long)attr->leaf, GEMM_K_LEAF_MAX);
        return;
    }
    if (!panels_infer(infer, LCE_LOGITS_PANELS, w->shape, WEIGHT_OUT_IN) || !panels_infer(infer, LCE_DX_PANELS, w->shape, WEIGHT_IN_OUT))
        return;
    if (attr->want_x)
        infer_like(infer, infer->n_out++, LCE_X);
    if (attr->want_w) {
        if (!infer_has_shape(infer, LCE_SINK, w->shape, "the gradient"))
            return;
        infer_writes(infer, infer->n_out++, LCE_SINK);
    }
    int64_t chunk = chunk_tokens(attr->leaf, x->shape.dim[0]);
    size_t reference_bytes = (size_t)(attr->leaf + x->shape.dim[1]) * sizeof(double);
    infer->workspace_bytes = reference_bytes;
    if (x->dtype != DTYPE_F64 && w->dtype != DTYPE_F64)
        infer->workspace_bytes = larger(reference_bytes, logits_bytes(chunk, w->shape.dim[0]) +
                                                             grad_gemm_bytes(chunk, &w->shape, x->dtype, w->dtype, attr->leaf));
}

static void chunk_gradients(const KernelCall *call, int64_t begin, int64_t n, const float *logits, void *workspace)
{
    const LceGradAttr *attr = call->attr;
    const Tensor *x = &call->in[LCE_X], *w = &call->in[LCE_W];
    if (attr->want_x) {
        Gemm dx = dx_gemm(n, &w->shape, x->dtype, w->dtype);
        dx.a = logits, dx.b = w->data, dx.c = matrix_row(&call->out[1], begin);
        dx.b_row_stride = w->stride[0];
        dx.b_panels = call->in[LCE_DX_PANELS].data;
        gemm_run(&dx, workspace);
    }
    if (attr->want_w) {
        Gemm dw = dw_gemm(n, &w->shape, x->dtype, attr->leaf);
        dw.a = logits, dw.b = matrix_row(x, begin), dw.c = call->out[attr->want_x ? 2 : 1].data;
        dw.b_row_stride = x->stride[0];
        gemm_run(&dw, workspace);
    }
}

static void lce_grad_run(const KernelCall *call)
{
    const LceGradAttr *attr = call->attr;
    int64_t n_tokens = tensor_dim(&call->in[LCE_X], 0), n_vocab = tensor_dim(&call->in[LCE_W], 0);
    int64_t chunk = chunk_tokens(attr->leaf, n_tokens);
    void *workspace = (char *)call->workspace + logits_bytes(chunk, n_vocab);
    for (int64_t begin = 0; begin < n_tokens; begin += chunk) {
        int64_t n = n_tokens - begin < chunk ? n_tokens - begin : chunk;
        chunk_logits(call, begin, n, call->in[LCE_DY].data, call->workspace, workspace);
        chunk_gradients(call, begin, n, call->workspace, workspace);
    }
}

static void lce_grad_cost(const Call *call, Cost *cost)
{
    const LceGradAttr *attr = call->attr;
    double logits = node_count(call->in[LCE_X]) * (double)call->in[LCE_W]->shape.dim[0];
    cost->matmul_flops += 2.0 * logits * (1.0 + (double)attr->want_x + (double)attr->want_w);
    cost->other_flops += 6.0 * logits / (double)call->in[LCE_X]->shape.dim[1];
    cost->bytes_read -= panels_spare_bytes(call, LCE_LOGITS_PANELS, LCE_W);
}

const OpInfo linear_cross_entropy_grad_info = {
    .name = "linear_cross_entropy_grad",
    .axes = "nc,Vc,n,n,n,Vc,p,q->n,nc,Vc",
    .flags = OP_WRITES_STATE,
    .precision = PRECISION_KEEP,
    .infer = lce_grad_infer,
    .cost = lce_grad_cost,
    .reference = linear_cross_entropy_grad_reference,
    .cpu = OP_KERNEL_AT_ALL_LEVELS(lce_grad_run),
};
