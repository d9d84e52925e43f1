/* bpe_pairs.h - what trainers of merges know of pairs: how often each is seen, and which comes next. */
#ifndef TEXT_BPE_PAIRS_H
#define TEXT_BPE_PAIRS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* left << 32 | right: smaller keys are smaller pairs. */
static inline uint64_t pair_key(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* Pairs by number, in order of their first appearance. Zeroed is empty. */
typedef struct {
    uint64_t *keys;
    int64_t *counts;
    uint32_t n, capacity;
    uint32_t *slots;  /* pair + 1, 0 when free */
    size_t n_slots;
} PairTable;

/* Number of the pair, made with a count of 0 when it is new; the arrays may move. */
uint32_t pair_table_index(PairTable *table, uint64_t key);
int64_t pair_table_count(const PairTable *table, uint64_t key);  /* 0 for a pair that is not there */
size_t pair_table_bytes(const PairTable *table);
void pair_table_release(PairTable *table);

/* A pair with the count it had when it was pushed; `words` is the pusher's. */
typedef struct {
    int64_t count;
    uint64_t key;
    uint32_t pair, words;
} PairEntry;

/* More frequent first, then the smaller pair. Zeroed is empty. */
typedef struct {
    PairEntry *entries;
    size_t n, capacity;
} PairHeap;

void pair_heap_push(PairHeap *heap, PairEntry entry);
/* The first entry whose count is its pair's present one; entries out of date go back with the present count (counts of pushed pairs only fall; a
 * pair that grows is pushed anew). NULL when the heap is empty. */
const PairEntry *pair_heap_top(PairHeap *heap, const PairTable *table);
PairEntry pair_heap_pop(PairHeap *heap);
void pair_heap_release(PairHeap *heap);

#endif
