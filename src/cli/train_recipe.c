/* train_recipe.c - opens, plans, binds, resumes, trains. */
#include "cli/train_recipe.h"

#include "base/file.h"
#include "base/log.h"
#include "base/parallel.h"
#include "learn/train/checkpoint.h"
#include "learn/train/pretrain.h"
#include "study/bench/matmul_rate.h"

#include <string.h>

/* Nothing of an earlier run is overwritten by accident. */
static Err check_folder(const Recipe *recipe, Arena *arena)
{
    const char *dir;
    TRY(checkpoint_find(&dir, arena, recipe->out));
    if (!dir)
        return OK;
    return err_set(ERR_USAGE, "%s holds a run already (%s); continue it with --resume, or choose another --out", recipe->out,
                   strrchr(dir, '/') + 1);
}

static Err write_recipe(const Recipe *recipe, Arena *arena)
{
    TRY(file_make_dirs(recipe->out));
    const char *yaml = options_to_yaml(&recipe_table, recipe, arena);
    return file_write(arena_printf(arena, "%s/recipe.yaml", recipe->out), yaml, strlen(yaml));
}

/* What training reaches of the rate of its matrix products alone, to forecast the time; the run then measures it. */
#define SHARE_EXPECTED 0.65

/* FLOP/s of the model's own matrix products, now; 0 when it is not asked for. */
static double probe(const Recipe *recipe, const Pretrain *pretrain)
{
    if (!recipe->train.probe)
        return 0;
    return measured_matmul_rate(pretrain_config(pretrain), recipe->train.micro_batch_size * recipe->data.seq_len,
                                recipe->train.precision == PRECISION_BF16 ? DTYPE_BF16 : DTYPE_F32);
}

static Err train_bound(const Recipe *recipe, bool resume, Pretrain *pretrain, TrainOutcome *outcome, Arena *arena)
{
    TrainerOptions options = plan_trainer_options(recipe, pretrain_config(pretrain));
    options.peak_flops = probe(recipe, pretrain);
    Trainer *trainer;
    bool resumed;
    Err err;
    TRY(trainer_new(&trainer, pretrain_store(pretrain), pretrain_task(pretrain), &options));
    outcome->plan = plan_make(recipe, pretrain, trainer, options.peak_flops, SHARE_EXPECTED);
    log_info("%s", plan_to_text(&outcome->plan, arena));
    memory_resident_peak_reset();
    int64_t before_bytes = memory_resident_bytes();
    TRY_GOTO(err, trainer_bind(trainer), done);
    if (resume)
        TRY_GOTO(err, trainer_resume(trainer, &resumed), done);
    TRY_GOTO(err, write_recipe(recipe, arena), done);
    err = trainer_run(trainer, &outcome->result);
    outcome->peak_bytes = memory_resident_peak_bytes() - before_bytes;
    if (err == OK)  /* the yardstick of the whole run: the mean of before and after */
        outcome->result.share_of_peak *= options.peak_flops / (0.5 * (options.peak_flops + probe(recipe, pretrain)));
done:
    trainer_free(trainer);
    return err;
}

Err train_recipe(const Recipe *recipe, bool resume, TrainOutcome *outcome)
{
    Arena *arena = arena_new();
    Pretrain *pretrain = NULL;
    Err err = OK;
    *outcome = (TrainOutcome){0};
    interrupt_install();
    if (recipe->train.threads)
        parallel_set_threads((int)recipe->train.threads);
    if (!resume)
        err = check_folder(recipe, arena);
    if (err == OK)
        err = pretrain_new(&pretrain, recipe, false);
    if (err == OK)
        err = train_bound(recipe, resume, pretrain, outcome, arena);
    pretrain_free(pretrain);
    arena_free(arena);
    return err;
}
