/* attention.c - every row of q takes a mean of the values it may see, weighed by how well their keys match.
 *
 *   q       [N, H, D]            rows may be windows of a wider matrix (a fused q, k, v): any row stride
 *   k, v    [Nk, Hkv, D], [Nk, Hkv, Dv]     H is a multiple of Hkv: head h reads key head h / (H/Hkv) (Ainslie et al. 2023)
 *   ranges  [N, 2] i32           row n sees the keys j with ranges[n][0] <= j < ranges[n][1]: causal, packed, prefix, window, decode
 *   y       [N, H, Dv]           dtype of q; sums in f32
 *   lse     [N, H]               f32 (f64 of f64)
 *
 * Forward, for one row and head, j over the visible keys:
 *     s_j = scale q.k_j      m = max s_j      l = sum exp(s_j - m)      P_j = exp(s_j - m) / l
 *     y = sum P_j v_j        lse = m + log l
 * P is never held: lse, one float a row, is enough to find it again as exp(s_j - lse) (Dao et al. 2022, arXiv:2205.14135), so memory is
 * linear in N. Milakov & Gimelshein 2018, arXiv:1805.02867, find m and l in one pass by correcting what a larger score makes wrong; ours corrects
 * nothing, for it takes exponents beside a rounded m (attention_forward_kernel.h).
 *
 * Options. A window W makes ranges[n][0] at least ranges[n][1] - W. ALiBi adds -slope_h (ranges[n][1] - 1 - j): the last visible key is the
 * query's own, so this is its distance, and in a cache the same. A soft-cap c makes c tanh(s / c) of what there is by then.
 * With dropout, y = sum P_j u_j v_j, where u_j is 0 or 1 / (1 - rate), a function of the query's draw, the head and the distance to the last
 * key of the range (dropout.c); lse knows nothing of it.
 *
 * Backward. With dP_j = dy.v_j and dy.y = sum_i P_i dP_i =: delta, the softmax gives dS_j = P_j (dP_j - sum_i P_i dP_i), since
 * dP_j/ds_i = P_j ([i = j] - P_i). The scale belongs to s = scale q.k, and a soft-cap's slope is 1 - (s / c)^2 at the capped s. Hence
 *     delta = dy.y           dS_j = scale P_j (u_j dy.v_j - delta) (1 - (s_j / c)^2)
 *     dq = sum_j dS_j k_j    dk_j = sum_rows dS_j q      dv_j = sum_rows P_j u_j dy
 * where the rows of dk_j and dv_j are those of all heads that share the key head.
 *
 * Where q, k, v are bf16 and the CPU level is CPU_AVX512_BF16, products are made of pairs of bf16 with sums in f32 (attention_product.h): the weights are
 * rounded to bf16 before they meet v or dy, and dS before it meets k or q, as in Dao 2023, arXiv:2307.08691; l, lse and delta are of what was not
 * rounded.
 *
 * Bits. The maximum does not depend on order. Every sum is made of one multiply-add after the other: scores in the order of the
 * width (of pairs: their odd number first), l, y and dq in the order of the keys, dk and dv of one head in the order of the queries, then heads in order. A key that a row
 * does not see takes no part in them, not even as a zero, so a NaN there stays there. Therefore a row's y, lse and dq depend on that row, its
 * visible keys and the CPU level, and dk and dv of a key on the rows that see it: the same bits in prefill and decode, alone, packed or
 * padded, in any micro batch that holds the whole sequence, and on any number of threads.
 *
 * The fast kernels take a weight P below 2^-100 (backward), or exp(s - m rounded to 64) below 2^-100 (forward, hence no P above 2^-53), as 0.
 *
 * An empty range gives y = 0, lse = -inf and no gradient. */
#include "base/cpu_level.h"
#include "engine/op/attention_internal.h"
#include "engine/op/op.h"
#include "engine/op/op_internal.h"
#include "engine/op/shares.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const OpInfo attention_info, attention_backward_info;

/* ---- facts about shapes ---- */

/* Input i is a float [tokens, heads, width] whose rows lie densely. */
static bool infer_is_heads(Infer *infer, int i, const char *name)
{
    return infer_is_float(infer, i, name) && infer_is_rows(infer, i, 3, name);
}

