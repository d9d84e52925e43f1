/* bench_attention.h - attention and its gradients, one causal sequence, made in three ways: time, bytes moved, memory.
 *
 *   plain    the formula as it stands: scores of every query with every key are made, masked and kept for the backward; memory grows with T^2
 *   chunked  the same products for some queries at a time, keys behind them left out, scores made again in the backward; memory grows with T
 *            times the chunk
 *   fused    the engine's operator (attention.c): scores never leave the caches; memory grows with T
 *
 * All use the same matrix products and threads, so what differs is the plan. Bytes are counted from it, before anything runs: each
 * operand of each step of the plan once. FLOPs are the necessary ones, visible pairs alone, for all three. */
#ifndef STUDY_BENCH_BENCH_ATTENTION_H
#define STUDY_BENCH_BENCH_ATTENTION_H

#include "base/err.h"
#include "engine/tensor/dtype.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { ATTENTION_PLAIN, ATTENTION_CHUNKED, ATTENTION_FUSED, N_ATTENTION_WAYS } AttentionWay;
const char *attention_way_name(AttentionWay way);  /* "plain", "chunked", "fused" */

typedef struct {
    int64_t n_tokens, n_head, n_kv_head, head_dim;  /* n_kv_head divides n_head */
    DType dtype;          /* of q, k, v, y: f32 or bf16 */
    int64_t chunk;        /* queries, of the chunked way */
    int64_t n_rounds;     /* 1 .. BENCH_ATTENTION_ROUNDS_MAX; the ways take turns */
    int64_t bytes_max;    /* the plain or chunked way is planned but not run if it needs more; fused always runs */
} BenchAttentionOptions;
BenchAttentionOptions bench_attention_options_default(void);

enum { BENCH_ATTENTION_ROUNDS_MAX = 99 };
typedef struct {
    double bytes[2];       /* moved by the plan's forward and backward */
    int64_t memory_bytes;  /* beside q, k, v, y and their gradients */
    bool was_run;
    double seconds[2];     /* medians of forward and backward */
    double seconds_min, seconds_max;  /* of both together */
} BenchAttentionWay;

typedef struct {
    double flops[2];       /* 4 and 10 a visible pair and element of a head */
    BenchAttentionWay way[N_ATTENTION_WAYS];
    double difference;     /* the largest of y, dq, dk, dv between fused and the others, as a share of the largest value; 0: nothing to compare */
} BenchAttentionReport;

/* ERR_USAGE: heads that do not fit each other; ERR_MEMORY; ERR_INTERRUPTED after Ctrl-C. */
Err bench_attention(BenchAttentionReport *report, const BenchAttentionOptions *options);

#endif
