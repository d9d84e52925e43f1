/* cmd_train.c - `jikji train RECIPE`: pretraining as a recipe says. */
#include "base/json.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/recipe_command.h"
#include "cli/train_recipe.h"

#include <math.h>
#include <stdio.h>

static const Option flags[] = {
    OPTION_BOOL("resume", RecipeCommand, resume, "continue from the newest checkpoint of the run's folder"),
    OPTION_BOOL("json", RecipeCommand, json, "one JSON object as the last line of stdout"),
};

static const RecipeCommandHelp help = {
    .synopsis = "train RECIPE [settings]",
    .examples = "    jikji train recipes/shakespeare.yaml --data.text input.txt\n"
                "    jikji train recipe.yaml --set optim.lr=3e-4 --out runs/try-2\n"
                "    jikji train recipe.yaml --size 10M --train.steps 500\n"
                "    jikji train recipe.yaml --resume\n",
    .about = "Prints what the run will take, then trains. The run's folder gets recipe.yaml, forecast.json, log.jsonl, tensorboard/, checkpoints/"
             " and outcome.json; `jikji report` makes a page of them.\n",
    .flags = flags,
    .n_flags = N_ELEMENTS(flags),
};

static void print_result(const TrainOutcome *outcome)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    train_outcome_to_json(outcome, json);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

static void print_summary(const TrainOutcome *outcome, const char *out)
{
    const TrainResult *r = &outcome->result;
    Arena *arena = arena_new();
    printf("%lld steps, %s tokens in %s (%s tokens/s)\n", (long long)r->steps, format_count(arena, (double)r->n_tokens),
           format_seconds(arena, r->seconds), format_count(arena, r->tokens_per_second));
    if (isfinite(r->eval.loss))
        printf("validation loss %.4f, perplexity %.2f, %.4f bits per byte\n", r->eval.loss, exp(r->eval.loss), r->eval.bits_per_byte);
    if (isfinite(r->share_of_peak))
        printf("%.1f %% of the matrix-product rate measured in this run\n", 100 * r->share_of_peak);
    printf("waited for data %.3f %% of the time in steps\n", 100 * r->data_share);
    printf("checkpoints: %s/checkpoints\n", out);
    arena_free(arena);
}

Err cmd_train(int argc, char **argv)
{
    Arena *arena = arena_new();
    RecipeCommand command;
    TrainOutcome outcome;
    bool helped;
    Err err;
    TRY_GOTO(err, recipe_command_read(&command, &helped, &help, arena, argc, argv), done);
    if (helped)
        goto done;
    TRY_GOTO(err, train_recipe(&command.recipe, command.resume, &outcome), done);
    if (command.json)
        print_result(&outcome);
    else
        print_summary(&outcome, command.recipe.out);
done:
    arena_free(arena);
    return err;
}
