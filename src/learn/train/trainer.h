/* trainer.h - the one training loop.
 *
 * A Trainer owns the programs of a Task over one Store: a micro step (forward, backward), the update, evaluation. It is made without memory, so
 * that its plan is known first; bound, it trains, evaluates, samples, guards, writes checkpoints and the log, and resumes exactly. */
#ifndef LEARN_TRAIN_TRAINER_H
#define LEARN_TRAIN_TRAINER_H

#include "base/arena.h"
#include "base/err.h"
#include "engine/graph/program.h"
#include "engine/op/gemm.h"
#include "engine/pass/offload.h"
#include "engine/pass/recompute.h"
#include "learn/optim/loss_scale.h"
#include "learn/optim/optim.h"
#include "learn/train/spike.h"
#include "learn/train/task.h"

#include <stdint.h>

/* Which values of the forward pass are made again instead of kept (engine/pass/recompute.h). */
#define OFFLOAD_BYTES_PER_SECOND 1e9  /* an assumption, of one ordinary NVMe disk; page caches are faster */
typedef enum { RECOMPUTE_NONE, RECOMPUTE_LAYERS, RECOMPUTE_SQRT, RECOMPUTE_BUDGET } RecomputeMode;
#define RECOMPUTE_CHOICES "none|layers|sqrt|budget"

typedef struct {
    int recompute;        /* RecomputeMode */
    int64_t layers;       /* of a group, for RECOMPUTE_LAYERS; RECOMPUTE_SQRT takes the root of their number */
    double budget_bytes;  /* of the whole run, for RECOMPUTE_BUDGET: the plan's total stays below at the least cost of time */
    bool pack_weights;    /* laid out for their products once a step instead of once a micro batch (engine/pass/panels.h) */
    const char *offload;  /* folder for a file in which activations wait for the backward pass (engine/pass/offload.h); NULL: none */
} MemoryOptions;

/* What happens when a step's loss or gradient norm is out of all proportion (spike.h). A spike says one of two things. Its samples are bad: then
 * not taking the step is enough, for the weights are still those before it. Or the weights are, since some step before: then every step now
 * spikes, and only a state from before helps, from which the run must go on with other data (Chowdhery et al. 2022, arXiv:2204.02311, 5.1).
 *
 *   off       only steps that are not finite are skipped
 *   warn      said and logged; the step is taken
 *   skip      the step is not taken: its samples are named, and passed over
 *   rollback  the same, and after `patience` such steps in a row the run goes back to the last checkpoint from before them; all samples since
 *             then are passed over
 *
 * The decisions follow from the run's own numbers, which checkpoints hold, so a run that is killed and resumed makes them again to the bit. */
typedef enum { GUARD_OFF, GUARD_WARN, GUARD_SKIP, GUARD_ROLLBACK } GuardPolicy;
#define GUARD_CHOICES "off|warn|skip|rollback"
typedef struct {
    int policy;             /* GuardPolicy */
    int64_t window;         /* steps that the next is held against */
    double threshold;       /* deviations above the median that make a spike */
    int64_t patience;       /* rollback: spikes in a row that the run bears */
    int64_t rollbacks_max;  /* ERR_NUMERIC at one more */
} GuardOptions;
GuardOptions guard_options_default(void);

/* What a run leaves behind beside log.jsonl, in its folder. None of it touches the result. */
typedef struct {
    bool tensorboard;    /* tensorboard/events.out.tfevents.*: losses, samples, and with */
    bool histograms;     /* every parameter and its gradient at evaluations */
    int64_t trace_step;  /* trace-step-N.json: every call of this step; 0: none */
} RecordOptions;

typedef struct {
    OptimOptions optim;
    ScheduleOptions schedule;
    int64_t steps;
    DType compute;            /* f32; bf16 or fp16: autocast over f32 masters */
    LossScaleOptions loss_scale;  /* for fp16 */
    MemoryOptions memory;
    bool loss_apart;          /* the loss is made in the forward pass and once more for its gradients: what one pass for both saves */
    GuardOptions guard;
    int64_t grad_leaf;        /* tokens (graph.h), 1 .. TRAINER_GRAD_LEAF_MAX; trainer_usual_grad_leaf */
    int64_t eval_every;       /* steps; 0: only at the end */
    int64_t checkpoint_every; /* steps; 0: only at the end */
    int64_t sample_every;     /* steps; 0: only at the end */
    int64_t log_every;
    int64_t keep_best;
    int64_t bad_steps_max;    /* steps in a row that may not be taken before the run stops */
    const char *run_dir;      /* NULL: nothing is written */
    uint64_t recipe_hash;
    double flops_per_token;   /* necessary matmul FLOPs, for the share of peak; 0: unknown */
    double peak_flops;        /* matmul FLOPs a second this machine reached; 0: unknown */
    RecordOptions record;
    bool quiet;
} TrainerOptions;
/* A sequence, at most 512 tokens: any micro batch is then whole leaves, so that its size changes no bit. */
int64_t trainer_usual_grad_leaf(int64_t seq_len);
enum { TRAINER_GRAD_LEAF_MAX = GEMM_K_LEAF_MAX };

