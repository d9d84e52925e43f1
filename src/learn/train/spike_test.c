/* spike_test.c - what counts as a spike. */
#include "learn/train/spike.h"

#include "base/philox.h"
#include "base/test.h"

#include <math.h>

enum { WINDOW = 50 };

/* A falling loss with noise of 0.1 nats, and a gradient norm within a third. */
static double noise(uint64_t i)
{
    double sum = 0;
    for (uint64_t k = 0; k < 12; k++)
        sum += (double)philox_below(3, philox_stream("spike.test"), 12 * i + k, 1000001) / 1e6;
    return sum - 6;  /* normal, standard deviation 1 */
}

static StepHistory ordinary_steps(int64_t n)
{
    StepHistory h = {0};
    for (int64_t i = 0; i < n; i++)
        step_history_add(&h, WINDOW, 3 - 0.001 * (double)i + 0.1 * noise((uint64_t)i), exp(0.3 * noise((uint64_t)(i + 100000))));
    return h;
}

/* Goal: noise is no spike, what is far outside is, by either number; what is not finite always is. */
TEST(spike, is_told_from_noise)
{
    StepHistory h = ordinary_steps(WINDOW);
    int64_t n_false = 0;
    for (int64_t i = WINDOW; i < 2000; i++) {
        SpikeLimits limits = spike_limits(&h, WINDOW, 8);
        double loss = 3 - 0.001 * (double)i + 0.1 * noise((uint64_t)i), norm = exp(0.3 * noise((uint64_t)(i + 100000)));
        n_false += spike_is(&limits, loss, norm);
        CHECK(spike_is(&limits, loss + 2, norm));
        CHECK(spike_is(&limits, loss, 100 * norm));
        CHECK(spike_is(&limits, NAN, norm) && spike_is(&limits, loss, INFINITY));
        step_history_add(&h, WINDOW, loss, norm);
    }
    CHECK_EQUAL(n_false, 0);
}

/* Goal: the statistic is robust: a third of the window may be garbage without hiding the next spike. */
TEST(spike, outliers_in_the_window_do_not_hide_the_next)
{
    StepHistory h = ordinary_steps(WINDOW);
    for (int i = 0; i < WINDOW / 3; i++)
        h.loss[3 * i] = 1e6, h.grad_norm[3 * i] = 1e6;
    SpikeLimits limits = spike_limits(&h, WINDOW, 8);
    CHECK(spike_is(&limits, 6, 1));
    CHECK(!spike_is(&limits, 3, 1));
}

TEST(spike, nothing_finite_is_judged_before_the_window_is_full)
{
    StepHistory h = ordinary_steps(WINDOW - 1);
    SpikeLimits limits = spike_limits(&h, WINDOW, 8);
    CHECK(!spike_is(&limits, 1e30, 1e30));
    CHECK(spike_is(&limits, NAN, 1) && spike_is(&limits, 1, INFINITY));
}

/* Goal: a run of equal losses has a limit, not one at the loss itself; a gradient of zeros does no harm. */
TEST(spike, a_smooth_run_has_a_floor)
{
    StepHistory h = {0};
    for (int i = 0; i < WINDOW; i++)
        step_history_add(&h, WINDOW, 1.0, 0.0);
    SpikeLimits limits = spike_limits(&h, WINDOW, 8);
    CHECK_CLOSE(limits.loss, 1.0 + 8 * SPIKE_LOSS_FLOOR, 1e-12);
    CHECK(!spike_is(&limits, 1.1, 0.0) && spike_is(&limits, 1.2, 0.0));
    CHECK(limits.grad_norm > 0);
}

TEST(spike, the_history_keeps_the_newest)
{
    StepHistory h = {0};
    for (int i = 0; i < 7; i++)
        step_history_add(&h, 3, i, 10 * i);
    CHECK_EQUAL(h.n, 3);
    for (int i = 0; i < 3; i++)
        CHECK(h.loss[i] == 4 + i && h.grad_norm[i] == 10 * (4 + i));
}
