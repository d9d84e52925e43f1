/* rig.c - see rig.h. */
#include "rig.h"

#include "base/file.h"
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
        Tensor t = store_state_tensor(store, s);
        hash = hash * 31 + hash_bytes(t.data, tensor_bytes(&t));
    }
    return hash;
}
