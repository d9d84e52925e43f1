/* cmd_plan.c - `jikji plan RECIPE`: memory, FLOPs and time of a run, from its own programs, before anything runs. */
#include "base/json.h"
#include "cli/commands.h"
#include "cli/recipe_command.h"
#include "learn/train/recipe_size.h"
#include "study/plan/plan.h"

#include <stdio.h>

static const Option flags[] = {
    OPTION_BOOL("json", RecipeCommand, json, "one JSON object as the last line of stdout"),
    OPTION_REAL("peak-flops", RecipeCommand, peak_flops, 0.0, 1e21, "assumed rate of training, FLOP/s, for the forecast of time"),
};

static const RecipeCommandHelp help = {
    .synopsis = "plan RECIPE [settings]",
    .examples = "    jikji plan recipes/gpt2-124m.yaml\n"
                "    jikji plan recipe.yaml --train.micro_batch_size 2 --json\n"
                "    jikji plan recipe.yaml --peak-flops 1e12\n"
                "    jikji plan recipe.yaml --size 10M\n",
    .about = "Loads no weights and runs nothing: `jikji train` with the same settings allocates exactly these bytes.\n",
    .flags = flags,
    .n_flags = N_ELEMENTS(flags),
};

static Err plan(const RecipeCommand *command, Pretrain *pretrain, Arena *arena)
{
    TrainerOptions options = plan_trainer_options(&command->recipe, pretrain_config(pretrain));
    Trainer *trainer;
    TRY(trainer_new(&trainer, pretrain_store(pretrain), pretrain_task(pretrain), &options));
    Plan made = plan_make(&command->recipe, pretrain, trainer, command->peak_flops, 1.0);
    if (command->json) {
        JsonWriter *json = json_writer_new(0);
        json_write_object_begin(json);
        plan_to_json(&made, json);
        json_write_object_end(json);
        printf("%s\n", json_writer_text(json, NULL));
        json_writer_free(json);
    } else {
        printf("%s%s", recipe_size_text(&command->recipe, arena), plan_to_text(&made, arena));
    }
    trainer_free(trainer);
    return OK;
}

Err cmd_plan(int argc, char **argv)
{
    Arena *arena = arena_new();
    RecipeCommand command;
    Pretrain *pretrain = NULL;
    bool helped;
    Err err;
    TRY_GOTO(err, recipe_command_read(&command, &helped, &help, arena, argc, argv), done);
    if (helped)
        goto done;
    TRY_GOTO(err, pretrain_new(&pretrain, &command.recipe, true), done);
    err = plan(&command, pretrain, arena);
done:
    pretrain_free(pretrain);
    arena_free(arena);
    return err;
}
