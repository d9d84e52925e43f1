/* stage.c - batches of documents through one stage: read by one thread, worked on by all, written in order. */
#include "text/corpus/stage.h"

#include "base/log.h"
#include "base/parallel.h"
#include "text/corpus/document_writer.h"
#include "text/corpus/stage_chain.h"
#include "text/corpus/stage_source.h"
#include "text/corpus/stage_when.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Documents are dealt to groups by their number in the batch, so neighbours of unlike size even out. */
enum { BATCH_BYTES_A_THREAD = 1 << 19, BATCH_BYTES_MAX = 1 << 21, BATCH_DOCUMENTS = 1 << 12, N_GROUPS = 64 };

typedef struct {
    const Stage *stage;
    const StageOptions *options;
    StageReport *report;
    DocumentWriter *writer;
    Spool *look_notes, *verdicts, *notes;
    bool looking;  /* this is the first pass */
    int64_t memory_bytes;
    size_t batch_bytes;
    Arena *texts;  /* of the batch */
    int n_documents;
    size_t n_bytes;
    StageDocument documents[BATCH_DOCUMENTS];
    StageStep steps[BATCH_DOCUMENTS];
    Arena *arenas[N_GROUPS];
} Run;

/* The note stays in `arena`; what else the look takes goes at once. */
static void run_look_at(const Run *run, Arena *arena, Arena *scratch, const StageDocument *document, StageStep *step)
{
    *step = (StageStep){.passed_by = !stage_when_holds(run->stage->when, arena, document)};
    if (step->passed_by)
        return;
    const void *note = NULL;
    arena_reset(scratch);
    run->stage->look(run->stage->context, scratch, document, &note, &step->result.n_note_bytes);
    char *copy = arena_alloc_unset(arena, step->result.n_note_bytes);
    if (step->result.n_note_bytes > 0)
        memcpy(copy, note, step->result.n_note_bytes);
    step->result.note = copy;
}

static void run_work(void *context, int64_t group)
{
    Run *run = context;
    Arena *arena = run->arenas[group], *scratch = arena_new();
    arena_reset(arena);
    for (int i = (int)group; i < run->n_documents; i += N_GROUPS) {
        if (run->looking)
            run_look_at(run, arena, scratch, &run->documents[i], &run->steps[i]);
        else
            stage_chain_apply(run->stage, 1, NULL, arena, &run->documents[i], &run->steps[i]);
    }
    arena_free(scratch);
}

static Err run_take(Run *run, int i)
{
    StageStep *step = &run->steps[i];
    const StageResult *result = &step->result;
    if (run->looking)
        return step->passed_by ? OK : spool_add(run->look_notes, result->note, result->n_note_bytes);
    stage_report_step(run->report, run->stage->name, step);
    if (result->note && run->notes)
        TRY(spool_add(run->notes, result->note, result->n_note_bytes));
    if (!run->writer || (result->drop_rule && !run->options->keep_dropped))
        return OK;
    const StageDocument *document = &run->documents[i];
    size_t n_json;
    const char *json = stage_record_json(run->arenas[i % N_GROUPS], document, run->options->documents.field,
                                         result->drop_rule ? run->stage->name : NULL, result, &n_json);
    return document_writer_add_record(run->writer, json, n_json, document->text, document->n_bytes);
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
    copy->path = arena_strdup(run->texts, document->path);
    copy->charset = arena_strdup(run->texts, document->charset);
    if (run->looking && run->stage->looks_at_text && !run->stage->when)
        copy->record = NULL, copy->n_record_bytes = 0;
    else if (document->record)
        copy->record = arena_strndup(run->texts, document->record, document->n_record_bytes);
    if (run->verdicts && stage_when_holds(run->stage->when, run->texts, copy)) {
        const void *verdict;
        Err err;
        if (!spool_next(run->verdicts, &verdict, &copy->n_verdict_bytes, &err))
            return err != OK ? err : err_set(ERR_FORMAT, "%s: has other documents than when it was read first", document->path);
        copy->verdict = memcpy(arena_alloc(run->texts, copy->n_verdict_bytes), verdict, copy->n_verdict_bytes);
    }
    run->n_bytes += document->n_bytes;
    return run->n_documents == BATCH_DOCUMENTS || run->n_bytes >= run->batch_bytes ? run_flush(run) : OK;
}

