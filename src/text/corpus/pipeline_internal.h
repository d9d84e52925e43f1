/* pipeline_internal.h - shared by the files of the pipeline only. */
#ifndef CORPUS_PIPELINE_INTERNAL_H
#define CORPUS_PIPELINE_INTERNAL_H

#include "base/json.h"
#include "text/corpus/part.h"
#include "text/corpus/pipeline.h"
#include "text/corpus/stage_chain.h"

enum { TRAIN = 0, VAL = 1 };

/* Sections of a unit's file. Those of the last pass are what is joined. */
enum {
    SECTION_COUNTS,     /* JSON: what each stage of the pass did */
    SECTION_DOCUMENTS,  /* not the last pass: documents for the next, packed */
    SECTION_LOOK,       /* not the last pass: a record a document, for decide */
    SECTION_JSONL,      /* packed lines of documents that stayed */
    SECTION_DROPPED,    /* packed lines of the others */
    SECTION_TOKENS,     /* i32, of both sides in order */
    SECTION_LENGTHS,    /* two i64 a document: tokens * 2 + side, bytes */
    SECTION_SOURCES,    /* and one more for the other side: packed lines */
    SECTION_NOTES = SECTION_SOURCES + 2,  /* one section a stage: records for finish */
};

typedef struct {
    int first_path, n_paths;
    const DocumentOptions *documents;  /* how its files fall into documents */
    int64_t n_bytes;
    uint64_t key;        /* of pass 0 */
    int64_t n_batches;   /* known when all of it was read; -1 before */
} Item;

typedef struct {
    int first_stage, end_stage;  /* the last pass ends at n_stages; else stage end_stage has a first pass */
} Pass;

typedef struct {
    const PipelineOptions *options;
    PipelineReport *report;
    Arena *arena;
    char **paths;
    const DocumentOptions **path_documents;  /* of each path */
    int n_paths;
    const char *standard_input;  /* where it is kept */
    int64_t *file_facts;  /* [n_paths][2] bytes, hash */
    Item *items;
    int n_items;
    Pass passes[PIPELINE_STAGES_MAX + 2];
    int n_passes;
    bool reads_pages;
    int32_t eos;
    uint64_t pass_keys[PIPELINE_STAGES_MAX + 2];  /* of passes after 0 */
    uint64_t key;  /* of the whole build */
    int64_t n_found;  /* units that were there, on this rank */
} Pipeline;

/* pipeline_split.c: the stage behind all others that a split by position needs; o lives as long as the pipeline. */
void pipeline_add_split(PipelineOptions *o, Arena *arena);
/* How many of the document's first bytes belong to the train side. `verdict`: of the split's stage, by position. */
size_t split_train_bytes(const PipelineOptions *o, const StageDocument *document, const void *verdict);

/* The name by which the world knows an input: "-" for what was standard input. */
const char *pipeline_input_name(const Pipeline *p, const char *path);
const char *pipeline_path(const Pipeline *p, Arena *arena, const char *name);
/* Names a unit's file, and the key it must have. */
const char *unit_path(const Pipeline *p, Arena *arena, int pass, int item, int64_t batch);
bool pipeline_draws(const PipelineOptions *options);  /* are cuts of the train side drawn? */
uint64_t unit_key(const Pipeline *p, int pass, int item, int64_t batch);

/* pipeline_unit.c: documents through the stages of a pass, into the sections of a part. */
typedef struct Unit Unit;
Unit *unit_new(const Pipeline *p, int pass);
void unit_free(Unit *unit);
void unit_add(Unit *unit, int item, const StageDocument *document);
Err unit_write(Unit *unit, const char *path, uint64_t key);  /* and empties it */
/* Calls `visit` for each document of a unit of an earlier pass; verdicts[] are records in [at, end). */
Err unit_each_document(const Part *part, const char *name, Err (*visit)(void *context, StageDocument *document), void *context);

/* pipeline_read.c: pass 0 over the inputs. pipeline_next.c: later passes. pipeline_join.c: the end. Collective. */
Err pipeline_read(Pipeline *p, CommCounter *counter);
Err pipeline_next(Pipeline *p, CommCounter *counter, int pass);
Err pipeline_join(Pipeline *p);
Err item_read_end(Pipeline *p, int item);  /* learns n_batches and, on rank 0, what was skipped */

/* pipeline_report.c */
void counts_write(JsonWriter *json, const char *name, const PipelineStage *stage);
Err counts_add(PipelineStage *stage, const char **name, JsonReader *json, Arena *arena);
void example_add(PipelineStage *stage, PipelineExample example);
Err pipeline_write_json(const Pipeline *p);
Err pipeline_look(Pipeline *p, bool *found);

#endif
