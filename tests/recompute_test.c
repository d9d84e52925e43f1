/* recompute_test.c - values made again instead of kept: no bit changes, and the plan's bytes and budget hold. */
#include "base/test.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/parallel.h"
#include "rig.h"

#include <stdlib.h>

/* Goal: recompute gives the bits of keeping, in all ways, dtypes and families, at any thread count. Method: a hash of all weights, gradients
 * and moments after three steps. */
static void check_same_bits(const char *family, const char *precision)
{
    Shop shop;
    REQUIRE(rig_deep_shop(&shop, family, 6, 0.0));
    const char *const ways[] = {"memory.recompute=layers", "memory.recompute=layers memory.layers=4", "memory.recompute=sqrt",
                                "memory.recompute=budget memory.budget_bytes=4e6"};
    int n_threads = parallel_threads();
    uint64_t kept = rig_hash_after_steps(&shop, precision, 1);
    CHECK(kept != rig_hash_after_steps(&shop, arena_printf(shop.arena, "%s seed=8", precision), 1));  /* the comparison can fail */
    for (int i = 0; i < (int)(sizeof ways / sizeof ways[0]); i++)
        if (!CHECK(rig_hash_after_steps(&shop, arena_printf(shop.arena, "%s %s", precision, ways[i]), i + 1) == kept))
            test_note("%s %s %s, %d threads", family, precision, ways[i], i + 1);
    parallel_set_threads(n_threads);
    shop_close(&shop);
}

TEST(recompute, gives_the_bits_of_keeping)
{
    check_same_bits("gpt2", "train.precision=f32");
    check_same_bits("gpt2", "train.precision=bf16");
}

TEST(recompute, gives_the_bits_of_keeping_in_llama)
{
    check_same_bits("llama", "train.precision=bf16");
}

/* Goal: a budget is met, closely, by a run that maps what was planned. Method: budgets across what the choices span. */
TEST(recompute, meets_a_budget_within_two_percent)
{
    Shop shop;
    Rig rig;
    REQUIRE(rig_deep_shop(&shop, "gpt2", 16, 0.0));
    REQUIRE(rig_open(&rig, &shop, "train.batch_size=32"));
    double most = (double)trainer_plan(rig.trainer).total_bytes;
    rig_close(&rig);
    REQUIRE(rig_open(&rig, &shop, "train.batch_size=32 memory.recompute=layers"));
    double least = (double)trainer_plan(rig.trainer).total_bytes, share_of_all = trainer_plan(rig.trainer).recompute_share;
    rig_close(&rig);
    CHECK(least < 0.6 * most);
    for (double part = 0.1; part < 1.0; part += 0.25) {
        int64_t budget = (int64_t)(least + part * (most - least));
        if (!rig_open(&rig, &shop, arena_printf(shop.arena, "train.batch_size=32 memory.recompute=budget memory.budget_bytes=%lld",
                                                (long long)budget)))
            break;
        int64_t before = memory_mapped_bytes();
        TrainerPlan plan = trainer_plan(rig.trainer);
        CHECK_OK(trainer_bind(rig.trainer));
        int64_t mapped = memory_mapped_bytes() - before;
        test_note("budget %lld: mapped %.2f %% of it, %.1f %% of a step made again (all: %.1f %%)", (long long)budget,
                  100.0 * (double)mapped / (double)budget, 100 * plan.recompute_share, 100 * share_of_all);
        CHECK_EQUAL(mapped, plan.total_bytes);
        CHECK(mapped <= budget && (double)mapped > 0.98 * (double)budget);
        CHECK(plan.recompute_share < share_of_all);
        rig_close(&rig);
    }
    shop_close(&shop);
}

TEST(recompute, says_what_a_budget_that_is_too_small_would_need)
{
    Shop shop;
    Rig rig;
    REQUIRE(rig_deep_shop(&shop, "gpt2", 6, 0.0));
    CHECK_EQUAL(rig_make(&rig, &shop, "memory.recompute=budget memory.budget_bytes=1e5"), ERR_USAGE);
    CHECK(strstr(err_message(), "this run needs") != NULL);
    rig_close(&rig);
    CHECK_EQUAL(rig_make(&rig, &shop, "memory.recompute=budget"), ERR_USAGE);
    CHECK(strstr(err_message(), "memory.budget_bytes") != NULL);
    rig_close(&rig);
    shop_close(&shop);
}

/* Goal: a run says what recompute took beside what the plan said, and may resume with other memory settings. */
TEST(recompute, is_reported_after_the_run_and_is_no_part_of_its_identity)
{
    Shop shop;
    REQUIRE(rig_deep_shop(&shop, "gpt2", 6, 0.0));
    REQUIRE(shop_train_ok(&shop, "run", "--train.steps 4 --schedule.min_lr 1e-2 --memory.recompute layers --json"));
    CHECK(strstr(shop_read(&shop, "run/log.jsonl"), "\"event\":\"recompute\",\"saved_bytes\":") != NULL);
    CHECK(strstr(shop_read(&shop, "stderr"), "recompute saved") != NULL);
    double share = shop_number(&shop, "recompute_share"), planned = shop_number(&shop, "recompute_share_planned");
    test_note("share of time %.3f, planned %.3f", share, planned);
    CHECK(share > 0.02 && share < 0.6 && planned > 0.02 && planned < 0.6);
    CHECK(shop_train_ok(&shop, "run", "--train.steps 4 --schedule.min_lr 1e-2 --resume"));
    shop_close(&shop);
}