static bool attention_infer_inputs(Infer *infer)
{
    const AttentionOptions *options = &((const AttentionAttr *)infer->attr)->options;
    if (!infer_is_heads(infer, 0, "q") || !infer_is_heads(infer, 1, "k") || !infer_is_heads(infer, 2, "v"))
        return false;
    const Node *q = infer->in[0], *k = infer->in[1], *v = infer->in[2], *ranges = infer->in[3];
    const int64_t *qd = q->shape.dim, *kd = k->shape.dim, *vd = v->shape.dim;
    if (kd[0] != vd[0] || kd[1] != vd[1] || k->bound != v->bound)
        infer_fail(infer, "k is %s, v is %s: tokens and heads must agree", infer_describe(infer, 1), infer_describe(infer, 2));
    else if (qd[2] != kd[2] || kd[1] < 1 || qd[1] % kd[1])
        infer_fail(infer, "q is %s, k is %s: the same width and a multiple of the heads expected", infer_describe(infer, 0),
                   infer_describe(infer, 1));
    else if (qd[2] > ATTENTION_WIDTH_MAX || vd[2] > ATTENTION_WIDTH_MAX)
        infer_fail(infer, "q is %s, v is %s: heads wider than %d are not supported", infer_describe(infer, 0), infer_describe(infer, 2),
                   ATTENTION_WIDTH_MAX);
    else if (ranges->dtype != DTYPE_I32 || !shape_equal(ranges->shape, shape_2(qd[0], 2)) || ranges->bound != q->bound)
        infer_fail(infer, "q is %s, ranges is %s: i32 [tokens of q, 2] expected", infer_describe(infer, 0), infer_describe(infer, 3));
    else if (infer->in[ATTENTION_DRAWS] && !infer_is_draws(infer, ATTENTION_DRAWS, q))
        return false;
    else if (!(options->dropout >= 0.0 && options->dropout < 1.0) || (options->dropout > 0.0) != (infer->in[ATTENTION_DRAWS] != NULL))
        infer_fail(infer, "a dropout of %g: 0, or below 1 with draws", options->dropout);
    else if (options->window < 0 || !(options->softcap >= 0.0))
        infer_fail(infer, "a window of %lld keys and a soft-cap of %g: neither may be negative", (long long)options->window, options->softcap);
    return !infer->failed;
}

static DType statistics_dtype(const Node *q)
{
    return q->dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32;
}

/* Whole vectors of f32. */
static size_t rows_bytes(int64_t n_rows, int64_t width)
{
    return (size_t)(n_rows * ((width + 15) / 16 * 16)) * sizeof(float);
}

/* Copies of k and v. */
static size_t packed_bytes(const Infer *infer)
{
    const AttentionAttr *attr = infer->attr;
    const int64_t *k = infer->in[1]->shape.dim, *v = infer->in[2]->shape.dim;
    return attr->is_self ? rows_bytes(k[0] * k[1], k[2]) + rows_bytes(v[0] * v[1], v[2]) : 0;
}

/* No query sees a key on the other side. */
static bool attention_parts_at(const KernelCall *call, int64_t row)
{
    const Tensor *ranges = &call->in[ATTENTION_RANGES];
    const int32_t *range = ranges->data;
    for (int64_t n = 0; n < ranges->shape.dim[0]; n++) {
        bool is_empty = range[2 * n] >= range[2 * n + 1];
        if (!is_empty && (n < row ? range[2 * n + 1] > row : range[2 * n] < row))
            return false;
    }
    return true;
}

bool attention_multiplies_pairs(const KernelCall *call)
{
    bool all = cpu_level() == CPU_AVX512_BF16;
    for (int i = 0; i < 3; i++)  /* y and dy are like q */
        all = all && call->in[i].dtype == DTYPE_BF16;
    return all;
}

/* ---- forward ---- */

