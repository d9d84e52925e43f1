/* dedup_stage.c - the two passes, and the comparison with brute force. */
#include "text/corpus/dedup_stage.h"

#include "base/log.h"
#include "text/corpus/stage_source.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

DedupOptions dedup_options_default(void)
{
    return (DedupOptions){.method = DEDUP_MINHASH, .shingle = SHINGLE_WORDS, .n = 5, .n_bands = 14, .n_rows = 8, .seed = 1};
}

typedef struct {
    const DedupOptions *options;
    MinHash minhash;
    Dedup *dedup;
    int64_t next;  /* number of the next document of the second pass */
    const char *rule;
} DedupState;

/* What the first pass hands from work to gather, as its text. */
typedef struct {
    Hash128 content;
    uint64_t keys[MINHASH_MAX];
} Fingerprint;

static void fingerprint_of(const DedupState *state, Arena *arena, const char *text, size_t n_bytes, Fingerprint *print)
{
    const DedupOptions *o = state->options;
    print->content = hash128(text, n_bytes, 0);
    if (o->method == DEDUP_EXACT) {
        print->keys[0] = print->content.low;
        return;
    }
    uint64_t signature[MINHASH_MAX];
    ShingleSet set = shingle_set(arena, text, n_bytes, (ShingleUnit)o->shingle, (int)o->n);
    minhash_signature(&state->minhash, &set, signature);
    minhash_bands(&state->minhash, signature, print->keys);
    for (int band = 0; band < state->minhash.n_bands && set.n == 0; band++)
        print->keys[band] = print->content.low + (uint64_t)band;  /* no shingle, no likeness */
}

static void find_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    Fingerprint *print = ARENA_NEW(arena, Fingerprint);
    fingerprint_of(context, arena, document->text, document->n_bytes, print);
    result->text = (const char *)print;
    result->n_bytes = sizeof *print;
}

static void find_gather(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    DedupState *state = context;
    const Fingerprint *print = (const Fingerprint *)(const void *)result->text;
    (void)arena;
    dedup_add(state->dedup, print->content, (int64_t)document->n_bytes, print->keys);
    result->text = NULL;
}

static void keep_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    (void)context, (void)arena, (void)document, (void)result;
}

static void keep_gather(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    DedupState *state = context;
    int64_t number = state->next++;
    (void)document;
    assert(number < dedup_n_documents(state->dedup));
    int64_t size = dedup_cluster_size(state->dedup, number);
    if (dedup_survivor(state->dedup, number) != number) {
        result->drop_rule = state->rule;
        result->drop_value = (double)size;
    } else if (size > 1) {
        result->tags = arena_printf(arena, "\"copies\":%" PRId64, size);
    }
}

static Err check_inputs(const StageOptions *options)
{
    for (int i = 0; i < options->n_inputs; i++)
        if (strcmp(options->inputs[i], "-") == 0)
            return err_set(ERR_USAGE, "dedup reads its inputs twice; standard input cannot be");
    return OK;
}

static DedupState *state_new(const DedupOptions *options)
{
    DedupState *state = mem_alloc(sizeof *state);
    bool exact = options->method == DEDUP_EXACT;
    state->options = options;
    state->rule = exact ? "dedup.exact" : "dedup.minhash";
    state->dedup = dedup_new(exact ? 1 : (int)options->n_bands, exact);
    minhash_init(&state->minhash, (int)options->n_bands, (int)options->n_rows, (uint64_t)options->seed);
    return state;
}

static void state_free(DedupState *state)
{
    dedup_free(state->dedup);
    free(state);
}

Err dedup_run(StageReport *report, const DedupOptions *dedup, const StageOptions *options)
{
    TRY(check_inputs(options));
    if (dedup->n_bands * dedup->n_rows > MINHASH_MAX)
        return err_set(ERR_USAGE, "%" PRId64 " bands of %" PRId64 " rows are more than %d functions", dedup->n_bands, dedup->n_rows, MINHASH_MAX);
    DedupState *state = state_new(dedup);
    StageOptions look = *options;
    look.out = NULL;
    Stage find = {.name = "dedup 1/2", .work = find_work, .gather = find_gather, .context = state};
    Stage keep = {.name = "dedup", .work = keep_work, .gather = keep_gather, .context = state};
    StageReport first;
    Err err = stage_run(&first, &find, &look);
    if (err == OK) {
        dedup_cluster(state->dedup);
        err = stage_run(report, &keep, options);
        report->seconds += first.seconds;
    }
    state_free(state);
    return err;
}

/* Comparison. */

typedef struct {
    ShingleSet *sets;
    uint64_t (*keys)[MINHASH_MAX];
    int64_t n;
} Sample;

static bool share_band(const uint64_t *a, const uint64_t *b, int n_bands)
{
    for (int i = 0; i < n_bands; i++)
        if (a[i] == b[i])
            return true;
    return false;
}

static void compare_pairs(DedupCompare *r, const Sample *sample, const MinHash *minhash, double threshold)
{
    double expected = 0;
    for (int64_t i = 0; i < sample->n; i++)
        for (int64_t k = i + 1; k < sample->n; k++) {
            double similarity = shingle_jaccard(&sample->sets[i], &sample->sets[k]);
            bool near = similarity >= threshold, found = share_band(sample->keys[i], sample->keys[k], minhash->n_bands);
            r->n_pairs_true += near;
            r->n_pairs_found += found;
            r->n_pairs_both += near && found;
            expected += near ? minhash_probability(similarity, minhash->n_bands, minhash->n_rows) : 0;
        }
    r->recall = r->n_pairs_true ? (double)r->n_pairs_both / (double)r->n_pairs_true : 1.0;
    r->precision = r->n_pairs_found ? (double)r->n_pairs_both / (double)r->n_pairs_found : 1.0;
    r->expected_recall = r->n_pairs_true ? expected / (double)r->n_pairs_true : 1.0;
}

Err dedup_compare(DedupCompare *result, const DedupOptions *dedup, const StageOptions *options, double threshold, int64_t n_documents_max)
{
    *result = (DedupCompare){0};
    StageSource *source;
    TRY(stage_source_open(&source, options, false));
    DedupState *state = state_new(dedup);
    Arena *arena = arena_new(), *scratch = arena_new();
    Sample sample = {.sets = mem_alloc((size_t)n_documents_max * sizeof *sample.sets)};
    sample.keys = mem_alloc((size_t)n_documents_max * sizeof *sample.keys);
    StageDocument document;
    Err err = OK;
    while (sample.n < n_documents_max && stage_source_next(source, &document, &err)) {
        ShingleSet set = shingle_set(scratch, document.text, document.n_bytes, (ShingleUnit)dedup->shingle, (int)dedup->n);
        uint64_t signature[MINHASH_MAX];
        double start = clock_seconds();
        minhash_signature(&state->minhash, &set, signature);
        minhash_bands(&state->minhash, signature, sample.keys[sample.n]);
        result->seconds_minhash += clock_seconds() - start;
        ShingleSet *kept = &sample.sets[sample.n++];
        kept->n = set.n;
        kept->hashes = ARENA_ARRAY(arena, uint64_t, set.n + 1);
        memcpy(kept->hashes, set.hashes, (size_t)set.n * sizeof *set.hashes);
        arena_reset(scratch);
    }
    result->n_documents = sample.n;
    double start = clock_seconds();
    if (err == OK)
        compare_pairs(result, &sample, &state->minhash, threshold);
    result->seconds_brute = clock_seconds() - start;
    free(sample.sets);
    free(sample.keys);
    arena_free(arena);
    arena_free(scratch);
    state_free(state);
    stage_source_free(source);
    return err;
}
