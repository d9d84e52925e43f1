/* attention_internal.h - what the files of attention share: attributes, limits, and how rows and keys are cut into tiles. */
#ifndef ENGINE_OP_ATTENTION_INTERNAL_H
#define ENGINE_OP_ATTENTION_INTERNAL_H

#include "engine/graph/op_info.h"
#include "engine/op/dropout_internal.h"
#include "engine/op/op.h"

/* Inputs of both; draws may be absent. */
enum { ATTENTION_Q, ATTENTION_K, ATTENTION_V, ATTENTION_RANGES, ATTENTION_DRAWS };

enum {
    ATTENTION_WIDTH_MAX = 256,  /* of a head */
    ATTENTION_LANES = 64,       /* rows of q worked on together */
    ATTENTION_KEYS = 64,        /* keys worked on together */
    ATTENTION_TOKEN_HEADS = 16, /* a key head, at most, where one token's rows are worked on alone (attention_token.h) */
};

typedef struct {
    AttentionOptions options;  /* its draws are an input */
    DropoutAttr dropout;       /* rate 0: none */
    bool is_self;  /* as many keys as queries, always: they are copied once for all queries, to lie well */
} AttentionAttr;

/* What a query sees of its range. */
static inline int32_t attention_first_key(const int32_t range[2], int64_t window)
{
    return window > 0 && range[1] - range[0] > window ? range[1] - (int32_t)window : range[0];
}

/* What is left of the weight of a key that lies `away` keys before the last of the range, for one query and head: 0, or 1 / (1 - rate). Four
 * neighbours share a Philox block; heads, and distances up to 4 million, have blocks of their own. */
static inline uint64_t attention_dropout_block(int64_t head, int64_t away)
{
    return (uint64_t)head << 20 | (uint64_t)away >> 2;
}

/* ALiBi's slope of head h among n_heads: 2^(-8 (h + 1) / p) for the p heads up to a power of two, then every second of those for 2 p heads, as
 * its authors' code has it. */
double attention_alibi_slope(int64_t h, int64_t n_heads);

/* Queries in [token_begin, token_end) and the hull [key_begin, key_end) of what they see; an empty hull is 0, 0. */
typedef struct {
    int32_t token_begin, token_end, key_begin, key_end;
} AttentionTile;

/* Cuts the queries into tiles of at most tokens_max neighbours whose ranges overlap: sequences that were packed or decoded side by side
 * never share a tile, for their keys lie apart. A window (0: none) narrows the ranges. Results do not depend on this cut, speed does. `tiles` has room for one tile a query.
 * Returns how many were made. Ranges count from token first_row on, and must then lie in [0, n_keys]. */
int64_t attention_cut(const Tensor *ranges, int64_t first_row, int64_t window, int64_t n_keys, int64_t tokens_max, AttentionTile *tiles);

/* What query n sees of a stretch of tokens that begins with first_row: its keys, a window having narrowed them, counted from there. */
static inline void attention_keys_of(int32_t keys[2], const Tensor *ranges, int64_t n, int64_t first_row, int64_t window)
{
    const int32_t *range = (const int32_t *)ranges->data + 2 * n;
    keys[0] = attention_first_key(range, window) - (int32_t)first_row;
    keys[1] = range[1] - (int32_t)first_row;
}

/* Cuts tiles into groups of neighbours such that no key is seen from two groups: the tasks of the backward. Group i is the tiles
 * [group[i], group[i + 1]); `group` has room for n_tiles + 1. Returns the number of groups. */
int64_t attention_group(const AttentionTile *tiles, int64_t n_tiles, int32_t *group);

/* Whether dk (or dv) can be summed where it will lie: f32 in whole vectors, and one query head a key head. */
bool attention_sums_in_place(DType dtype, int64_t n_heads, int64_t kv_heads, int64_t width);

void attention_reference(const KernelCall *call);
void attention_backward_reference(const KernelCall *call);
OP_KERNELS_DECLARE(attention);
OP_KERNELS_DECLARE(attention_backward);

/* At CPU_AVX512_BF16, the same of bf16 alone multiplies pairs. */
bool attention_multiplies_pairs(const KernelCall *call);
void attention_pairs(const KernelCall *call);
void attention_backward_pairs(const KernelCall *call);

#endif
