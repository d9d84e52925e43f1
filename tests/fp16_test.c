/* fp16_test.c - training in fp16: the loss scale recovers from overflow, and without it a run fails and its log says why. */
#include "base/test.h"

#include "base/arena.h"
#include "base/file.h"
#include "rig.h"

#include <stdlib.h>

/* The train loss at the end of a run, NaN after a failed check. */
static double loss_of(Shop *shop, const char *out, const char *flags)
{
    const char *all = arena_printf(shop->arena, "--json --train.steps 60 --train.log_every 20 --optim.lr 3e-3 %s", flags);
    return shop_train_ok(shop, out, all) ? shop_number(shop, "train_loss") : NAN;
}

/* Goal: fp16 learns what f32 learns, from a good scale and after one that overflows. Method: the loss of the last 20 of 60 steps; the scale of the second
 * run is 2^30, so that it must back off many times before its first update. */
TEST(fp16, trains_as_f32_and_recovers_from_overflow)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    double f32 = loss_of(&shop, "f32", ""), f16 = loss_of(&shop, "f16", "--train.precision fp16");
    CHECK_EQUAL((int64_t)shop_number(&shop, "bad_steps"), 0);
    double provoked = loss_of(&shop, "provoked", "--train.precision fp16 --loss_scale.start 1073741824");
    double n_skipped = shop_number(&shop, "bad_steps"), scale = shop_number(&shop, "loss_scale");
    test_note("train loss: f32 %.4f, fp16 %.4f, after %.0f overflows down to a scale of %g: %.4f", f32, f16, n_skipped, scale, provoked);
    CHECK(fabs(f16 - f32) < 0.02 * f32);
    CHECK(n_skipped >= 10 && n_skipped <= 30 && scale < 1073741824);
    CHECK(fabs(provoked - f32) < 0.1 * f32);  /* some steps of 60 were skipped */
    const char *log = shop_read(&shop, "provoked/log.jsonl");
    CHECK(strstr(log, "\"event\":\"overflow\"") && strstr(log, "\"next_loss_scale\":536870912"));
    shop_close(&shop);
}

/* Goal: without dynamic scaling the same run fails, and the log names the layers that overflowed. */
TEST(fp16, fails_without_scaling_and_says_why)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    CHECK_EQUAL(shop_train(&shop, "run", "--train.precision fp16 --loss_scale.start 1073741824 --loss_scale.backoff 1"), 1);
    CHECK(strstr(shop_read(&shop, "stderr"), "fp16 overflows at this loss scale") != NULL);
    const char *at = strstr(shop_read(&shop, "run/log.jsonl"), "\"layer\":1,");
    REQUIRE(at != NULL);
    at = strstr(at, "\"overflow\":");
    CHECK(at && atoll(at + 11) > 0);
    shop_close(&shop);
}

/* Goal: a scale that is too small loses gradients to underflow; the histogram shows it, and the run learns less. */
TEST(fp16, underflow_is_counted)
{
    Shop shop;
    REQUIRE(shop_open(&shop));
    double scaled = loss_of(&shop, "scaled", "--train.precision fp16");
    double lost = loss_of(&shop, "lost", "--train.precision fp16 --loss_scale.start 1e-9 --loss_scale.growth 1");
    const char *at = strstr(shop_read(&shop, "lost/log.jsonl"), "\"layer\":0,");
    REQUIRE(at != NULL);
    double n_elements = atof(strstr(at, "\"elements\":") + 11), n_zero = atof(strstr(at, "\"zero\":") + 7);
    test_note("loss %.4f, without scaling %.4f; %.0f %% of layer 0's gradients are zero", scaled, lost, 100 * n_zero / n_elements);
    CHECK(n_zero > 0.9 * n_elements);
    CHECK(lost > scaled + 0.2);
    shop_close(&shop);
}

/* Goal: neither threads, micro batches nor a stop in the middle show, also while the scale moves. */
TEST(fp16, resumes_to_the_bit)
{
    static const char flags[] = "--train.precision fp16 --loss_scale.start 1048576 --loss_scale.interval 3";
    Shop shop;
    REQUIRE(shop_open(&shop));
    REQUIRE(shop_train_ok(&shop, "whole", arena_printf(shop.arena, "%s --train.threads 1", flags)));
    CHECK(shop_train_ok(&shop, "micro", arena_printf(shop.arena, "%s --train.threads 3 --train.micro_batch_size 2", flags)));
    shop_check_same_checkpoint(&shop, "whole", "micro", "step-24");
    REQUIRE(CHECK_EQUAL(system(arena_printf(shop.arena, "cp -a %s/whole %s/cut && rm -r %s/cut/checkpoints/step-24", shop.dir, shop.dir,
                                            shop.dir)), 0));
    CHECK(shop_train_ok(&shop, "cut", arena_printf(shop.arena, "%s --resume", flags)));
    shop_check_same_checkpoint(&shop, "whole", "cut", "step-24");
    CHECK(strstr(shop_read(&shop, "cut/checkpoints/step-24/state.json"), "\"loss_scale\": 1048576") == NULL);  /* it moved */
    shop_close(&shop);
}

/* Goal: passes compose: the same weights, and the same counts of exponents, which are states too. */
TEST(fp16, recompute_and_fp16_go_together)
{
    Shop shop;
    Rig kept, again;
    REQUIRE(shop_open(&shop));
    StepReport report;
    REQUIRE(rig_open(&kept, &shop, "train.precision=fp16") && CHECK_OK(trainer_bind(kept.trainer)));
    REQUIRE(rig_open(&again, &shop, "train.precision=fp16 memory.recompute=layers") && CHECK_OK(trainer_bind(again.trainer)));
    for (int step = 0; step < 3; step++)
        CHECK(trainer_run_step(kept.trainer, &report) == OK && trainer_run_step(again.trainer, &report) == OK);
    CHECK(rig_hash(&kept) == rig_hash(&again));
    rig_close(&kept);
    rig_close(&again);
    shop_close(&shop);
}
