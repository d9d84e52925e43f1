/* cmd_train.c - `jikji train RECIPE`: pretraining as a recipe says. */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/recipe_command.h"
#include "learn/train/checkpoint.h"
#include "learn/train/pretrain.h"
#include "learn/train/trainer.h"
#include "study/plan/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const Option flags[] = {
    OPTION_BOOL("resume", RecipeCommand, resume, "continue from the newest checkpoint of the run's folder"),
    OPTION_BOOL("json", RecipeCommand, json, "one JSON object as the last line of stdout"),
};

static const RecipeCommandHelp help = {
    .synopsis = "train RECIPE [settings]",
    .examples = "    jikji train recipes/shakespeare.yaml --data.text input.txt\n"
                "    jikji train recipe.yaml --set optim.lr=3e-4 --out runs/try-2\n"
                "    jikji train recipe.yaml --resume\n",
    .about = "Prints what the run will take, then trains. The run's folder gets recipe.yaml, log.jsonl and checkpoints/.\n",
    .flags = flags,
    .n_flags = N_ELEMENTS(flags),
};

/* A run of that name may be there already; nothing of it is overwritten by accident. */
static Err check_folder(const RecipeCommand *command, Arena *arena)
{
    const char *dir;
    if (command->resume)
        return OK;
    TRY(checkpoint_find(&dir, arena, command->recipe.out));
    if (!dir)
        return OK;
    return err_set(ERR_USAGE, "%s holds a run already (%s); continue it with --resume, or choose another --out", command->recipe.out,
                   strrchr(dir, '/') + 1);
}

static Err write_recipe(const Recipe *recipe, Arena *arena)
{
    TRY(file_make_dirs(recipe->out));
    const char *yaml = options_to_yaml(&recipe_table, recipe, arena);
    return file_write(arena_printf(arena, "%s/recipe.yaml", recipe->out), yaml, strlen(yaml));
}

static void number_or_null(JsonWriter *json, const char *key, double value)
{
    json_write_key(json, key);
    if (isfinite(value))
        json_write_double(json, value);
    else
        json_write_null(json);
}

static void print_result(const TrainResult *r, int64_t forecast_bytes, int64_t peak_bytes)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_int(json, "steps", r->steps);
    json_field_int(json, "tokens", r->n_tokens);
    number_or_null(json, "train_loss", r->train_loss);
    number_or_null(json, "val_loss", r->eval.loss);
    number_or_null(json, "bits_per_byte", r->eval.bits_per_byte);
    number_or_null(json, "tokens_per_second", r->tokens_per_second);
    number_or_null(json, "share_of_peak", r->share_of_peak);
    json_field_int(json, "peak_bytes_forecast", forecast_bytes);
    json_field_int(json, "peak_bytes", peak_bytes);
    json_field_double(json, "seconds", r->seconds);
    json_field_int(json, "bad_steps", r->n_bad_steps);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

static void print_summary(const TrainResult *r, const char *out)
{
    Arena *arena = arena_new();
    printf("%lld steps, %s tokens in %s (%s tokens/s)\n", (long long)r->steps, format_count(arena, (double)r->n_tokens),
           format_seconds(arena, r->seconds), format_count(arena, r->tokens_per_second));
    if (isfinite(r->eval.loss))
        printf("validation loss %.4f, perplexity %.2f, %.4f bits per byte\n", r->eval.loss, exp(r->eval.loss), r->eval.bits_per_byte);
    if (isfinite(r->share_of_peak))
        printf("%.1f %% of the matrix-product rate measured in this run\n", 100 * r->share_of_peak);
    printf("checkpoints: %s/checkpoints\n", out);
    arena_free(arena);
}

static Err train(const RecipeCommand *command, Pretrain *pretrain, Arena *arena)
{
    const Recipe *recipe = &command->recipe;
    TrainerOptions options = plan_trainer_options(recipe, pretrain_config(pretrain));
    Trainer *trainer;
    TrainResult result;
    bool resumed;
    Err err;
    TRY(trainer_new(&trainer, pretrain_store(pretrain), pretrain_task(pretrain), &options));
    Plan plan = plan_make(recipe, pretrain, trainer, 0, 1);
    log_info("%s", plan_to_text(&plan, arena));
    int64_t before_bytes = memory_resident_bytes();
    TRY_GOTO(err, trainer_bind(trainer), done);
    TRY_GOTO(err, command->resume ? trainer_resume(trainer, &resumed) : OK, done);
    TRY_GOTO(err, write_recipe(recipe, arena), done);
    err = trainer_run(trainer, &result);
    if (err == OK && command->json)
        print_result(&result, plan.memory.total_bytes, memory_resident_peak_bytes() - before_bytes);
    else if (err == OK)
        print_summary(&result, recipe->out);
done:
    trainer_free(trainer);
    return err;
}

Err cmd_train(int argc, char **argv)
{
    Arena *arena = arena_new();
    RecipeCommand command;
    Pretrain *pretrain = NULL;
    bool helped;
    Err err;
    TRY_GOTO(err, recipe_command_read(&command, &helped, &help, arena, argc, argv), done);
    if (helped)
        goto done;
    if (command.recipe.train.threads)
        parallel_set_threads((int)command.recipe.train.threads);
    TRY_GOTO(err, check_folder(&command, arena), done);
    TRY_GOTO(err, pretrain_new(&pretrain, &command.recipe, false), done);
    err = train(&command, pretrain, arena);
done:
    pretrain_free(pretrain);
    arena_free(arena);
    return err;
}
