/* train_data_test.c - how long training waits for its data. */
#include "base/arena.h"
#include "base/test.h"
#include "shop.h"

#include <math.h>

/* Goal: data is ready when a step wants it, for every order and mode: less than 1 % of the time in steps goes into waiting for it, on a model so
 * small that its steps take a few milliseconds. Method: the share that `train` itself says. A thread that loses its core in the middle of
 * filling a batch is not data that is late: the best of a few runs counts. A share of time, so no part of the fast tests. */
SLOW_TEST(train_data, a_step_does_not_wait_for_its_batch)
{
    static const char *const orders[] = {"--data.order random", "--data.mode packed --data.order shuffled"};
    enum { RUNS = 5 };
    Shop shop;
    REQUIRE(shop_open(&shop));
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        double best = INFINITY;
        for (int run = 0; run < RUNS && !(best < 0.01); run++) {
            const char *out = arena_printf(shop.arena, "%zu-%d", i, run);
            if (!shop_train_ok(&shop, out, arena_printf(shop.arena, "--json --train.steps 20 --train.checkpoint_every 0 --train.eval_every 0 %s", orders[i])))
                break;
            best = fmin(best, shop_number(&shop, "data_share"));
        }
        test_note("%s: %.3f %%", orders[i], 100 * best);
        CHECK(best >= 0 && best < 0.01);
    }
    shop_close(&shop);
}
