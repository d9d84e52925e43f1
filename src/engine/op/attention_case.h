/* attention_case.h - attention and its gradients as a program of their own, for tests and benches (the code is attention_case_test.c).
 *
 * Inputs "q", "k", "v", "ranges", "dy"; outputs "y", "lse", "dq", "dk", "dv". The numbers of q and dy belong to a query and those of k and v to a
 * key: row `i` of a case holds those of number first + i, so a sequence can be met alone or among others. */
#ifndef ENGINE_OP_ATTENTION_CASE_H
#define ENGINE_OP_ATTENTION_CASE_H

#include "engine/graph/program.h"
#include "engine/op/op.h"

typedef struct {
    int64_t n_queries, n_keys, heads, kv_heads, width, v_width;
    DType dtype;
    Backend backend;
    AttentionOptions options;  /* without the scale: attention_case_scale */
    double size;  /* of q and k: normal numbers times this; 0 means 1 */
    void (*range)(int64_t query, int32_t range[2]);
    int64_t first_query, first_key;  /* numbers of the first rows; ranges move down by first_key */
} AttentionCase;

typedef struct {
    AttentionCase c;
    Store *store;
    Graph *g;
    Program *program;
} AttentionRun;

double attention_case_scale(const AttentionCase *c);  /* 1 / sqrt(width) */
/* Builds, fills and runs: attention in SEGMENT_FORWARD, its gradients in SEGMENT_BACKWARD. False after a failed check. */
bool attention_run(AttentionRun *run, const AttentionCase *c);
void attention_run_free(AttentionRun *run);

/* Rows [first, first + n) of two results have the same bits: a's from a_first on, b's from b_first on. */
bool attention_same_bits(const AttentionRun *a, int64_t a_first, const AttentionRun *b, int64_t b_first, int64_t n, const char *name);

/* Ranges: causal; causal sequences of 37 packed; all keys; a prefix of 20 seen by all and causal after it; a window of 50; any. */
void range_causal(int64_t query, int32_t range[2]);
void range_packed(int64_t query, int32_t range[2]);
void range_prefix(int64_t query, int32_t range[2]);
void range_window(int64_t query, int32_t range[2]);
void range_any(int64_t query, int32_t range[2]);  /* within 100 keys, some empty, in no order */

#endif
