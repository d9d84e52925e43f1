/* optim.h - the update segment: gradients to new weights; and the learning rate's course.
 *
 * The whole update is a graph over the store: norm of all gradients, clipping factor, AdamW over every trainable bucket, refresh of derived
 * copies, and gradients back to zero for the next step. The host writes four scalars before it runs (StepScalar in op.h). */
#ifndef LEARN_OPTIM_OPTIM_H
#define LEARN_OPTIM_OPTIM_H

#include "base/err.h"
#include "base/options.h"
#include "engine/graph/graph.h"

typedef enum { OPTIM_ADAMW } OptimName;

typedef struct {
    int name;              /* OptimName */
    double lr;             /* peak */
    OptionReals betas;     /* two */
    double eps;
    double weight_decay;
    double grad_norm_max;  /* clip above; 0 is off */
} OptimOptions;
OptimOptions optim_options_default(void);

/* Adds gradient and moment slabs to every trainable bucket. Call before graph_differentiate. */
void optim_declare(const OptimOptions *options, Store *store);
/* Records the update over all gradients that exist by now (call after graph_differentiate of the training graph; it may be another graph over the same
 * store). Input "scalars"; output "norm_factor" f32 [2] (grad_norm in op.h). */
void optim_record_update(const OptimOptions *options, Graph *g);
/* Records only the refresh of derived copies ("<name>:bf16"): after weights were initialised or loaded. */
void optim_record_refresh(Graph *g);

typedef enum { SCHEDULE_CONSTANT, SCHEDULE_COSINE } ScheduleName;

typedef struct {
    int name;  /* ScheduleName */
    int64_t warmup_steps;
    int64_t steps;  /* of the whole run */
    double lr;      /* peak */
    double min_lr;
} ScheduleOptions;
/* The learning rate of `step`, counted from 1. Linear warmup lr * step / warmup_steps, then constant, or
 * min_lr + (lr - min_lr) / 2 * (1 + cos(pi * (step - warmup) / (steps - warmup))) (Loshchilov & Hutter 2017, arXiv:1608.03983). */
double schedule_lr(const ScheduleOptions *options, int64_t step);

#endif
