/* attention_tiles_test.c - how queries are cut: what the backward's freedom from races stands on. */
#include "base/test.h"
#include "engine/op/attention_case.h"
#include "engine/op/attention_internal.h"

enum { QUERIES = 200 };

typedef struct {
    int32_t ranges[QUERIES][2];
    AttentionTile tiles[QUERIES];
    int32_t group[QUERIES + 1];
    int64_t n_tiles, n_groups;
} Cut;

static void cut(Cut *c, void (*range)(int64_t query, int32_t range[2]), int64_t tokens_max)
{
    for (int64_t n = 0; n < QUERIES; n++)
        range(n, c->ranges[n]);
    Tensor ranges = tensor_contiguous(DTYPE_I32, shape_2(QUERIES, 2), c->ranges);
    c->n_tiles = attention_cut(&ranges, 0, 0, QUERIES, tokens_max, c->tiles);
    c->n_groups = attention_group(c->tiles, c->n_tiles, c->group);
}

/* Tiles follow each other, are not too long, and hold what their rows see. */
static void check_tiles(const Cut *c, int64_t tokens_max)
{
    CHECK(c->tiles[0].token_begin == 0 && c->tiles[c->n_tiles - 1].token_end == QUERIES);
    for (int64_t t = 0; t < c->n_tiles; t++) {
        const AttentionTile *tile = &c->tiles[t];
        CHECK(t == 0 || tile->token_begin == tile[-1].token_end);
        CHECK(tile->token_begin < tile->token_end && tile->token_end - tile->token_begin <= tokens_max);
        for (int64_t n = tile->token_begin; n < tile->token_end; n++)
            CHECK(c->ranges[n][0] >= c->ranges[n][1] || (c->ranges[n][0] >= tile->key_begin && c->ranges[n][1] <= tile->key_end));
    }
}

/* Groups follow each other, and no key is seen from two. */
static void check_groups(const Cut *c)
{
    int owner[QUERIES];
    memset(owner, -1, sizeof owner);
    CHECK(c->group[0] == 0 && c->group[c->n_groups] == c->n_tiles);
    for (int g = 0; g < c->n_groups; g++) {
        CHECK(c->group[g] < c->group[g + 1]);
        for (int32_t t = c->group[g]; t < c->group[g + 1]; t++)
            for (int32_t j = c->tiles[t].key_begin; j < c->tiles[t].key_end; j++) {
                CHECK(owner[j] < 0 || owner[j] == g);
                owner[j] = g;
            }
    }
}

/* Pairs of sequences of 10, where every other query of a pair looks back at the first: sequences that share keys. */
static void range_shared(int64_t query, int32_t range[2])
{
    int64_t pair = query / 20 * 20;
    range[0] = (int32_t)(query % 20 < 10 || query % 2 ? pair : pair + 10);
    range[1] = range[0] + 5 + (int32_t)(query % 5);
}

/* Goal: the cut is right for any ranges. Method: its promises, checked one by one. */
TEST(attention_tiles, tiles_hold_what_rows_see_and_groups_share_no_key)
{
    void (*ranges[])(int64_t, int32_t *) = {range_causal, range_packed, range_prefix, range_window, range_any, range_shared};
    for (int i = 0; i < 6; i++)
        for (int64_t tokens_max = 1; tokens_max <= 64; tokens_max *= 4) {
            Cut c;
            cut(&c, ranges[i], tokens_max);
            check_tiles(&c, tokens_max);
            check_groups(&c);
        }
}

/* Goal: packed sequences are worked on apart. Method: a tile and a group a sequence; one group for a long one. */
TEST(attention_tiles, packed_sequences_are_cut_apart)
{
    Cut c;
    cut(&c, range_packed, 64);
    CHECK_EQUAL(c.n_tiles, (QUERIES + 36) / 37);
    CHECK_EQUAL(c.n_groups, (QUERIES + 36) / 37);
    cut(&c, range_shared, 64);
    CHECK_EQUAL(c.n_groups, QUERIES / 20);
    cut(&c, range_causal, 64);
    CHECK_EQUAL(c.n_groups, 1);
}
