/* attention_tiles.c - which queries are worked on together; see attention_internal.h. */
#include "engine/op/attention_internal.h"

#include <assert.h>

int64_t attention_cut(const Tensor *ranges, int64_t first_row, int64_t window, int64_t n_keys, int64_t tokens_max, AttentionTile *tiles)
{
    int64_t n_queries = tensor_dim(ranges, 0), n_tiles = 0;
    AttentionTile *tile = NULL;
    for (int64_t n = 0; n < n_queries; n++) {
        int32_t range[2];
        attention_keys_of(range, ranges, n, first_row, window);
        bool empty = range[0] >= range[1];
        bool apart = tile && !empty && tile->key_begin < tile->key_end && (range[0] >= tile->key_end || range[1] <= tile->key_begin);
        assert(empty || (range[0] >= 0 && range[1] <= n_keys));
        if (!tile || apart || tile->token_end - tile->token_begin == tokens_max) {
            tile = &tiles[n_tiles++];
            *tile = (AttentionTile){.token_begin = (int32_t)n};
        }
        tile->token_end = (int32_t)n + 1;
        if (empty)
            continue;
        bool first = tile->key_begin == tile->key_end;
        if (first || range[0] < tile->key_begin)
            tile->key_begin = range[0];
        if (first || range[1] > tile->key_end)
            tile->key_end = range[1];
    }
    return n_tiles;
}

/* A cut is right where all keys seen before it lie below all keys seen behind it. group[] first holds the lowest key seen from each tile
 * on; groups are never more than the tiles passed, so their starts may overwrite it from the left. */
int64_t attention_group(const AttentionTile *tiles, int64_t n_tiles, int32_t *group)
{
    int32_t lowest = INT32_MAX, reached = 0;
    for (int64_t t = n_tiles; t-- > 0;) {
        if (tiles[t].key_begin < tiles[t].key_end && tiles[t].key_begin < lowest)
            lowest = tiles[t].key_begin;
        group[t] = lowest;
    }
    int64_t n_groups = 0;
    for (int64_t t = 0; t < n_tiles; t++) {
        if (t == 0 || group[t] >= reached)
            group[n_groups++] = (int32_t)t;
        if (tiles[t].key_end > reached)
            reached = tiles[t].key_end;
    }
    group[n_groups] = (int32_t)n_tiles;
    return n_groups;
}
