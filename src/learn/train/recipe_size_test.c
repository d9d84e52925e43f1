/* recipe_size_test.c - the dial's numbers are those of the rules that it names. */
#include "learn/train/recipe_size.h"

#include "base/test.h"
#include "learn/model/model.h"

/* Goal: the count is that of the model which the config makes. Method: model.h counts it, with the embedding table taken away. */
TEST(recipe_size, parameters_are_those_of_the_model)
{
    Arena *arena = arena_new();
    static const char *const sizes[] = {"100k", "1M", "10M", "124M", "1e9", "d1", "d7", "d24"};
    for (int i = 0; i < N_ELEMENTS(sizes); i++) {
        RecipeSize size;
        ModelConfig config;
        REQUIRE_OK(recipe_size_derive(&size, sizes[i], 256, arena));
        const char *json = recipe_size_config(&size, 256, arena);
        REQUIRE_OK(model_config_parse(&config, arena, "size", json, strlen(json)));
        config.vocab_size = 1000;
        REQUIRE_OK(model_config_check(&config));
        CHECK_EQUAL(model_n_params(&config) - 1000 * size.d_model, size.n_params);
    }
    arena_free(arena);
}

TEST(recipe_size, comes_near_to_what_was_asked_and_keeps_its_proportions)
{
    Arena *arena = arena_new();
    for (double wanted = 3e5; wanted < 1e11; wanted *= 3) {
        RecipeSize size;
        REQUIRE_OK(recipe_size_derive(&size, arena_printf(arena, "%.0f", wanted), 512, arena));
        CHECK(fabs(log((double)size.n_params / wanted)) < (wanted < 1e7 ? 0.5 : 0.12));
        double aspect = (double)size.d_model / (double)size.n_layer;
        CHECK(aspect >= 48 && aspect <= 128 && size.d_model == 64 * size.n_head);
        double tokens = (double)(size.steps * size.batch_size) * 512;
        CHECK(tokens >= size.n_tokens && tokens < size.n_tokens + (double)size.batch_size * 512);
    }
    arena_free(arena);
}

/* The paper's own law at its own scale: at C = 1e20 about 1 M tokens and 1e-3 (DeepSeek LLM, figure 3). */
TEST(recipe_size, follows_the_published_law)
{
    Arena *arena = arena_new();
    RecipeSize size;
    REQUIRE_OK(recipe_size_derive(&size, "913M", 4096, arena));
    CHECK_CLOSE(log10(size.compute), 20.0, 0.05);
    CHECK(size.batch_tokens > 0.9e6 && size.batch_tokens < 1.2e6);
    CHECK(size.lr > 0.9e-3 && size.lr < 1.1e-3);
    CHECK_CLOSE(size.n_tokens / (double)size.n_params, 20.0, 1e-12);
    arena_free(arena);
}

TEST(recipe_size, what_is_no_size_is_refused)
{
    Arena *arena = arena_new();
    static const char *const wrong[] = {"d0", "d201", "d", "d3x", "5", "-1M", "big", ""};
    RecipeSize size;
    for (int i = 0; i < N_ELEMENTS(wrong); i++) {
        CHECK(recipe_size_derive(&size, wrong[i], 256, arena) == ERR_USAGE);
        CHECK(strncmp(err_message(), "size", 4) == 0);
    }
    arena_free(arena);
}

/* Goal: the reasons tell the truth, also after one number was overridden. */
TEST(recipe_size, says_why_and_what_was_set_otherwise)
{
    Arena *arena = arena_new();
    Recipe recipe = recipe_default();
    CHECK_STRING(recipe_size_text(&recipe, arena), "");
    recipe.size = "10M";
    REQUIRE_OK(recipe_size_apply(&recipe, arena));
    CHECK(!strstr(recipe_size_text(&recipe, arena), "set otherwise"));
    recipe.optim.lr = 0.5;
    CHECK(strstr(recipe_size_text(&recipe, arena), "0.3118 C^-0.125 (DeepSeek LLM 2024); set otherwise: 0.5"));
    arena_free(arena);
}

/* Goal: an override carries along what follows from it, and nothing else. */
TEST(recipe_size, what_follows_from_an_override_follows)
{
    Arena *arena = arena_new();
    Recipe recipe = recipe_default(), plain;
    recipe.size = "d4";
    REQUIRE_OK(recipe_size_apply(&recipe, arena));
    REQUIRE_OK(recipe_size_settle(&recipe, arena));
    plain = recipe;
    recipe.optim.lr = 1e-4;
    recipe.train.batch_size = 2 * plain.train.batch_size;
    REQUIRE_OK(recipe_size_settle(&recipe, arena));
    CHECK_CLOSE(recipe.schedule.min_lr, 1e-5, 1e-12);
    CHECK_EQUAL(recipe.train.steps, (plain.train.steps + 1) / 2);
    CHECK_EQUAL(recipe.train.batch_size % recipe.train.micro_batch_size, 0);
    CHECK(recipe.train.micro_batch_size * recipe.data.seq_len <= 4096);
    CHECK(recipe.schedule.warmup_steps == (recipe.train.steps + 49) / 50);
    recipe = plain;
    recipe.train.steps = 10;
    REQUIRE_OK(recipe_size_settle(&recipe, arena));
    CHECK_EQUAL(recipe.schedule.warmup_steps, 1);
    CHECK_EQUAL(recipe.train.steps, 10);
    arena_free(arena);
}
