/* bpe_short.c - see bpe_short.h. */
#include "text/tokenizer/bpe_short.h"

#include <assert.h>

/* Places are looked at in groups; a last one that is not full is filled up with what never merges. */
enum { GROUP = 4 };
static inline uint32_t least(const BpeShort *word, size_t n)
{
    uint32_t low[GROUP] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < n; i += GROUP)
        for (int k = 0; k < GROUP; k++)
            low[k] = word->due[i + k] < low[k] ? word->due[i + k] : low[k];
    uint32_t a = low[0] < low[1] ? low[0] : low[1], b = low[2] < low[3] ? low[2] : low[3];
    return a < b ? a : b;
}

static inline void look_at(BpeCouples couples, BpeShort *word, uint32_t left, uint32_t right)
{
    bpe_short_put(word, left, word->ids[left], bpe_couple_find(couples, word->ids[left], word->ids[right]));
}

uint32_t bpe_short_merge(BpeCouples couples, BpeShort *word, size_t n)
{
    assert(n >= 1 && n <= BPE_SHORT_SYMBOLS);
    uint32_t begins = UINT32_MAX >> (BPE_SHORT_SYMBOLS - n);
    for (size_t i = n; i % GROUP; i++)
        word->due[i] = UINT32_MAX;
    for (uint32_t now; (now = least(word, n)) != UINT32_MAX;) {
        uint32_t at = now & (BPE_SHORT_SYMBOLS - 1), before = begins & ((1u << at) - 1), behind = begins & ~(2u * (1u << at) - 1);
        uint32_t gone = (uint32_t)__builtin_ctz(behind);
        word->ids[at] = word->becomes[at];
        begins &= ~(1u << gone);
        word->due[gone] = word->due[at] = UINT32_MAX;
        behind &= behind - 1;
        if (behind)
            look_at(couples, word, at, (uint32_t)__builtin_ctz(behind));
        if (before)
            look_at(couples, word, 31 - (uint32_t)__builtin_clz(before), at);
    }
    return begins;
}
