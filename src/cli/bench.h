/* bench.h - the benches of `jikji bench`. argv[0] is the bench's name. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

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

#endif
