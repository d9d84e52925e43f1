/* train_recipe.h - a whole training run from a checked recipe: for `jikji train`, and for the train stage of a road. */
#ifndef CLI_TRAIN_RECIPE_H
#define CLI_TRAIN_RECIPE_H

#include "learn/train/recipe.h"
#include "learn/train/trainer.h"
#include "study/plan/plan.h"

#include <stdbool.h>

typedef struct {
    Plan plan;
    TrainResult result;
    int64_t peak_bytes;  /* growth of resident memory from before binding to its peak */
} TrainOutcome;

/* Prints the plan, trains, writes recipe.yaml, forecast.json, log.jsonl, checkpoints and outcome.json into recipe->out. ERR_USAGE when that folder holds a run already and `resume` is
 * false; with `resume` and no checkpoint it starts from the beginning. */
Err train_recipe(const Recipe *recipe, bool resume, TrainOutcome *outcome);

/* The members of one object; begin and end are the caller's. */
void train_outcome_to_json(const TrainOutcome *outcome, JsonWriter *json);

#endif
