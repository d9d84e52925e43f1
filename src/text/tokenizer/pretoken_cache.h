/* pretoken_cache.h - what pieces of text became, remembered by the thread that encodes: nine in ten pieces of an English text and seven in
 * ten of a Korean one have been seen just before.
 *
 * Two tables of fixed size, two entries a bucket, an entry half a cache line or two lines: pieces of up to 15 bytes and 4 tokens, and of up
 * to 31 bytes (ten syllables) and 24 tokens (seven syllables in bytes). Keys stand inline, padded with zeros, with their length in the last byte. A new piece pushes out the
 * older one of its bucket, and is itself second to go. */
#ifndef TEXT_PRETOKEN_CACHE_H
#define TEXT_PRETOKEN_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SHORT_PIECE_BYTES = 15, SHORT_PIECE_IDS = 4, LONG_PIECE_BYTES = 31, LONG_PIECE_IDS = 24 };
enum { LOOK_AMONG_LONG = -2 };
enum { SHORT_BUCKET_BITS = 15, LONG_BUCKET_BITS = 12 };  /* 2 MB and 1 MB */

typedef struct {
    uint64_t a, b;
} ShortKey;
typedef struct {
    ShortKey key;                   /* all zero: free (a piece has at least one byte) */
    int32_t ids[SHORT_PIECE_IDS];   /* -1 behind the last */
} ShortEntry;
typedef struct {
    uint64_t part[4];
    int32_t ids[LONG_PIECE_IDS];
} LongEntry;
typedef struct {
    ShortEntry *shorts;  /* 2 << SHORT_BUCKET_BITS */
    LongEntry *longs;    /* 2 << LONG_BUCKET_BITS */
    void *block;
} PretokenCache;

void pretoken_cache_init(PretokenCache *cache);
void pretoken_cache_release(PretokenCache *cache);
/* The ids of a piece of at most LONG_PIECE_BYTES among the long ones: LONG_PIECE_IDS places, -1 behind the last id; NULL when not known. */
const int32_t *pretoken_cache_find_long(const PretokenCache *cache, const char *bytes, size_t n);
/* Says that such a piece will be looked for soon. */
void pretoken_cache_hint_long(const PretokenCache *cache, const char *bytes, size_t n);
/* Does nothing when the piece or its ids are too many, or there is no id. */
void pretoken_cache_put(PretokenCache *cache, const char *bytes, size_t n, const int32_t *ids, int64_t n_ids);

/* Byte n of a word and all above it set to zero; 0 < n <= 8. */
static inline uint64_t low_bytes(uint64_t word, size_t n)
{
    return word & UINT64_MAX >> (64 - 8 * n);
}

/* 0 < n <= SHORT_PIECE_BYTES. When `roomy`, 16 bytes may be read at `bytes`. */
static inline ShortKey short_key(const char *bytes, size_t n, bool roomy)
{
    ShortKey key = {0, 0};
    if (roomy) {
        memcpy(&key, bytes, sizeof key);
        if (n <= 8)
            key = (ShortKey){low_bytes(key.a, n), 0};
        else
            key.b = low_bytes(key.b, n - 8);
    } else {
        memcpy(&key, bytes, n);
    }
    key.b |= (uint64_t)n << 56;
    return key;
}

static inline size_t short_bucket(ShortKey key)
{
    unsigned __int128 product = (unsigned __int128)(key.a ^ 0x9E3779B97F4A7C15u) * (key.b ^ 0xD1B54A32D192ED03u);
    return (size_t)((uint64_t)(product >> 64) ^ (uint64_t)product) & ((1u << SHORT_BUCKET_BITS) - 1);
}

/* The ids of a short piece, -1 behind the last, or LOOK_AMONG_LONG when they are too many for a short entry; NULL when it is not known. */
static inline const int32_t *short_find(const PretokenCache *cache, ShortKey key, size_t bucket)
{
    const ShortEntry *entry = &cache->shorts[2 * bucket];
    if (entry[0].key.a == key.a && entry[0].key.b == key.b)
        return entry[0].ids;
    if (entry[1].key.a == key.a && entry[1].key.b == key.b)
        return entry[1].ids;
    return NULL;
}

/* Remembers what a short piece became, 1 <= n_ids <= SHORT_PIECE_IDS. */
static inline void short_put(PretokenCache *cache, ShortKey key, size_t bucket, const int32_t *ids, int64_t n_ids)
{
    ShortEntry *entry = &cache->shorts[2 * bucket];
    entry[1] = entry[0];
    entry->key = key;
    for (int i = 0; i < SHORT_PIECE_IDS; i++)
        entry->ids[i] = i < n_ids ? ids[i] : -1;
}

/* The same for long pieces, 0 < n <= LONG_PIECE_BYTES; when `roomy`, 32 bytes may be read. */
typedef struct {
    uint64_t part[4];
} LongKey;

static inline LongKey long_key(const char *bytes, size_t n, bool roomy)
{
    LongKey key = {{0, 0, 0, 0}};
    if (roomy && n > SHORT_PIECE_BYTES) {
        memcpy(&key, bytes, sizeof key);
        if (n <= 24)
            key.part[3] = 0;
        key.part[n / 8] = n % 8 ? low_bytes(key.part[n / 8], n % 8) : 0;
    } else {
        memcpy(&key, bytes, n);
    }
    key.part[3] |= (uint64_t)n << 56;
    return key;
}

static inline size_t long_bucket(LongKey key)
{
    unsigned __int128 low = (unsigned __int128)(key.part[0] ^ 0x9E3779B97F4A7C15u) * (key.part[1] ^ 0xD1B54A32D192ED03u);
    unsigned __int128 high = (unsigned __int128)(key.part[2] ^ 0xA0761D6478BD642Fu) * (key.part[3] ^ 0xE7037ED1A0B428DBu);
    uint64_t mixed = ((uint64_t)(low >> 64) ^ (uint64_t)low ^ (uint64_t)(high >> 64) ^ (uint64_t)high) * 0x9E3779B97F4A7C15u;
    return (size_t)(mixed >> (64 - LONG_BUCKET_BITS));
}

/* LONG_PIECE_IDS places, -1 behind the last id; NULL when the piece is not known. */
static inline const int32_t *long_find(const PretokenCache *cache, LongKey key, size_t bucket)
{
    const LongEntry *entry = &cache->longs[2 * bucket];
    for (int i = 0; i < 2; i++)
        if (memcmp(entry[i].part, key.part, sizeof key.part) == 0)
            return entry[i].ids;
    return NULL;
}

#endif
