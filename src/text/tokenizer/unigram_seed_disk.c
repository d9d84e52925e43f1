/* unigram_seed_disk.c - the seeds of words that stay on disk.
 *
 * A substring of two or more characters begins only suffixes that begin with the same two: so these are shared out by their first two
 * characters, as many to a share as the bound has room for, and each share is gathered in a pass over the words, sorted and searched alone. Of a
 * word a share has only the stretches in which its suffixes lie, as far as a seed can reach. */
#include "text/tokenizer/unigram_seed.h"
#include "text/unicode/utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { N_BUCKETS = 1 << 16, SUFFIX_BYTES = sizeof(Word) + sizeof(UnigramSuffix) + 1 + sizeof(SeedPiece), ROOM_SHARE = 4 };
enum { PIECE_BYTES = 180 };  /* that a piece takes while the edges of all are found (unigram_expect.h), measured */

/* Calls visit for each suffix of two or more characters, with the bucket of those two. */
typedef struct Share Share;
typedef void (*SuffixVisit)(Share *share, const char *word, uint32_t n_bytes, uint32_t start, uint32_t bucket, int64_t count);
struct Share {
    SuffixVisit visit;
    int64_t *bucket_bytes;  /* memory for the suffixes of each */
    uint32_t first, end;    /* buckets of the present share */
    WordCounts words;       /* stretches of words */
    size_t pool_capacity;
    int64_t word_capacity;
    UnigramSuffix *suffixes;
    size_t n, capacity;
    uint32_t from, to;      /* the stretch of the present word that was gathered last; none: 0, 0 */
};

static uint32_t bucket_of(uint32_t first, uint32_t second)
{
    return (uint32_t)(((uint64_t)first << 21 | second) * 0x9E3779B97F4A7C15u >> 48);
}

static Err visit_word(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    Share *share = context;
    const char *end = bytes + n_bytes;
    uint32_t here, next, start = 0;
    share->from = share->to = 0;
    uint32_t step = (uint32_t)utf8_decode(&here, bytes, end);
    while (start + step < n_bytes) {
        uint32_t next_step = (uint32_t)utf8_decode(&next, bytes + start + step, end);
        share->visit(share, bytes, n_bytes, start, bucket_of(here, next), count);
        start += step;
        step = next_step;
        here = next;
    }
    return OK;
}

static void measure_suffix(Share *share, const char *word, uint32_t n_bytes, uint32_t start, uint32_t bucket, int64_t count)
{
    (void)word;
    (void)count;
    uint32_t n_rest = n_bytes - start;
    share->bucket_bytes[bucket] += SUFFIX_BYTES + (n_rest < SEED_BYTES_MAX ? n_rest : SEED_BYTES_MAX);
}

static void push_bytes(Share *share, const char *bytes, size_t n)
{
    WordCounts *words = &share->words;
    while ((size_t)words->n_word_bytes + n > share->pool_capacity) {
        share->pool_capacity = share->pool_capacity + share->pool_capacity / 4 + 65536;
        words->pool = mem_realloc(words->pool, share->pool_capacity);
    }
    memcpy(words->pool + words->n_word_bytes, bytes, n);
    words->n_word_bytes += (int64_t)n;
    words->words[words->n - 1].n_bytes += (uint32_t)n;
}

/* A stretch begins a byte before its first suffix, unless that is the whole word: only that one starts at 0. */
static void open_stretch(Share *share, uint32_t start, int64_t count)
{
    WordCounts *words = &share->words;
    if (words->n == share->word_capacity) {
        share->word_capacity = share->word_capacity + share->word_capacity / 4 + 4096;
        words->words = mem_realloc(words->words, (size_t)share->word_capacity * sizeof *words->words);
    }
    words->words[words->n++] = (Word){(uint64_t)words->n_word_bytes, 0, count};
    share->from = share->to = start > 0 ? start - 1 : 0;
}

