/* cmd_corpus_stats.c - `jikji corpus stats`. */
#include "base/file.h"
#include "base/log.h"
#include "cli/cmd_corpus.h"
#include "cli/corpus_stage.h"
#include "text/corpus/stats.h"

#include <stdio.h>

typedef struct {
    StageSettings stage;
    OptionTexts before;
} Settings;

static const Option rows[] = {
    OPTION_TEXT("out", StageSettings, out, "a page with pictures, NAME.html"),
    OPTION_TEXTS("before", Settings, before, "the same corpus before it was cleaned: shown beside"),
    OPTION_CHOICE("format", StageSettings, format, DOCUMENT_FORMAT_CHOICES, "how a file falls into documents"),
    OPTION_TEXT("field", StageSettings, field, "jsonl: the field that holds the text; tsv, csv: the column"),
    OPTION_INT("document-bytes-max", StageSettings, document_bytes_max, 1, 1e12, "longer documents are skipped"),
    OPTION_BOOL("json", StageSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "corpus stats IN... [--out PAGE.html] [settings]",
    .examples = "    jikji corpus stats clean.jsonl.zst --out corpus.html\n"
                "    jikji corpus stats corpora/web --before raw.jsonl.zst --out corpus.html\n"
                "    jikji corpus stats judged.jsonl --before raw.jsonl.zst --out corpus.html --json\n",
    .about = "A folder that `corpus build` made stands for its documents, those it dropped, and what each of its stages did. Documents, lengths, words and their ranks, languages, places, drops with examples (of files written with --keep-dropped), copies, personal\n"
             "data, signs of grammar, words for groups of people in their context.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

/* The files of a build: what stayed, and what was dropped, if it was written. */
static const char *const *files_of_build(Arena *arena, const char *folder, int *n)
{
    const char **files = ARENA_ARRAY(arena, const char *, 2);
    files[(*n)++] = arena_printf(arena, "%s/documents.jsonl.zst", folder);
    const char *dropped = arena_printf(arena, "%s/dropped.jsonl.zst", folder);
    if (file_exists(dropped))
        files[(*n)++] = dropped;
    return files;
}

static Err gather(Stats *stats, const Settings *settings, const char *const *inputs, int n_inputs, Arena *arena)
{
    bool is_build = n_inputs == 1 && file_exists(arena_printf(arena, "%s/build.json", inputs[0]));
    int n_files = 0;
    const char *const *files = is_build ? files_of_build(arena, inputs[0], &n_files) : inputs;
    StageOptions options = corpus_stage_options(&settings->stage, files, is_build ? n_files : n_inputs);
    TRY(stats_gather(stats, arena, &options));
    return is_build ? stats_read_build(stats, arena, inputs[0]) : OK;
}

static Err run(const Settings *settings, const CommandWords *words, Arena *arena)
{
    Stats *now = ARENA_NEW(arena, Stats), *before = settings->before.n > 0 ? ARENA_NEW(arena, Stats) : NULL;
    TRY(gather(now, settings, words->word, words->n, arena));
    if (before)
        TRY(gather(before, settings, settings->before.value, settings->before.n, arena));
    log_info("%lld documents, %lld words, %lld different; characters mean %.1f, median %.1f, min %lld, max %lld; %.1f MB/s", (long long)now->n_documents,
             (long long)now->n_words, (long long)now->n_vocabulary, now->chars_mean, now->chars_median, (long long)now->chars_min, (long long)now->chars_max,
             (double)now->n_bytes / 1e6 / now->seconds);
    if (settings->stage.out)
        TRY(stats_page(now, before, words->word[0], settings->stage.out));
    if (settings->stage.json)
        printf("%s\n", stats_json(arena, now, before));
    return OK;
}

Err cmd_corpus_stats(int argc, char **argv)
{
    Arena *arena = arena_new();
    Settings settings = {.stage = stage_settings_default()};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped)
        err = run(&settings, &words, arena);
    arena_free(arena);
    return err;
}
