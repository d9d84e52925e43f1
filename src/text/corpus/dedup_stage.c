/* dedup_stage.c - fingerprints and verdicts. */
#include "text/corpus/dedup_internal.h"

#include "text/corpus/dedup.h"
#include "text/corpus/stage_kinds.h"

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

typedef struct {
    const MinHash *minhash;
    uint64_t signature[MINHASH_MAX];
} Signing;

static void sign(void *context, const uint64_t *hashes, int64_t n)
{
    Signing *signing = context;
    minhash_take(signing->minhash, signing->signature, hashes, n);
}

void dedup_keys(const DedupOptions *options, const MinHash *minhash, Arena *arena, const char *text, size_t n_bytes, uint64_t content, uint64_t *keys)
{
    Signing signing = {.minhash = minhash};
    minhash_begin(minhash, signing.signature);
    shingle_each(arena, text, n_bytes, (ShingleUnit)options->shingle, (int)options->n, sign, &signing);
    minhash_bands(minhash, signing.signature, keys);
    for (int band = 0; band < minhash->n_bands && signing.signature[0] == UINT64_MAX; band++)
        keys[band] = content + (uint64_t)band;
}

void dedup_minhash(MinHash *minhash, const DedupOptions *options)
{
    if (options->shingle == SHINGLE_DATATROVE)
        minhash_init_datatrove(minhash, (int)options->n_bands, (int)options->n_rows, (uint32_t)options->seed);
    else
        minhash_init(minhash, (int)options->n_bands, (int)options->n_rows, (uint64_t)options->seed);
}

static void fingerprint_of(const DedupState *state, Arena *arena, const char *text, size_t n_bytes, Fingerprint *print)
{
    const DedupOptions *o = state->options;
    print->content = hash128(text, n_bytes, 0);
    print->length = (int64_t)n_bytes;
    if (o->method == DEDUP_EXACT)
        print->keys[0] = print->content.low;
    else
        dedup_keys(o, &state->minhash, arena, text, n_bytes, print->content.low, print->keys);
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
    dedup_minhash(&state->minhash, options);
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
