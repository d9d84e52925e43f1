/* extract_stage.c - the stage `extract`: pages of archives, of .html files or of a field become their main text. Text documents of the same
 * inputs (WET, fields without tags) stay as they are. */
#include "text/corpus/stage_kinds.h"

#include "base/json.h"
#include "text/corpus/extract.h"
#include "text/unicode/utf8.h"

typedef struct {
    int64_t chars_min;  /* main text shorter than this is dropped: rule "extract.chars_min" */
} ExtractOptions;

static const char *page_tags(Arena *arena, const ExtractedText *page)
{
    JsonWriter *json = stage_tags_begin();
    json_field_string(json, "title", page->title);
    json_field_string(json, "page_language", page->language);
    json_field_string(json, "charset", page->charset);
    if (page->n_bad_bytes)
        json_field_int(json, "charset_bad_bytes", page->n_bad_bytes);
    return stage_tags_end(json, arena);
}

static void extract_work(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    const ExtractOptions *options = context;
    if (!document->is_page) {
        result->text = utf8_repair(arena, document->text, document->n_bytes, &result->n_bytes);
        return;
    }
    ExtractedText page = extract_html(arena, document->text, document->n_bytes, document->charset);
    result->text = page.text;
    result->n_bytes = page.n_bytes;
    result->tags = page_tags(arena, &page);
    int64_t n_chars = utf8_count(page.text, page.n_bytes);
    if (n_chars < options->chars_min) {
        result->drop_rule = "extract.chars_min";
        result->drop_value = (double)n_chars;
    }
}

static const Option rows[] = {
    OPTION_INT("chars_min", ExtractOptions, chars_min, 0, 1e9, "pages with less main text are dropped"),
};

static void extract_defaults(void *settings)
{
    *(ExtractOptions *)settings = (ExtractOptions){.chars_min = 1};
}

static Err extract_open(Stage *stage, const void *settings, Arena *arena)
{
    (void)arena;
    stage->work = extract_work;
    stage->context = (void *)(uintptr_t)settings;
    stage->reads_pages = true;
    return OK;
}

const StageKind extract_stage_kind = {
    .name = "extract",
    .help = "main text of web pages and archives",
    .examples = "    jikji corpus extract crawl.warc.gz --out text.jsonl.zst\n"
                "    jikji corpus extract pages/ --out text.jsonl\n"
                "    jikji corpus extract pages.jsonl.zst --field html --out text.jsonl\n",
    .about = "Main text of web pages: from archives (WARC, ARC; the text of WET passes through), .html files, or a field that holds HTML.\n"
             "Encodings are found; menus, adverts and comments are left out. Adds title, page_language, charset, url and date.\n",
    .version = 1,
    .table = {rows, N_ELEMENTS(rows)},
    .settings_bytes = sizeof(ExtractOptions),
    .defaults = extract_defaults,
    .open = extract_open,
};
