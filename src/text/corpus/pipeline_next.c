/* pipeline_next.c - a pass behind a first pass: rank 0 lets the stage decide over all notes, then all ranks work on the units again. */
#include "base/file.h"
#include "base/log.h"
#include "base/parallel.h"
#include "text/corpus/pipeline_internal.h"
#include "text/corpus/stage_when.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Verdicts of all units lie in one file as records (part.h); another says where each unit's begin, and is written last. */
typedef struct {
    const char *bytes_path, *index_path;
    uint64_t key;
} Verdicts;

static Verdicts verdicts_of(const Pipeline *p, int pass)
{
    uint64_t key = unit_key(p, pass, -1, -1);
    return (Verdicts){arena_printf(p->arena, "%s/units/verdicts-%d-%016" PRIx64 ".bin", p->options->out, pass, key),
                      arena_printf(p->arena, "%s/units/verdicts-%d-%016" PRIx64 ".idx", p->options->out, pass, key), key};
}

static int64_t n_units_of(const Pipeline *p)
{
    int64_t n = 0;
    for (int i = 0; i < p->n_items; i++)
        n += p->items[i].n_batches;
    return n;
}

static Err open_unit(Part *part, const Pipeline *p, Arena *arena, int pass, int item, int64_t batch)
{
    const char *path = unit_path(p, arena, pass, item, batch);
    bool found;
    TRY(part_open(part, path, unit_key(p, pass, item, batch), &found));
    if (found)
        return OK;
    remove(path);
    return err_set(ERR_FORMAT, "%s: damaged, and removed; start again", path);
}

/* All notes in the order of the documents; n_notes[unit] counts them. */
static Err gather_notes(Pipeline *p, int pass, Spool *notes, int64_t *n_notes)
{
    Arena *arena = arena_new();
    int64_t unit = 0;
    Err err = OK;
    for (int item = 0; item < p->n_items && err == OK; item++)
        for (int64_t batch = 0; batch < p->items[item].n_batches && err == OK; batch++, unit++) {
            Part part;
            if ((err = open_unit(&part, p, arena, pass - 1, item, batch)) != OK)
                break;
            const char *at = part.section[SECTION_LOOK], *end = at + part.n_bytes[SECTION_LOOK], *note;
            size_t n;
            while (err == OK && bytes_next_record(&at, end, &note, &n)) {
                err = spool_add(notes, note, n);
                n_notes[unit]++;
            }
            part_close(&part);
            arena_reset(arena);
        }
    arena_free(arena);
    return err;
}

static Err write_verdicts(const Verdicts *files, Spool *verdicts, const int64_t *n_notes, int64_t n_units)
{
    FileWriter *out;
    int64_t *begins = mem_alloc((size_t)(n_units + 1) * sizeof *begins);
    TRY(file_writer_open(&out, files->bytes_path));
    Err err = OK;
    Bytes record = {0};
    for (int64_t unit = 0; unit < n_units && err == OK; unit++) {
        begins[unit] = file_writer_offset(out);
        for (int64_t i = 0; i < n_notes[unit] && err == OK; i++) {
            const void *verdict;
            size_t n;
            bool there = spool_next(verdicts, &verdict, &n, &err);
            assert(there || err != OK);
            record.n = 0;
            if (there)
                bytes_add_record(&record, verdict, n);
            err = err == OK ? file_writer_write(out, record.bytes, record.n) : err;
        }
    }
    begins[n_units] = file_writer_offset(out);
    bytes_free(&record);
    if (err == OK)
        err = file_writer_commit(out);
    else
        file_writer_abort(out);
    if (err == OK)
        err = file_write(files->index_path, begins, (size_t)(n_units + 1) * sizeof *begins);
    free(begins);
    return err;
}

/* Rank 0 only. */
static Err decide(Pipeline *p, int pass)
{
    Verdicts files = verdicts_of(p, pass);
    if (file_exists(files.index_path) && file_exists(files.bytes_path))
        return OK;
    const PipelineOptions *o = p->options;
    const Stage *stage = &o->stages[p->passes[pass].first_stage];
    StageRoom room = {o->memory_bytes, arena_printf(p->arena, "%s/units", o->out)};
    int64_t n_units = n_units_of(p);
    int64_t *n_notes = mem_alloc((size_t)n_units * sizeof *n_notes + 1);
    Spool *notes = NULL, *verdicts = NULL;
    Err err = spool_new(&notes, room.folder);
    if (err == OK)
        err = spool_new(&verdicts, room.folder);
    if (err == OK)
        err = gather_notes(p, pass, notes, n_notes);
    if (err == OK)
        err = spool_rewind(notes);
    if (err == OK)
        err = stage->decide(stage->context, notes, verdicts, &room);
    if (err == OK)
        err = spool_rewind(verdicts);
    if (err == OK)
        err = write_verdicts(&files, verdicts, n_notes, n_units);
    spool_free(notes);
    spool_free(verdicts);
    free(n_notes);
    return err;
}

