/* attention_ref.c - attention and its gradients as the formulas of attention.c read, in double, for any float dtype. */
#include "engine/op/attention_internal.h"

#include <math.h>

typedef struct {
    const Tensor *q, *k, *v, *ranges;
    int64_t n_queries, n_keys, heads, kv_heads, width, v_width;
    AttentionOptions options;
    const DropoutAttr *dropout;
    const int32_t *draws;
} Shapes;

static Shapes shapes_of(const KernelCall *call)
{
    const Tensor *in = call->in;
    return (Shapes){.q = &in[0], .k = &in[1], .v = &in[2], .ranges = &in[3], .n_queries = tensor_dim(&in[0], 0),
                    .n_keys = tensor_dim(&in[1], 0), .heads = tensor_dim(&in[0], 1), .kv_heads = tensor_dim(&in[1], 1),
                    .width = tensor_dim(&in[0], 2), .v_width = tensor_dim(&in[2], 2),
                    .options = ((const AttentionAttr *)call->attr)->options,
                    .dropout = &((const AttentionAttr *)call->attr)->dropout, .draws = in[ATTENTION_DRAWS].data};
}

static int64_t range_begin(const Shapes *s, int64_t n)
{
    return attention_first_key((const int32_t *)s->ranges->data + 2 * n, s->options.window);
}

static int64_t range_end(const Shapes *s, int64_t n)
{
    return ((const int32_t *)s->ranges->data)[2 * n + 1];
}

static int64_t kv_head_of(const Shapes *s, int64_t h)
{
    return h / (s->heads / s->kv_heads);
}

/* a[n, h] . b[j, g] over the last axis. */
static double dot(const Tensor *a, int64_t n, int64_t h, const Tensor *b, int64_t j, int64_t g)
{
    int64_t width = tensor_dim(a, 2), row_a = (n * tensor_dim(a, 1) + h) * width, row_b = (j * tensor_dim(b, 1) + g) * width;
    double sum = 0.0;
    for (int64_t i = 0; i < width; i++)
        sum += tensor_get(a, row_a + i) * tensor_get(b, row_b + i);
    return sum;
}

static double score(const Shapes *s, int64_t n, int64_t h, int64_t j)
{
    const AttentionOptions *o = &s->options;
    double score = o->scale * dot(s->q, n, h, s->k, j, kv_head_of(s, h));
    if (o->alibi)
        score -= attention_alibi_slope(h, s->heads) * (double)(range_end(s, n) - 1 - j);
    return o->softcap > 0.0 ? o->softcap * tanh(score / o->softcap) : score;
}

/* What dropout leaves of a weight. */
static double left_of_weight(const Shapes *s, int64_t n, int64_t h, int64_t j)
{
    if (s->options.dropout == 0.0)
        return 1.0;
    int64_t away = range_end(s, n) - 1 - j;
    Philox words = dropout_words(s->dropout, s->draws + 3 * n, attention_dropout_block(h, away));
    return words.word[away % 4] >= dropout_threshold(s->dropout) ? 1.0 / (1.0 - s->options.dropout) : 0.0;
}

static void reference_row(const Shapes *s, const Tensor *y, const Tensor *lse, int64_t n, int64_t h)
{
    int64_t begin = range_begin(s, n), end = range_end(s, n), row = n * s->heads + h;
    double max = -INFINITY, sum = 0.0;
    for (int64_t j = begin; j < end; j++)
        max = fmax(max, score(s, n, h, j));
    for (int64_t j = begin; j < end; j++)
        sum += exp(score(s, n, h, j) - max);
    tensor_set(lse, row, begin < end ? max + log(sum) : -INFINITY);

    double weighed[ATTENTION_WIDTH_MAX] = {0};
    for (int64_t j = begin; j < end; j++) {
        double p = exp(score(s, n, h, j) - max) / sum * left_of_weight(s, n, h, j);
        for (int64_t i = 0; i < s->v_width; i++)
            weighed[i] += p * tensor_get(s->v, (j * s->kv_heads + kv_head_of(s, h)) * s->v_width + i);
    }
    for (int64_t i = 0; i < s->v_width; i++)
        tensor_set(y, row * s->v_width + i, weighed[i]);
}

