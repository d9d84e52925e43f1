/* stage_source.c - files of documents, archives of pages, pages as files. */
#include "text/corpus/stage_source.h"

#include "base/file.h"
#include "base/json.h"
#include "text/corpus/html.h"
#include "text/corpus/warc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES_MAX = 16 << 20 };  /* a tree takes some thirty times its page */

struct StageSource {
    DocumentOptions documents_options;
    bool reads_pages;
    Arena *arena;  /* paths */
    Arena *record_arena;
    char **paths;
    int n_paths, at;
    DocumentReader *documents;
    WarcReader *archive;
    FileMap page;
    bool page_is_open, tolerates;
    int64_t n_bytes_total, n_bytes_before;
    DocumentCounts counts;
    WarcCounts broken;
};

Err stage_source_open(StageSource **out, const StageOptions *options, bool reads_pages)
{
    *out = NULL;
    StageSource *s = mem_alloc(sizeof *s);
    s->documents_options = options->documents;
    s->reads_pages = reads_pages;
    s->arena = arena_new();
    s->record_arena = arena_new();
    s->at = -1;
    Err err = document_list_files(&s->paths, &s->n_paths, s->arena, options->inputs, options->n_inputs);
    if (err != OK) {
        stage_source_free(s);
        return err;
    }
    int64_t n_bytes;
    for (int i = 0; i < s->n_paths; i++)
        if (strcmp(s->paths[i], "-") != 0 && file_size(&n_bytes, s->paths[i]) == OK)
            s->n_bytes_total += n_bytes;
    *out = s;
    return OK;
}

static void stage_source_close_file(StageSource *s)
{
    if (s->documents)
        document_counts_add(&s->counts, document_reader_counts(s->documents));
    if (s->archive) {
        const WarcCounts *counts = warc_reader_counts(s->archive);
        if (s->broken.reason[0] == '\0')
            memcpy(s->broken.reason, counts->reason, sizeof s->broken.reason);
        s->broken.n_broken += counts->n_broken;
    }
    document_reader_free(s->documents);
    warc_reader_free(s->archive);
    file_unmap(&s->page);
    s->documents = NULL;
    s->archive = NULL;
    s->page = (FileMap){0};
    s->page_is_open = false;
    int64_t n_bytes;
    if (s->at >= 0 && s->at < s->n_paths && strcmp(s->paths[s->at], "-") != 0 && file_size(&n_bytes, s->paths[s->at]) == OK)
        s->n_bytes_before += n_bytes;
}

void stage_source_free(StageSource *s)
{
    if (!s)
        return;
    stage_source_close_file(s);
    arena_free(s->arena);
    arena_free(s->record_arena);
    free(s);
}

static bool is_html_file(const char *path)
{
    size_t n = strlen(path);
    return (n > 5 && strcmp(path + n - 5, ".html") == 0) || (n > 4 && strcmp(path + n - 4, ".htm") == 0);
}

static size_t page_bytes_max(const StageSource *s)
{
    int64_t limit = s->documents_options.bytes_max;
    return limit > 0 && limit < PAGE_BYTES_MAX ? (size_t)limit : PAGE_BYTES_MAX;
}

static void stage_source_count_long(StageSource *s, const char *name)
{
    s->counts.n_skipped++;
    if (s->counts.reason[0] == '\0')
        snprintf(s->counts.reason, sizeof s->counts.reason, "%s: %s: a page longer than %zu bytes", s->paths[s->at], name, page_bytes_max(s));
}

static Err stage_source_open_file(StageSource *s)
{
    const char *path = s->paths[s->at];
    bool is_archive = false;
    if (strcmp(path, "-") != 0)
        TRY(warc_is_archive(&is_archive, path));
    if (is_archive)
        return warc_reader_open(&s->archive, path, page_bytes_max(s));
    if (s->reads_pages && is_html_file(path)) {
        s->page_is_open = true;
        return file_map(&s->page, path);
    }
    return document_reader_open(&s->documents, path, &s->documents_options);
}

/* What is known of a page beside its bytes. */
static void record_of_archive(StageSource *s, StageDocument *document, const WarcRecord *record)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "id", record->id[0] ? record->id : record->uri);
    json_field_string(json, "url", record->uri);
    json_field_string(json, "date", record->date);
    json_write_object_end(json);
    size_t n;
    const char *text = json_writer_text(json, &n);
    document->record = arena_strndup(s->record_arena, text, n);
    document->n_record_bytes = n;
    json_writer_free(json);
}

