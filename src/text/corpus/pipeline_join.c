/* pipeline_join.c - the units in the order of the inputs become the files of the build. On rank 0. */
#include "base/file.h"
#include "base/log.h"
#include "text/corpus/flat_shard.h"
#include "text/corpus/hash.h"
#include "text/corpus/pipeline_internal.h"
#include "text/corpus/shard.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Pipeline *p;
    FileWriter *documents, *dropped, *sources[2];
    ShardWriter *megatron[2];
    FlatShard *flat[2];
    int64_t n_tokens[2];  /* to come, from the first look at all units */
    Spool *notes[PIPELINE_STAGES_MAX + 1];
} Join;

/* Calls `visit` for each unit of a pass in order. */
static Err each_unit(Join *join, int pass, Err (*visit)(Join *join, int pass, const Part *part))
{
    Pipeline *p = join->p;
    Arena *arena = arena_new();
    Err err = OK;
    for (int item = 0; item < p->n_items && err == OK; item++)
        for (int64_t batch = 0; batch < p->items[item].n_batches && err == OK; batch++) {
            const char *path = unit_path(p, arena, pass, item, batch);
            Part part;
            bool found = false;
            err = part_open(&part, path, unit_key(p, pass, item, batch), &found);
            if (err == OK && !found) {
                remove(path);
                err = err_set(ERR_FORMAT, "%s: damaged, and removed; start again", path);
            }
            if (err == OK)
                err = visit(join, pass, &part);
            part_close(&part);
            arena_reset(arena);
            if (err == OK && interrupt_requested())
                err = err_set(ERR_INTERRUPTED, "interrupted; the same command goes on");
        }
    arena_free(arena);
    return err;
}

static Err visit_counts(Join *join, int pass, const Part *part)
{
    Pipeline *p = join->p;
    JsonReader json;
    int stage = p->passes[pass].first_stage;
    json_reader_init(&json, "counts", part->section[SECTION_COUNTS], part->n_bytes[SECTION_COUNTS]);
    const char *name;
    TRY(json_array_begin(&json));
    while (json_array_next(&json))
        TRY(counts_add(&p->report->stages[stage++], &name, &json, p->arena));
    TRY(json_reader_end(&json));
    for (int i = 0; i < p->options->n_stages; i++) {
        const char *at = part->section[SECTION_NOTES + i], *end = at + part->n_bytes[SECTION_NOTES + i], *note;
        size_t n;
        while (join->notes[i] && bytes_next_record(&at, end, &note, &n))
            TRY(spool_add(join->notes[i], note, n));
    }
    if (pass != p->n_passes - 1)
        return OK;
    p->report->n_units++;
    const char *lengths = part->section[SECTION_LENGTHS];
    for (size_t i = 0; i < part->n_bytes[SECTION_LENGTHS] / sizeof(int64_t[2]); i++) {
        int64_t length[2];
        memcpy(length, lengths + i * sizeof length, sizeof length);
        join->n_tokens[length[0] & 1] += length[0] >> 1;
        p->report->n_documents[length[0] & 1]++;
        p->report->n_side_bytes[length[0] & 1] += length[1];
    }
    return OK;
}

static Err add_tokens(Join *join, int side, const int32_t *tokens, int64_t n)
{
    return join->megatron[side] ? shard_writer_add(join->megatron[side], tokens, n) : flat_shard_add(join->flat[side], tokens, n);
}

static Err visit_outputs(Join *join, int pass, const Part *part)
{
    (void)pass;
    if (join->documents)
        TRY(file_writer_write(join->documents, part->section[SECTION_JSONL], part->n_bytes[SECTION_JSONL]));
    int64_t at = 0, n_ids = (int64_t)(part->n_bytes[SECTION_TOKENS] / sizeof(int32_t));
    int32_t *ids = mem_alloc(part->n_bytes[SECTION_TOKENS] + 1);  /* the file's sections are not aligned */
    memcpy(ids, part->section[SECTION_TOKENS], part->n_bytes[SECTION_TOKENS]);
    Err err = OK;
    for (size_t i = 0; i < part->n_bytes[SECTION_LENGTHS] / sizeof(int64_t[2]) && err == OK; i++) {
        int64_t length;
        memcpy(&length, part->section[SECTION_LENGTHS] + i * sizeof(int64_t[2]), sizeof length);
        assert(at + (length >> 1) <= n_ids);
        err = add_tokens(join, (int)(length & 1), ids + at, length >> 1);
        at += length >> 1;
    }
    free(ids);
    for (int side = TRAIN; side <= VAL && err == OK; side++)
        if (join->sources[side])
            err = file_writer_write(join->sources[side], part->section[SECTION_SOURCES + side], part->n_bytes[SECTION_SOURCES + side]);
    return err;
}

