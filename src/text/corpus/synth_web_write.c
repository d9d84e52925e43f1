/* synth_web_write.c - pages into an archive, the truth beside. */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "text/corpus/synth_web.h"
#include "text/corpus/warc_writer.h"

#include <inttypes.h>
#include <string.h>

static const char date[] = "2026-01-01T00:00:00Z";

/* NAME.truth.jsonl for NAME.warc or NAME.warc.gz; NULL: another ending. */
static const char *truth_path(Arena *arena, const char *path)
{
    size_t n = strlen(path);
    if (n > 3 && strcmp(path + n - 3, ".gz") == 0)
        n -= 3;
    if (n < 6 || strncmp(path + n - 5, ".warc", 5) != 0)
        return NULL;
    return arena_printf(arena, "%.*s.truth.jsonl", (int)(n - 5), path);
}

/* The address of an earlier page, or null. */
static void write_page_url(JsonWriter *json, const char *key, uint64_t seed, int64_t k, Arena *arena)
{
    json_field_string(json, key, k >= 0 ? synth_web_page(seed, (uint64_t)k, arena).url : NULL);
}

static Err write_truth(FileWriter *file, uint64_t seed, const WebPage *page, Arena *arena)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "id", page->id);
    json_field_string(json, "url", page->url);
    json_field_string(json, "language", page->language);
    json_field_string(json, "charset", page->charset);
    json_field_string(json, "declared", page->declared);
    write_page_url(json, "copy_of", seed, page->copy_of, arena);
    write_page_url(json, "near_of", seed, page->near_of, arena);
    json_write_key(json, "pii");
    json_write_array_begin(json);
    for (int i = 0; i < page->n_pii; i++) {
        json_write_array_begin(json);
        json_write_string(json, pii_class_name(page->pii[i].class));
        json_write_string(json, page->pii[i].value);
        json_write_array_end(json);
    }
    json_write_array_end(json);
    json_field_string(json, "text", page->text);
    json_write_object_end(json);
    Err err = file_writer_printf(file, "%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
    return err;
}

static Err write_pages(WebReport *report, uint64_t seed, int64_t n_bytes, WarcWriter *warc, FileWriter *truth)
{
    Arena *arena = arena_new();
    Progress *progress = progress_new("synth", n_bytes, "B");
    Err err = OK;
    for (uint64_t k = 0; report->n_bytes < n_bytes && err == OK; k++) {
        WebPage page = synth_web_page(seed, k, arena);
        err = warc_writer_add_response(warc, page.id, page.url, date, page.content_type, page.html, page.n_html_bytes);
        if (err == OK)
            err = write_truth(truth, seed, &page, arena);
        if (err == OK && interrupt_requested())
            err = err_set(ERR_INTERRUPTED, "interrupted; nothing was written");
        report->n_pages++;
        report->n_copies += page.copy_of >= 0;
        report->n_near += page.near_of >= 0;
        report->n_pii += page.n_pii;
        report->n_bytes += (int64_t)page.n_html_bytes;
        progress_set(progress, report->n_bytes);
        arena_reset(arena);
    }
    progress_free(progress);
    arena_free(arena);
    return err;
}

Err synth_web_write(WebReport *report, uint64_t seed, int64_t n_bytes, const char *path)
{
    Arena *arena = arena_new();
    const char *beside = truth_path(arena, path);
    WarcWriter *warc = NULL;
    FileWriter *truth = NULL;
    memset(report, 0, sizeof *report);
    Err err = beside ? warc_writer_open(&warc, path, date) : err_set(ERR_USAGE, "%s: expected a name in .warc or .warc.gz", path);
    if (err == OK)
        err = file_writer_open(&truth, beside);
    if (err == OK)
        err = write_pages(report, seed, n_bytes, warc, truth);
    if (err == OK) {
        err = file_writer_commit(truth);
        truth = NULL;
    }
    if (err == OK) {
        err = warc_writer_commit(warc);
        warc = NULL;
    }
    file_writer_abort(truth);
    warc_writer_abort(warc);
    arena_free(arena);
    return err;
}
