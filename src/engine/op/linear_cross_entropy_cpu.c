/* linear_cross_entropy_cpu.c - from a row of logits to its loss, and to the gradient with respect to the logits.
 *
 * Three passes over a row that fits the second-level cache: the maximum; e^(logit - max), stored and summed; times a factor. The sum is
 * taken in sixteen lanes over LOGITS_BLOCK logits, then block by block in double: an order fixed by the vocabulary. */
#include "engine/op/linear_cross_entropy_internal.h"
#include "engine/op/simd_rows.h"

enum { LOGITS_BLOCK = 1024 };

static float row_max(const float *row, int64_t n)
{
    V16 max = v16_set1(-INFINITY);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        max = v16_max(v16_load(row + i), max);
    float best = v16_max_of(max);
    for (; i < n; i++)
        best = row[i] > best ? row[i] : best;
    return best;
}

/* logits become e^(logit - max); returns their sum. */
static double row_exp(float *row, int64_t n, float max)
{
    double total = 0.0;
    for (int64_t begin = 0; begin < n; begin += LOGITS_BLOCK) {
        int64_t end = n - begin < LOGITS_BLOCK ? n : begin + LOGITS_BLOCK;
        V16 sum = v16_zero();
        for (int64_t i = begin; i < end; i += 16) {
            V16 e = keep16(v16_exp(load16(row, DTYPE_F32, i, n) - max), i, n);
            store16(row, DTYPE_F32, i, n, e);
            sum += e;
        }
        total += v16_sum(sum);
    }
    return total;
}

static void put(void *row, DType dtype, int64_t i, float x)
{
    store16((char *)row + i * dtype_bytes(dtype), dtype, 0, 1, v16_set1(x));
}

/* row = factor * row, but factor * (row[label] - sum) at the label, where factor * sum is the weight. In half formats the row shrinks in place: what is
 * written at element i lies before what is read from i on. */
static void row_gradient(float *row, int64_t n, DType dtype, int32_t label, double sum, float weight)
{
    float factor = (float)((double)weight / sum), at_label = (float)((double)weight / sum * ((double)row[label] - sum));
    for (int64_t i = 0; i < n; i += 16)
        store16(row, dtype, i, n, load16(row, DTYPE_F32, i, n) * factor);
    put(row, dtype, label, at_label);
}

/* ---- with options: logits stay what they are until the gradient takes their place ---- */

/* Caps the logits; returns their sum, in sixteen lanes over LOGITS_BLOCK and then in double. */
static double row_cap(float *row, int64_t n, float cap)
{
    double total = 0.0;
    for (int64_t begin = 0; begin < n; begin += LOGITS_BLOCK) {
        int64_t end = n - begin < LOGITS_BLOCK ? n : begin + LOGITS_BLOCK;
        V16 sum = v16_zero();
        for (int64_t i = begin; i < end; i += 16) {
            V16 z = load16(row, DTYPE_F32, i, n);
            if (cap > 0.0f) {
                z = v16_tanh(z / cap) * cap;
                store16(row, DTYPE_F32, i, n, z);
            }
            sum += z;
        }
        total += v16_sum(sum);
    }
    return total;
}

static double row_sum_exp(const float *row, int64_t n, float max)
{
    double total = 0.0;
    for (int64_t begin = 0; begin < n; begin += LOGITS_BLOCK) {
        int64_t end = n - begin < LOGITS_BLOCK ? n : begin + LOGITS_BLOCK;
        V16 sum = v16_zero();
        for (int64_t i = begin; i < end; i += 16)
            sum += keep16(v16_exp(load16(row, DTYPE_F32, i, n) - max), i, n);
        total += v16_sum(sum);
    }
    return total;
}

typedef struct {
    float max, cap;
    double weight, factor, share;  /* G = weight (factor e^(z - max) - share) slope */
} RowGradient;

static float gradient_at(const RowGradient *g, float z, double share)
{
    double slope = g->cap > 0.0f ? 1.0 - (double)(z / g->cap) * (double)(z / g->cap) : 1.0;
    return (float)(g->weight * (g->factor * exp((double)z - (double)g->max) - share) * slope);
}

/* Capped logits become the gradient, as if every token were one of the others. In half formats the row shrinks in place. */
static void row_gradient_of_others(float *row, int64_t n, DType dtype, const RowGradient *g)
{
    const float cap = g->cap, factor = (float)(g->weight * g->factor), share = (float)(g->weight * g->share);
    for (int64_t i = 0; i < n; i += 16) {
        V16 z = load16(row, DTYPE_F32, i, n), y = v16_exp(z - g->max) * factor - share;
        store16(row, dtype, i, n, cap > 0.0f ? y * (1.0f - z / cap * (z / cap)) : y);
    }
}

static void row_run_options(const LceRows *rows, int64_t n, float weight)
{
    const CrossEntropyOptions *o = rows->options;
    const int64_t n_vocab = rows->n_vocab, label = rows->label[n];
    const LceTarget t = lce_target(o, n_vocab);
    float *row = rows->logits + n * rows->row_stride;
    double z_sum = row_cap(row, n_vocab, (float)o->softcap);
    float max = row_max(row, n_vocab), at_label = row[label];
    double sum = row_sum_exp(row, n_vocab, max), lse = (double)max + log(sum);
    double expected = t.at_other * z_sum + (t.at_label - t.at_other) * (double)at_label;
    const bool has_ignored = o->has_ignored && o->ignored >= 0 && o->ignored < n_vocab;
    const float at_ignored = has_ignored ? row[o->ignored] : 0.0f;
    expected += (t.at_ignored - t.at_other) * (double)at_ignored * (has_ignored ? 1.0 : 0.0);
    rows->loss[n] = (float)((double)weight * (lse - expected + t.constant + o->z_loss * lse * lse));
    if (!rows->dy)
        return;
    RowGradient g = {max, (float)o->softcap, (double)weight * (double)rows->dy[n], (1.0 + 2.0 * o->z_loss * lse) / sum, t.at_other};
    row_gradient_of_others(row, n_vocab, rows->grad_dtype, &g);
    put(row, rows->grad_dtype, label, gradient_at(&g, at_label, t.at_label));
    if (has_ignored)
        put(row, rows->grad_dtype, o->ignored, gradient_at(&g, at_ignored, t.at_ignored));
}

static bool has_options(const CrossEntropyOptions *o)
{
    return o->softcap != 0.0 || o->smoothing != 0.0 || o->z_loss != 0.0;
}

static void row_run(const LceRows *rows, int64_t n)
{
    int64_t n_vocab = rows->n_vocab;
    float *row = rows->logits + n * rows->row_stride, weight = rows->weight[n];
    if (weight == 0.0f || lce_is_ignored(rows->options, rows->label[n])) {
        rows->loss[n] = 0.0f;
        if (rows->dy)
            memset(row, 0, (size_t)n_vocab * sizeof *row);
        return;
    }
    int32_t label = rows->label[n];
    assert(label >= 0 && label < n_vocab);
    if (has_options(rows->options)) {
        row_run_options(rows, n, weight);
        return;
    }
    double at_label = (double)row[label];
    float max = row_max(row, n_vocab);
    double sum = row_exp(row, n_vocab, max);
    rows->loss[n] = (float)((double)weight * (log(sum) + ((double)max - at_label)));
    if (rows->dy)
        row_gradient(row, n_vocab, rows->grad_dtype, label, sum, weight * rows->dy[n]);
}

void KERNEL(lce_rows)(const LceRows *rows)
{
#pragma omp parallel for schedule(static)
    for (int64_t n = 0; n < rows->n_rows; n++)
        row_run(rows, n);
}