/* The units again. */

typedef struct {
    Pipeline *p;
    int pass;
    int64_t first, n;  /* units drawn */
    const int64_t *begins;
    const char *verdicts;
    int *items;  /* [units] */
    int64_t *batches;
    int n_failed;
    Err err;
    char message[256];
} Next;

typedef struct {
    const Stage *stage;  /* the one that decided */
    Unit *unit;
    int item;
    const char *at, *end;
    Arena *arena;
} Visit;

static Err visit_document(void *context, StageDocument *document)
{
    Visit *visit = context;
    const char *verdict;
    if (stage_when_holds(visit->stage->when, visit->arena, document)) {
        bool there = bytes_next_record(&visit->at, visit->end, &verdict, &document->n_verdict_bytes);
        assert(there);
        document->verdict = verdict;
    }
    arena_reset(visit->arena);
    unit_add(visit->unit, visit->item, document);
    return OK;
}

static Err next_unit(Next *next, int64_t number, Arena *arena)
{
    Pipeline *p = next->p;
    int item = next->items[number];
    int64_t batch = next->batches[number];
    const char *path = unit_path(p, arena, next->pass, item, batch);
    if (file_exists(path)) {
        __atomic_fetch_add(&p->n_found, 1, __ATOMIC_RELAXED);
        return OK;
    }
    Part part;
    TRY(open_unit(&part, p, arena, next->pass - 1, item, batch));
    Visit visit = {&p->options->stages[p->passes[next->pass].first_stage], unit_new(p, next->pass), item, next->verdicts + next->begins[number],
                   next->verdicts + next->begins[number + 1], arena_new()};
    Err err = unit_each_document(&part, path, visit_document, &visit);
    if (err == OK)
        err = unit_write(visit.unit, path, unit_key(p, next->pass, item, batch));
    unit_free(visit.unit);
    arena_free(visit.arena);
    part_close(&part);
    return err;
}

static void next_piece(void *context, int64_t piece)
{
    Next *next = context;
    if (__atomic_load_n(&next->n_failed, __ATOMIC_RELAXED) > 0)
        return;
    Arena *arena = arena_new();
    Err err = interrupt_requested() ? err_set(ERR_INTERRUPTED, "interrupted; the same command goes on")
                                    : next_unit(next, next->first + piece, arena);
    if (err != OK && __atomic_fetch_add(&next->n_failed, 1, __ATOMIC_RELAXED) == 0) {
        next->err = err;
        snprintf(next->message, sizeof next->message, "%s", err_message());
    }
    arena_free(arena);
}

static Err next_run(Next *next, CommCounter *counter, int64_t n_units)
{
    Pipeline *p = next->p;
    Progress *progress = comm_rank(p->options->group) == 0 ? progress_new("next stages", n_units, "units") : NULL;
    int64_t n_draw = parallel_threads() * 4, fair = n_units / (4 * comm_size(p->options->group));
    n_draw = n_draw < fair ? n_draw : fair > 1 ? fair : 1;
    while (next->err == OK) {
        Err err = comm_counter_take(&next->first, counter, n_draw);
        if (err != OK || next->first >= n_units) {
            next->err = err;
            break;
        }
        next->n = next->first + n_draw < n_units ? n_draw : n_units - next->first;
        parallel_for(next->n, next_piece, next);
        if (progress)
            progress_set(progress, next->first + next->n);
    }
    progress_free(progress);
    return next->err == OK || !next->message[0] ? next->err : err_set(next->err, "%s", next->message);
}

Err pipeline_next(Pipeline *p, CommCounter *counter, int pass)
{
    Comm *group = p->options->group;
    TRY(comm_agree(group, comm_rank(group) == 0 ? decide(p, pass) : OK));
    int64_t n_units = n_units_of(p), unit = 0;
    Verdicts files = verdicts_of(p, pass);
    FileMap bytes, index;
    TRY(file_map(&bytes, files.bytes_path));
    TRY(file_map(&index, files.index_path));
    if (index.n_bytes != (size_t)(n_units + 1) * sizeof(int64_t))
        return err_set(ERR_FORMAT, "%s: damaged; remove it and start again", files.index_path);
    Next next = {.p = p, .pass = pass, .begins = (const int64_t *)(const void *)index.bytes, .verdicts = (const char *)bytes.bytes,
                 .items = mem_alloc((size_t)n_units * sizeof(int) + 1), .batches = mem_alloc((size_t)n_units * sizeof(int64_t) + 1)};
    for (int item = 0; item < p->n_items; item++)
        for (int64_t batch = 0; batch < p->items[item].n_batches; batch++, unit++)
            next.items[unit] = item, next.batches[unit] = batch;
    Err err = next_run(&next, counter, n_units);
    free(next.items);
    free(next.batches);
    file_unmap(&bytes);
    file_unmap(&index);
    return err;
}
