/* bpe_short.h - byte-pair encoding of words of a few symbols, by merging: the lowest rank first, of equals the leftmost. Where tokens fight for each
 * other's ends, as in random letters, this costs less than searching. */
#ifndef TEXT_BPE_SHORT_H
#define TEXT_BPE_SHORT_H

#include "text/tokenizer/bpe.h"
#include "text/tokenizer/pair_ranks.h"

/* A word by places, one a start symbol. `due`: what a symbol may become with the one behind it (rank << PLACE_BITS | place, so that the least is what
 * merges next; UINT32_MAX: nothing), and `becomes` the token. */
enum { BPE_SHORT_SYMBOLS = 32, BPE_SHORT_PLACE_BITS = 5 };
typedef struct {
    uint32_t due[BPE_SHORT_SYMBOLS];
    int32_t ids[BPE_SHORT_SYMBOLS], becomes[BPE_SHORT_SYMBOLS];
} BpeShort;

/* What two symbols become. Rank 0: nothing; otherwise as BpeMade has it. */
typedef struct {
    uint32_t rank;
    int32_t merged;
} BpeCouple;

/* The symbol at a place, and what it is with the next. */
static inline void bpe_short_put(BpeShort *word, size_t place, int32_t id, BpeCouple couple)
{
    word->ids[place] = id;
    word->becomes[place] = couple.merged;
    word->due[place] = couple.rank ? couple.rank << BPE_SHORT_PLACE_BITS | (uint32_t)place : UINT32_MAX;
}

/* Where couples are found: `more` holds those that have no place in `ranks` (NULL: there are none), with ranks below 2^PAIR_RANK_BITS - 1. */
typedef struct {
    const PairRanks *ranks;
    const BpeMerges *more;
} BpeCouples;

static inline BpeCouple bpe_couple_find(BpeCouples couples, int32_t left, int32_t right)
{
    uint64_t place;
    uint32_t rank = pair_ranks_find(couples.ranks, left, right, &place);
    if (rank != UINT32_MAX)
        return (BpeCouple){rank, couples.ranks->merged[place]};
    const BpeMerge *merge = couples.more ? bpe_merges_find(couples.more, left, right) : NULL;
    return merge ? (BpeCouple){merge->rank + 1, merge->merged} : (BpeCouple){0, -1};
}

/* Merges n symbols, 1 <= n <= BPE_SHORT_SYMBOLS, of which the last was put with no couple. Returns a bit for each place at which a token begins; its id
 * stands there. */
uint32_t bpe_short_merge(BpeCouples couples, BpeShort *word, size_t n);

#endif