static bool is_page(const WarcRecord *record)
{
    bool good = record->type == WARC_RESPONSE ? record->http_status == 0 || record->http_status == 200 : record->type == WARC_RESOURCE;
    bool html = strcmp(record->media_type, "text/html") == 0 || strcmp(record->media_type, "application/xhtml+xml") == 0;
    return good && html && !record->is_undecoded && record->n_payload_bytes > 0;
}

static bool is_text(const WarcRecord *record)
{
    return record->type == WARC_CONVERSION && (record->media_type[0] == '\0' || strcmp(record->media_type, "text/plain") == 0) &&
           record->n_payload_bytes > 0;
}

static bool stage_source_next_record(StageSource *s, StageDocument *document, Err *err)
{
    WarcRecord record;
    while (warc_reader_next(s->archive, &record, err)) {
        bool page = s->reads_pages && is_page(&record);
        if (!page && !is_text(&record))
            continue;
        if (record.is_cut) {
            stage_source_count_long(s, record.uri);
            continue;
        }
        arena_reset(s->record_arena);
        *document = (StageDocument){.text = record.payload, .n_bytes = record.n_payload_bytes, .path = s->paths[s->at], .line = 0,
                                    .is_page = page, .charset = record.charset, .tags = ""};
        record_of_archive(s, document, &record);
        return true;
    }
    return false;
}

static bool stage_source_next_in_file(StageSource *s, StageDocument *document, Err *err)
{
    *err = OK;
    if (s->archive)
        return stage_source_next_record(s, document, err);
    if (s->page_is_open) {
        bool first = s->page.bytes != NULL && s->page.n_bytes > 0;
        *document = (StageDocument){.text = (const char *)s->page.bytes, .n_bytes = s->page.n_bytes, .path = s->paths[s->at], .line = 1,
                                    .is_page = true, .charset = "", .tags = ""};
        s->page_is_open = false;
        if (s->page.n_bytes <= page_bytes_max(s))
            return first;
        stage_source_count_long(s, "the file");
        return false;
    }
    Document one;
    if (!s->documents || !document_reader_next(s->documents, &one, err))
        return false;
    bool is_page = s->reads_pages && html_looks_like_page(one.text, one.n_bytes);
    *document = (StageDocument){.text = one.text, .n_bytes = one.n_bytes, .record = one.record, .n_record_bytes = one.n_record_bytes,
                                .path = one.path, .line = one.line, .is_page = is_page, .charset = is_page ? "utf-8" : "", .tags = ""};
    return true;
}

void stage_source_tolerate(StageSource *s)
{
    s->tolerates = true;
}

static void stage_source_count_broken(StageSource *s, Err *err)
{
    s->broken.n_broken++;
    if (s->broken.reason[0] == '\0')
        snprintf(s->broken.reason, sizeof s->broken.reason, "%s", err_message());
    *err = OK;
}

bool stage_source_next(StageSource *s, StageDocument *document, Err *err)
{
    *err = OK;
    for (;;) {
        if (s->at >= 0 && s->at < s->n_paths && stage_source_next_in_file(s, document, err))
            return true;
        if (*err == ERR_FORMAT && s->tolerates)
            stage_source_count_broken(s, err);
        if (*err != OK || s->at >= s->n_paths)
            return false;
        stage_source_close_file(s);
        if (++s->at >= s->n_paths)
            return false;
        *err = stage_source_open_file(s);
        if (*err == ERR_FORMAT && s->tolerates)
            stage_source_count_broken(s, err);
        if (*err != OK)
            return false;
    }
}

void stage_source_report(const StageSource *s, StageReport *report)
{
    report->n_skipped = s->counts.n_skipped;
    report->n_repaired = s->counts.n_repaired;
    report->n_broken_records = s->broken.n_broken;
    memcpy(report->reason, s->counts.reason[0] ? s->counts.reason : s->broken.reason, sizeof report->reason);
}

int64_t stage_source_total(const StageSource *s)
{
    return s->n_bytes_total;
}

int64_t stage_source_done(const StageSource *s)
{
    int64_t here = s->documents ? document_reader_consumed(s->documents) : s->archive ? warc_reader_consumed(s->archive) : 0;
    return s->n_bytes_before + here;
}
