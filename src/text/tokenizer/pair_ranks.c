/* pair_ranks.c - see pair_ranks.h. */
#include "text/tokenizer/pair_ranks.h"
#include "base/large.h"

#include <stdlib.h>

enum { SIGN_BITS_A_PAIR = 16 };

void pair_ranks_build(PairRanks *ranks, const BpeMade *made, const TrieKey *tokens, size_t n_tokens)
{
    *ranks = (PairRanks){.mask = 63};
    while (ranks->mask < n_tokens * 2)
        ranks->mask = ranks->mask * 2 + 1;
    ranks->pairs = mem_alloc_large((ranks->mask + 1) * sizeof *ranks->pairs);
    ranks->merged = mem_alloc_large((ranks->mask + 1) * sizeof *ranks->merged);
    ranks->sign_mask = (ranks->mask + 1) * SIGN_BITS_A_PAIR / 2 - 1;
    ranks->signs = mem_alloc_large((ranks->sign_mask + 1) / 8);
    for (size_t i = 0; i < n_tokens; i++) {
        const BpeMade *token = &made[tokens[i].value];
        if (token->rank == 0)
            continue;
        uint64_t key = pair_ranks_key(token->left, token->right), at = pair_ranks_hash(key), sign = at >> PAIR_SIGN_SHIFT & ranks->sign_mask;
        ranks->signs[sign / 64] |= 1ull << sign % 64;
        while (ranks->pairs[at & ranks->mask])
            at++;
        ranks->pairs[at & ranks->mask] = key << PAIR_RANK_BITS | token->rank;
        ranks->merged[at & ranks->mask] = tokens[i].value;
    }
}

void pair_ranks_release(PairRanks *ranks)
{
    free(ranks->pairs);
    free(ranks->merged);
    free(ranks->signs);
    *ranks = (PairRanks){0};
}
