/* bpe_short.c - see bpe_short.h. */
#include "text/tokenizer/bpe_short.h"

#include <assert.h>

/* Symbols by the place where they begin, and what each may become with the one behind it: rank << PLACE_BITS | place, so that the least is what merges
 * next. */
enum { PLACE_BITS = 5 };
typedef struct {
    const PairRanks *ranks;
    uint32_t due[BPE_SHORT_BYTES];
    int32_t ids[BPE_SHORT_BYTES], becomes[BPE_SHORT_BYTES];
    uint32_t begins;  /* a bit for each place at which a symbol begins */
    size_t n;
} Word;

/* A last group that is not full is filled up with what never merges. */
enum { GROUP = 4 };
static uint32_t least(const Word *word)
{
    uint32_t low[GROUP] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < word->n; i += GROUP)
        for (int k = 0; k < GROUP; k++)
            low[k] = word->due[i + k] < low[k] ? word->due[i + k] : low[k];
    uint32_t a = low[0] < low[1] ? low[0] : low[1], b = low[2] < low[3] ? low[2] : low[3];
    return a < b ? a : b;
}

static inline void look_at(Word *word, uint32_t left, uint32_t right)
{
    uint64_t place;
    uint32_t rank = pair_ranks_find(word->ranks, word->ids[left], word->ids[right], &place);
    word->due[left] = rank == UINT32_MAX ? rank : rank << PLACE_BITS | left;
    if (rank != UINT32_MAX)
        word->becomes[left] = word->ranks->merged[place];
}

static void start(Word *word, const ByteEdges *edges, const BpeMade *made, const char *bytes)
{
    for (size_t i = 0; i < word->n; i++)
        word->ids[i] = edges->single[(unsigned char)bytes[i]];
    for (size_t i = 0; i + 1 < word->n; i++) {
        TrieNode couple = edges->couples[couple_of(bytes + i)];
        int32_t token = trie_value(couple);
        word->becomes[i] = token;
        word->due[i] = byte_edges_is_two(couple) ? made[token].rank << PLACE_BITS | (uint32_t)i : UINT32_MAX;
    }
    for (size_t i = word->n - 1; i == word->n - 1 || i % GROUP; i++)
        word->due[i] = UINT32_MAX;
}

size_t bpe_short_merge(const PairRanks *ranks, const ByteEdges *edges, const BpeMade *made, const char *bytes, size_t n, int32_t *ids)
{
    assert(n >= 1 && n <= BPE_SHORT_BYTES);
    Word word;
    word.ranks = ranks;
    word.n = n;
    word.begins = UINT32_MAX >> (BPE_SHORT_BYTES - n);
    start(&word, edges, made, bytes);
    for (uint32_t now; (now = least(&word)) != UINT32_MAX;) {
        uint32_t at = now & (BPE_SHORT_BYTES - 1), before = word.begins & ((1u << at) - 1), behind = word.begins & ~(2u * (1u << at) - 1);
        uint32_t gone = (uint32_t)__builtin_ctz(behind);
        word.ids[at] = word.becomes[at];
        word.begins &= ~(1u << gone);
        word.due[gone] = word.due[at] = UINT32_MAX;
        behind &= behind - 1;
        if (behind)
            look_at(&word, at, (uint32_t)__builtin_ctz(behind));
        if (before)
            look_at(&word, 31 - (uint32_t)__builtin_clz(before), at);
    }
    size_t n_ids = 0;
    for (uint32_t left = word.begins; left; left &= left - 1)
        ids[n_ids++] = word.ids[__builtin_ctz(left)];
    return n_ids;
}
