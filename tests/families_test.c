/* families_test.c - each family of models through the whole program: the bits of training, the plan, generation, and reading what was saved. */
#include "base/file.h"
#include "base/parallel.h"
#include "base/test.h"
#include "families.h"
#include "rig.h"

#include <stdlib.h>

static uint64_t checkpoint_hash(Shop *shop, const char *out, const char *file)
{
    uint64_t hash = 0;
    CHECK_OK(file_hash(&hash, arena_printf(shop->arena, "%s/%s/checkpoints/last/%s", shop->dir, out, file)));
    return hash;
}

static void check_same_run(Shop *shop, const char *name, const char *flags)
{
    const char *const files[] = {"model.safetensors", "optimizer.safetensors", "state.json"};
    REQUIRE(shop_train_ok(shop, "other", flags));
    for (int i = 0; i < 3; i++)
        CHECK(checkpoint_hash(shop, name, files[i]) == checkpoint_hash(shop, "other", files[i]));
    REQUIRE_OK(file_remove_tree(arena_printf(shop->arena, "%s/other", shop->dir)));
}

/* Goal: plan = allocation, and the same bits at other threads, in other micro batches with dropout where the family has it. Method: eight steps
 * of each family on one thread, and on three in micro batches of two rows. */
TEST(families, training_keeps_its_bits_and_its_plan)
{
    for (int f = 0; f < n_families(); f++) {
        Shop shop;
        REQUIRE(family_shop(&shop, family_at(f)));
        const char *command = arena_printf(shop.arena, "%s plan %s/recipe.yaml --train.steps 8 --json > %s/stdout", JIKJI_BINARY, shop.dir, shop.dir);
        REQUIRE(CHECK_EQUAL(system(command), 0));
        double planned = shop_number(&shop, "peak_bytes_forecast");
        REQUIRE(shop_train_ok(&shop, family_at(f)->name, "--json --train.steps 8 --train.threads 1"));
        CHECK(planned > 0);
        CHECK_CLOSE(shop_number(&shop, "peak_bytes_forecast"), planned, 0);
        double loss = shop_number(&shop, "val_loss");
        CHECK(loss > 0 && loss < 6);
        test_note("%s: evaluation loss %.3f", family_at(f)->name, loss);
        check_same_run(&shop, family_at(f)->name, "--train.steps 8 --train.threads 3 --train.micro_batch_size 2");
        shop_close(&shop);
    }
}

/* All states after two steps; 0 after a failed check. */
static uint64_t states_hash(Shop *shop, const char *settings, int n_threads)
{
    Rig rig;
    StepReport report;
    uint64_t hash = 0;
    parallel_set_threads(n_threads);
    if (rig_open(&rig, shop, settings) && CHECK_OK(trainer_bind(rig.trainer)) && CHECK_OK(trainer_run_step(rig.trainer, &report)) &&
        CHECK_OK(trainer_run_step(rig.trainer, &report)))
        hash = rig_hash(&rig);
    rig_close(&rig);
    return hash;
}

/* Goal: in every family and precision, dropout and all, neither threads, nor the cut into micro batches, nor recompute change a bit of weights,
 * gradients, moments or counts. Method: two steps on one thread, and the same otherwise on two, three and four. */
TEST(families, no_precision_shows_threads_micro_batches_or_recompute)
{
    static const char *const precisions[] = {"f32", "bf16", "fp16"};
    static const char *const ways[] = {"train.micro_batch_size=2", "train.micro_batch_size=1", "train.micro_batch_size=4 memory.recompute=layers"};
    int n_threads = parallel_threads();
    for (int f = 0; f < n_families(); f++) {
        Shop shop;
        REQUIRE(family_shop(&shop, family_at(f)));
        for (int p = 0; p < 3; p++) {
            const char *precision = arena_printf(shop.arena, "train.precision=%s", precisions[p]);
            uint64_t whole = states_hash(&shop, precision, 1);
            for (int w = 0; w < 3; w++)
                if (!CHECK(states_hash(&shop, arena_printf(shop.arena, "%s %s", precision, ways[w]), w + 2) == whole))
                    test_note("%s %s %s", family_at(f)->name, precision, ways[w]);
            CHECK(whole != 0 && whole != states_hash(&shop, arena_printf(shop.arena, "%s seed=8", precision), 1));  /* it can fail */
        }
        shop_close(&shop);
    }
    parallel_set_threads(n_threads);
}

