/* cmd_corpus_build.c - `jikji corpus build`: a recipe, or files alone, which are a recipe without stages. */
#include "cli/cmd_corpus.h"
#include "cli/command_line.h"
#include "cli/corpus_recipe.h"

typedef struct {
    const char *tokenizer, *out, *field;
    int format, split_by;
    int64_t document_bytes_max;
    int64_t seed;
    double split, dropout, sample;
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
    OPTION_REAL("dropout", BuildSettings, dropout, 0.0, 1.0, "BPE dropout of the train side: merges are passed over with this probability"),
    OPTION_REAL("sample", BuildSettings, sample, -1.0, 1e6, "unigram: the train side's cuts are drawn by probability to this power; below 0: the best"),
    OPTION_INT("seed", BuildSettings, seed, 0, 9e15, "of --dropout and --sample; a draw depends on it, the text and its line alone"),
    OPTION_BOOL("json", BuildSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "corpus build IN... --tokenizer DIR --out DIR [settings]",
    .examples = "    jikji corpus build RECIPE.yaml      a row of stages first: jikji corpus build any.yaml --help\n"
                "    jikji corpus build world.jsonl.zst --tokenizer tok/ --out shards/\n"
                "    jikji corpus build reviews.tsv.zst --field document --tokenizer tok/ --out shards/ --split 0.99\n"
                "    jikji corpus build book.txt --split 0.9 --split-by position --tokenizer tok/ --out shards/\n",
    .about = "IN is a file, a folder, a pattern or - (standard input); gzip and Zstandard are seen through. The result depends on inputs\n"
             "and settings alone. A finished build is not done again; a killed one goes on where it was. It is a recipe without stages.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

/* A recipe without stages. */
static Err build(const BuildSettings *settings, const CommandWords *words, Arena *arena)
{
    if (!settings->tokenizer || !settings->out)
        return err_set(ERR_USAGE, "corpus build: --%s is missing", settings->tokenizer ? "out" : "tokenizer");
    CorpusRecipe recipe = corpus_recipe_default();
    recipe.out = settings->out, recipe.tokenizer = settings->tokenizer, recipe.json = settings->json;
    recipe.dropout = settings->dropout, recipe.sample = settings->sample, recipe.seed = settings->seed;
    PipelineOptions *o = &recipe.build;
    o->inputs = words->word;
    o->n_inputs = words->n;
    o->documents = (DocumentOptions){.format = settings->format, .field = settings->field, .bytes_max = settings->document_bytes_max};
    o->split = settings->split;
    o->split_by = settings->split_by;
    o->append_eos = settings->eos;
    o->write_documents = false;
    return corpus_recipe_run(&recipe, arena);
}

Err cmd_corpus_build(int argc, char **argv)
{
    if (corpus_recipe_is_meant(argc, argv))
        return corpus_recipe_command(argc, argv);
    Arena *arena = arena_new();
    DocumentOptions documents = document_options_default();
    BuildSettings settings = {.field = documents.field, .format = documents.format, .split = 0.9, .sample = -1.0, .eos = true, .document_bytes_max = documents.bytes_max};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped)
        err = build(&settings, &words, arena);
    arena_free(arena);
    return err;
}
