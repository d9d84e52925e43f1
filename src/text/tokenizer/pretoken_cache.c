/* pretoken_cache.c - see pretoken_cache.h. */
#include "text/tokenizer/pretoken_cache.h"
#include "base/arena.h"
#include "base/large.h"

#include <stdlib.h>

enum { CACHE_LINE = 64 };

void pretoken_cache_init(PretokenCache *cache)
{
    size_t n_short = (2u << SHORT_BUCKET_BITS) * sizeof *cache->shorts, n_long = (2u << LONG_BUCKET_BITS) * sizeof *cache->longs;
    cache->block = mem_alloc_large(n_short + n_long + CACHE_LINE);
    char *start = (char *)cache->block + (CACHE_LINE - (uintptr_t)cache->block % CACHE_LINE) % CACHE_LINE;
    cache->shorts = (ShortEntry *)start;
    cache->longs = (LongEntry *)(start + n_short);
}

void pretoken_cache_release(PretokenCache *cache)
{
    free(cache->block);
    *cache = (PretokenCache){0};
}

void pretoken_cache_hint_long(const PretokenCache *cache, const char *bytes, size_t n)
{
    const LongEntry *bucket = &cache->longs[2 * long_bucket(long_key(bytes, n, false))];
    __builtin_prefetch(bucket);
    __builtin_prefetch(bucket + 1);
}

const int32_t *pretoken_cache_find_long(const PretokenCache *cache, const char *bytes, size_t n)
{
    LongKey key = long_key(bytes, n, false);
    return long_find(cache, key, long_bucket(key));
}

static void fill_ids(int32_t *to, int n_max, const int32_t *ids, int64_t n)
{
    for (int i = 0; i < n_max; i++)
        to[i] = i < n ? ids[i] : -1;
}

void pretoken_cache_put(PretokenCache *cache, const char *bytes, size_t n, const int32_t *ids, int64_t n_ids)
{
    if (n == 0 || n > LONG_PIECE_BYTES || n_ids < 1 || n_ids > LONG_PIECE_IDS)
        return;
    if (n <= SHORT_PIECE_BYTES) {
        const int32_t look_among_long = LOOK_AMONG_LONG;
        bool fits = n_ids <= SHORT_PIECE_IDS;
        ShortKey key = short_key(bytes, n, false);
        short_put(cache, key, short_bucket(key), fits ? ids : &look_among_long, fits ? n_ids : 1);
        if (fits)
            return;
    }
    LongKey key = long_key(bytes, n, false);
    LongEntry *bucket = &cache->longs[2 * long_bucket(key)];
    bucket[1] = bucket[0];
    memcpy(bucket[0].part, key.part, sizeof key.part);
    fill_ids(bucket[0].ids, LONG_PIECE_IDS, ids, n_ids);
}
