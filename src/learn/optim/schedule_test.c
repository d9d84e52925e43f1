/* schedule_test.c - learning rates against goldens and bounds. */
#include "base/test.h"
#include "learn/optim/optim.h"

/* Goldens: warmup 100, total 1000, peak 1e-3, min 0, steps counted from 1 (curriculum G8, computed there from the formula). */
TEST(schedule, cosine_gives_the_golden_values)
{
    const ScheduleOptions cosine = {.name = SCHEDULE_COSINE, .warmup_steps = 100, .steps = 1000, .lr = 1e-3, .min_lr = 0};
    const struct {
        int64_t step;
        double lr;
    } golden[] = {{1, 1e-5}, {50, 5e-4}, {100, 1e-3}, {325, 8.535534e-4}, {550, 5e-4}, {775, 1.464466e-4}, {1000, 0}};
    for (int i = 0; i < N_ELEMENTS(golden); i++)
        CHECK_CLOSE(schedule_lr(&cosine, golden[i].step), golden[i].lr, 5e-11);
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
