/* attention_rows_cpu.c - see attention_rows_internal.h. */
#include "study/bench/attention_rows_internal.h"
#include "engine/op/simd.h"

static float row_max(const float *x, int64_t n)
{
    V16 best = v16_set1(-INFINITY);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        best = v16_max(v16_load(x + i), best);
    float max = v16_max_of(best);
    for (; i < n; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

/* x = e^(scale (x - max)); returns the sum. */
static float row_exp(float *x, int64_t n, float max, float scale)
{
    V16 total = v16_zero();
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        V16 p = v16_exp((v16_load(x + i) - max) * scale);
        v16_store(x + i, p);
        total += p;
    }
    float sum = v16_sum(total);
    if (i < n)
        v16_store_tail(x + i, v16_exp((v16_load_tail(x + i, n - i) - max) * scale), n - i);
    for (; i < n; i++)
        sum += x[i];
    return sum;
}

void KERNEL(softmax_row)(float *scores, int64_t n, int64_t n_seen, float scale)
{
    float inverse = 1.0f / row_exp(scores, n_seen, row_max(scores, n_seen), scale);
    int64_t i = 0;
    for (; i + 16 <= n_seen; i += 16)
        v16_store(scores + i, v16_load(scores + i) * inverse);
    v16_store_tail(scores + i, v16_load_tail(scores + i, n_seen - i) * inverse, n_seen - i);
    memset(scores + n_seen, 0, (size_t)(n - n_seen) * sizeof *scores);
}

void KERNEL(softmax_gradient_row)(float *dp, const float *p, int64_t n, float scale)
{
    V16 total = v16_zero();
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        total = v16_fma(v16_load(p + i), v16_load(dp + i), total);
    total = v16_fma(v16_load_tail(p + i, n - i), v16_load_tail(dp + i, n - i), total);
    float sum = v16_sum(total);
    for (i = 0; i + 16 <= n; i += 16)
        v16_store(dp + i, v16_load(p + i) * (v16_load(dp + i) - sum) * scale);
    v16_store_tail(dp + i, v16_load_tail(p + i, n - i) * (v16_load_tail(dp + i, n - i) - sum) * scale, n - i);
}
