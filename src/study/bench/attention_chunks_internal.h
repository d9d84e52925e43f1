/* attention_chunks_internal.h - attention as matrix products and a softmax over held scores: the plain and the chunked way of bench_attention.h. */
#ifndef STUDY_BENCH_ATTENTION_CHUNKS_INTERNAL_H
#define STUDY_BENCH_ATTENTION_CHUNKS_INTERNAL_H

#include "study/bench/bench_attention.h"

typedef struct {
    const BenchAttentionOptions *options;
    AttentionWay way;              /* plain or chunked */
    const void *q, *k, *v, *dy;    /* [T, H, D], [T, Hkv, D] twice, [T, H, D]; options' dtype */
    float *y, *dq, *dk, *dv;       /* the same shapes, in the memory below */
    void *memory;
    int64_t memory_bytes;
    float *kept, *scores, *slopes; /* probabilities of all heads (plain); of one chunk and head, and their gradients */
    void *workspace;
} AttentionChunks;

/* Sets memory_bytes and counts what forward and backward move; nothing is mapped. result_bytes: y, dq, dk, dv, a part of memory_bytes. */
void attention_chunks_plan(AttentionChunks *chunks, double bytes[2], int64_t *result_bytes);
Err attention_chunks_map(AttentionChunks *chunks);
void attention_chunks_unmap(AttentionChunks *chunks);
void attention_chunks_forward(AttentionChunks *chunks);   /* y */
void attention_chunks_backward(AttentionChunks *chunks);  /* dq, dk, dv, after a forward */

#endif
