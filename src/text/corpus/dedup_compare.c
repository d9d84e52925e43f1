/* dedup_compare.c - MinHash held against every pair compared by plain Jaccard: what it finds, what it takes. */
#include "text/corpus/dedup_internal.h"

#include "base/log.h"
#include "text/corpus/stage_source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const DedupOptions *options;
    Arena *arena;  /* texts and sets */
    MinHash *minhash;
    const char **texts;
    size_t *n_bytes;
    ShingleSet *sets;
    uint64_t *keys;  /* [n][n_bands] */
    int64_t n;
} Sample;

static Err sample_read(Sample *sample, const StageOptions *options, int64_t n_max)
{
    StageSource *source;
    TRY(stage_source_open(&source, options, false));
    StageDocument document;
    Err err = OK;
    while (sample->n < n_max && stage_source_next(source, &document, &err)) {
        sample->texts[sample->n] = arena_strndup(sample->arena, document.text, document.n_bytes);
        sample->n_bytes[sample->n++] = document.n_bytes;
    }
    stage_source_free(source);
    return err;
}

typedef struct {
    uint64_t key;
    int64_t document;
} BandKey;

static int compare_band_keys(const void *a, const void *b)
{
    const BandKey *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : (x->document > y->document) - (x->document < y->document);
}

/* Signatures, and the sorting of their bands that brings those that share a key together. */
static void make_keys(Sample *sample)
{
    int n_bands = sample->minhash->n_bands;
    Arena *scratch = arena_new();
    for (int64_t i = 0; i < sample->n; i++) {
        arena_reset(scratch);
        dedup_keys(sample->options, sample->minhash, scratch, sample->texts[i], sample->n_bytes[i], hash64(sample->texts[i], sample->n_bytes[i], 0),
                   sample->keys + i * n_bands);
    }
    BandKey *band_keys = mem_alloc((size_t)sample->n * sizeof *band_keys);
    for (int band = 0; band < n_bands; band++) {
        for (int64_t i = 0; i < sample->n; i++)
            band_keys[i] = (BandKey){sample->keys[i * n_bands + band], i};
        qsort(band_keys, (size_t)sample->n, sizeof *band_keys, compare_band_keys);
    }
    free(band_keys);
    arena_free(scratch);
}

static int64_t make_sets(Sample *sample)
{
    Arena *scratch = arena_new();
    int64_t n_bytes = 0;
    for (int64_t i = 0; i < sample->n; i++) {
        arena_reset(scratch);
        ShingleSet set = shingle_set(scratch, sample->texts[i], sample->n_bytes[i], (ShingleUnit)sample->options->shingle, (int)sample->options->n);
        sample->sets[i] = (ShingleSet){.hashes = arena_alloc_unset(sample->arena, (size_t)set.n * sizeof *set.hashes), .n = set.n};
        if (set.n > 0)
            memcpy(sample->sets[i].hashes, set.hashes, (size_t)set.n * sizeof *set.hashes);
        n_bytes += set.n * (int64_t)sizeof *set.hashes;
    }
    arena_free(scratch);
    return n_bytes;
}

static bool share_band(const uint64_t *a, const uint64_t *b, int n_bands)
{
    for (int i = 0; i < n_bands; i++)
        if (a[i] == b[i])
            return true;
    return false;
}

/* A bit a pair: found by its bands. Its own walk, so that the time of the naive way has none of it. */
static int64_t mark_found(const Sample *sample, unsigned char *found)
{
    int n_bands = sample->minhash->n_bands;
    int64_t n_found = 0, pair = 0;
    for (int64_t i = 0; i < sample->n; i++)
        for (int64_t k = i + 1; k < sample->n; k++, pair++)
            if (share_band(sample->keys + i * n_bands, sample->keys + k * n_bands, n_bands)) {
                found[pair / 8] |= (unsigned char)(1 << pair % 8);
                n_found++;
            }
    return n_found;
}

static void compare_pairs(DedupCompare *r, const Sample *sample, const unsigned char *found, double threshold)
{
    double expected = 0, variance = 0;
    int64_t pair = 0;
    for (int64_t i = 0; i < sample->n; i++)
        for (int64_t k = i + 1; k < sample->n; k++, pair++) {
            double similarity = shingle_jaccard(&sample->sets[i], &sample->sets[k]);
            if (similarity < threshold)
                continue;
            double p = minhash_probability(similarity, sample->minhash->n_bands, sample->minhash->n_rows);
            r->n_pairs_true++;
            r->n_pairs_both += found[pair / 8] >> pair % 8 & 1;
            expected += p;
            variance += p * (1 - p);
        }
    double n = r->n_pairs_true > 0 ? (double)r->n_pairs_true : 1.0;
    r->recall = r->n_pairs_true ? (double)r->n_pairs_both / n : 1.0;
    r->precision = r->n_pairs_found ? (double)r->n_pairs_both / (double)r->n_pairs_found : 1.0;
    r->expected_recall = r->n_pairs_true ? expected / n : 1.0;
    r->recall_sigma = sqrt(variance) / n;
}

static void compare(DedupCompare *r, Sample *sample, double threshold)
{
    unsigned char *found = mem_alloc((size_t)(sample->n * (sample->n - 1) / 16) + 1);
    double start = clock_seconds();
    make_keys(sample);
    r->seconds_minhash = clock_seconds() - start;
    r->bytes_minhash = sample->n * sample->minhash->n_bands * (int64_t)sizeof *sample->keys;
    r->n_pairs_found = mark_found(sample, found);
    start = clock_seconds();
    r->bytes_brute = make_sets(sample);
    compare_pairs(r, sample, found, threshold);
    r->seconds_brute = clock_seconds() - start;
    r->n_documents = sample->n;
    free(found);
}

Err dedup_compare(DedupCompare *result, const DedupOptions *dedup, const StageOptions *options, double threshold, int64_t n_documents_max)
{
    *result = (DedupCompare){0};
    if (dedup->n_bands * dedup->n_rows > MINHASH_MAX)
        return err_set(ERR_USAGE, "%lld bands of %lld rows are more than %d functions", (long long)dedup->n_bands, (long long)dedup->n_rows, MINHASH_MAX);
    Arena *arena = arena_new();
    size_t n = (size_t)n_documents_max;
    Sample sample = {.options = dedup, .arena = arena, .minhash = ARENA_NEW(arena, MinHash)};
    dedup_minhash(sample.minhash, dedup);
    sample.texts = mem_alloc(n * sizeof *sample.texts);
    sample.n_bytes = mem_alloc(n * sizeof *sample.n_bytes);
    sample.sets = mem_alloc(n * sizeof *sample.sets);
    sample.keys = mem_alloc(n * (size_t)dedup->n_bands * sizeof *sample.keys);
    Err err = sample_read(&sample, options, n_documents_max);
    if (err == OK)
        compare(result, &sample, threshold);
    free(sample.texts);
    free(sample.n_bytes);
    free(sample.sets);
    free(sample.keys);
    arena_free(arena);
    return err;
}
