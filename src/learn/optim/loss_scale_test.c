/* loss_scale_test.c - the course of a scale. */
#include "base/test.h"
#include "learn/optim/loss_scale.h"

TEST(loss_scale, backs_off_at_once_and_grows_after_an_interval)
{
    const LossScaleOptions o = {.start = 1024, .growth = 4, .backoff = 0.25, .interval = 3};
    LossScale s = loss_scale_start(&o);
    CHECK(loss_scale_update(&s, &o, false) && loss_scale_update(&s, &o, false));
    CHECK_CLOSE(s.scale, 1024, 0);
    CHECK(loss_scale_update(&s, &o, true));   /* begins the interval anew */
    CHECK_CLOSE(s.scale, 256, 0);
    for (int i = 0; i < 3; i++) {
        CHECK_CLOSE(s.scale, 256, 0);
        CHECK(loss_scale_update(&s, &o, false));
    }
    CHECK_CLOSE(s.scale, 1024, 0);
    CHECK_EQUAL(s.n_good, 0);
}

/* Goal: what cannot be cured by scaling is said, so that a run may stop. */
TEST(loss_scale, says_when_backing_off_helps_no_more)
{
    const LossScaleOptions fixed = {.start = 8, .growth = 1, .backoff = 1, .interval = 1};
    LossScale s = loss_scale_start(&fixed);
    CHECK(loss_scale_update(&s, &fixed, false) && s.scale == 8);
    CHECK(!loss_scale_update(&s, &fixed, true) && s.scale == 8);
    const LossScaleOptions halving = {.start = 1, .growth = 2, .backoff = 0.5, .interval = 10};
    int n = 0;
    for (s = loss_scale_start(&halving); loss_scale_update(&s, &halving, true); n++)
        CHECK(s.scale > 0);
    CHECK(n > 20 && n < 200);
}
