/* recipe.h - every setting of a training run, and their table (options.h). */
#ifndef LEARN_TRAIN_RECIPE_H
#define LEARN_TRAIN_RECIPE_H

#include "base/options.h"
#include "learn/optim/optim.h"
#include "learn/train/trainer.h"

typedef enum { PRECISION_F32, PRECISION_BF16, PRECISION_F16 } RecipePrecision;

typedef struct {
    const char *run, *out;
    const char *size;  /* recipe_size.h; NULL: every setting as it stands */
    int64_t seed;
    struct {
        const char *text;
        OptionTexts train, val;  /* shard prefixes */
        OptionReals weights;     /* of each in train; none: one stream of all */
        double split;
        const char *tokenizer;
        int64_t seq_len, stride;
        int mode, order;
    } data;
    struct {
        const char *config, *from;
        double dropout;  /* -1: the config's */
    } model;
    int objective;
    struct {
        double smoothing;
        int smoothing_to;  /* Smoothing in op.h */
        double z_loss;
        int64_t ignore_index;
    } loss;
    OptimOptions optim;
    ScheduleOptions schedule;
    struct {
        int64_t steps, batch_size, micro_batch_size;
        int precision;
        int64_t grad_leaf, eval_every, eval_rows, checkpoint_every, keep_best, log_every, bad_steps_max;
        const char *sample;
        int64_t sample_every, sample_tokens;
        double sample_temperature;
        int64_t threads;
        bool probe;
    } train;
    LossScaleOptions loss_scale;
    MemoryOptions memory;
    GuardOptions guard;
    RecordOptions record;
    struct {
        int64_t dp, tp, pp, zero;
    } parallel;
} Recipe;

extern const OptionTable recipe_table;
Recipe recipe_default(void);
/* Checks what one setting says against another and fills in what follows from others (micro_batch_size, grad_leaf, out). ERR_USAGE says the cure. */
Err recipe_check(Recipe *recipe, Arena *arena);
/* The dtype that train.precision names. */
DType recipe_compute(const Recipe *recipe);
/* Identity of the result: the hash of all settings but those that cannot change it (run, out, threads, micro_batch_size, memory, records, how
 * often to log, save and sample; with guard.policy rollback, where checkpoints stand does). */
uint64_t recipe_hash(const Recipe *recipe);

#endif