/* All documents of all inputs, once. */
static Err run_pass(Run *run, const char *what)
{
    StageSource *source;
    TRY(stage_source_open(&source, run->options, run->stage->reads_pages));
    Progress *progress = progress_new(what, stage_source_total(source), "B");
    StageDocument document;
    Err err = OK;
    while (err == OK && stage_source_next(source, &document, &err)) {
        err = run_add(run, &document);
        progress_set(progress, stage_source_done(source));
    }
    if (err == OK)
        err = run_flush(run);
    progress_free(progress);
    stage_source_report(source, run->report);
    stage_source_free(source);
    return err;
}

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && folder[0] ? folder : "/tmp";
}

/* A batch stands in memory some five times: as it was read, as texts and records, as what is written. No larger than its threads need, it stays in
 * their caches and few pages are touched for it. */
static size_t batch_bytes_of(int64_t memory_bytes)
{
    int64_t bytes = memory_bytes / 24, most = (int64_t)BATCH_BYTES_A_THREAD * parallel_threads();
    most = most < BATCH_BYTES_MAX ? most : BATCH_BYTES_MAX;
    return (size_t)(bytes < most ? bytes : most);
}

/* What the program, reading and working hold comes off the limit. */
static int64_t room_of(int64_t memory_bytes)
{
    enum { WORKING_BYTES = 40 << 20 };
    return memory_bytes > 2 * WORKING_BYTES ? memory_bytes - WORKING_BYTES : memory_bytes / 4;
}

static Err run_look(Run *run)
{
    const StageOptions *options = run->options;
    StageRoom room = {room_of(run->memory_bytes), temporary_folder()};
    for (int i = 0; i < options->n_inputs; i++)
        if (strcmp(options->inputs[i], "-") == 0)
            return err_set(ERR_USAGE, "%s reads its inputs twice; standard input cannot be", run->stage->name);
    TRY(spool_new(&run->look_notes, room.folder));
    run->looking = true;
    TRY(run_pass(run, "first pass"));
    run->looking = false;
    TRY(spool_rewind(run->look_notes));
    TRY(spool_new(&run->verdicts, room.folder));
    TRY(run->stage->decide(run->stage->context, run->look_notes, run->verdicts, &room));
    return spool_rewind(run->verdicts);
}

static Err run_all(Run *run)
{
    const Stage *stage = run->stage;
    if (stage->look)
        TRY(run_look(run));
    if (stage->finish)
        TRY(spool_new(&run->notes, temporary_folder()));
    if (run->options->out)
        TRY(document_writer_open(&run->writer, run->options->out));
    TRY(run_pass(run, stage->name));
    if (stage->finish) {
        TRY(spool_rewind(run->notes));
        TRY(stage->finish(stage->context, run->notes));
    }
    DocumentWriter *writer = run->writer;
    run->writer = NULL;
    return writer ? document_writer_commit(writer) : OK;
}

Err stage_run(StageReport *report, const Stage *stage, const StageOptions *options)
{
    double start = clock_seconds();
    *report = (StageReport){0};
    Run *run = mem_alloc(sizeof *run);
    run->stage = stage;
    run->options = options;
    run->report = report;
    run->memory_bytes = options->memory_bytes ? options->memory_bytes : INT64_C(1000000000);
    run->batch_bytes = batch_bytes_of(run->memory_bytes);
    run->texts = arena_new();
    for (int i = 0; i < N_GROUPS; i++)
        run->arenas[i] = arena_new();
    Err err = run_all(run);
    document_writer_abort(run->writer);
    spool_free(run->look_notes);
    spool_free(run->verdicts);
    spool_free(run->notes);
    for (int i = 0; i < N_GROUPS; i++)
        arena_free(run->arenas[i]);
    arena_free(run->texts);
    free(run);
    report->seconds = clock_seconds() - start;
    return err;
}
