/* word_cache.c - see word_cache.h. */
#include "text/tokenizer/word_cache.h"
#include "base/large.h"

#include <stdlib.h>

enum { CACHE_LINE = 64 };

void word_cache_init(WordCache *cache, int32_t padding)
{
    *cache = (WordCache){.padding = padding};
    size_t n_small = (2u << SMALL_BUCKET_BITS) * sizeof *cache->small, n_large = (2u << LARGE_BUCKET_BITS) * sizeof *cache->large;
    cache->block = mem_alloc_large(n_small + n_large + CACHE_LINE);
    char *start = (char *)cache->block + (CACHE_LINE - (uintptr_t)cache->block % CACHE_LINE) % CACHE_LINE;
    cache->small = padding <= UINT16_MAX ? (SmallEntry *)start : NULL;
    cache->large = (LargeEntry *)(start + n_small);
}

void word_cache_release(WordCache *cache)
{
    free(cache->block);
    *cache = (WordCache){0};
}

static WordKey key_large(const CutWord *word, const char *text, size_t n_text)
{
    static const uint8_t window[2 * sizeof(WordKey)] = {
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    size_t n = word->end - word->begin;
    WordKey key = {{0}}, mask;
    if (word->begin + sizeof key <= n_text) {
        memcpy(&key, text + word->begin, sizeof key);
        memcpy(&mask, window + sizeof key - n, sizeof mask);
        for (int i = 0; i < 4; i++)
            key.part[i] &= mask.part[i];
    } else {
        memcpy(&key, text + word->begin, n);
    }
    key.part[3] |= (uint64_t)n << 56;
    return key;
}

static size_t bucket_large(const WordKey *key)
{
    return (size_t)word_fold(key->part[0] ^ key->part[2], key->part[1] ^ key->part[3] >> 8 ^ key->part[3] << 56) & ((1u << LARGE_BUCKET_BITS) - 1);
}

static bool same(const WordKey *a, const WordKey *b)
{
    return ((a->part[0] ^ b->part[0]) | (a->part[1] ^ b->part[1]) | (a->part[2] ^ b->part[2]) | (a->part[3] ^ b->part[3])) == 0;
}

void word_cache_place_large(const WordCache *cache, CutWord *word, const char *text, size_t n_text)
{
    if (word->end - word->begin > WORD_BYTES_MAX)
        return;
    word->key = key_large(word, text, n_text);
    word->bucket = bucket_large(&word->key);
    __builtin_prefetch(&cache->large[2 * word->bucket]);
    __builtin_prefetch(&cache->large[2 * word->bucket + 1]);
}

/* A small word has not been placed among the large ones. */
static void place_again(const WordCache *cache, CutWord *word, const char *text, size_t n_text)
{
    if (cache->small && word->end - word->begin <= SMALL_WORD_BYTES) {
        word->key = key_large(word, text, n_text);
        word->bucket = bucket_large(&word->key);
    }
}

static void put_large(WordCache *cache, const CutWord *word, const int32_t *ids, int64_t n_ids, int32_t note)
{
    LargeEntry *entry = &cache->large[2 * word->bucket];
    if (!same(&entry->key, &word->key))
        entry[1] = entry[0];
    entry->key = word->key;
    entry->note = note;
    for (int i = 0; i < WIDE_IDS && !cache->small; i++)
        entry->tokens.wide.ids[i] = i < n_ids ? ids[i] : cache->padding;
    for (int i = 0; i < NARROW_IDS && cache->small; i++)
        entry->tokens.narrow.ids[i] = (uint16_t)(i < n_ids ? ids[i] : cache->padding);
    if (cache->small)
        entry->tokens.narrow.n = (uint16_t)n_ids;
    else
        entry->tokens.wide.n = (int32_t)n_ids;
}

void word_cache_put(WordCache *cache, CutWord word, const char *text, size_t n_text, const int32_t *ids, int64_t n_ids, int32_t note)
{
    size_t n = word.end - word.begin;
    if (n > WORD_BYTES_MAX || n_ids < 1 || n_ids > (cache->small ? NARROW_IDS : WIDE_IDS))
        return;
    if (cache->small && n <= SMALL_WORD_BYTES) {
        bool fits = n_ids <= SMALL_WORD_IDS;
        SmallEntry *entry = &cache->small[2 * word.bucket];
        if (entry->a != word.key.part[0] || entry->b != word.key.part[1])
            entry[1] = entry[0];
        *entry = (SmallEntry){.a = word.key.part[0], .b = word.key.part[1], .n = (uint16_t)(fits ? n_ids : 0), .note = note};
        for (int i = 0; i < SMALL_WORD_IDS; i++)
            entry->ids[i] = (uint16_t)(fits && i < n_ids ? ids[i] : cache->padding);
        if (fits)
            return;
    }
    place_again(cache, &word, text, n_text);
    put_large(cache, &word, ids, n_ids, note);
}

KnownWord word_cache_look_large(const WordCache *cache, CutWord word, const char *text, size_t n_text)
{
    if (word.end - word.begin > WORD_BYTES_MAX)
        return (KnownWord){.n = 0};
    place_again(cache, &word, text, n_text);
    const LargeEntry *entry = &cache->large[2 * word.bucket];
    if (!same(&entry->key, &word.key) && !same(&(++entry)->key, &word.key))
        return (KnownWord){.n = 0};
    return (KnownWord){.ids = entry->tokens.narrow.ids, .n = entry->tokens.narrow.n, .note = entry->note};
}

int word_cache_find_large(const WordCache *cache, CutWord word, const char *text, size_t n_text, int32_t *ids, int32_t *note)
{
    place_again(cache, &word, text, n_text);
    const LargeEntry *entry = &cache->large[2 * word.bucket];
    if (!same(&entry->key, &word.key) && !same(&(++entry)->key, &word.key))
        return 0;
    *note = entry->note;
    if (cache->small)
        for (int i = 0; i < NARROW_IDS; i++)
            ids[i] = entry->tokens.narrow.ids[i];
    else
        memcpy(ids, entry->tokens.wide.ids, sizeof entry->tokens.wide.ids);
    return cache->small ? entry->tokens.narrow.n : entry->tokens.wide.n;
}
