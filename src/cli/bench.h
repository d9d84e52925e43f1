/* bench.h - the benches of `jikji bench`. argv[0] is the bench's name. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "base/options.h"
#include "study/bench/bench_train.h"

Err bench_peak(int argc, char **argv);
Err bench_weights_command(int argc, char **argv);
Err bench_train_command(int argc, char **argv);
Err bench_attention_command(int argc, char **argv);
Err bench_decode_command(int argc, char **argv);
Err bench_passes_command(int argc, char **argv);
Err bench_ops_command(int argc, char **argv);

/* The model that `name` stands for (one of BENCH_PRESETS, a Hugging Face config.json, a training recipe), and sizes that suit it. */
Err bench_model_read(ModelConfig *config, BenchTrainOptions *options, Arena *arena, const char *name);
/* Sets vocab_size unless 0; ERR_USAGE if there is none then. */
Err bench_model_set_vocab(ModelConfig *config, const char *name, int64_t vocab_size);

/* The settings of a bench of training steps, and their rows in its table; 0: as the model's name or the recipe says. */
typedef struct {
    int64_t seq_len, batch_size, micro_batch_size, grad_leaf, vocab_size, rounds;
    double seconds;
} BenchSteps;
#define BENCH_STEPS_ROWS(Settings)                                                                                                  \
    OPTION_INT("seq-len", Settings, steps.seq_len, 0, 1e6, "tokens of a sequence; 0: as the model's name or the recipe says"),      \
    OPTION_INT("batch-size", Settings, steps.batch_size, 0, 1e6, "sequences of a step; 0: the same"),                               \
    OPTION_INT("micro-batch-size", Settings, steps.micro_batch_size, 0, 1e6, "sequences computed at once; 0: the same"),            \
    OPTION_INT("grad-leaf", Settings, steps.grad_leaf, 0, TRAINER_GRAD_LEAF_MAX, "tokens summed before they join a gradient, as train.grad_leaf; 0: the same"), \
    OPTION_INT("vocab-size", Settings, steps.vocab_size, 0, 1 << 28, "for a config without one; 0: as it says"),                    \
    OPTION_INT("rounds", Settings, steps.rounds, 1, BENCH_ROUNDS_MAX, "turns of probe and steps; medians count"),                   \
    OPTION_REAL("seconds", Settings, steps.seconds, 0.0, 3600.0, "steps of a round take at least so long")
/* bench_model_read, then what the settings say instead; also without a vocabulary ERR_USAGE. */
Err bench_steps_read(ModelConfig *config, BenchTrainOptions *options, Arena *arena, const char *name, const BenchSteps *steps);

#endif
