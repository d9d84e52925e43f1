/* train_recipe.c - opens, plans, binds, resumes, trains. */
#include "cli/train_recipe.h"

#include "base/file.h"
#include "base/log.h"
#include "base/parallel.h"
#include "learn/train/checkpoint.h"
#include "learn/train/pretrain.h"
#include "learn/train/recipe_size.h"
#include "study/bench/matmul_rate.h"

#include <math.h>
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

/* `write` puts the members of one object into a file of the run's folder. */
static Err write_json(const Recipe *recipe, const char *name, const void *object, void (*write)(const void *object, JsonWriter *json))
{
    Arena *arena = arena_new();
    JsonWriter *json = json_writer_new(2);
    size_t n_bytes;
    json_write_object_begin(json);
    write(object, json);
    json_write_object_end(json);
    const char *text = json_writer_text(json, &n_bytes);
    Err err = file_write(arena_printf(arena, "%s/%s", recipe->out, name), text, n_bytes);
    json_writer_free(json);
    arena_free(arena);
    return err;
}

static void write_plan(const void *plan, JsonWriter *json)
{
    plan_to_json(plan, json);
}

static void number_or_null(JsonWriter *json, const char *key, double value)
{
    json_write_key(json, key);
    if (isfinite(value))
        json_write_double(json, value);
    else
        json_write_null(json);
}

void train_outcome_to_json(const TrainOutcome *outcome, JsonWriter *json)
{
    const TrainResult *r = &outcome->result;
    json_field_int(json, "steps", r->steps);
    json_field_int(json, "tokens", r->n_tokens);
    number_or_null(json, "train_loss", r->train_loss);
    number_or_null(json, "val_loss", r->eval.loss);
    number_or_null(json, "bits_per_byte", r->eval.bits_per_byte);
    number_or_null(json, "tokens_per_second", r->tokens_per_second);
    number_or_null(json, "share_of_peak", r->share_of_peak);
    json_field_int(json, "peak_bytes_forecast", outcome->plan.memory.total_bytes);
    json_field_int(json, "peak_bytes", outcome->peak_bytes);
    json_field_double(json, "seconds", r->seconds);
    json_field_int(json, "bad_steps", r->n_bad_steps);
    json_field_int(json, "spikes", r->n_spikes);
    json_field_int(json, "rollbacks", r->n_rollbacks);
    json_field_int(json, "batches_skipped", r->n_batches_skipped);
    json_field_double(json, "data_share", r->data_share);
    json_field_double(json, "loss_scale", r->loss_scale);
    json_field_double(json, "recompute_share_planned", outcome->plan.memory.recompute_share);
    number_or_null(json, "recompute_share", r->recompute_share);
    json_field_int(json, "offload_bytes", outcome->plan.memory.offload.n_bytes);
    json_field_double(json, "offload_share_planned", outcome->plan.memory.offload_share);
    number_or_null(json, "offload_share", r->offload_share);
}

static void write_outcome(const void *outcome, JsonWriter *json)
{
    train_outcome_to_json(outcome, json);
}

/* What training reaches of the rate of its matrix products alone, to forecast the time; the run then measures it. */
#define SHARE_EXPECTED 0.65

/* FLOP/s of the model's own matrix products, now; 0 when it is not asked for. */
static double probe(const Recipe *recipe, const Pretrain *pretrain)
{
    if (!recipe->train.probe)
        return 0;
    return measured_matmul_rate(pretrain_config(pretrain), recipe->train.micro_batch_size * recipe->data.seq_len,
                                recipe_compute(recipe));
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
    log_info("%s%s", recipe_size_text(recipe, arena), plan_to_text(&outcome->plan, arena));
    memory_resident_peak_reset();
    int64_t before_bytes = memory_resident_bytes();
    TRY_GOTO(err, trainer_bind(trainer), done);
    if (resume)
        TRY_GOTO(err, trainer_resume(trainer, &resumed), done);
    TRY_GOTO(err, write_recipe(recipe, arena), done);
    TRY_GOTO(err, write_json(recipe, "forecast.json", &outcome->plan, write_plan), done);
    err = trainer_run(trainer, &outcome->result);
    outcome->peak_bytes = memory_resident_peak_bytes() - before_bytes;
    if (err == OK)  /* the yardstick of the whole run: the mean of before and after */
        outcome->result.share_of_peak *= options.peak_flops / (0.5 * (options.peak_flops + probe(recipe, pretrain)));
    if (err == OK)
        err = write_json(recipe, "outcome.json", outcome, write_outcome);
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
