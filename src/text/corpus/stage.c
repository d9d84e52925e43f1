/* stage.c - batches of documents through a stage. */
#include "text/corpus/stage.h"

#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "text/corpus/document_writer.h"
#include "text/corpus/stage_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Documents are dealt to groups by their number in the batch, so neighbours of unlike size even out. */
enum { BATCH_BYTES = 1 << 24, BATCH_DOCUMENTS = 1 << 13, N_GROUPS = 64 };

typedef struct {
    const Stage *stage;
    const StageOptions *options;
    StageReport *report;
    DocumentWriter *writer;
    Arena *texts;  /* of the batch */
    int n_documents;
    size_t n_bytes;
    StageDocument documents[BATCH_DOCUMENTS];
    StageResult results[BATCH_DOCUMENTS];
    Arena *arenas[N_GROUPS];
} Run;

static void run_work(void *context, int64_t group)
{
    Run *run = context;
    arena_reset(run->arenas[group]);
    for (int i = (int)group; i < run->n_documents; i += N_GROUPS) {
        run->results[i] = (StageResult){0};
        run->stage->work(run->stage->context, run->arenas[group], &run->documents[i], &run->results[i]);
    }
}

static void report_drop(StageReport *report, const char *rule)
{
    int i = 0;
    while (i < report->n_rules && strcmp(report->drops[i].rule, rule) != 0)
        i++;
    if (i == STAGE_RULES_MAX)
        return;
    if (i == report->n_rules) {
        report->drops[i].rule = rule;
        report->drops[i].n = 0;
        report->n_rules++;
    }
    report->drops[i].n++;
}

/* Is `key` among the members of `tags`? Tags are ours and small: found by reading them. */
static bool tags_have(const char *tags, JsonText key, Arena *arena)
{
    if (!tags)
        return false;
    const char *object = arena_printf(arena, "{%s}", tags);
    JsonReader json;
    JsonText name;
    json_reader_init(&json, "tags", object, strlen(object));
    if (json_object_begin(&json) != OK)
        return false;
    while (json_object_next(&json, &name)) {
        if (json_text_is(key, json_text_value(name, arena, NULL)))
            return true;
        json_skip(&json);
    }
    return false;
}

/* Copies the fields of the record that are neither the text nor replaced by a tag. */
static void write_old_fields(JsonWriter *out, Run *run, const StageDocument *document, const char *tags, Arena *arena)
{
    JsonReader json;
    JsonText key;
    json_reader_init(&json, document->path, document->record, document->n_record_bytes);
    if (json_object_begin(&json) != OK)
        return;
    while (json_object_next(&json, &key)) {
        const char *raw;
        size_t n_raw;
        if (json_raw(&json, &raw, &n_raw) != OK)
            return;
        if (json_text_is(key, run->options->documents.field) || json_text_is(key, "text") || tags_have(tags, key, arena))
            continue;
        json_write_key(out, json_text_value(key, arena, NULL));
        json_write_raw(out, raw, n_raw);
    }
}

static Err write_record(Run *run, const StageDocument *document, const StageResult *result, Arena *arena)
{
    const char *text = result->text ? result->text : document->text;
    size_t n_bytes = result->text ? result->n_bytes : document->n_bytes;
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    if (document->record)
        write_old_fields(json, run, document, result->tags, arena);
    else
        json_field_string(json, "id", arena_printf(arena, "%s:%" PRId64, document->path, document->line));
    json_write_key(json, "text");
    json_write_string_bytes(json, text, n_bytes);
    if (result->drop_rule) {
        json_write_key(json, "dropped");
        json_write_object_begin(json);
        json_field_string(json, "stage", run->stage->name);
        json_field_string(json, "rule", result->drop_rule);
        json_field_double(json, "value", result->drop_value);
        json_write_object_end(json);
    }
    size_t n_json;
    const char *line = json_writer_text(json, &n_json);
    if (result->tags && result->tags[0])
        line = arena_printf(arena, "%s,%s}", line, result->tags), n_json = strlen(line);
    else
        line = arena_printf(arena, "%s}", line), n_json++;
    Err err = document_writer_add_record(run->writer, line, n_json, text, n_bytes);
    json_writer_free(json);
    return err;
}

