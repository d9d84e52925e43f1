/* cmd_corpus_extract.c - `jikji corpus extract`. */
#include "cli/cmd_corpus.h"
#include "cli/corpus_stage.h"
#include "text/corpus/extract_stage.h"

typedef struct {
    StageSettings stage;
    ExtractOptions extract;
} ExtractSettings;

static const Option rows[] = {
    STAGE_ROWS,
    OPTION_INT("chars-min", ExtractSettings, extract.chars_min, 0, 1e9, "pages with less main text are dropped"),
};

static const CommandHelp help = {
    .synopsis = "corpus extract IN... --out FILE [settings]",
    .examples = "    jikji corpus extract crawl.warc.gz --out text.jsonl.zst\n"
                "    jikji corpus extract pages/ --out text.jsonl\n"
                "    jikji corpus extract pages.jsonl.zst --field html --out text.jsonl\n",
    .about = "Main text of web pages: from archives (WARC, ARC; the text of WET passes through), .html files, or a field that holds HTML.\n"
             "Encodings are found; menus, adverts and comments are left out. Adds title, page_language, charset, url and date.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

Err cmd_corpus_extract(int argc, char **argv)
{
    Arena *arena = arena_new();
    ExtractSettings settings = {.stage = stage_settings_default(), .extract = extract_options_default()};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        Stage stage = extract_stage(&settings.extract);
        StageReport report;
        err = corpus_stage_run(&stage, &settings.stage, &words, &report);
        if (err == OK)
            corpus_stage_print(&stage, &settings.stage, &report, NULL);
    }
    arena_free(arena);
    return err;
}
