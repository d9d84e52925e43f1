/* spike.c - medians, and limits made of them. */
#include "learn/train/spike.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void step_history_add(StepHistory *h, int64_t window, double loss, double grad_norm)
{
    assert(1 <= window && window <= SPIKE_WINDOW_MAX);
    int64_t first = h->n >= window ? h->n - window + 1 : 0, kept = h->n - first;
    memmove(h->loss, h->loss + first, sizeof(double) * (size_t)kept);
    memmove(h->grad_norm, h->grad_norm + first, sizeof(double) * (size_t)kept);
    h->loss[kept] = loss;
    h->grad_norm[kept] = grad_norm;
    h->n = kept + 1;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static double median(double *values, int64_t n)
{
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

static void median_and_deviation(double *values, int64_t n, double floor, double *middle, double *deviation)
{
    *middle = median(values, n);
    for (int64_t i = 0; i < n; i++)
        values[i] = fabs(values[i] - *middle);
    *deviation = fmax(1.4826 * median(values, n), floor);
}

SpikeLimits spike_limits(const StepHistory *h, int64_t window, double threshold)
{
    SpikeLimits limits = {.loss_median = NAN, .loss_deviation = NAN, .loss = INFINITY, .grad_norm = INFINITY};
    double values[SPIKE_WINDOW_MAX], norm_median, norm_deviation;
    if (h->n < window)
        return limits;
    memcpy(values, h->loss, sizeof(double) * (size_t)h->n);
    median_and_deviation(values, h->n, SPIKE_LOSS_FLOOR, &limits.loss_median, &limits.loss_deviation);
    limits.loss = limits.loss_median + threshold * limits.loss_deviation;
    for (int64_t i = 0; i < h->n; i++)
        values[i] = log(fmax(h->grad_norm[i], 1e-30));
    median_and_deviation(values, h->n, SPIKE_NORM_FLOOR, &norm_median, &norm_deviation);
    limits.grad_norm = exp(norm_median + threshold * norm_deviation);
    return limits;
}

bool spike_is(const SpikeLimits *limits, double loss, double grad_norm)
{
    return !isfinite(loss) || !isfinite(grad_norm) || loss > limits->loss || grad_norm > limits->grad_norm;
}

double spike_sample_limit(const SpikeLimits *limits, double threshold, int64_t n_samples)
{
    return limits->loss_median + threshold * limits->loss_deviation * sqrt((double)n_samples);
}
