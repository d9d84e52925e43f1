/* schedule_test.c - learning rates against goldens and bounds. */
#include "base/test.h"
#include "learn/optim/optim.h"

/* Goldens: warmup 100, total 1000, peak 1e-3, min 0, steps counted from 1; of inverse sqrt the warmup begins at 1e-7 (curriculum G8, computed
 * there from the formulas; seven digits). */
TEST(schedule, gives_the_golden_values)
{
    const ScheduleOptions base = {.warmup_steps = 100, .steps = 1000, .lr = 1e-3};
    const struct {
        int64_t step;
        double cosine, linear, inverse_sqrt;
    } golden[] = {
        {1, 1e-5, 1e-5, 1.0099e-5},
        {50, 5e-4, 5e-4, 5.0005e-4},
        {100, 1e-3, 1e-3, 1e-3},
        {325, 8.535534e-4, 7.5e-4, 5.547002e-4},
        {550, 5e-4, 5e-4, 4.264014e-4},
        {775, 1.464466e-4, 2.5e-4, 3.592106e-4},
        {1000, 0, 0, 3.162278e-4},
    };
    ScheduleOptions cosine = base, linear = base, inverse = base;
    cosine.name = SCHEDULE_COSINE;
    linear.name = SCHEDULE_LINEAR;
    inverse.name = SCHEDULE_INVERSE_SQRT;
    inverse.warmup_init_lr = 1e-7;
    for (int i = 0; i < N_ELEMENTS(golden); i++) {
        CHECK_CLOSE(schedule_lr(&cosine, golden[i].step), golden[i].cosine, 5e-11);
        CHECK_CLOSE(schedule_lr(&linear, golden[i].step), golden[i].linear, 5e-11);
        CHECK_CLOSE(schedule_lr(&inverse, golden[i].step), golden[i].inverse_sqrt, 5e-11);
    }
}

/* Goldens: width 512, factor 2, warmup 4000; width 768, factor 1 (curriculum G8). */
TEST(schedule, noam_gives_the_golden_values)
{
    ScheduleOptions noam = {.name = SCHEDULE_NOAM, .warmup_steps = 4000, .steps = 100000, .lr = schedule_noam_peak(2, 512, 4000), .warmup_init_lr = 1e-7};
    CHECK_CLOSE(schedule_lr(&noam, 1), 3.493856e-7, 5e-14);
    CHECK_CLOSE(schedule_lr(&noam, 4000), 1.397542e-3, 5e-10);
    CHECK_CLOSE(schedule_lr(&noam, 16000), 6.987712e-4, 5e-11);
    CHECK_CLOSE(schedule_noam_peak(1, 768, 4000), 5.705443e-4, 5e-11);
}

TEST(schedule, warmup_stable_decay_stands_and_then_falls)
{
    ScheduleOptions wsd = {.name = SCHEDULE_WSD, .warmup_steps = 10, .steps = 100, .decay_steps = 40, .lr = 1.0, .min_lr = 0.2};
    const double half[] = {0.6, 0.6, 1.0 - 0.8 * sqrt(0.5)};
    CHECK_CLOSE(schedule_lr(&wsd, 5), 0.5, 0);
    for (int64_t step = 10; step <= 60; step++)
        CHECK_CLOSE(schedule_lr(&wsd, step), 1.0, 0);
    for (int shape = DECAY_LINEAR; shape <= DECAY_SQRT; shape++) {
        wsd.decay_shape = shape;
        CHECK_CLOSE(schedule_lr(&wsd, 80), half[shape], 1e-15);
        CHECK_CLOSE(schedule_lr(&wsd, 100), 0.2, 1e-15);
        CHECK(schedule_lr(&wsd, 61) < 1.0);
    }
    wsd.decay_steps = 0;
    CHECK_CLOSE(schedule_lr(&wsd, 100), 1.0, 0);
}

TEST(schedule, ends_at_the_minimum_and_never_leaves_its_bounds)
{
    const ScheduleOptions cosine = {.name = SCHEDULE_COSINE, .warmup_steps = 7, .steps = 50, .lr = 3e-4, .min_lr = 3e-5};
    double before = schedule_lr(&cosine, 7);
    CHECK_CLOSE(before, 3e-4, 0);
    for (int64_t step = 8; step <= 60; step++) {
        double lr = schedule_lr(&cosine, step);
        CHECK(lr <= before && lr >= 3e-5 * (1 - 1e-12));
        before = lr;
    }
    CHECK_CLOSE(before, 3e-5, 1e-18);
}

TEST(schedule, constant_stays_and_no_warmup_starts_at_the_peak)
{
    const ScheduleOptions constant = {.name = SCHEDULE_CONSTANT, .warmup_steps = 0, .steps = 10, .lr = 0.5, .min_lr = 0.1};
    CHECK_CLOSE(schedule_lr(&constant, 1), 0.5, 0);
    CHECK_CLOSE(schedule_lr(&constant, 10), 0.5, 0);
}
