/* recipe_test.c - defaults, contradictions, identity. */
#include "base/test.h"

#include "base/arena.h"
#include "learn/train/recipe.h"

static const char good[] = "version: 1\n"
                           "run: a\n"
                           "data:  {text: t.txt, tokenizer: char, seq_len: 64}\n"
                           "model: {config: m.json}\n"
                           "train: {steps: 2000, batch_size: 12, micro_batch_size: 4}\n";

static Err read_recipe(Recipe *recipe, Arena *arena, const char *text, const char *name, const char *value)
{
    *recipe = recipe_default();
    TRY(options_read_yaml_text(&recipe_table, recipe, arena, "r.yaml", text, strlen(text)));
    if (name)
        TRY(options_set(&recipe_table, recipe, arena, "--set", name, value));
    return recipe_check(recipe, arena);
}

TEST(recipe, fills_in_what_follows_from_other_settings)
{
    Arena *arena = arena_new();
    Recipe recipe;
    REQUIRE_OK(read_recipe(&recipe, arena, good, NULL, NULL));
    CHECK_EQUAL(recipe.train.grad_leaf, 64);
    CHECK_STRING(recipe.out, "runs/a");
    REQUIRE_OK(read_recipe(&recipe, arena, good, "train.micro_batch_size", "0"));
    CHECK_EQUAL(recipe.train.micro_batch_size, 12);
    arena_free(arena);
}

TEST(recipe, contradictions_are_errors_that_name_both_sides)
{
    const struct {
        const char *name, *value, *message;
    } cases[] = {
        {"train.micro_batch_size", "5", "train.batch_size 12 is not a multiple of train.micro_batch_size 5"},
        {"schedule.warmup_steps", "3000", "schedule.warmup_steps 3000 is above train.steps 2000"},
        {"optim.betas", "0.9", "optim.betas holds 1 numbers, expected two"},
        {"data.stride", "65", "data.stride 65 is above data.seq_len 64: tokens between windows would be lost"},
        {"parallel.dp", "2", "parallel.dp: 2: this build trains on one rank (dp: 1)"},
        {"data.train", "shard", "data.text and data.train are both set: keep one"},
        {"model.from", "m", "set one of model.config (a new model) and model.from (weights to start from)"},
    };
    Arena *arena = arena_new();
    for (int i = 0; i < N_ELEMENTS(cases); i++) {
        Recipe recipe;
        CHECK(read_recipe(&recipe, arena, good, cases[i].name, cases[i].value) != OK);
        CHECK_STRING(err_message(), cases[i].message);
    }
    arena_free(arena);
}

/* What cannot change the result does not change the identity; what can, does. */
TEST(recipe, the_hash_ignores_only_what_cannot_change_the_result)
{
    const char *neutral[][2] = {{"run", "b"}, {"out", "x"}, {"train.threads", "3"}, {"train.micro_batch_size", "12"},
                                {"train.log_every", "3"}, {"train.checkpoint_every", "7"}, {"train.sample", "Hi"}, {"train.probe", "false"}};
    const char *telling[][2] = {{"seed", "2"}, {"optim.lr", "0.5"}, {"train.steps", "3000"}, {"train.grad_leaf", "32"},
                                {"data.order", "random"}, {"train.precision", "bf16"}, {"data.split", "0.8"}};
    Arena *arena = arena_new();
    Recipe recipe;
    REQUIRE_OK(read_recipe(&recipe, arena, good, NULL, NULL));
    uint64_t hash = recipe_hash(&recipe);
    for (int i = 0; i < N_ELEMENTS(neutral); i++) {
        CHECK_OK(read_recipe(&recipe, arena, good, neutral[i][0], neutral[i][1]));
        CHECK(recipe_hash(&recipe) == hash);
    }
    for (int i = 0; i < N_ELEMENTS(telling); i++) {
        CHECK_OK(read_recipe(&recipe, arena, good, telling[i][0], telling[i][1]));
        CHECK(recipe_hash(&recipe) != hash);
    }
    arena_free(arena);
}
