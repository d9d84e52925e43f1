/* bench_decode.h - how fast text is generated here, one sequence at a time, as a share of what reading the weights alone would take.
 *
 * A decoded token needs every weight once, and the keys and values of all tokens before it; so tokens per second times those bytes, over
 * the rate at which memory is read, is decode's share of what the machine can do. Memory is read in turns with the tokens, every few of
 * them, and both rates are means over the same stretch of time. Prefill multiplies many rows at once; its share is that of training: FLOPs over the best matrix
 * products at the model's shapes. Rounds of (probe of products, prefill, decode, probe, ...) as in bench_train.h; the program is that of `jikji generate`. */
#ifndef STUDY_BENCH_BENCH_DECODE_H
#define STUDY_BENCH_BENCH_DECODE_H

#include "base/arena.h"
#include "learn/model/model.h"

#include <stdbool.h>

typedef struct {
    int64_t prompt, new_tokens;  /* each at least 1; together within the model's context */
    DType dtype;                 /* of weights as stored, and of products: f32 or bf16 */
    int weights, cache;          /* GeneratorWeights, GeneratorCache */
    int64_t n_rounds;            /* 1 .. BENCH_DECODE_ROUNDS_MAX */
    bool profile;
} BenchDecodeOptions;
BenchDecodeOptions bench_decode_options_default(void);

enum { BENCH_DECODE_ROUNDS_MAX = 99 };
typedef struct {
    double tokens_per_second, read_bytes_per_second, share;           /* of decode */
    double prefill_per_second, matmul_flops_per_second, prefill_share;
} BenchDecodeRound;

typedef struct {
    int64_t n_params;
    double bytes_per_token;           /* weights, and keys and values at the mean length: */
    double cache_bytes_per_token;     /*   these alone */
    double prefill_flops_per_token;   /* of the matrices and of attention; the head is not asked for but once */
    int64_t n_rounds;
    BenchDecodeRound round[BENCH_DECODE_ROUNDS_MAX];
    BenchDecodeRound median;          /* of each column by itself */
    const char *profile;              /* of the last round's decoding (decode_profile.h), in the arena; NULL: not asked for */
} BenchDecodeReport;

/* ERR_USAGE: a prompt and new tokens beyond the context. ERR_INTERRUPTED after Ctrl-C. */
Err bench_decode(BenchDecodeReport *report, const ModelConfig *config, const BenchDecodeOptions *options, Arena *arena);

#endif
