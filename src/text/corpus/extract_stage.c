/* extract_stage.c - one page at a time. Text documents of the same inputs (WET) pass through. */
#include "text/corpus/extract_stage.h"

#include "base/json.h"
#include "text/corpus/extract.h"
#include "text/unicode/utf8.h"

ExtractOptions extract_options_default(void)
{
    return (ExtractOptions){.chars_min = 1};
}

static const char *page_tags(Arena *arena, const ExtractedText *page)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "title", page->title);
    json_field_string(json, "page_language", page->language);
    json_field_string(json, "charset", page->charset);
    if (page->n_bad_bytes)
        json_field_int(json, "charset_bad_bytes", page->n_bad_bytes);
    size_t n;
    const char *text = json_writer_text(json, &n);
    text = arena_strndup(arena, text + 1, n - 1);  /* members without braces */
    json_writer_free(json);
    return text;
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

Stage extract_stage(const ExtractOptions *options)
{
    return (Stage){.name = "extract", .work = extract_work, .context = (void *)(uintptr_t)options, .reads_pages = true};
}
