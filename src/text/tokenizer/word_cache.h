/* word_cache.h - what raw words became, remembered by the thread that encodes: nine words in ten of an English text and seven in ten of a Korean
 * one have been seen just before.
 *
 * Two tables of fixed size, two entries a bucket, one cache line a look: words of up to 15 bytes and 5 tokens of 16 bits in half a line, and words of
 * up to 31 bytes (ten syllables) with 13 tokens, or 6 of 32 bits, in a line. Keys stand inline, padded with zeros, with the word's length in the
 * last byte. A new word pushes out the older one of its bucket, and is itself second to go. */
#ifndef TEXT_WORD_CACHE_H
#define TEXT_WORD_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SMALL_WORD_BYTES = 15, WORD_BYTES_MAX = 31, SMALL_WORD_IDS = 5, NARROW_IDS = 13, WIDE_IDS = 6 };
enum { WORD_IDS_ROOM = 16 };                             /* what an entry's tokens may need to be copied */
enum { SMALL_BUCKET_BITS = 15, LARGE_BUCKET_BITS = 13 };  /* 2 MB and 1 MB */

typedef struct {
    uint64_t part[4];  /* the first two of a small word */
} WordKey;
typedef struct {
    uint64_t a, b;      /* zero: free (a word has at least one byte) */
    uint16_t ids[SMALL_WORD_IDS], n;  /* n 0: they are too many, look among the large */
    int32_t note;
} SmallEntry;
typedef struct {
    WordKey key;
    union {
        struct {
            uint16_t ids[NARROW_IDS], n;
        } narrow;
        struct {
            int32_t ids[WIDE_IDS], n;
        } wide;
    } tokens;
    int32_t note;
} LargeEntry;
typedef struct {
    SmallEntry *small;  /* 2 << SMALL_BUCKET_BITS; without them, all words are large */
    LargeEntry *large;  /* 2 << LARGE_BUCKET_BITS */
    void *block;        /* NULL: not yet made */
    int32_t padding;    /* no token, and above all of them */
} WordCache;

/* A word on its way: where it stands, and where it is kept (if it has at most WORD_BYTES_MAX bytes). */
typedef struct {
    size_t begin, end, bucket;
    WordKey key;
} CutWord;

/* For ids below `padding`. */
void word_cache_init(WordCache *cache, int32_t padding);
void word_cache_release(WordCache *cache);
/* Does nothing when the word is too long or its tokens are too many, or none. `text` is what it stands in, of n_text bytes. */
void word_cache_put(WordCache *cache, CutWord word, const char *text, size_t n_text, const int32_t *ids, int64_t n_ids, int32_t note);
/* Looks among the large ones: puts the tokens into `ids`, WORD_IDS_ROOM places of which the first four hold paddings if there are fewer, and
 * returns how many there are; 0 when the word is not known. */
int word_cache_find_large(const WordCache *cache, CutWord word, const char *text, size_t n_text, int32_t *ids, int32_t *note);

static inline uint64_t word_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ 0x9E3779B97F4A7C15u) * (b ^ 0xD1B54A32D192ED03u);
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* Of a word of at most SMALL_WORD_BYTES. When `roomy`, 16 bytes may be read at `bytes`. */
static inline void word_small_key(uint64_t key[2], const char *bytes, size_t n, bool roomy)
{
    if (roomy) {
        static const uint8_t window[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
        uint64_t word[2], mask[2];
        memcpy(word, bytes, sizeof word);
        memcpy(mask, window + 16 - n, sizeof mask);
        key[0] = word[0] & mask[0];
        key[1] = word[1] & mask[1];
    } else {
        key[0] = key[1] = 0;
        memcpy(key, bytes, n);
    }
    key[1] |= (uint64_t)n << 56;
}

static inline size_t word_small_bucket(const uint64_t key[2])
{
    return (size_t)word_fold(key[0], key[1]) & ((1u << SMALL_BUCKET_BITS) - 1);
}

/* Fills in where a word is kept, and says that it will be looked for soon. */
void word_cache_place_large(const WordCache *cache, CutWord *word, const char *text, size_t n_text);
static inline void word_cache_place(const WordCache *cache, CutWord *word, const char *text, size_t n_text)
{
    size_t n = word->end - word->begin;
    if (n > SMALL_WORD_BYTES || !cache->small) {
        word_cache_place_large(cache, word, text, n_text);
        return;
    }
    word_small_key(word->key.part, text + word->begin, n, word->begin + 16 <= n_text);
    word->bucket = word_small_bucket(word->key.part);
    __builtin_prefetch(&cache->small[2 * word->bucket]);
}

/* As word_cache_find_large, among all words that are remembered. */
static inline int word_cache_find(const WordCache *cache, const CutWord *word, const char *text, size_t n_text, int32_t *ids, int32_t *note)
{
    size_t n = word->end - word->begin;
    if (n > SMALL_WORD_BYTES || !cache->small)
        return n > WORD_BYTES_MAX ? 0 : word_cache_find_large(cache, *word, text, n_text, ids, note);
    const SmallEntry *entry = &cache->small[2 * word->bucket];
    if (entry->a != word->key.part[0] || entry->b != word->key.part[1])
        entry++;
    if (entry->a != word->key.part[0] || entry->b != word->key.part[1])
        return 0;
    if (entry->n == 0)
        return word_cache_find_large(cache, *word, text, n_text, ids, note);
    for (int i = 0; i < SMALL_WORD_IDS; i++)
        ids[i] = entry->ids[i];
    *note = entry->note;
    return entry->n;
}

/* What is remembered of a word, where it stands: valid until the next put. */
typedef struct {
    const uint16_t *ids;  /* at least five, paddings behind the last; in an entry, so that 16 bytes may be read */
    int32_t n, note;      /* n 0: not known */
} KnownWord;
/* Looks among the large ones; `cache->small` is not NULL. */
KnownWord word_cache_look_large(const WordCache *cache, CutWord word, const char *text, size_t n_text);
/* Looks among the small ones, without a branch. LOOK_AMONG_LARGE in `n`: its tokens are too many. */
enum { LOOK_AMONG_LARGE = -1 };
static inline KnownWord word_cache_look_small(const WordCache *cache, const uint64_t key[2], size_t bucket)
{
    const SmallEntry *entry = &cache->small[2 * bucket];
    entry += ((entry->a ^ key[0]) | (entry->b ^ key[1])) != 0;
    bool known = ((entry->a ^ key[0]) | (entry->b ^ key[1])) == 0;
    int32_t n = entry->n - (entry->n == 0);
    return (KnownWord){.ids = entry->ids, .n = n & -(int32_t)known, .note = entry->note};
}

/* Remembers a word of at most SMALL_WORD_IDS tokens, padded to that many. Does nothing when it was put just before. */
static inline void word_cache_put_small(WordCache *cache, const uint64_t key[2], size_t bucket, const uint16_t *ids, int32_t n, int32_t note)
{
    SmallEntry *entry = &cache->small[2 * bucket];
    if (entry->a == key[0] && entry->b == key[1])
        return;
    entry[1] = entry[0];
    entry->a = key[0];
    entry->b = key[1];
    memcpy(entry->ids, ids, sizeof entry->ids);
    entry->n = (uint16_t)n;
    entry->note = note;
}

#endif