static void gather_suffix(Share *share, const char *word, uint32_t n_bytes, uint32_t start, uint32_t bucket, int64_t count)
{
    if (bucket < share->first || bucket >= share->end)
        return;
    if (start >= share->to)
        open_stretch(share, start, count);
    uint32_t to = n_bytes - start < SEED_BYTES_MAX ? n_bytes : start + SEED_BYTES_MAX;
    if (to > share->to)
        push_bytes(share, word + share->to, to - share->to);
    share->to = to > share->to ? to : share->to;
    if (share->n == share->capacity) {
        share->capacity = share->capacity + share->capacity / 4 + 4096;
        share->suffixes = mem_realloc(share->suffixes, share->capacity * sizeof *share->suffixes);
    }
    share->suffixes[share->n++] = (UnigramSuffix){(uint32_t)(share->words.n - 1), start - share->from};
}

/* All seeds that may stay have room. */
static Err check_memory(const UnigramSeeds *seeds, int64_t n_max, int64_t memory_bytes_max)
{
    int64_t n_most = seeds->n_chars + n_max, n = seeds->n < n_most ? seeds->n : n_most;
    if (n * PIECE_BYTES <= memory_bytes_max)
        return OK;
    return err_set(ERR_MEMORY, "the pieces that learning begins with take more than the bound of %.1f MB; for any text %.1f MB are enough",
                   (double)memory_bytes_max / 1e6, (double)(n_most * PIECE_BYTES) / 1e6);
}

/* Seeds behind the first n_before get texts that outlive the share; when there are too many, the best stay. */
static void settle(UnigramSeeds *seeds, int64_t n_before, int64_t n_max)
{
    for (int64_t i = n_before; i < seeds->n; i++)
        seeds->items[i].text = unigram_seeds_keep_text(seeds, seeds->items[i].text, seeds->items[i].n_bytes);
    if (seeds->n <= seeds->n_chars + n_max + n_max / 4)
        return;
    unigram_seeds_keep_best(seeds, n_max);
    const SeedPiece *last = &seeds->items[seeds->n - 1];
    seeds->least_cover = last->count * last->n_chars;
    Arena *before = seeds->texts;
    seeds->texts = arena_new();
    seeds->n_text_room = 0;
    for (int64_t i = 0; i < seeds->n; i++)
        seeds->items[i].text = unigram_seeds_keep_text(seeds, seeds->items[i].text, seeds->items[i].n_bytes);
    arena_free(before);
}

/* The next buckets for which there is room. */
static Err choose_buckets(Share *share, int64_t room)
{
    int64_t n_bytes = 0;
    for (share->first = share->end; share->end < N_BUCKETS && n_bytes + share->bucket_bytes[share->end] <= room; share->end++)
        n_bytes += share->bucket_bytes[share->end];
    if (share->end == share->first)
        return err_set(ERR_MEMORY, "substrings that begin with the same two characters take %.1f MB; a bound of %.1f MB is enough for them",
                       (double)share->bucket_bytes[share->end] / 1e6, (double)share->bucket_bytes[share->end] * ROOM_SHARE / 1e6);
    return OK;
}

Err unigram_seeds_from_disk(UnigramSeeds *seeds, const WordCounts *counts, int64_t n_max, int64_t memory_bytes_max)
{
    assert(memory_bytes_max > 0);
    Share share = {.visit = measure_suffix, .bucket_bytes = mem_alloc(N_BUCKETS * sizeof(int64_t))};
    Err err = word_counts_each(counts, visit_word, &share);
    share.visit = gather_suffix;
    while (err == OK && share.end < N_BUCKETS) {
        err = choose_buckets(&share, memory_bytes_max / ROOM_SHARE);
        share.words.n = share.words.n_word_bytes = 0;
        share.n = 0;
        if (err == OK)
            err = word_counts_each(counts, visit_word, &share);
        int64_t n_before = seeds->n;
        unigram_seeds_of_suffixes(seeds, &share.words, share.suffixes, share.n);
        settle(seeds, n_before, n_max);
        if (err == OK)
            err = check_memory(seeds, n_max, memory_bytes_max);
    }
    free(share.bucket_bytes);
    free(share.suffixes);
    word_counts_release(&share.words);
    return err;
}
