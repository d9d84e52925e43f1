/* plan.h - what a run will take, known before it starts: from the very programs that will run, without weights or a device. */
#ifndef STUDY_PLAN_PLAN_H
#define STUDY_PLAN_PLAN_H

#include "base/arena.h"
#include "base/json.h"
#include "learn/train/pretrain.h"
#include "learn/train/trainer.h"

typedef struct {
    int64_t n_params, n_tokens, n_tokens_per_step;
    double train_flops_per_token;  /* necessary matmul FLOPs, forward and backward (model.h) */
    double train_flops;            /* of the whole run */
    double program_flops_per_step; /* of the compiled programs, all of it */
    TrainerPlan memory;
    double flops_per_second;       /* that the time below assumes: peak * share; 0: unknown */
    double seconds;                /* 0: unknown */
} Plan;

/* The options a trainer needs, out of a recipe. */
TrainerOptions plan_trainer_options(const Recipe *recipe, const ModelConfig *config);
/* peak_flops 0: no forecast of time. `share` is what of it training reaches. */
Plan plan_make(const Recipe *recipe, const Pretrain *pretrain, const Trainer *trainer, double peak_flops, double share);
/* A table for people, in `arena`. */
const char *plan_to_text(const Plan *plan, Arena *arena);
/* The members of one object; begin and end are the caller's. */
void plan_to_json(const Plan *plan, JsonWriter *json);

#endif
