/* spike.h - is this step's loss or gradient norm out of all proportion to those before? A pure function of the steps before.
 *
 * A spike is a value above median + threshold * deviation of the last `window` steps that were applied, where deviation is 1.4826 times the
 * median distance from the median, which is the standard deviation of a normal distribution and does not see outliers (Hampel 1974). The
 * gradient norm, which is a product of many factors, is judged by its logarithm. A deviation counts as at least SPIKE_LOSS_FLOOR nats, or a
 * SPIKE_NORM_FLOOR of the norm, so that a smooth run has no spikes of nothing. What is not finite is always one. */
#ifndef LEARN_TRAIN_SPIKE_H
#define LEARN_TRAIN_SPIKE_H

#include <stdbool.h>
#include <stdint.h>

enum { SPIKE_WINDOW_MAX = 256 };
#define SPIKE_LOSS_FLOOR 0.02
#define SPIKE_NORM_FLOOR 0.1

/* The last steps, oldest first. */
typedef struct {
    int64_t n;
    double loss[SPIKE_WINDOW_MAX];  /* nats a target */
    double grad_norm[SPIKE_WINDOW_MAX];
} StepHistory;
/* Keeps the newest `window`. */
void step_history_add(StepHistory *history, int64_t window, double loss, double grad_norm);

typedef struct {
    double loss_median, loss_deviation;  /* NaN until the window is full */
    double loss, grad_norm;              /* the highest values that are none; INFINITY until the window is full */
} SpikeLimits;
SpikeLimits spike_limits(const StepHistory *history, int64_t window, double threshold);
bool spike_is(const SpikeLimits *limits, double loss, double grad_norm);
/* The same for the mean loss of one sample out of the n_samples of a step: means of fewer values spread more widely, by the root of n_samples. */
double spike_sample_limit(const SpikeLimits *limits, double threshold, int64_t n_samples);

#endif