static void attention_infer(Infer *infer)
{
    if (!attention_infer_inputs(infer))
        return;
    const Node *q = infer->in[0];
    infer->n_out = 2;
    infer_like(infer, 0, 0);
    infer->out[0].shape.dim[2] = infer->in[2]->shape.dim[2];
    infer->out[1] = (OutSpec){.dtype = statistics_dtype(q), .shape = shape_2(q->shape.dim[0], q->shape.dim[1]), .bound = q->bound,
                              .alias = -1};
    infer->workspace_bytes = packed_bytes(infer) + (size_t)q->shape.dim[0] * sizeof(AttentionTile);
}

Node *attention_backward(Graph *g, Node *y, Node *dy)
{
    const Call *forward = y->call;
    assert(forward && forward->op == &attention_info);
    Node *const *in = forward->in;
    return graph_call(g, &attention_backward_info, (Node *[]){in[0], in[1], in[2], in[3], in[4], y, node_sibling(y, 1), dy}, 8, forward->attr,
                      sizeof(AttentionAttr));
}

static void attention_derive(Derive *d)
{
    if (d->dy[1])
        graph_fail(d->g, "%s: the log-sum-exp has no derivative here", d->call->name);
    if (!d->dy[0])
        return;
    Node *dq = graph_call(d->g, &attention_backward_info,
                          (Node *[]){d->in[0], d->in[1], d->in[2], d->in[3], d->in[4], d->out[0], d->out[1], d->dy[0]}, 8, d->attr,
                          sizeof(AttentionAttr));
    for (int i = 0; i < 3; i++)
        if (d->wanted[i])
            d->dx[i] = node_sibling(dq, i);
}

/* Every row against every key, or a window of them: ranges are contents, unknown here. Causal self-attention of one sequence needs half of this. */
static double cost_pairs(const Call *call)
{
    double n_keys = (double)call->in[1]->shape.dim[0], window = (double)((const AttentionAttr *)call->attr)->options.window;
    return (double)call->in[0]->shape.dim[0] * (double)call->in[0]->shape.dim[1] * (window > 0.0 && window < n_keys ? window : n_keys);
}

static void attention_cost(const Call *call, Cost *cost)
{
    double width = (double)call->in[0]->shape.dim[2], v_width = (double)call->in[2]->shape.dim[2];
    cost->matmul_flops += 2.0 * cost_pairs(call) * (width + v_width);
    cost->other_flops += 4.0 * cost_pairs(call);
}

/* Decode: earlier keys and values lie in a cache. */
static bool attention_shares(const Call *call)
{
    const Node *q = call->in[0], *k = call->in[1];
    return !((const AttentionAttr *)call->attr)->is_self && !call->in[ATTENTION_DRAWS] && q->shape.dim[1] / k->shape.dim[1] <= ATTENTION_TOKEN_HEADS;
}

/* Keys of the share's first head. */
static const void *attention_share_reads(const KernelCall *call, int64_t *n_bytes)
{
    const Tensor *k = &call->in[1];
    int32_t keys[2];
    attention_keys_of(keys, &call->in[ATTENTION_RANGES], 0, 0, ((const AttentionAttr *)call->attr)->options.window);
    *n_bytes = (keys[1] - keys[0]) * k->stride[0] * dtype_bytes(k->dtype);
    int64_t head = share_begin(k->shape.dim[1], call->share, call->n_shares);
    return (const char *)k->data + (keys[0] * k->stride[0] + head * k->stride[1]) * dtype_bytes(k->dtype);
}

const OpInfo attention_info = {
    .name = "attention",
    .axes = "n~hD,J~gD,J~gE,n~r,n~t->n~hE,n~h",
    .flags = OP_PURE | OP_ROWS | OP_HEADS,
    .shares = attention_shares,
    .share_reads = attention_share_reads,
    .precision = PRECISION_COMPUTE,
    .infer = attention_infer,
    .derive = attention_derive,
    .cost = attention_cost,
    .reference = attention_reference,
    .parts_at = attention_parts_at,
    .cpu = OP_KERNELS(attention),
};

double attention_alibi_slope(int64_t h, int64_t n_heads)
{
    int64_t power = 1;
    while (2 * power <= n_heads)
        power *= 2;
    if (h < power)
        return exp2(-8.0 * (double)(h + 1) / (double)power);
    return exp2(-4.0 * (double)(2 * (h - power) + 1) / (double)power);
}

