/* pipeline_read.c - pass 0: items are shared among ranks, the batches of an item among threads.
 *
 * One thread at a time reads the next batch; whoever read it also works on it and writes its file, while others read on. Where items are
 * fewer than ranks, an item has stripes: several ranks read all of it and each works on every n-th batch. */
#include "base/file.h"
#include "base/log.h"
#include "base/parallel.h"
#include "text/corpus/pipeline_internal.h"
#include "text/corpus/stage_source.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_A_RANK_MIN = 4, BATCH_DOCUMENTS = 1 << 14, CHUNK_BYTES_A_THREAD = 32 << 20 };

typedef struct {
    Pipeline *p;
    int n_stripes;
    int64_t slot, end_slot;  /* those drawn; slot is being read, or the next */
    StageSource *source;     /* of `slot`; NULL: not open */
    int64_t next_batch, n_documents, n_bytes;  /* of the item so far */
    Progress *progress;
    int64_t n_bytes_before;  /* of all items before the present one */
    pthread_mutex_t lock;
    Err err;
    char message[256];
} Reading;

typedef struct {
    Arena *texts;
    StageDocument *documents;
    int n;
    int item;
    int64_t number;
} Batch;

static StageOptions source_options(const Pipeline *p, const Item *item)
{
    return (StageOptions){.inputs = (const char *const *)p->paths + item->first_path, .n_inputs = item->n_paths,
                          .documents = *item->documents};
}

/* What was read of the item: written when its end is reached. */
static Err item_write_end(const Reading *r, int item, Arena *arena)
{
    const Pipeline *p = r->p;
    StageReport report = {0};
    stage_source_report(r->source, &report);
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_int(json, "batches", r->next_batch);
    json_field_int(json, "documents", r->n_documents);
    json_field_int(json, "bytes", r->n_bytes);
    json_field_int(json, "skipped", report.n_skipped);
    json_field_int(json, "repaired", report.n_repaired);
    json_field_int(json, "broken", report.n_broken_records);
    json_field_string(json, "reason", report.reason);
    json_write_object_end(json);
    size_t n;
    const char *text = json_writer_text(json, &n);
    Bytes piece = {(char *)(uintptr_t)text, n, 0};
    Err err = unit_file_write(unit_path(p, arena, 0, item, -1), &piece, 1);
    json_writer_free(json);
    return err;
}

Err item_read_end(Pipeline *p, int index)
{
    Item *item = &p->items[index];
    PipelineReport *r = p->report;
    const char *path = unit_path(p, p->arena, 0, index, -1), *bytes, *reason = "";
    size_t n_bytes;
    TRY(file_read(&bytes, &n_bytes, p->arena, path));
    int64_t figures[6] = {0};
    static const char *const names[] = {"batches", "documents", "bytes", "skipped", "repaired", "broken"};
    JsonReader json;
    JsonText key;
    json_reader_init(&json, path, bytes, n_bytes);
    TRY(json_object_begin(&json));
    while (json_object_next(&json, &key)) {
        int i = 0;
        while (i < N_ELEMENTS(names) && !json_text_is(key, names[i]))
            i++;
        if (i < N_ELEMENTS(names))
            TRY(json_int(&json, &figures[i]));
        else
            TRY(json_string(&json, p->arena, &reason, NULL));
    }
    TRY(json_reader_end(&json));
    item->n_batches = figures[0];
    r->n_in += figures[1], r->n_bytes_in += figures[2], r->n_skipped += figures[3], r->n_repaired += figures[4], r->n_broken += figures[5];
    if (!r->reason[0])
        snprintf(r->reason, sizeof r->reason, "%s", reason);
    return OK;
}

/* Is the whole item there? A part that was damaged is found when it is joined, and then the work is to be removed. */
static bool item_is_done(Pipeline *p, int item, Arena *arena)
{
    if (!file_exists(unit_path(p, arena, 0, item, -1)))
        return false;
    PipelineReport keep = *p->report;
    bool done = item_read_end(p, item) == OK;
    *p->report = keep;
    for (int64_t batch = 0; done && batch < p->items[item].n_batches; batch++)
        done = file_exists(unit_path(p, arena, 0, item, batch));
    return done;
}

/* Opens the next drawn slot that is not done. False: none is left, or an error. */
static bool reading_open(Reading *r)
{
    Pipeline *p = r->p;
    for (; r->slot < r->end_slot; r->slot++) {
        int item = (int)(r->slot / r->n_stripes);
        Arena *arena = arena_new();
        bool done = item_is_done(p, item, arena);
        arena_free(arena);
        if (done) {
            p->n_found += r->slot % r->n_stripes == 0 ? p->items[item].n_batches : 0;
            continue;
        }
        StageOptions options = source_options(p, &p->items[item]);
        r->err = stage_source_open(&r->source, &options, p->reads_pages);
        if (r->err == OK)
            stage_source_tolerate(r->source);
        r->next_batch = r->n_documents = r->n_bytes = 0;
        return r->err == OK;
    }
    return false;
}

static void batch_add(const Pipeline *p, Batch *batch, const StageDocument *document)
{
    StageDocument *copy = &batch->documents[batch->n++];
    Arena *arena = batch->texts;
    *copy = *document;
    copy->text = arena_strndup(arena, document->text, document->n_bytes);
    copy->path = arena_strdup(arena, pipeline_input_name(p, document->path));
    copy->charset = arena_strdup(arena, document->charset);
    if (document->record)
        copy->record = arena_strndup(arena, document->record, document->n_record_bytes);
}

