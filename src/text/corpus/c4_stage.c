/* c4_stage.c - the stage `c4`: takes lines out, drops pages. */
#include "base/json.h"
#include "text/corpus/c4.h"
#include "text/corpus/stage_kinds.h"

static const char *counts_tag(Arena *arena, const C4Result *r)
{
    const char *removed = "";
    for (int i = 0; i < N_C4_LINES; i++)
        removed = arena_printf(arena, "%s,\"%s\":%lld", removed, c4_line_name((C4Line)i), (long long)r->n_removed[i]);
    return arena_printf(arena, "\"c4\":{\"version\":%d,\"lines\":%lld,\"sentences\":%lld%s}", C4_VERSION, (long long)r->n_lines, (long long)r->n_sentences, removed);
}

static void c4_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    C4Result r = c4_clean(arena, context, document->text, document->n_bytes);
    result->tags = counts_tag(arena, &r);
    result->drop_rule = r.drop_rule;
    result->drop_value = r.drop_value;
    if (r.drop_rule)
        return;
    result->text = r.text;
    result->n_bytes = r.n_bytes;
    for (int i = 0; i < N_C4_LINES; i++)
        result->change_value += (double)r.n_removed[i];
    result->change_rule = result->change_value > 0 ? "c4.lines" : NULL;
}

static const Option rows[] = {
    OPTION_INT("word_chars_max", C4Options, word_chars_max, 1, 1e9, "lines with a longer word go"),
    OPTION_INT("line_words_min", C4Options, line_words_min, 0, 1e6, "lines with fewer words go"),
    OPTION_BOOL("line_end", C4Options, line_end, "lines that end in none of . ? ! \" ' go (FineWeb leaves this out)"),
    OPTION_BOOL("javascript", C4Options, javascript, "lines that name javascript go"),
    OPTION_BOOL("policy", C4Options, policy, "lines about cookies and terms of use go"),
    OPTION_BOOL("citations", C4Options, citations, "take out [1], [edit], [citation needed]"),
    OPTION_BOOL("lorem_ipsum", C4Options, lorem_ipsum, "drop pages with \"lorem ipsum\""),
    OPTION_BOOL("braces", C4Options, braces, "drop pages with {"),
    OPTION_INT("sentences_min", C4Options, sentences_min, 0, 1e6, "drop pages with fewer sentences in the lines that stay"),
    OPTION_INT("paragraphs_min", C4Options, paragraphs_min, 0, 1e6, "mC4: drop pages with fewer lines of paragraph_chars (3 there; 0: any)"),
    OPTION_INT("paragraph_chars", C4Options, paragraph_chars, 1, 1e6, "mC4: characters of a line that counts"),
};

static void c4_defaults(void *settings)
{
    *(C4Options *)settings = c4_options_default();
}

static Err c4_open(Stage *stage, const void *settings, Arena *arena)
{
    (void)arena;
    stage->work = c4_work;
    stage->context = (void *)(uintptr_t)settings;
    return OK;
}

const StageKind c4_stage_kind = {
    .name = "c4",
    .help = "take out lines and drop pages by the rules of C4 and mC4",
    .examples = "    jikji corpus c4 text.jsonl.zst --out clean.jsonl.zst\n"
                "    jikji corpus c4 text.jsonl --line-end false --paragraphs-min 3 --out clean.jsonl\n",
    .about = "Drops: c4.lorem_ipsum, c4.braces, c4.sentences, mc4.paragraphs. The tag \"c4\" counts the lines that went, by rule.\n",
    .version = C4_VERSION,
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(C4Options),
    .defaults = c4_defaults,
    .open = c4_open,
};
