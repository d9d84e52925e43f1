/* packing_test.c - weights laid out for their products once a step: no bit changes, and the plan counts the copies. */
#include "base/test.h"

#include "base/arena.h"
#include "base/file.h"
#include "rig.h"

#include <stdlib.h>

/* Goal: packing gives the bits of packing anew, in all dtypes, alone, with recompute and cut into micro batches, at any thread count. Method: a
 * hash of weights, gradients and moments after three steps: a copy that an update forgot would show in the second. */
static void check_same_bits(const char *family, const char *precision)
{
    Shop shop;
    REQUIRE(rig_deep_shop(&shop, family, 3, 0.0));
    const char *const ways[] = {"", "train.micro_batch_size=2", "memory.recompute=layers"};
    rig_check_same_bits(&shop, precision, "memory.pack_weights=true", ways, sizeof ways / sizeof ways[0]);
    shop_close(&shop);
}

TEST(packing, gives_the_bits_of_packing_anew)
{
    check_same_bits("gpt2", "train.precision=f32");
    check_same_bits("gpt2", "train.precision=bf16");
    check_same_bits("llama", "train.precision=fp16");
}

/* Goal: the plan says what the copies take. */
TEST(packing, is_planned)
{
    Shop shop;
    Rig rig;
    REQUIRE(rig_deep_shop(&shop, "gpt2", 3, 0.0));
    REQUIRE(rig_open(&rig, &shop, ""));
    TrainerPlan kept = trainer_plan(rig.trainer);
    rig_close(&rig);
    REQUIRE(rig_open(&rig, &shop, "memory.pack_weights=true"));
    TrainerPlan packed = trainer_plan(rig.trainer);
    rig_close(&rig);
    int64_t copies = packed.store_bytes[STATE_COPY] - kept.store_bytes[STATE_COPY];
    test_note("%lld bytes of parameters, %lld of panels", (long long)kept.store_bytes[STATE_PARAM], (long long)copies);
    CHECK(copies > kept.store_bytes[STATE_PARAM]);
    CHECK_EQUAL(packed.total_bytes - kept.total_bytes, copies + packed.activation_bytes - kept.activation_bytes + packed.update_bytes - kept.update_bytes);
    shop_close(&shop);
}

/* Goal: packing is no part of a run's identity: one that is resumed with it ends as the one that went on without. */
TEST(packing, begins_in_the_middle_of_a_run)
{
    Shop shop;
    const char *flags = "--train.steps 8 --train.checkpoint_every 4 --train.probe false";
    REQUIRE(shop_open(&shop));
    REQUIRE(shop_train_ok(&shop, "whole", flags));
    REQUIRE(CHECK_EQUAL(system(arena_printf(shop.arena, "cp -a %s/whole %s/cut && rm -r %s/cut/checkpoints/step-8", shop.dir, shop.dir,
                                            shop.dir)), 0));
    REQUIRE(shop_train_ok(&shop, "cut", arena_printf(shop.arena, "%s --memory.pack_weights true --resume", flags)));
    shop_check_same_checkpoint(&shop, "whole", "cut", "step-8");
    shop_close(&shop);
}
