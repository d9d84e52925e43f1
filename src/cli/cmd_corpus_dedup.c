/* cmd_corpus_dedup.c - `jikji corpus dedup`: the stage, and `compare`, which measures its bands. */
#include "base/json.h"
#include "base/log.h"
#include "cli/cmd_corpus.h"
#include "cli/corpus_stage.h"
#include "text/corpus/dedup_stage.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    StageSettings stage;
    DedupOptions dedup;
    double threshold;
    int64_t sample;
} CompareSettings;

static const Option rows[] = {
    OPTION_CHOICE("format", StageSettings, format, DOCUMENT_FORMAT_CHOICES, "how a file falls into documents"),
    OPTION_TEXT("field", StageSettings, field, "jsonl: the field that holds the text; tsv, csv: the column"),
    OPTION_CHOICE("shingle", CompareSettings, dedup.shingle, SHINGLE_CHOICES, "runs of words (eojeol), or of syllables and letters without blanks"),
    OPTION_INT("n", CompareSettings, dedup.n, 1, 100, "units a shingle"),
    OPTION_INT("bands", CompareSettings, dedup.n_bands, 1, MINHASH_MAX, "bands b; a pair of similarity s is found with 1 - (1 - s^r)^b"),
    OPTION_INT("rows", CompareSettings, dedup.n_rows, 1, MINHASH_MAX, "rows r a band"),
    OPTION_INT("seed", CompareSettings, dedup.seed, 0, 9e15, "of the hash functions"),
    OPTION_REAL("threshold", CompareSettings, threshold, 0.0, 1.0, "what counts as a near copy"),
    OPTION_INT("sample", CompareSettings, sample, 2, 100000, "documents taken"),
    OPTION_BOOL("json", StageSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "corpus dedup compare IN... [settings]",
    .examples = "    jikji corpus dedup compare text.jsonl --threshold 0.8 --sample 2000\n",
    .about = "Precision and recall of these bands against every pair of documents compared by plain Jaccard, time on one thread from the texts on, and what\n"
             "each way keeps in memory: sets of shingles, or keys of bands.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

static Err compare(const CompareSettings *settings, const CommandWords *words, Arena *arena)
{
    StageOptions options = corpus_stage_options(&settings->stage, words->word, words->n);
    DedupCompare r;
    TRY(dedup_compare(&r, &settings->dedup, &options, settings->threshold, settings->sample));
    if (!settings->stage.json) {
        printf("%lld documents, %lld pairs of similarity >= %.2f\n", (long long)r.n_documents, (long long)r.n_pairs_true, settings->threshold);
        printf("               pairs    precision  recall   seconds   memory\n");
        printf("every pair     %-8lld 1.0000     1.0000   %-8.2f  %s\n", (long long)r.n_pairs_true, r.seconds_brute, format_bytes(arena, (double)r.bytes_brute));
        printf("minhash        %-8lld %.4f     %.4f   %-8.2f  %s\n", (long long)r.n_pairs_found, r.precision, r.recall, r.seconds_minhash,
               format_bytes(arena, (double)r.bytes_minhash));
        printf("recall expected of %lld bands of %lld rows: %.4f, sigma %.4f\n", (long long)settings->dedup.n_bands, (long long)settings->dedup.n_rows,
               r.expected_recall, r.recall_sigma);
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
    json_field_double(json, "recall_sigma", r.recall_sigma);
    json_field_double(json, "seconds_brute", r.seconds_brute);
    json_field_double(json, "seconds_minhash", r.seconds_minhash);
    json_field_int(json, "bytes_brute", r.bytes_brute);
    json_field_int(json, "bytes_minhash", r.bytes_minhash);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
    return OK;
}

Err cmd_corpus_dedup(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "compare") != 0)
        return corpus_stage_command(stage_kind_find("dedup"), argc, argv);
    Arena *arena = arena_new();
    CompareSettings settings = {.stage = stage_settings_default(), .dedup = dedup_options_default(), .threshold = 0.8, .sample = 1000};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc - 1, argv + 1);
    if (err == OK && !words.helped)
        err = compare(&settings, &words, arena);
    arena_free(arena);
    return err;
}
