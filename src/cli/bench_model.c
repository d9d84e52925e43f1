/* bench_model.c - the MODEL of a bench: a preset, a config.json or a recipe. */
#include "cli/bench.h"

#include "base/file.h"
#include "learn/train/recipe.h"

#include <string.h>

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static Err read_recipe(ModelConfig *config, BenchTrainOptions *options, Arena *arena, const char *name)
{
    Recipe r = recipe_default();
    TRY(options_read_yaml(&recipe_table, &r, arena, name));
    const char *path = r.model.config ? r.model.config : r.model.from;
    if (!path)
        return err_set(ERR_USAGE, "%s: neither model.config nor model.from is set", name);
    TRY(model_config_read(config, arena, path));
    options->seq_len = r.data.seq_len;
    options->batch_size = r.train.batch_size;
    options->micro_batch_size = r.train.micro_batch_size ? r.train.micro_batch_size : r.train.batch_size;
    options->grad_leaf = r.train.grad_leaf;
    options->compute = recipe_compute(&r);
    return OK;
}

Err bench_model_read(ModelConfig *config, BenchTrainOptions *options, Arena *arena, const char *name)
{
    if (bench_preset(config, options, arena, name))
        return OK;
    if (ends_with(name, ".yaml"))
        return read_recipe(config, options, arena, name);
    if (!file_exists(name))
        return err_set(ERR_USAGE, "%s: neither a file nor one of " BENCH_PRESETS, name);
    return model_config_read(config, arena, name);
}

Err bench_model_set_vocab(ModelConfig *config, const char *name, int64_t vocab_size)
{
    if (vocab_size)
        config->vocab_size = vocab_size;
    if (config->vocab_size == 0)
        return err_set(ERR_USAGE, "%s: the config has no vocab_size: set --vocab-size", name);
    return model_config_check(config);
}

Err bench_steps_read(ModelConfig *config, BenchTrainOptions *o, Arena *arena, const char *name, const BenchSteps *s)
{
    TRY(bench_model_read(config, o, arena, name));
    if (s->seq_len)
        o->seq_len = s->seq_len;
    if (s->batch_size)
        o->batch_size = s->batch_size;
    if (s->micro_batch_size)
        o->micro_batch_size = s->micro_batch_size;
    else if (o->micro_batch_size > o->batch_size)
        o->micro_batch_size = o->batch_size;
    if (s->grad_leaf)
        o->grad_leaf = s->grad_leaf;
    o->n_rounds = s->rounds;
    o->round_seconds = s->seconds;
    return bench_model_set_vocab(config, name, s->vocab_size);
}
