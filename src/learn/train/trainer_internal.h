/* trainer_internal.h - the trainer's parts: building (trainer.c), stepping (trainer_step.c), the whole run (trainer_run.c). */
#ifndef LEARN_TRAIN_TRAINER_INTERNAL_H
#define LEARN_TRAIN_TRAINER_INTERNAL_H

#include "learn/train/checkpoint.h"
#include "learn/train/event_file.h"
#include "learn/train/run_log.h"
#include "learn/train/step_trace.h"
#include "learn/train/trainer.h"

/* One entry of a step's schedule: run this segment for this micro batch. `slot` is the place of its activations: one rank has one. */
typedef struct {
    Segment segment;
    int64_t micro;
    int slot;
} ScheduleItem;

#define WATCH_STATE "gradient_exponents"  /* pass/watch.h */

struct Trainer {
    TrainerOptions options;
    const Task *task;
    Store *store;
    Arena *arena;
    Graph *micro_graph, *update_graph, *eval_graph, *refresh_graph;
    Program *micro_step, *update, *eval, *refresh;
    ScheduleItem *schedule;
    int64_t n_schedule;
    RecomputeReport recompute;
    BlockFile *offload;   /* NULL: activations stay in memory */
    OffloadReport offloaded;
    int64_t kept_bytes;  /* the micro step's slab without recompute and offload */
    RunState state;
    RunState fresh;       /* that of step 0 */
    double *sample_loss;  /* [n_micro * n_rows] of this step, nats a target */
    RunLog *log;
    StepTrace *trace;   /* while the step that is traced runs */
    EventFile *events;  /* NULL: not asked for */
};

/* Records the task's loss, and its gradients when training. */
Graph *trainer_record_loss(Trainer *t, bool training);
/* Makes micro_graph and micro_step, and the update over their gradients, as options.memory asks. The evaluation program must exist. */
Err trainer_compile_step(Trainer *t);
/* trainer_trace.c: the step about to run is traced if the options say so; each does nothing otherwise. */
Err trainer_trace_begin(Trainer *trainer, double start);
void trainer_trace_segment(Trainer *trainer, const ScheduleItem *item, double start);
Err trainer_trace_end(Trainer *trainer, double start);

/* trainer_events.c: each does nothing when no events are asked for. */
Err trainer_events_open(Trainer *trainer);
Err trainer_events_step(Trainer *trainer, const StepReport *report);
/* Before the update of a step whose evaluation is due, while gradients are there; `scale` makes them means over targets. */
Err trainer_events_gradients(Trainer *trainer, double scale);
Err trainer_events_evaluation(Trainer *trainer, const EvalReport *report);
Err trainer_events_sample(Trainer *trainer, const char *text);
Err trainer_events_incident(Trainer *trainer, int64_t step, const char *text);
/* The run goes on from an earlier step: what TensorBoard has of later ones is void. */
Err trainer_events_restart(Trainer *trainer);

/* The data's step: rollbacks have passed over some. */
int64_t trainer_data_step(const Trainer *t);

/* trainer_guard.c. Once loss and gradient norm are known, before the update: fills in spike, refused and limits. */
void trainer_guard_judge(const Trainer *t, StepReport *report);
/* After the step is counted and it is known whether it was hopeless: remembers it. `step`: how many were taken before it. */
void trainer_guard_remember(Trainer *t, const StepReport *report, int64_t step);
/* Says and logs what was refused or warned of; takes the run back if the policy says so. ERR_NUMERIC when the guard gives up, after a checkpoint. */
Err trainer_guard_act(Trainer *t, const StepReport *report, bool *rolled_back);
/* "samples": those of this step that lost most, and where they come from. */
void trainer_guard_write_samples(const Trainer *t, const StepReport *report, JsonWriter *json);
/* The step whose checkpoint a spike in the next step would need; -1: none. */
int64_t trainer_guard_keep_step(const Trainer *t);

/* trainer_state.c: weights, moments and counters of a checkpoint; of the start. */
Err trainer_load(Trainer *t, const char *dir);
Err trainer_start(Trainer *t);

/* fp16, trainer_scale.c; nothing happens in other dtypes. Where backward begins: the loss, or the loss times the loss scale. */
Node *trainer_scale_loss(Trainer *t, Graph *g, Node *loss);
/* Before a step: the scale into the program, counts to zero. */
void trainer_scale_begin(Trainer *t);
/* After it: the next scale; fills in the report's loss_scale and hopeless. */
void trainer_scale_end(Trainer *t, StepReport *report);
/* This step's gradients for a line of the log: "layers" and "exponents". */
void trainer_scale_write(const Trainer *t, JsonWriter *json);

#endif
