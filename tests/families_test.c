/* families_test.c - each family of models through the whole program: the bits of training, the plan, generation, and reading what was saved. */
#include "base/file.h"
#include "base/test.h"
#include "shop.h"

#include <stdlib.h>

typedef struct {
    const char *name, *config;
} Family;

/* Odd numbers of heads, widths that are no powers of two, tied and untied; every option that changes a kernel. */
static const Family families[] = {
    {"mistral", "\"hidden_size\": 18, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 1, \"head_dim\": 10,"
                " \"intermediate_size\": 22, \"max_position_embeddings\": 64, \"sliding_window\": 9, \"attention_dropout\": 0.1"},
    {"qwen2", "\"hidden_size\": 18, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 3, \"intermediate_size\": 22,"
              " \"max_position_embeddings\": 64, \"tie_word_embeddings\": true, \"rope_parameters\": {\"rope_type\": \"yarn\", \"rope_theta\": 50.0,"
              " \"factor\": 4.0, \"original_max_position_embeddings\": 16}"},
    {"qwen3", "\"hidden_size\": 14, \"num_hidden_layers\": 2, \"num_attention_heads\": 5, \"num_key_value_heads\": 1, \"head_dim\": 6,"
              " \"intermediate_size\": 22, \"max_position_embeddings\": 64, \"use_sliding_window\": true, \"sliding_window\": 5,"
              " \"max_window_layers\": 1"},
    {"gemma", "\"hidden_size\": 15, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 1, \"head_dim\": 8,"
              " \"intermediate_size\": 22, \"max_position_embeddings\": 64"},
    {"gemma2", "\"hidden_size\": 15, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"num_key_value_heads\": 3, \"head_dim\": 8,"
               " \"intermediate_size\": 22, \"max_position_embeddings\": 64, \"sliding_window\": 6, \"attn_logit_softcapping\": 3.0,"
               " \"final_logit_softcapping\": 4.0, \"query_pre_attn_scalar\": 11, \"attention_dropout\": 0.1"},
    {"opt", "\"hidden_size\": 15, \"ffn_dim\": 22, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"max_position_embeddings\": 64,"
            " \"word_embed_proj_dim\": 9, \"do_layer_norm_before\": false, \"dropout\": 0.1"},
    {"bloom", "\"hidden_size\": 18, \"n_layer\": 2, \"n_head\": 3, \"seq_length\": 64, \"hidden_dropout\": 0.1, \"attention_dropout\": 0.1"},
};
enum { N_FAMILIES = sizeof families / sizeof *families };

static bool shop_of(Shop *shop, const Family *family)
{
    return shop_open(shop) &&
           shop_write(shop, "model.json", arena_printf(shop->arena, "{\"model_type\": \"%s\", %s}", family->name, family->config));
}

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
    for (int f = 0; f < N_FAMILIES; f++) {
        Shop shop;
        REQUIRE(shop_of(&shop, &families[f]));
        const char *command = arena_printf(shop.arena, "%s plan %s/recipe.yaml --train.steps 8 --json > %s/stdout", JIKJI_BINARY, shop.dir, shop.dir);
        REQUIRE(CHECK_EQUAL(system(command), 0));
        double planned = shop_number(&shop, "peak_bytes_forecast");
        REQUIRE(shop_train_ok(&shop, families[f].name, "--json --train.steps 8 --train.threads 1"));
        CHECK(planned > 0);
        CHECK_CLOSE(shop_number(&shop, "peak_bytes_forecast"), planned, 0);
        double loss = shop_number(&shop, "val_loss");
        CHECK(loss > 0 && loss < 6);
        test_note("%s: evaluation loss %.3f", families[f].name, loss);
        check_same_run(&shop, families[f].name, "--train.steps 8 --train.threads 3 --train.micro_batch_size 2");
        shop_close(&shop);
    }
}

/* Goal: a resumed run drops what it would have dropped. Method: bloom with dropout; its last checkpoint damaged, so that its last third runs
 * again. */
SLOW_TEST(families, dropout_goes_on_after_a_resume_as_if_never_stopped)
{
    const Family *bloom = &families[N_FAMILIES - 1];
    Shop shop;
    REQUIRE(shop_of(&shop, bloom));
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
    for (int f = 0; f < N_FAMILIES; f++) {
        Shop shop;
        REQUIRE(shop_of(&shop, &families[f]));
        REQUIRE(shop_train_ok(&shop, families[f].name, "--train.steps 4 --train.threads 1"));
        const char *command = arena_printf(shop.arena, "%s generate %s/%s --prompt a --samples 2 --max-tokens 9 --ignore-eos --json > %s/stdout 2> %s/stderr",
                                           JIKJI_BINARY, shop.dir, families[f].name, shop.dir, shop.dir);
        if (!CHECK_EQUAL(system(command), 0))
            test_note("%s: %s", families[f].name, shop_read(&shop, "stderr"));
        CHECK(strstr(shop_read(&shop, "stdout"), "\"completion_tokens\":9"));
        shop_close(&shop);
    }
}
