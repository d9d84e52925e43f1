/* cmd_corpus_normalize.c - `jikji corpus normalize`. */
#include "cli/cmd_corpus.h"
#include "cli/corpus_stage.h"
#include "text/corpus/clean_stage.h"

typedef struct {
    StageSettings stage;
    CleanOptions clean;
} NormalizeSettings;

static const Option rows[] = {
    STAGE_ROWS,
    OPTION_BOOL("mojibake", NormalizeSettings, clean.mojibake, "put right UTF-8 that was read as windows-1252"),
    OPTION_BOOL("nfc", NormalizeSettings, clean.nfc, "Unicode normal form C: Hangul as syllables"),
    OPTION_BOOL("controls", NormalizeSettings, clean.controls, "take out control and zero-width characters"),
    OPTION_BOOL("spaces", NormalizeSettings, clean.spaces, "one kind of blank, at most one empty line"),
    OPTION_BOOL("quotes", NormalizeSettings, clean.quotes, "curly quotes become straight ones"),
    OPTION_BOOL("keep-indents", NormalizeSettings, clean.keep_indents, "keep blanks at the beginning of lines, for code"),
};

static const CommandHelp help = {
    .synopsis = "corpus normalize IN... --out FILE [settings]",
    .examples = "    jikji corpus normalize text.jsonl.zst --out clean.jsonl.zst\n"
                "    jikji corpus normalize code.jsonl --keep-indents --out clean.jsonl\n",
    .about = "Every document in one spelling. Normalizing twice changes nothing more.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_MAX,
};

Err cmd_corpus_normalize(int argc, char **argv)
{
    Arena *arena = arena_new();
    NormalizeSettings settings = {.stage = stage_settings_default(), .clean = clean_options_default()};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        Stage stage = clean_stage(&settings.clean);
        StageReport report;
        err = corpus_stage_run(&stage, &settings.stage, &words, &report);
        if (err == OK)
            corpus_stage_print(&stage, &settings.stage, &report, NULL);
    }
    arena_free(arena);
    return err;
}