static Err run_take(Run *run, int i)
{
    const StageDocument *document = &run->documents[i];
    StageResult *result = &run->results[i];
    StageReport *report = run->report;
    Arena *arena = run->arenas[i % N_GROUPS];
    if (run->stage->gather)
        run->stage->gather(run->stage->context, arena, document, result);
    report->n_in++;
    report->n_bytes_in += (int64_t)document->n_bytes;
    bool changed = result->text && (result->n_bytes != document->n_bytes || memcmp(result->text, document->text, result->n_bytes) != 0);
    report->n_changed += changed;
    if (result->drop_rule)
        report_drop(report, result->drop_rule);
    else
        report->n_out++, report->n_bytes_out += (int64_t)(result->text ? result->n_bytes : document->n_bytes);
    bool written = run->writer && (!result->drop_rule || run->options->keep_dropped);
    return written ? write_record(run, document, result, arena) : OK;
}

static Err run_flush(Run *run)
{
    if (interrupt_requested())
        return err_set(ERR_INTERRUPTED, "interrupted; nothing was written");
    parallel_for(N_GROUPS, run_work, run);
    for (int i = 0; i < run->n_documents; i++)
        TRY(run_take(run, i));
    run->n_documents = 0;
    run->n_bytes = 0;
    arena_reset(run->texts);
    return OK;
}

static Err run_add(Run *run, const StageDocument *document)
{
    StageDocument *copy = &run->documents[run->n_documents++];
    *copy = *document;
    copy->text = arena_strndup(run->texts, document->text, document->n_bytes);
    if (memchr(document->text, 0, document->n_bytes))
        copy->text = memcpy(arena_alloc(run->texts, document->n_bytes + 1), document->text, document->n_bytes);
    copy->path = arena_strdup(run->texts, document->path);
    copy->charset = arena_strdup(run->texts, document->charset);
    if (document->record)
        copy->record = arena_strndup(run->texts, document->record, document->n_record_bytes);
    run->n_bytes += document->n_bytes;
    return run->n_documents == BATCH_DOCUMENTS || run->n_bytes >= BATCH_BYTES ? run_flush(run) : OK;
}

static Err run_all(Run *run, StageSource *source)
{
    Progress *progress = progress_new(run->stage->name, stage_source_total(source), "B");
    StageDocument document;
    Err err = OK;
    while (err == OK && stage_source_next(source, &document, &err)) {
        err = run_add(run, &document);
        progress_set(progress, stage_source_done(source));
    }
    if (err == OK)
        err = run_flush(run);
    progress_free(progress);
    return err;
}

Err stage_run(StageReport *report, const Stage *stage, const StageOptions *options)
{
    double start = clock_seconds();
    *report = (StageReport){0};
    StageSource *source;
    TRY(stage_source_open(&source, options, stage->reads_pages));
    Run *run = mem_alloc(sizeof *run);
    run->stage = stage;
    run->options = options;
    run->report = report;
    run->texts = arena_new();
    for (int i = 0; i < N_GROUPS; i++)
        run->arenas[i] = arena_new();
    Err err = options->out ? document_writer_open(&run->writer, options->out) : OK;
    if (err == OK)
        err = run_all(run, source);
    stage_source_report(source, report);
    if (err == OK && run->writer)
        err = document_writer_commit(run->writer);
    else
        document_writer_abort(run->writer);
    for (int i = 0; i < N_GROUPS; i++)
        arena_free(run->arenas[i]);
    arena_free(run->texts);
    free(run);
    stage_source_free(source);
    report->seconds = clock_seconds() - start;
    return err;
}
