/* task.h - what the one training loop asks of what is being learnt.
 *
 * Pretraining, fine-tuning, preference learning are Tasks: how to build the loss, where batches come from, what to report. The loop
 * (trainer.h) owns everything else: accumulation, clipping, schedules, evaluation, samples, guards, checkpoints, records. */
#ifndef LEARN_TRAIN_TASK_H
#define LEARN_TRAIN_TASK_H

#include "base/arena.h"
#include "base/json.h"
#include "engine/graph/program.h"

typedef struct {
    double loss_sum;      /* nats, over targets */
    int64_t n_targets;    /* tokens that have a label */
    int64_t n_tokens;     /* positions computed */
    int64_t n_bytes;      /* UTF-8 bytes that the targets stand for; 0: unknown (then no bits per byte) */
} TaskLoss;

/* Where a sample's tokens stand. */
typedef struct {
    const char *file;         /* the text, or a shard's prefix */
    int64_t document;         /* of that file, from 0 */
    int64_t first, n_tokens;  /* of that document */
} SamplePiece;
enum { SAMPLE_PIECES_MAX = 8, SAMPLE_TEXT_TOKENS = 32 };
typedef struct {
    int64_t sample;      /* its number since the start of training */
    int64_t n_pieces;    /* may be above SAMPLE_PIECES_MAX: the others are not named */
    SamplePiece piece[SAMPLE_PIECES_MAX];
    const char *text;    /* how it begins, decoded */
} SamplePlace;

typedef struct Task {
    const char *name;  /* "pretrain" */
    void *context;

    /* Records one micro batch: inputs, layers, loss; returns loss f32 [N], one a token, already weighted. `training` is false for evaluation. */
    Node *(*build)(void *context, Graph *g, bool training);

    /* Fresh weights into the allocated store, a pure function of the seed (or of a model to start from); weights of a checkpoint. */
    Err (*init)(void *context, Store *store);
    Err (*load)(void *context, Store *store, const char *dir);

    /* Micro batches of one step; their number does not depend on the step. */
    int64_t (*n_micro)(void *context);
    /* Of the data's steps, which run ahead of the optimizer's after a rollback: targets in the whole step, over all its micro batches. */
    int64_t (*count_targets)(void *context, int64_t step);
    /* Writes the inputs of micro batch `micro` of `step` into the program: a pure function of (seed, step, micro). */
    void (*fill)(void *context, Program *program, int64_t step, int64_t micro);

    /* Samples of a micro batch: its tokens are that many equal runs, one after another. */
    int64_t (*n_rows)(void *context);
    /* Where row `row` (0 .. n_micro * n_rows - 1) of a step comes from, for people and the log. Lives in `arena`. NULL: unknown. */
    void (*locate)(void *context, int64_t step, int64_t row, Arena *arena, SamplePlace *place);

    /* Evaluation covers a fixed set of batches once; fill_eval reports what the batch holds (its loss_sum is the loop's business). */
    int64_t (*n_eval)(void *context);
    void (*fill_eval)(void *context, Program *program, int64_t index, TaskLoss *loss);

    /* Text samples for people, printed by the loop and kept in the log; NULL: none. Lives in `arena`. */
    Err (*sample)(void *context, const Store *store, Arena *arena, int64_t step, const char **text);
    /* Bytes the task maps beside the store and the trainer's programs (the sampling program); NULL: none. */
    int64_t (*extra_bytes)(void *context);
    /* Files that make a checkpoint a complete directory (config, weights, tokenizer), written into the folder. */
    Err (*save)(void *context, const Store *store, const char *dir);
    /* Fields of its own for state.json after `step` steps of data (data cursor, identity of data and tokenizer). A resume compares them as text with
     * what would be written now. */
    void (*write_state)(void *context, int64_t step, JsonWriter *writer);
} Task;

#endif
