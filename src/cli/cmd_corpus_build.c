/* cmd_corpus_build.c - `jikji corpus build`. */
#include "base/json.h"
#include "base/log.h"
#include "cli/cmd_corpus.h"
#include "cli/command_line.h"
#include "cli/corpus_recipe.h"
#include "text/corpus/build.h"

#include <stdio.h>

typedef struct {
    const char *tokenizer, *out, *field;
    int format, split_by;
    int64_t document_bytes_max;
    double split;
    bool eos, json;
} BuildSettings;

static const Option rows[] = {
    OPTION_TEXT("tokenizer", BuildSettings, tokenizer, "a tokenizer's folder or file"),
    OPTION_TEXT("out", BuildSettings, out, "folder for train.bin, .idx, .sum, val.* and build.json"),
    OPTION_CHOICE("format", BuildSettings, format, DOCUMENT_FORMAT_CHOICES, "how a file falls into documents; auto asks content and name"),
    OPTION_TEXT("field", BuildSettings, field, "jsonl: the field that holds the text; tsv, csv: the column, by name or number"),
    OPTION_INT("document-bytes-max", BuildSettings, document_bytes_max, 1, 1e12, "longer documents are skipped and counted"),
    OPTION_REAL("split", BuildSettings, split, 0.0, 1.0, "share of the train side; 1 is no validation side"),
    OPTION_CHOICE("split-by", BuildSettings, split_by, SPLIT_BY_CHOICES, "each document by its hash, or the first bytes of the whole"),
    OPTION_BOOL("eos", BuildSettings, eos, "end each document with the tokenizer's end token, if it has one"),
    OPTION_BOOL("json", BuildSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "corpus build IN... --tokenizer DIR --out DIR [settings]",
    .examples = "    jikji corpus build RECIPE.yaml      a row of stages first: jikji corpus build any.yaml --help\n"
                "    jikji corpus build world.jsonl.zst --tokenizer tok/ --out shards/\n"
                "    jikji corpus build reviews.tsv.zst --field document --tokenizer tok/ --out shards/ --split 0.99\n"
                "    jikji corpus build book.txt --split 0.9 --split-by position --tokenizer tok/ --out shards/\n",
    .about = "IN is a file, a folder, a pattern or - (standard input); gzip and Zstandard are seen through. The result depends on inputs\n"
             "and settings alone. A finished build is not done again; a killed one leaves nothing and is started again.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

static void print_json(const BuildReport *report, const BuildSettings *settings)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "out", settings->out);
    json_field_bool(json, "up_to_date", report->up_to_date);
    json_field_int(json, "train_documents", report->n_documents[0]);
    json_field_int(json, "train_tokens", report->n_tokens[0]);
    json_field_int(json, "train_bytes", report->n_bytes[0]);
    json_field_int(json, "val_documents", report->n_documents[1]);
    json_field_int(json, "val_tokens", report->n_tokens[1]);
    json_field_int(json, "val_bytes", report->n_bytes[1]);
    json_field_int(json, "skipped", report->n_skipped);
    json_field_int(json, "repaired", report->n_repaired);
    json_field_double(json, "seconds", report->seconds);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

static void print_report(const BuildReport *report, const BuildSettings *settings)
{
    int64_t n_bytes = report->n_bytes[0] + report->n_bytes[1], n_tokens = report->n_tokens[0] + report->n_tokens[1];
    if (report->n_skipped)
        log_warn("%lld records were skipped; the first: %s", (long long)report->n_skipped, report->reason);
    log_info("%s: %lld + %lld documents, %lld + %lld tokens (train + val), %.2f bytes a token%s", settings->out,
             (long long)report->n_documents[0], (long long)report->n_documents[1], (long long)report->n_tokens[0],
             (long long)report->n_tokens[1], (double)n_bytes / (double)(n_tokens ? n_tokens : 1),
             report->up_to_date ? "; already there" : "");
    if (settings->json)
        print_json(report, settings);
}

static Err build(const BuildSettings *settings, const CommandWords *words)
{
    if (!settings->tokenizer || !settings->out)
        return err_set(ERR_USAGE, "corpus build: --%s is missing", settings->tokenizer ? "out" : "tokenizer");
    Tokenizer *tok;
    TRY(tokenizer_load(&tok, settings->tokenizer));
    BuildOptions options = build_options_default();
    options.inputs = words->word;
    options.n_inputs = words->n;
    options.documents = (DocumentOptions){.format = settings->format, .field = settings->field, .bytes_max = settings->document_bytes_max};
    options.tokenizer = tok;
    options.out = settings->out;
    options.split = settings->split;
    options.split_by = settings->split_by;
    options.append_eos = settings->eos;
    interrupt_install();
    BuildReport report;
    Err err = corpus_build(&report, &options);
    tokenizer_free(tok);
    if (err == OK)
        print_report(&report, settings);
    return err;
}

Err cmd_corpus_build(int argc, char **argv)
{
    if (corpus_recipe_is_meant(argc, argv))
        return corpus_recipe_command(argc, argv);
    Arena *arena = arena_new();
    BuildOptions defaults = build_options_default();
    BuildSettings settings = {.field = "text", .format = DOCUMENT_AUTO, .split = defaults.split, .split_by = defaults.split_by, .eos = true,
                              .document_bytes_max = defaults.documents.bytes_max};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped)
        err = build(&settings, &words);
    arena_free(arena);
    return err;
}