typedef struct Trainer Trainer;

/* Records and compiles everything over `store` (which then has all its states) without memory. The trainer borrows store and task. */
Err trainer_new(Trainer **out, Store *store, const Task *task, const TrainerOptions *options);
void trainer_free(Trainer *trainer);  /* NULL is fine */

/* Exactly what trainer_bind maps, in bytes, and the FLOPs of a step. */
typedef struct {
    int64_t store_bytes[N_STATE_KINDS];
    int64_t activation_bytes;  /* of the micro step: slab with workspaces */
    int64_t update_bytes, eval_bytes;
    int64_t input_bytes;
    int64_t task_bytes;        /* what the task maps: the sampling program */
    int64_t total_bytes;
    double step_matmul_flops, step_flops, step_bytes_moved;
    RecomputeReport recompute;
    int64_t kept_bytes;        /* what activation_bytes would be without passes that save memory */
    double recompute_share;    /* of a step's time, by the costs of its calls */
    OffloadReport offload;     /* of a micro step */
    double offload_share;      /* of a step's time: copies, and what a file of OFFLOAD_BYTES_PER_SECOND cannot hide behind the passes */
} TrainerPlan;
TrainerPlan trainer_plan(const Trainer *trainer);
/* The programs, for `inspect graph` and profiles. */
Program *trainer_micro_step(Trainer *trainer);
Program *trainer_update(Trainer *trainer);

/* All calls of a step, and with `memory` the map of each program's memory: for people. Lives in `arena`. */
const char *trainer_to_text(const Trainer *trainer, bool memory, Arena *arena);

/* The same as a drawing for Graphviz. Lives in `arena`. */
const char *trainer_to_dot(const Trainer *trainer, Arena *arena);

/* Maps the planned memory, all that a step uses at once resident, and initialises the weights (task->init). */
Err trainer_bind(Trainer *trainer);
/* Continues from the newest whole checkpoint of the run folder; *resumed is false when there is none. ERR_USAGE when recipe or data are not the
 * same. Call between bind and run. */
Err trainer_resume(Trainer *trainer, bool *resumed);

typedef struct {
    double loss;       /* nats a target, of this step before its update */
    double lr, grad_norm;
    bool skipped;      /* non-finite: weights and moments are as before */
    bool hopeless;     /* skipped, and no smaller loss scale is left to try */
    bool spike;        /* finite, but above `limits` */
    bool refused;      /* not taken: hopeless, or a spike that the policy does not take; weights and moments are as before */
    SpikeLimits limits;
    double loss_scale; /* that this step used; 1 but for fp16 */
    int64_t n_tokens, n_targets;
    double seconds, data_seconds;  /* data: of it, until the batches were there */
} StepReport;
Err trainer_run_step(Trainer *trainer, StepReport *report);

typedef struct {
    double loss;           /* nats a target */
    double bits_per_byte;  /* NaN when bytes are unknown */
    int64_t n_targets;
} EvalReport;
Err trainer_evaluate(Trainer *trainer, EvalReport *report);

typedef struct {
    int64_t steps, n_tokens, n_targets, n_bad_steps;
    int64_t n_spikes, n_rollbacks, n_batches_skipped;  /* by the guard; batches: passed over by rollbacks */
    double train_loss;     /* mean over the steps since the last log line */
    EvalReport eval;       /* the last one */
    double seconds, tokens_per_second, share_of_peak;  /* of the steps run now; share NaN when unknown */
    double data_share;       /* of the time inside steps: spent waiting for data */
    double loss_scale;       /* at the end; 1 but for fp16 */
    double recompute_share;  /* of the time inside steps; NaN when nothing was made again */
    double offload_share;    /* the same, of the file of activations: waiting for it, and what its thread took from a processor; NaN without one */
} TrainResult;
/* Trains to options.steps. ERR_INTERRUPTED after Ctrl-C, ERR_NUMERIC when the guard gives up, both after a checkpoint of the last good state. */
Err trainer_run(Trainer *trainer, TrainResult *result);
int64_t trainer_step(const Trainer *trainer);
/* Writes the checkpoint of the present step now. */
Err trainer_save(Trainer *trainer);

#endif
