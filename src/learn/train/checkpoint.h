/* checkpoint.h - folders from which a run goes on exactly.
 *
 *     <run>/checkpoints/step-N/   a complete Hugging Face directory (written by the Task), and
 *         optimizer.safetensors   "<parameter>.m", "<parameter>.v": the moments, under logical names and global shapes
 *         state.json              format, step, counters, the task's own fields (data cursor), recipe hash; no clock, no host
 *         checksums.json          XXH3-64 and size of every other file of the folder
 *     <run>/checkpoints/last      link to the newest; best: to that with the lowest validation loss
 *
 * A folder is written beside ("step-N.tmp-PID"), fsynced file by file, then renamed: it is whole or absent. */
#ifndef LEARN_TRAIN_CHECKPOINT_H
#define LEARN_TRAIN_CHECKPOINT_H

#include "base/arena.h"
#include "base/err.h"
#include "engine/graph/store.h"
#include "learn/optim/loss_scale.h"
#include "learn/train/spike.h"
#include "learn/train/task.h"

#include <stdint.h>

/* What the guard remembers (trainer_guard.c). */
typedef struct {
    StepHistory history;         /* of steps that were taken */
    int64_t n_refused_in_a_row;  /* steps up to now that were not taken; overflows of fp16 that a smaller scale cures do not count */
    int64_t first_refused_step;  /* steps taken before the first of them */
    int64_t n_spikes, n_rollbacks;
    int64_t rolled_back_to;      /* the step of the last one */
    int64_t n_batches_skipped;   /* by rollbacks: the data runs so many steps ahead of the optimizer */
} GuardState;

/* What a run is beside its tensors. NaN: no value. */
typedef struct {
    int64_t step;         /* optimizer steps taken, skipped ones included */
    int64_t n_updates;    /* of them, those that changed weights: AdamW's t */
    int64_t n_bad_steps;  /* those skipped by the NaN guard */
    int64_t n_tokens, n_targets;  /* computed so far */
    double val_loss;      /* at this step */
    LossScale loss_scale; /* of the next step */
    uint64_t recipe_hash; /* of the settings that decide the result */
    GuardState guard;
} RunState;

/* Writes the checkpoint of state->step, moves the links, removes all but the newest two, the best `best`, and that of step `step`, which a rollback
 * may need (-1: none). On an error (disk full) earlier checkpoints and links are as they were. */
typedef struct {
    int64_t best, step;
} CheckpointKeep;
Err checkpoint_save(const char *run_dir, const RunState *state, const Store *store, const Task *task, CheckpointKeep keep);
/* The folder of a step's checkpoint, whether it exists or not. In `arena`. */
const char *checkpoint_dir(Arena *arena, const char *run_dir, int64_t step);
/* Removes the checkpoints of later steps. */
Err checkpoint_remove_after(const char *run_dir, int64_t step);

/* Finds the newest whole checkpoint of a run, verifying checksums; a damaged one is passed over with a warning. *dir (in `arena`) is NULL when there
 * is none at all. ERR_FORMAT when there are some and all are damaged. */
Err checkpoint_find(const char **dir, Arena *arena, const char *run_dir);
/* Reads state.json. *task_json (in `arena`) is the task's own part as text. */
Err checkpoint_read_state(RunState *state, const char **task_json, Arena *arena, const char *dir);
/* Reads the moments into the store. Weights are the Task's business. */
Err checkpoint_load_moments(Store *store, const char *dir);
/* Compares every file with checksums.json. ERR_FORMAT names the first that differs or is missing. */
Err checkpoint_verify(const char *dir);

#endif