Node *attention(Graph *g, Node *q, Node *k, Node *v, Node *ranges, AttentionOptions options)
{
    AttentionAttr attr;
    memset(&attr, 0, sizeof attr);  /* the bytes are copied: padding too */
    attr.options.scale = options.scale;
    attr.options.softcap = options.softcap;
    attr.options.window = options.window;
    attr.options.alibi = options.alibi;
    attr.options.dropout = attr.dropout.rate = options.dropout;
    attr.dropout.seed = options.dropout_seed;
    attr.dropout.stream = (uint64_t)graph_n_calls(g);
    attr.is_self = q->shape.n_dims == 3 && k->shape.n_dims == 3 && q->shape.dim[0] == k->shape.dim[0] && q->bound == k->bound;
    return graph_call(g, &attention_info, (Node *[]){q, k, v, ranges, options.draws}, 5, &attr, sizeof attr);
}

/* ---- backward: q, k, v, ranges, draws, y, lse, dy -> dq, dk, dv ---- */

bool attention_sums_in_place(DType dtype, int64_t n_heads, int64_t kv_heads, int64_t width)
{
    return dtype == DTYPE_F32 && n_heads == kv_heads && width % 16 == 0;
}

/* A query head's own sums for dk or dv, in whole vectors. */
static size_t backward_sums_bytes(const Node *q, const Node *k)
{
    int64_t n_heads = q->shape.dim[1], width = k->shape.dim[2];
    if (attention_sums_in_place(k->dtype, n_heads, k->shape.dim[1], width))
        return 0;
    return rows_bytes(n_heads * k->shape.dim[0], width);
}

static void attention_backward_infer(Infer *infer)
{
    if (!attention_infer_inputs(infer) || !infer_is_heads(infer, 5, "y") || !infer_is_heads(infer, 7, "dy"))
        return;
    const Node *q = infer->in[0], *v = infer->in[2], *y = infer->in[5], *lse = infer->in[6], *dy = infer->in[7];
    Shape out = shape_3(q->shape.dim[0], q->shape.dim[1], v->shape.dim[2]);
    if (!shape_equal(y->shape, out) || !shape_equal(dy->shape, out))
        infer_fail(infer, "y is %s, dy is %s: they must agree with q, %s, and v, %s", infer_describe(infer, 5), infer_describe(infer, 7),
                   infer_describe(infer, 0), infer_describe(infer, 2));
    else if (!shape_equal(lse->shape, shape_2(out.dim[0], out.dim[1])) || lse->dtype != statistics_dtype(q))
        infer_fail(infer, "the log-sum-exp is %s, q is %s", infer_describe(infer, 6), infer_describe(infer, 0));
    infer->n_out = 3;
    for (int i = 0; i < 3; i++)
        infer_like(infer, i, i);
    infer->workspace_bytes = backward_sums_bytes(q, infer->in[1]) + backward_sums_bytes(q, v) + packed_bytes(infer) +
                             (size_t)q->shape.dim[0] * sizeof(AttentionTile) + (size_t)(q->shape.dim[0] + 1) * sizeof(int32_t);
}

/* Five products, where the forward has two. */
static void attention_backward_cost(const Call *call, Cost *cost)
{
    double width = (double)call->in[0]->shape.dim[2], v_width = (double)call->in[2]->shape.dim[2];
    cost->matmul_flops += 2.0 * cost_pairs(call) * (3.0 * width + 2.0 * v_width);
    cost->other_flops += 5.0 * cost_pairs(call);
}

const OpInfo attention_backward_info = {
    .name = "attention_backward",
    .axes = "N~hD,J~gD,J~gE,N~r,N~t,N~hE,N~h,N~hE->N~hD,J~gD,J~gE",
    .flags = OP_PURE | OP_ROWS,
    .precision = PRECISION_KEEP,
    .infer = attention_backward_infer,
    .cost = attention_backward_cost,
    .reference = attention_backward_reference,
    .parts_at = attention_parts_at,
    .cpu = OP_KERNELS(attention_backward),
};
