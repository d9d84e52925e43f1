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

/* row = factor * row, but factor * (row[label] - sum) at the label, where factor * sum is the weight. In bf16 the row shrinks in place: what is
 * written at element i lies before what is read from i on. */
static void row_gradient(float *row, int64_t n, DType dtype, int32_t label, double sum, float weight)
{
    float factor = (float)((double)weight / sum), at_label = (float)((double)weight / sum * ((double)row[label] - sum));
    for (int64_t i = 0; i < n; i += 16)
        store16(row, dtype, i, n, load16(row, DTYPE_F32, i, n) * factor);
    if (dtype == DTYPE_BF16)
        ((uint16_t *)row)[label] = bf16_from_f32(at_label);
    else
        row[label] = at_label;
}

static void row_run(const LceRows *rows, int64_t n)
{
    int64_t n_vocab = rows->n_vocab;
    float *row = rows->logits + n * n_vocab, weight = rows->weight[n];
    if (weight == 0.0f) {
        rows->loss[n] = 0.0f;
        if (rows->dy)
            memset(row, 0, (size_t)n_vocab * sizeof *row);
        return;
    }
    int32_t label = rows->label[n];
    assert(label >= 0 && label < n_vocab);
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
