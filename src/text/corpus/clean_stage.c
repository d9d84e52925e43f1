/* clean_stage.c - the stage `normalize`: every document in one spelling; what nothing is left of is dropped, rule "normalize.empty". */
#include "text/corpus/clean_text.h"
#include "text/corpus/stage_kinds.h"

#include "text/unicode/utf8.h"

static void clean_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    size_t n_bytes;
    const char *text = utf8_repair(arena, document->text, document->n_bytes, &n_bytes);
    result->text = clean_text(arena, context, text, n_bytes, &result->n_bytes);
    if (result->n_bytes == 0)
        result->drop_rule = "normalize.empty";
}

static const Option rows[] = {
    OPTION_BOOL("mojibake", CleanOptions, mojibake, "put right UTF-8 that was read as windows-1252"),
    OPTION_BOOL("nfc", CleanOptions, nfc, "Unicode normal form C: Hangul as syllables"),
    OPTION_BOOL("controls", CleanOptions, controls, "take out control and zero-width characters"),
    OPTION_BOOL("spaces", CleanOptions, spaces, "one kind of blank, at most one empty line"),
    OPTION_BOOL("quotes", CleanOptions, quotes, "curly quotes become straight ones"),
    OPTION_BOOL("keep_indents", CleanOptions, keep_indents, "keep blanks at the beginning of lines, for code"),
};

static void clean_defaults(void *settings)
{
    *(CleanOptions *)settings = clean_options_default();
}

static Err clean_open(Stage *stage, const void *settings, Arena *arena)
{
    (void)arena;
    stage->work = clean_work;
    stage->context = (void *)(uintptr_t)settings;
    return OK;
}

const StageKind clean_stage_kind = {
    .name = "normalize",
    .help = "one spelling: mojibake, Unicode form, control characters, white space",
    .examples = "    jikji corpus normalize text.jsonl.zst --out clean.jsonl.zst\n"
                "    jikji corpus normalize code.jsonl --keep-indents --out clean.jsonl\n",
    .about = "Every document in one spelling. Normalizing twice changes nothing more. What nothing is left of is dropped.\n",
    .version = 1,
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(CleanOptions),
    .defaults = clean_defaults,
    .open = clean_open,
};