/* Dropped documents come pass by pass: those of the first stages first. */
static Err visit_dropped(Join *join, int pass, const Part *part)
{
    (void)pass;
    return file_writer_write(join->dropped, part->section[SECTION_DROPPED], part->n_bytes[SECTION_DROPPED]);
}

static Err open_shards(Join *join)
{
    static const char *const names[] = {"train", "val"};
    Pipeline *p = join->p;
    const PipelineOptions *o = p->options;
    int64_t vocab_size = tokenizer_vocab_size(o->tokenizer);
    for (int side = TRAIN; side <= (o->split < 1.0 ? VAL : TRAIN); side++) {
        const char *prefix = pipeline_path(p, p->arena, names[side]);
        if (o->shard_format == SHARD_MEGATRON)
            TRY(shard_writer_open(&join->megatron[side], prefix, vocab_size));
        else
            TRY(flat_shard_open(&join->flat[side], arena_printf(p->arena, "%s.bin", prefix), o->shard_format == SHARD_LLMC, vocab_size,
                                join->n_tokens[side]));
        TRY(file_writer_open(&join->sources[side], arena_printf(p->arena, "%s.sources.jsonl.zst", prefix)));
    }
    return OK;
}

static Err open_all(Join *join)
{
    Pipeline *p = join->p;
    const PipelineOptions *o = p->options;
    if (o->write_documents)
        TRY(file_writer_open(&join->documents, pipeline_path(p, p->arena, "documents.jsonl.zst")));
    if (o->write_dropped)
        TRY(file_writer_open(&join->dropped, pipeline_path(p, p->arena, "dropped.jsonl.zst")));
    return o->tokenizer ? open_shards(join) : OK;
}

static Err commit(FileWriter **file)
{
    FileWriter *writer = *file;
    *file = NULL;
    return writer ? file_writer_commit(writer) : OK;
}

static Err commit_all(Join *join)
{
    Pipeline *p = join->p;
    const char *provenance = arena_printf(p->arena, "{\"build_key\":\"%016" PRIx64 "\"}", p->key);
    TRY(commit(&join->documents));
    TRY(commit(&join->dropped));
    for (int side = TRAIN; side <= VAL; side++) {
        ShardWriter *megatron = join->megatron[side];
        FlatShard *flat = join->flat[side];
        join->megatron[side] = NULL;
        join->flat[side] = NULL;
        p->report->n_tokens[side] = join->n_tokens[side];
        if (megatron)
            TRY(shard_writer_commit(megatron, provenance));
        if (flat)
            TRY(flat_shard_commit(flat));
        TRY(commit(&join->sources[side]));
    }
    return OK;
}

static void abort_all(Join *join)
{
    file_writer_abort(join->documents);
    file_writer_abort(join->dropped);
    for (int side = TRAIN; side <= VAL; side++) {
        file_writer_abort(join->sources[side]);
        shard_writer_abort(join->megatron[side]);
        flat_shard_abort(join->flat[side]);
    }
    for (int i = 0; i <= PIPELINE_STAGES_MAX; i++)
        spool_free(join->notes[i]);
}

static Err finish_stages(Join *join)
{
    const PipelineOptions *o = join->p->options;
    for (int i = 0; i < o->n_stages; i++) {
        if (!join->notes[i])
            continue;
        TRY(spool_rewind(join->notes[i]));
        TRY(o->stages[i].finish(o->stages[i].context, join->notes[i]));
    }
    return OK;
}

static Err join_all(Join *join)
{
    Pipeline *p = join->p;
    PipelineReport *r = p->report;
    const PipelineOptions *o = p->options;
    for (int i = 0; i < o->n_stages; i++)
        if (o->stages[i].finish)
            TRY(spool_new(&join->notes[i], pipeline_path(p, p->arena, "units")));
    for (int pass = 0; pass < p->n_passes; pass++)
        TRY(each_unit(join, pass, visit_counts));
    TRY(open_all(join));
    TRY(each_unit(join, p->n_passes - 1, visit_outputs));
    for (int pass = 0; pass < p->n_passes && o->write_dropped; pass++)
        TRY(each_unit(join, pass, visit_dropped));
    TRY(finish_stages(join));
    TRY(commit_all(join));
    const StageReport *last = o->n_stages > 0 ? &r->stages[o->n_stages - 1].counts : NULL;
    r->n_out = last ? last->n_out : r->n_in;
    r->n_bytes_out = last ? last->n_bytes_out : r->n_bytes_in;
    TRY(pipeline_write_json(p));
    return o->keep_units ? OK : file_remove_tree(pipeline_path(p, p->arena, "units"));
}

Err pipeline_join(Pipeline *p)
{
    Join join = {.p = p};
    Err err = join_all(&join);
    abort_all(&join);
    return err;
}
