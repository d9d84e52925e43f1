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
 * store). Input "scalars"; output "norm_factor" f32 [2] (grad_norm in op.h), which SEGMENT_BACKWARD of this graph measures;
 * SEGMENT_UPDATE then takes the step, or none when the host has set the factor to 0 in between. */
void optim_record_update(const OptimOptions *options, Graph *g);
/* Records only the refresh of derived copies ("<name>:bf16"): after weights were initialised or loaded. */
void optim_record_refresh(Graph *g);

typedef enum { SCHEDULE_CONSTANT, SCHEDULE_COSINE, SCHEDULE_LINEAR, SCHEDULE_INVERSE_SQRT, SCHEDULE_NOAM, SCHEDULE_WSD } ScheduleName;
#define SCHEDULE_CHOICES "constant|cosine|linear|inverse_sqrt|noam|wsd"
typedef enum { DECAY_LINEAR, DECAY_COSINE, DECAY_SQRT } DecayShape;
#define DECAY_CHOICES "linear|cosine|sqrt"

typedef struct {
    int name;  /* ScheduleName */
    int64_t warmup_steps;
    int64_t steps;  /* of the whole run */
    double lr;      /* peak */
    double min_lr;
    double warmup_init_lr;
    int64_t decay_steps;  /* wsd */
    int decay_shape;      /* DecayShape */
    double noam_factor;   /* > 0: whoever knows the model sets lr to schedule_noam_peak of it */
} ScheduleOptions;
/* The learning rate of `step`, counted from 1. Linear warmup from warmup_init_lr at step 0 to lr at warmup_steps, then, with
 * x = (step - warmup_steps) / (steps - warmup_steps):
 *   constant      lr
 *   cosine        min_lr + (lr - min_lr) / 2 * (1 + cos(pi x)) (Loshchilov & Hutter 2017, arXiv:1608.03983)
 *   linear        min_lr + (lr - min_lr) (1 - x) (BERT: Devlin et al. 2019)
 *   inverse_sqrt  lr sqrt(warmup_steps / step)
 *   noam          the same curve; its peak of factor d_model^-1/2 warmup_steps^-1/2 is schedule_noam_peak (Vaswani et al. 2017, 5.3), and its
 *                 warmup always begins at 0
 *   wsd           lr, and in the last decay_steps from lr down to min_lr, linear, as half a cosine, or lr - (lr - min_lr) sqrt(x) (Hu et al.
 *                 2024, arXiv:2404.06395; Hagele et al. 2024, arXiv:2405.18392) */
double schedule_lr(const ScheduleOptions *options, int64_t step);
/* The peak that the first Transformer had: factor / sqrt(d_model warmup_steps). */
double schedule_noam_peak(double factor, int64_t d_model, int64_t warmup_steps);

#endif