void attention_reference(const KernelCall *call)
{
    Shapes s = shapes_of(call);
    for (int64_t n = 0; n < s.n_queries; n++)
        for (int64_t h = 0; h < s.heads; h++)
            reference_row(&s, &call->out[0], &call->out[1], n, h);
}

/* ---- backward ---- */

typedef struct {
    Shapes s;
    const Tensor *y, *lse, *dy;
} Given;

/* P, as dropout left it, and dS of one row and one visible key. */
static void weights(const Given *a, int64_t n, int64_t h, int64_t j, double delta, double *p, double *ds)
{
    const AttentionOptions *o = &a->s.options;
    double s = score(&a->s, n, h, j);
    *p = exp(s - tensor_get(a->lse, n * a->s.heads + h));
    double left = left_of_weight(&a->s, n, h, j);
    *ds = o->scale * *p * (left * dot(a->dy, n, h, a->s.v, j, kv_head_of(&a->s, h)) - delta);
    *p *= left;
    if (o->softcap > 0.0)
        *ds *= 1.0 - s / o->softcap * (s / o->softcap);
}

static void reference_dq(const Given *a, const Tensor *dq, int64_t n, int64_t h)
{
    double sum[ATTENTION_WIDTH_MAX] = {0}, delta = dot(a->dy, n, h, a->y, n, h);
    for (int64_t j = range_begin(&a->s, n); j < range_end(&a->s, n); j++) {
        double p, ds;
        weights(a, n, h, j, delta, &p, &ds);
        for (int64_t i = 0; i < a->s.width; i++)
            sum[i] += ds * tensor_get(a->s.k, (j * a->s.kv_heads + kv_head_of(&a->s, h)) * a->s.width + i);
    }
    for (int64_t i = 0; i < a->s.width; i++)
        tensor_set(dq, (n * a->s.heads + h) * a->s.width + i, sum[i]);
}

static void reference_dk_dv(const Given *a, const Tensor *dk, const Tensor *dv, int64_t j, int64_t g)
{
    const Shapes *s = &a->s;
    double k_sum[ATTENTION_WIDTH_MAX] = {0}, v_sum[ATTENTION_WIDTH_MAX] = {0};
    int64_t group = s->heads / s->kv_heads;
    for (int64_t h = g * group; h < (g + 1) * group; h++)
        for (int64_t n = 0; n < s->n_queries; n++) {
            if (j < range_begin(s, n) || j >= range_end(s, n))
                continue;
            double p, ds;
            weights(a, n, h, j, dot(a->dy, n, h, a->y, n, h), &p, &ds);
            for (int64_t i = 0; i < s->width; i++)
                k_sum[i] += ds * tensor_get(s->q, (n * s->heads + h) * s->width + i);
            for (int64_t i = 0; i < s->v_width; i++)
                v_sum[i] += p * tensor_get(a->dy, (n * s->heads + h) * s->v_width + i);
        }
    for (int64_t i = 0; i < s->width; i++)
        tensor_set(dk, (j * s->kv_heads + g) * s->width + i, k_sum[i]);
    for (int64_t i = 0; i < s->v_width; i++)
        tensor_set(dv, (j * s->kv_heads + g) * s->v_width + i, v_sum[i]);
}

void attention_backward_reference(const KernelCall *call)
{
    Given a = {shapes_of(call), &call->in[5], &call->in[6], &call->in[7]};
    for (int64_t n = 0; n < a.s.n_queries; n++)
        for (int64_t h = 0; h < a.s.heads; h++)
            reference_dq(&a, &call->out[0], n, h);
    for (int64_t j = 0; j < a.s.n_keys; j++)
        for (int64_t g = 0; g < a.s.kv_heads; g++)
            reference_dk_dv(&a, &call->out[1], &call->out[2], j, g);
}