/* The next batch of the slots drawn. Called under the lock. False: none is left, or an error. */
static bool reading_next(Reading *r, Batch *batch)
{
    const PipelineOptions *o = r->p->options;
    for (;;) {
        if (!r->source && !reading_open(r))
            return false;
        StageDocument document;
        int64_t n_bytes = 0;
        arena_reset(batch->texts);
        batch->n = 0;
        batch->item = (int)(r->slot / r->n_stripes);
        batch->number = r->next_batch;
        while (batch->n < BATCH_DOCUMENTS && n_bytes < o->batch_bytes && stage_source_next(r->source, &document, &r->err)) {
            batch_add(r->p, batch, &document);
            n_bytes += (int64_t)document.n_bytes;
        }
        if (r->progress)
            progress_set(r->progress, r->n_bytes_before + stage_source_done(r->source));
        bool at_end = r->err == OK && batch->n < BATCH_DOCUMENTS && n_bytes < o->batch_bytes;
        r->next_batch += batch->n > 0;
        r->n_documents += batch->n;
        r->n_bytes += n_bytes;
        bool ours = batch->number % r->n_stripes == r->slot % r->n_stripes;
        if (at_end) {
            r->err = item_write_end(r, batch->item, batch->texts);
            stage_source_free(r->source);
            r->source = NULL;
            r->n_bytes_before += r->p->items[batch->item].n_bytes / r->n_stripes;
            r->slot++;
        }
        if (r->err != OK)
            return false;
        if (ours && batch->n > 0)
            return true;
    }
}

static void reading_fail(Reading *r, Err err)
{
    pthread_mutex_lock(&r->lock);
    if (r->err == OK) {
        r->err = err;
        snprintf(r->message, sizeof r->message, "%s", err_message());
    }
    pthread_mutex_unlock(&r->lock);
}

static bool reading_take(Reading *r, Batch *batch)
{
    pthread_mutex_lock(&r->lock);
    bool was_fine = r->err == OK;
    if (was_fine && interrupt_requested())
        r->err = err_set(ERR_INTERRUPTED, "interrupted; the same command goes on");
    bool got = r->err == OK && reading_next(r, batch);
    if (was_fine && r->err != OK)
        snprintf(r->message, sizeof r->message, "%s", err_message());
    pthread_mutex_unlock(&r->lock);
    return got;
}

/* One thread until all that was drawn is done. */
static void read_worker(void *context, int64_t piece)
{
    Reading *r = context;
    Unit *unit = unit_new(r->p, 0);
    Arena *names = arena_new();
    Batch batch = {.texts = arena_new(), .documents = mem_alloc(BATCH_DOCUMENTS * sizeof(StageDocument))};
    (void)piece;
    while (reading_take(r, &batch)) {
        const char *path = unit_path(r->p, names, 0, batch.item, batch.number);
        if (file_exists(path)) {
            __atomic_fetch_add(&r->p->n_found, 1, __ATOMIC_RELAXED);
            continue;
        }
        for (int i = 0; i < batch.n; i++)
            unit_add(unit, batch.item, &batch.documents[i]);
        Err err = unit_write(unit, path, unit_key(r->p, 0, batch.item, batch.number));
        if (err != OK)
            reading_fail(r, err);
        arena_reset(names);
    }
    arena_free(batch.texts);
    free(batch.documents);
    arena_free(names);
    unit_free(unit);
}

/* How many slots to draw at once: enough for all threads, and few enough for all ranks. */
static int64_t slots_a_draw(const Pipeline *p, int64_t n_slots, int64_t n_bytes)
{
    int64_t wanted = (int64_t)parallel_threads() * CHUNK_BYTES_A_THREAD, fair = n_slots / (4 * comm_size(p->options->group));
    int64_t n = n_bytes > 0 ? wanted * n_slots / n_bytes : n_slots;
    n = n < fair ? n : fair;
    return n > 1 ? n : 1;
}

Err pipeline_read(Pipeline *p, CommCounter *counter)
{
    int n_ranks = comm_size(p->options->group);
    Reading r = {.p = p, .n_stripes = p->n_items < ITEMS_A_RANK_MIN * n_ranks ? n_ranks : 1};
    int64_t n_slots = (int64_t)p->n_items * r.n_stripes, n_bytes = 0;
    for (int i = 0; i < p->n_items; i++)
        n_bytes += p->items[i].n_bytes;
    int64_t n_draw = slots_a_draw(p, n_slots, n_bytes);
    r.progress = comm_rank(p->options->group) == 0 ? progress_new("stages", n_bytes, "B") : NULL;
    pthread_mutex_init(&r.lock, NULL);
    while (r.err == OK) {
        r.err = comm_counter_take(&r.slot, counter, n_draw);
        if (r.err != OK || r.slot >= n_slots)
            break;
        r.end_slot = r.slot + n_draw < n_slots ? r.slot + n_draw : n_slots;
        r.n_bytes_before = 0;
        for (int i = 0; i < (int)(r.slot / r.n_stripes); i++)
            r.n_bytes_before += p->items[i].n_bytes;
        parallel_for(parallel_threads(), read_worker, &r);
    }
    stage_source_free(r.source);
    progress_free(r.progress);
    pthread_mutex_destroy(&r.lock);
    return r.err == OK || !r.message[0] ? r.err : err_set(r.err, "%s", r.message);
}
