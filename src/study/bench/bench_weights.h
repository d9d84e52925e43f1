/* bench_weights.h - what a model loses when its weights, or keys and values, are read in fewer bits: the same text, by f32 and by each way of reading. */
#ifndef STUDY_BENCH_BENCH_WEIGHTS_H
#define STUDY_BENCH_BENCH_WEIGHTS_H

#include "learn/generate/generate.h"

/* Ways of reading, f32 as stored the first: the ways of generate.h with a cache in f32, in their order, then with one in bf16. */
typedef struct {
    const char *name;
    GeneratorWeights weights;
    GeneratorCache cache;
} BenchWeightsWay;
enum { N_BENCH_WEIGHTS_WAYS = N_GENERATOR_WEIGHTS + 2 };
extern const BenchWeightsWay bench_weights_ways[N_BENCH_WEIGHTS_WAYS];

typedef struct {
    int64_t weight_bytes;         /* of matrices that a token reads */
    double loss;                  /* nats a token */
    double kl, kl_max;            /* nats: KL(f32 || this) of the next token, mean and worst over the text */
    double same_top;              /* share of places whose likeliest token is that of f32 */
} BenchWeightsRow;

typedef struct {
    int64_t n_tokens;             /* predicted */
    BenchWeightsRow row[N_BENCH_WEIGHTS_WAYS];
} BenchWeightsReport;

/* The store holds the model's f32 weights (model_declare, not trainable). The text is cut into pieces of `window` tokens, each from an empty cache; a
 * piece's first token is not predicted. ERR_USAGE: fewer than two tokens, or a window that is none; ERR_INTERRUPTED. */
Err bench_weights(BenchWeightsReport *report, const ModelConfig *config, Store *store, const int32_t *ids, int64_t n_ids, int64_t window);

#endif
