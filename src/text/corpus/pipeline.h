/* pipeline.h - a row of stages over many files: on all threads of all ranks, resumed after any kill, to documents and token shards.
 *
 * Inputs fall into items (a large file, or small ones together), items into batches of documents. A batch and a pass is a unit of work: its
 * documents go through all stages up to the next that needs a first pass (stage.h), and what came of it is one file, whole or absent, under
 * OUT/units/PASS-KEY/, the key being a hash of the inputs' contents and all settings. Whoever runs the same build again, with any number of
 * threads or ranks, finds what is there and does the rest. At the end rank 0 joins the units in the order of the inputs: the result depends
 * on inputs and settings alone. OUT holds
 *
 *     documents.jsonl.zst     the documents that stayed, with their tags
 *     dropped.jsonl.zst       the others with stage, rule and value, if asked for
 *     train.bin .idx .sum     token shards (shard.h) where there is a tokenizer, or the one file of llm.c or nanoGPT; val.* the other side
 *     train.sources.jsonl.zst line k tells where document k of the shard came from: id, file, line, hash of its text, tokens
 *     build.json              settings, inputs with their hashes, what each stage did; written last
 *
 * A file that breaks off (damaged compression) loses what lies behind the damage: counted, with the reason. */
#ifndef CORPUS_PIPELINE_H
#define CORPUS_PIPELINE_H

#include "engine/comm/comm.h"
#include "text/corpus/stage.h"
#include "text/tokenizer/sampling.h"
#include "text/tokenizer/tokenizer.h"

typedef enum { SHARD_MEGATRON, SHARD_LLMC, SHARD_NANOGPT } ShardFormat;
#define SHARD_FORMAT_CHOICES "megatron|llmc|nanogpt"

typedef enum {
    SPLIT_BY_HASH,      /* each document by a hash of its text: the side of a text never changes, copies of it stay together */
    SPLIT_BY_POSITION,  /* the first `split` of the bytes; a document on the border is cut between two characters */
} SplitBy;
#define SPLIT_BY_CHOICES "hash|position"

enum { PIPELINE_STAGES_MAX = 32 };  /* a split by position is one more */

typedef struct {
    const char *const *inputs;  /* files, folders, patterns; "-" is standard input, which is kept under OUT/units until the build is done */
    int n_inputs;
    DocumentOptions documents;
    const DocumentOptions *input_documents;  /* [n_inputs], where inputs differ in format or field; NULL: `documents` for all */
    const Stage *stages;
    const char *const *settings;  /* of each stage, as text that goes into its key and into build.json */
    const int *versions;
    int n_stages;
    const char *out;
    bool write_documents, write_dropped;
    const Tokenizer *tokenizer;  /* NULL: no shards */
    TokenizerSampling sampling;  /* of the train side; zeroed: the best cut. Drawn by seed, text and line, not by who does the work */
    int shard_format;
    int split_by;  /* SplitBy */
    double split;  /* share of the train side; 1: no validation side */
    bool append_eos;
    double document_seconds;       /* a document that takes longer is dropped, rule "limit.seconds"; 0: no limit */
    int64_t document_memory_bytes; /* scratch of one document; beyond: rule "limit.memory" */
    int64_t memory_bytes;          /* of a first pass */
    int64_t batch_bytes;           /* of text in a unit */
    bool keep_units;                /* OUT/units stays */
    Comm *group;
} PipelineOptions;
PipelineOptions pipeline_options_default(void);

typedef struct {
    const char *rule, *id, *text;  /* text: its beginning */
    double value;
} PipelineExample;
enum { PIPELINE_EXAMPLES_MAX = 48, PIPELINE_EXAMPLES_A_RULE = 2 };

typedef struct {
    StageReport counts;
    /* Tokens of a fixed sample of documents, before and after: tokens in = bytes in * sample_tokens / sample_bytes. Pages are not counted, nor are
     * their bytes, n_page_bytes of those that came in. */
    int64_t sample_bytes[2], sample_tokens[2], n_page_bytes;
    int n_examples;
    PipelineExample examples[PIPELINE_EXAMPLES_MAX];  /* of drops, the first ones */
} PipelineStage;

typedef struct {
    bool up_to_date;  /* it was there: only the totals are filled */
    int64_t n_units, n_units_done_before;
    int64_t n_in, n_bytes_in;        /* read */
    int64_t n_out, n_bytes_out;      /* kept */
    int64_t n_documents[2], n_tokens[2], n_side_bytes[2];  /* of the shards: train, val */
    int64_t n_skipped, n_repaired, n_broken;
    char reason[160];
    PipelineStage stages[PIPELINE_STAGES_MAX + 1];
    double seconds;
} PipelineReport;

/* Collective. Texts of the report live in `arena`; the report is rank 0's. ERR_INTERRUPTED after Ctrl-C: the same call goes on. ERR_FORMAT: there is
 * no document in the inputs. */
Err pipeline_run(PipelineReport *report, Arena *arena, const PipelineOptions *options);

/* Tokens into (side 0) or out of (1) a stage, by its sample; 0: none was taken. */
int64_t pipeline_stage_tokens(const PipelineStage *stage, int side);

/* Reads OUT/build.json of a build that was finished: totals and stages, and the stages' names. Everything in `arena`. */
Err pipeline_read_report(PipelineReport *report, const char ***names, int *n_stages, Arena *arena, const char *out);

#endif
