/* bench_train.h - how fast training is here, as a share of what its matrix products alone would take, measured in the same minutes.
 *
 * Rounds of (probe, steps, probe, ...): the machine's rate and the trainer's are taken in turns, so that a neighbour's load or a
 * falling clock meets both; a round's share compares its steps with the probes before and after. Medians of the rounds count. Tokens are
 * random; the trainer is the one of `jikji train`. */
#ifndef STUDY_BENCH_BENCH_TRAIN_H
#define STUDY_BENCH_BENCH_TRAIN_H

#include "engine/graph/program.h"
#include "learn/train/trainer.h"
#include "study/bench/matmul_rate.h"

#include <stdbool.h>

typedef struct {
    int64_t seq_len, batch_size, micro_batch_size;  /* sequences a step, and computed at once */
    int64_t grad_leaf;     /* as the trainer's; 0: trainer_usual_grad_leaf(seq_len) */
    DType compute;
    MemoryOptions memory;  /* which values are made again */
    bool loss_apart;       /* as the trainer's */
    bool one_thread_too;   /* steps and multiply-adds by one thread in each round, for the speed-up */
    int64_t n_rounds;      /* 1 .. BENCH_ROUNDS_MAX */
    double round_seconds;  /* steps of a round go on for at least so long; at least one step */
    bool profile;
    MatmulRateOptions probe;
    void (*heard)(void *context, const CallTiming *timing);  /* told of every call of every step but the first; NULL: nobody */
    void *heard_context;
} BenchTrainOptions;
BenchTrainOptions bench_train_options_default(void);

enum { BENCH_ROUNDS_MAX = 99 };
typedef struct {
    double tokens_per_second, flops_per_second, share;  /* flops_per_second: of the probes */
    double speed_up, probe_speed_up;  /* of all threads over one: steps, and multiply-adds from registers; 0: not asked for */
    double speed_up_share;            /* the one over the other */
} BenchRound;

typedef struct {
    int64_t n_params, n_tokens_per_step, n_steps;
    int64_t grad_leaf;     /* that was used */
    double flops_per_token;
    int64_t n_rounds;
    BenchRound round[BENCH_ROUNDS_MAX];
    BenchRound median;     /* of each column by itself */
    MatmulRate last_probe;
    int64_t program_bytes; /* what the trainer's plan says */
    int64_t mapped_bytes, resident_bytes;  /* what it mapped, and its peak by the system, with all that a run holds beside */
    double recompute_planned, recompute_share;  /* of the time in steps; 0: nothing is made again */
    uint64_t first_step_hash;  /* of all states but copies after the first step, whose batch is always the same */
    double loss;           /* of the last step: ln V and falling */
    const char *profile;   /* of the micro step and the update, in the arena; NULL: not asked for */
} BenchTrainReport;

/* ERR_USAGE: sizes that do not fit each other. ERR_INTERRUPTED after Ctrl-C. */
Err bench_train(BenchTrainReport *report, const ModelConfig *config, const BenchTrainOptions *options, Arena *arena);

/* A config by name, one of BENCH_PRESETS; *options gets sizes that suit it. False: no such name. */
bool bench_preset(ModelConfig *config, BenchTrainOptions *options, Arena *arena, const char *name);
#define BENCH_PRESETS "gpt2-124m, llama-110m, mini, nano"

#endif