/* Goal: a resumed run drops what it would have dropped. Method: bloom with dropout; its last checkpoint damaged, so that its last third runs
 * again. */
SLOW_TEST(families, dropout_goes_on_after_a_resume_as_if_never_stopped)
{
    const Family *bloom = family_at(n_families() - 1);
    Shop shop;
    REQUIRE(family_shop(&shop, bloom));
    REQUIRE(shop_train_ok(&shop, "whole", ""));
    REQUIRE(CHECK_EQUAL(system(arena_printf(shop.arena, "cp -a %s/whole %s/again", shop.dir, shop.dir)), 0));
    REQUIRE(shop_write(&shop, "again/checkpoints/step-24/state.json", "damaged"));
    REQUIRE(shop_train_ok(&shop, "again", "--resume"));
    CHECK(checkpoint_hash(&shop, "whole", "model.safetensors") == checkpoint_hash(&shop, "again", "model.safetensors"));
    CHECK(checkpoint_hash(&shop, "whole", "state.json") == checkpoint_hash(&shop, "again", "state.json"));
    REQUIRE(shop_train_ok(&shop, "none", "--model.dropout 0"));
    CHECK(checkpoint_hash(&shop, "whole", "model.safetensors") != checkpoint_hash(&shop, "none", "model.safetensors"));
    shop_close(&shop);
}

/* Goal: what training saved is a model that generates. */
TEST(families, a_trained_model_generates)
{
    for (int f = 0; f < n_families(); f++) {
        Shop shop;
        REQUIRE(family_shop(&shop, family_at(f)));
        REQUIRE(shop_train_ok(&shop, family_at(f)->name, "--train.steps 4 --train.threads 1"));
        const char *command = arena_printf(shop.arena, "%s generate %s/%s --prompt a --samples 2 --max-tokens 9 --ignore-eos --json > %s/stdout 2> %s/stderr",
                                           JIKJI_BINARY, shop.dir, family_at(f)->name, shop.dir, shop.dir);
        if (!CHECK_EQUAL(system(command), 0))
            test_note("%s: %s", family_at(f)->name, shop_read(&shop, "stderr"));
        CHECK(strstr(shop_read(&shop, "stdout"), "\"completion_tokens\":9"));
        shop_close(&shop);
    }
}

/* Goal: a setting of training that is not computed is said, once a run, and kept in the checkpoint's config; a rate of 0, as files have it, is silent. */
TEST(families, layerdrop_is_said_not_to_be_applied)
{
    static const char json[] = "{\"model_type\": \"opt\", \"hidden_size\": 32, \"ffn_dim\": 64, \"num_hidden_layers\": 2, \"num_attention_heads\": 2,"
                               " \"word_embed_proj_dim\": 32, \"max_position_embeddings\": 64, \"layerdrop\": %s}";
    Shop shop;
    REQUIRE(shop_open(&shop));
    for (int i = 0; i < 2; i++) {
        const char *rate = i ? "0.1" : "0.0", *out = i ? "some" : "none";
        REQUIRE(shop_write(&shop, "model.json", arena_printf(shop.arena, json, rate)));
        REQUIRE(shop_train_ok(&shop, out, "--train.steps 4"));
        const char *said = strstr(shop_read(&shop, "stderr"), "model.json: layerdrop 0.1 is not applied: every layer runs in every step of training");
        CHECK((said != NULL) == (i == 1));
        CHECK(strstr(shop_read(&shop, arena_printf(shop.arena, "%s/checkpoints/last/config.json", out)), arena_printf(shop.arena, "\"layerdrop\": %s", rate)));
    }
    shop_close(&shop);
}
