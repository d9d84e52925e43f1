/* rig.c - see rig.h. */
#include "rig.h"

#include "base/file.h"
#include "base/parallel.h"
#include "base/test.h"
#include "study/plan/plan.h"

#include <string.h>

static Err set_options(Rig *rig, Shop *shop, const char *settings)
{
    char *words = arena_strdup(shop->arena, settings);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        TRY(options_set(&recipe_table, &rig->recipe, shop->arena, "test", word, value));
    }
    return recipe_check(&rig->recipe, shop->arena);
}

Err rig_make(Rig *rig, Shop *shop, const char *settings)
{
    *rig = (Rig){.recipe = recipe_default()};
    TRY(options_read_yaml(&recipe_table, &rig->recipe, shop->arena, arena_printf(shop->arena, "%s/recipe.yaml", shop->dir)));
    TRY(set_options(rig, shop, settings));
    TRY(pretrain_new(&rig->pretrain, &rig->recipe, false));
    TrainerOptions options = plan_trainer_options(&rig->recipe, pretrain_config(rig->pretrain));
    options.run_dir = NULL;
    options.quiet = true;
    return trainer_new(&rig->trainer, pretrain_store(rig->pretrain), pretrain_task(rig->pretrain), &options);
}

bool rig_open(Rig *rig, Shop *shop, const char *settings)
{
    return CHECK_OK(rig_make(rig, shop, settings));
}

void rig_close(Rig *rig)
{
    trainer_free(rig->trainer);
    pretrain_free(rig->pretrain);
}

uint64_t rig_hash(const Rig *rig)
{
    const Store *store = pretrain_store(rig->pretrain);
    uint64_t hash = 0;
    for (int s = 0; s < store_n_states(store); s++) {
        if (store_state(store, s)->kind == STATE_COPY)
            continue;
        Tensor t = store_state_tensor(store, s);
        hash = hash * 31 + hash_bytes(t.data, tensor_bytes(&t));
    }
    return hash;
}

uint64_t rig_hash_after_steps(Shop *shop, const char *settings, int n_threads)
{
    Rig rig;
    uint64_t hash = 0;
    StepReport report;
    parallel_set_threads(n_threads);
    if (rig_open(&rig, shop, settings) && CHECK_OK(trainer_bind(rig.trainer))) {
        for (int step = 0; step < 3; step++)
            CHECK_OK(trainer_run_step(rig.trainer, &report));
        hash = rig_hash(&rig);
    }
    rig_close(&rig);
    return hash;
}

void rig_check_same_bits(Shop *shop, const char *precision, const char *mode, const char *const *ways, int n_ways)
{
    int n_threads = parallel_threads();
    uint64_t kept = rig_hash_after_steps(shop, precision, 1);
    CHECK(kept != 0 && kept != rig_hash_after_steps(shop, arena_printf(shop->arena, "%s seed=8", precision), 1));  /* the comparison can fail */
    for (int i = 0; i < n_ways; i++) {
        const char *settings = arena_printf(shop->arena, "%s %s %s", precision, mode, ways[i]);
        if (!CHECK(rig_hash_after_steps(shop, settings, 1 + i % 4) == kept))
            test_note("%s, %d threads", settings, 1 + i % 4);
    }
    parallel_set_threads(n_threads);
}

bool rig_deep_shop(Shop *shop, const char *family, int n_layers, double dropout)
{
    static const char json[] = "{\"model_type\": \"%s\", \"n_layer\": %d, \"num_hidden_layers\": %d, \"n_head\": 2, \"num_attention_heads\": 2,"
                               " \"num_key_value_heads\": 1, \"n_embd\": 32, \"hidden_size\": 32, \"intermediate_size\": 80,"
                               " \"n_positions\": 64, \"max_position_embeddings\": 64, \"hidden_act\": \"silu\","
                               " \"attn_pdrop\": %.1f, \"embd_pdrop\": %.1f, \"resid_pdrop\": %.1f}";
    return shop_open(shop) && shop_write(shop, "model.json", arena_printf(shop->arena, json, family, n_layers, n_layers, dropout, dropout, dropout));
}
