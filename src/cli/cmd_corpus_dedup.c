/* cmd_corpus_dedup.c - `jikji corpus dedup` and `jikji corpus dedup compare`. */
#include "base/json.h"
#include "cli/cmd_corpus.h"
#include "cli/corpus_stage.h"
#include "text/corpus/dedup_stage.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    StageSettings stage;
    int method, shingle;
    int64_t n, bands, rows, seed, sample;
    double threshold;
} DedupSettings;

static const Option rows[] = {
    STAGE_ROWS,
    OPTION_CHOICE("method", DedupSettings, method, DEDUP_METHOD_CHOICES, "the same to the byte, or likely near copies"),
    OPTION_CHOICE("shingle", DedupSettings, shingle, SHINGLE_CHOICES, "runs of words (eojeol), or of syllables and letters without blanks"),
    OPTION_INT("n", DedupSettings, n, 1, 100, "units a shingle"),
    OPTION_INT("bands", DedupSettings, bands, 1, MINHASH_MAX, "bands b; a pair of similarity s is found with 1 - (1 - s^r)^b"),
    OPTION_INT("rows", DedupSettings, rows, 1, MINHASH_MAX, "rows r a band"),
    OPTION_INT("seed", DedupSettings, seed, 0, 9e15, "of the hash functions"),
    OPTION_REAL("threshold", DedupSettings, threshold, 0.0, 1.0, "compare: what counts as a near copy"),
    OPTION_INT("sample", DedupSettings, sample, 2, 100000, "compare: documents taken"),
};

static const CommandHelp help = {
    .synopsis = "corpus dedup [compare] IN... --out FILE [settings]",
    .examples = "    jikji corpus dedup text.jsonl.zst --out unique.jsonl.zst\n"
                "    jikji corpus dedup text.jsonl --method exact --out unique.jsonl\n"
                "    jikji corpus dedup reviews.tsv --field document --shingle syllables --n 8 --out unique.jsonl\n"
                "    jikji corpus dedup compare text.jsonl --threshold 0.8 --sample 2000\n",
    .about = "Of a cluster of copies the longest stays, of equals the one with the smaller hash: whatever the order of the inputs. Inputs are\n"
             "read twice. `compare` measures precision and recall of these bands against every pair.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

static StageOptions stage_options(const DedupSettings *settings, const char *const *inputs, int n_inputs)
{
    return (StageOptions){
        .inputs = inputs, .n_inputs = n_inputs,
        .documents = {.format = settings->stage.format, .field = settings->stage.field, .bytes_max = settings->stage.document_bytes_max},
        .out = settings->stage.out, .keep_dropped = settings->stage.keep_dropped,
    };
}

static Err compare(const DedupSettings *settings, const DedupOptions *dedup, const CommandWords *words)
{
    StageOptions options = stage_options(settings, words->word + 1, words->n - 1);
    DedupCompare r;
    if (words->n < 2)
        return err_set(ERR_USAGE, "usage: jikji %s", help.synopsis);
    TRY(dedup_compare(&r, dedup, &options, settings->threshold, settings->sample));
    if (!settings->stage.json) {
        printf("%lld documents, %lld pairs of similarity >= %.2f\n", (long long)r.n_documents, (long long)r.n_pairs_true, settings->threshold);
        printf("            pairs    precision  recall   seconds\nbrute force %-8lld 1.0000     1.0000   %.2f\nminhash     %-8lld %.4f     %.4f   %.2f\n",
               (long long)r.n_pairs_true, r.seconds_brute, (long long)r.n_pairs_found, r.precision, r.recall, r.seconds_minhash);
        printf("recall expected of %lld bands of %lld rows: %.4f\n", (long long)settings->bands, (long long)settings->rows, r.expected_recall);
        return OK;
    }
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_int(json, "documents", r.n_documents);
    json_field_int(json, "pairs_true", r.n_pairs_true);
    json_field_int(json, "pairs_found", r.n_pairs_found);
    json_field_double(json, "precision", r.precision);
    json_field_double(json, "recall", r.recall);
    json_field_double(json, "expected_recall", r.expected_recall);
    json_field_double(json, "seconds_brute", r.seconds_brute);
    json_field_double(json, "seconds_minhash", r.seconds_minhash);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
    return OK;
}

static Err dedup(const DedupSettings *settings, const CommandWords *words)
{
    DedupOptions options = {.method = settings->method, .shingle = settings->shingle, .n = settings->n, .n_bands = settings->bands,
                            .n_rows = settings->rows, .seed = settings->seed};
    if (strcmp(words->word[0], "compare") == 0)
        return compare(settings, &options, words);
    if (!settings->stage.out)
        return err_set(ERR_USAGE, "corpus dedup: --out is missing");
    StageOptions how = stage_options(settings, words->word, words->n);
    StageReport report;
    Stage named = {.name = "dedup"};
    TRY(dedup_run(&report, &options, &how));
    corpus_stage_print(&named, &settings->stage, &report, NULL);
    return OK;
}

Err cmd_corpus_dedup(int argc, char **argv)
{
    Arena *arena = arena_new();
    DedupOptions d = dedup_options_default();
    DedupSettings settings = {.stage = stage_settings_default(), .method = d.method, .shingle = d.shingle, .n = d.n, .bands = d.n_bands,
                              .rows = d.n_rows, .seed = d.seed, .threshold = 0.8, .sample = 1000};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped)
        err = dedup(&settings, &words);
    arena_free(arena);
    return err;
}
