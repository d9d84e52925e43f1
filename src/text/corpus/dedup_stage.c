/* dedup_stage.c - fingerprints, verdicts, and the comparison with brute force. */
#include "text/corpus/dedup_stage.h"

#include "base/log.h"
#include "text/corpus/dedup.h"
#include "text/corpus/stage_kinds.h"
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
    const char *rule;
    int n_keys;
} DedupState;

/* The note of a document. */
typedef struct {
    Hash128 content;
    int64_t length;
    uint64_t record;  /* hash of the record, or of where the document stood */
    uint64_t keys[MINHASH_MAX];  /* n_keys of them in the note */
} Fingerprint;

static void fingerprint_of(const DedupState *state, Arena *arena, const char *text, size_t n_bytes, Fingerprint *print)
{
    const DedupOptions *o = state->options;
    print->content = hash128(text, n_bytes, 0);
    print->length = (int64_t)n_bytes;
    if (o->method == DEDUP_EXACT) {
        print->keys[0] = print->content.low;
        return;
    }
    uint64_t signature[MINHASH_MAX];
    ShingleSet set = shingle_list(arena, text, n_bytes, (ShingleUnit)o->shingle, (int)o->n);
    minhash_signature(&state->minhash, &set, signature);
    minhash_bands(&state->minhash, signature, print->keys);
    for (int band = 0; band < state->minhash.n_bands && set.n == 0; band++)
        print->keys[band] = print->content.low + (uint64_t)band;  /* no shingle, no likeness */
}

static void dedup_look(void *context, Arena *arena, const StageDocument *document, const void **note, size_t *n_note_bytes)
{
    const DedupState *state = context;
    *n_note_bytes = offsetof(Fingerprint, keys) + (size_t)state->n_keys * sizeof(uint64_t);
    Fingerprint *print = arena_alloc(arena, *n_note_bytes);
    fingerprint_of(state, arena, document->text, document->n_bytes, print);
    print->record = document->record ? hash64(document->record, document->n_record_bytes, 0)
                                     : hash64(document->path, strlen(document->path), (uint64_t)document->line);
    *note = print;
}

static Err dedup_decide_notes(void *context, Spool *notes, Spool *verdicts, const StageRoom *room)
{
    const DedupState *state = context;
    Dedup *dedup;
    TRY(dedup_new(&dedup, state->n_keys, state->options->method == DEDUP_EXACT, room->memory_bytes, room->folder));
    const void *note;
    size_t n_bytes;
    Err err = OK;
    while (err == OK && spool_next(notes, &note, &n_bytes, &err)) {
        const Fingerprint *print = note;
        err = dedup_add(dedup, print->content, print->length, print->record, print->keys);
    }
    if (err == OK)
        err = dedup_decide(dedup, verdicts);
    dedup_free(dedup);
    return err;
}

static void dedup_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    const DedupState *state = context;
    const DedupVerdict *verdict = document->verdict;
    assert(document->n_verdict_bytes == sizeof *verdict);
    if (!verdict->stays) {
        result->drop_rule = state->rule;
        result->drop_value = (double)verdict->cluster_size;
    } else if (verdict->cluster_size > 1) {
        result->tags = arena_printf(arena, "\"copies\":%" PRId64, verdict->cluster_size);
    }
}

static void state_init(DedupState *state, const DedupOptions *options)
{
    bool exact = options->method == DEDUP_EXACT;
    state->options = options;
    state->rule = exact ? "dedup.exact" : "dedup.minhash";
    state->n_keys = exact ? 1 : (int)options->n_bands;
    if (options->shingle == SHINGLE_DATATROVE)
        minhash_init_datatrove(&state->minhash, (int)options->n_bands, (int)options->n_rows, (uint32_t)options->seed);
    else
        minhash_init(&state->minhash, (int)options->n_bands, (int)options->n_rows, (uint64_t)options->seed);
}

/* Settings. */

static const Option rows[] = {
    OPTION_CHOICE("method", DedupOptions, method, DEDUP_METHOD_CHOICES, "the same to the byte, or likely near copies"),
    OPTION_CHOICE("shingle", DedupOptions, shingle, SHINGLE_CHOICES, "runs of words (eojeol), of syllables and letters without blanks, or all as datatrove does"),
    OPTION_INT("n", DedupOptions, n, 1, 100, "units a shingle"),
    OPTION_INT("bands", DedupOptions, n_bands, 1, MINHASH_MAX, "bands b; a pair of similarity s is found with 1 - (1 - s^r)^b"),
    OPTION_INT("rows", DedupOptions, n_rows, 1, MINHASH_MAX, "rows r a band"),
    OPTION_INT("seed", DedupOptions, seed, 0, 9e15, "of the hash functions"),
};

static void dedup_defaults(void *settings)
{
    *(DedupOptions *)settings = dedup_options_default();
}

static Err dedup_open(Stage *stage, const void *settings, Arena *arena)
{
    const DedupOptions *options = settings;
    if (options->n_bands * options->n_rows > MINHASH_MAX)
        return err_set(ERR_USAGE, "%" PRId64 " bands of %" PRId64 " rows are more than %d functions", options->n_bands, options->n_rows, MINHASH_MAX);
    DedupState *state = ARENA_NEW(arena, DedupState);
    state_init(state, options);
    stage->context = state;
    stage->look = dedup_look;
    stage->decide = dedup_decide_notes;
    stage->work = dedup_work;
    return OK;
}

const StageKind dedup_stage_kind = {
    .name = "dedup",
    .help = "leave out copies and near copies; compare with brute force",
    .examples = "    jikji corpus dedup text.jsonl.zst --out unique.jsonl.zst\n"
                "    jikji corpus dedup text.jsonl --method exact --out unique.jsonl\n"
                "    jikji corpus dedup reviews.tsv --field document --shingle syllables --n 8 --out unique.jsonl\n"
                "    jikji corpus dedup compare text.jsonl --threshold 0.8 --sample 2000\n",
    .about = "Of a cluster of copies the longest stays, of equals the one with the smaller hash: whatever the order of the inputs. Inputs are\n"
             "read twice; what --memory does not hold lies in TMPDIR. `compare` measures precision and recall of these bands against every pair.\n",
    .version = 4,  /* 2: of true copies the smaller hash of the record stays; 3: each Han and kana is a word; 4: shingle datatrove */
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(DedupOptions),
    .defaults = dedup_defaults,
    .open = dedup_open,
};

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
    Arena *arena = arena_new(), *scratch = arena_new();
    DedupState *state = ARENA_NEW(arena, DedupState);
    state_init(state, dedup);
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
    stage_source_free(source);
    return err;
}
