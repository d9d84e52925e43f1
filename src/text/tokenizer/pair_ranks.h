/* pair_ranks.h - which two tokens may merge, in what order, and into what: one pair a token, by hash, with a bit for each pair before it so that nearly
 * all that are none are told from a small table. */
#ifndef TEXT_PAIR_RANKS_H
#define TEXT_PAIR_RANKS_H

#include "text/tokenizer/bpe_border.h"

/* left << 44 | right << 24 | rank, in open addressing; 0 is free (a pair's rank is 1 or more). */
enum { PAIR_ID_BITS = 20, PAIR_RANK_BITS = 24, PAIR_SIGN_SHIFT = 24 };
typedef struct {
    uint64_t *pairs;
    int32_t *merged;  /* by slot */
    uint64_t mask;
    uint64_t *signs;
    uint64_t sign_mask;
} PairRanks;

/* One pair a token: two neighbours can only ever merge as that token's own text does, because until then nothing reaches across its ends. Every other cut
 * of the token that the table of merges may hold never comes about. Ids have PAIR_ID_BITS, ranks PAIR_RANK_BITS. */
void pair_ranks_build(PairRanks *ranks, const BpeMade *made, const TrieKey *tokens, size_t n_tokens);
void pair_ranks_release(PairRanks *ranks);

static inline uint64_t pair_ranks_key(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << PAIR_ID_BITS | (uint32_t)right;
}

static inline uint64_t pair_ranks_hash(uint64_t key)
{
    key *= 0x9E3779B97F4A7C15u;
    return key ^ key >> 32;
}

/* As BpeMade has it, UINT32_MAX when the two never merge; *place is where `merged` tells what they become. */
static inline uint32_t pair_ranks_find(const PairRanks *ranks, int32_t left, int32_t right, uint64_t *place)
{
    uint64_t key = pair_ranks_key(left, right), hash = pair_ranks_hash(key), sign = hash >> PAIR_SIGN_SHIFT & ranks->sign_mask;
    if (!(ranks->signs[sign / 64] >> sign % 64 & 1))
        return UINT32_MAX;
    for (uint64_t i = hash;; i++) {
        uint64_t pair = ranks->pairs[i & ranks->mask];
        *place = i & ranks->mask;
        if (pair >> PAIR_RANK_BITS == key && pair)
            return (uint32_t)pair & ((1u << PAIR_RANK_BITS) - 1);
        if (pair == 0)
            return UINT32_MAX;
    }
}

#endif
