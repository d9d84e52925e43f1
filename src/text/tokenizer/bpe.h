/* bpe.h - byte-pair encoding with given merges (Sennrich et al. 2016, arXiv:1508.07909), on any alphabet of start symbols.
 *
 * Encoding: among all neighbours that may merge, the pair of lowest rank merges first, the leftmost of equals; until none may. This
 * is the rule of GPT-2, tiktoken, tokenizers and SentencePiece alike; they differ in where ranks come from. */
#ifndef TEXT_BPE_H
#define TEXT_BPE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { BPE_NO_RANK = 0xFFFFFFFF };

/* (left, right) -> rank and merged id, in open addressing. */
typedef struct {
    uint64_t pair;  /* left << 32 | right; BPE_EMPTY when free */
    uint32_t rank;
    int32_t merged;
} BpeMerge;
typedef struct {
    BpeMerge *slots;
    uint32_t n_slots;  /* a power of two, 0 when there are no merges */
    uint32_t n_merges;
} BpeMerges;

void bpe_merges_init(BpeMerges *merges, size_t n_expected);
void bpe_merges_release(BpeMerges *merges);
/* A pair that is there already takes the new rank, as in the libraries (the last line of a merges file wins). */
void bpe_merges_put(BpeMerges *merges, int32_t left, int32_t right, uint32_t rank, int32_t merged);
/* NULL when the two may not merge. */
const BpeMerge *bpe_merges_find(const BpeMerges *merges, int32_t left, int32_t right);

/* A symbol while it is merged: its id (-1: unknown, never merges) and the bytes of the piece that it covers. */
typedef struct {
    int32_t id;
    uint32_t begin, end;
} BpeSymbol;

/* Working memory, grown as needed and reused. A zeroed one is ready. */
typedef struct {
    void *block;
    size_t n_bytes;
} BpeScratch;
void bpe_scratch_release(BpeScratch *scratch);
void *bpe_scratch_reserve(BpeScratch *scratch, size_t n_bytes);  /* what it held is gone */

/* Merges symbols[0, n) in place and returns how many are left. Time O(n log n) at worst. */
size_t bpe_merge(const BpeMerges *merges, BpeScratch *scratch, BpeSymbol *symbols, size_t n);
/* The same, but stops when n_wanted >= 1 symbols are left: the last merges of a token are how it was made. */
size_t bpe_merge_down_to(const BpeMerges *merges, BpeScratch *scratch, BpeSymbol *symbols, size_t n, size_t n_wanted);
/* The same with dropout: before each merge every pair that could merge is passed over when `passes` says so; ends when it says so of all. */
typedef struct {
    int (*passes)(void *context);
    void *context;
} BpeDropout;
size_t bpe_merge_dropout(const BpeMerges *merges, BpeScratch *scratch, BpeSymbol *symbols, size_t n, BpeDropout dropout);
/* The rule read literally, O(n^2): the judge of the fast one. */
size_t bpe_merge_plain(const BpeMerges *merges, BpeSymbol *symbols, size_t n);

#endif
