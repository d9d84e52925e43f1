/* batch.h - which tokens a training step sees, as a pure function of (seed, step).
 *
 * A BatchSource looks at a long stream of tokens (shards, or an array) and cuts it into rows of seq_len. Step s takes the
 * rows, or samples, s * batch_size ... (s + 1) * batch_size - 1; sample k is the same whatever the ranks, the micro batches or the
 * steps taken so far, so resuming needs the step alone. Filling has no state and allocates nothing.
 *
 *   windows   a row is seq_len + 1 consecutive tokens: every position has a target. Documents are not told apart.
 *             order: random      offset drawn anew for each sample (nanoGPT)
 *                    shuffled    every window once an epoch, in an order that depends on (seed, epoch)
 *                    sequential  in file order, then again
 *             Windows begin every `stride` tokens. The last one may be short; what is missing has weight 0, so no token is lost.
 *   packed    documents (in an order that depends on (seed, epoch)) laid end to end and cut into rows of seq_len; a long document
 *             goes on in another row. Positions restart and attention ends at a document's border. The last token of a
 *             document has no target. Rows are shuffled within their epoch unless the order is sequential; order: random
 *             means shuffled here.
 *
 * Every target of the stream comes exactly once an epoch (stride = seq_len).
 *
 * A mixture draws each row from one of several streams. Of every BATCH_MIX_CYCLE samples a stream gets its weight's share, rounded so that the
 * shares add up, at places shuffled anew each cycle; within a stream its rows come in the stream's own order. So which row sample k is follows
 * from (seed, k) alone, as without a mixture: any number of ranks sees the same global order, and a resume needs the step alone. */
#ifndef CORPUS_BATCH_H
#define CORPUS_BATCH_H

#include "base/arena.h"
#include "base/err.h"
#include "text/corpus/shard.h"

#include <stdbool.h>
#include <stdint.h>

/* A flat list of n_tokens tokens: rows * seq_len, in row order. */
typedef struct {
    int64_t n_tokens;      /* N, always rows * seq_len */
    int64_t n_targets;     /* positions with weight 1 */
    int64_t first_sample;  /* number of row 0 since the start of training: random streams are keyed by it */
    int32_t *tokens;       /* [N] */
    int32_t *labels;       /* [N] the next token of the same sequence; 0 where the weight is 0 and there is none */
    float *weights;        /* [N] 1 or 0 */
    int32_t *positions;    /* [N] place in the sequence as the model sees it, from 0 at each row and each document */
    int32_t *ranges;       /* [N][2] visible keys k_begin, k_end: indices into this batch; causal: [start of sequence, self + 1) */
    int32_t *sequences;    /* [N] sequence of each token, counted from 0 in this batch, rising */
} Batch;

/* Arrays for n_tokens in `arena`; the caller may point the fields at its own arrays instead. */
Batch batch_alloc(Arena *arena, int64_t n_tokens);

typedef enum { BATCH_WINDOWS, BATCH_PACKED } BatchMode;
typedef enum { BATCH_RANDOM, BATCH_SHUFFLED, BATCH_SEQUENTIAL } BatchOrder;
#define BATCH_MODE_CHOICES "windows|packed"
#define BATCH_ORDER_CHOICES "random|shuffled|sequential"

typedef struct {
    int64_t seq_len;     /* tokens a row, >= 1 */
    int64_t batch_size;  /* rows a step, over all ranks and micro batches */
    int64_t stride;      /* windows: 1 .. seq_len, 0 means seq_len */
    int64_t vocab_size;  /* ids are checked against it when the source is opened; 0: not checked */
    uint64_t seed;
    int mode;            /* BatchMode */
    int order;           /* BatchOrder */
} BatchOptions;
BatchOptions batch_options_default(void);  /* seq_len 1024, batch_size 8, windows, shuffled, seed 1 */

typedef struct BatchSource BatchSource;

/* Over shards read one after another as one stream. The source opens and owns them.
 * ERR_USAGE: an option out of bounds, or fewer than two tokens, or (random) fewer than seq_len + 1. ERR_FORMAT: an id outside vocab_size. */
Err batch_source_open_shards(BatchSource **out, const char *const *prefixes, int n_prefixes, const BatchOptions *options);
enum { BATCH_MIX_CYCLE = 4096, BATCH_MIX_MAX = 64 };
typedef struct {
    const char *const *prefixes;
    int n_prefixes;
    double weight;  /* > 0; only the ratios count */
} BatchMixPart;
/* One stream a part. ERR_USAGE: a weight below 1 / BATCH_MIX_CYCLE of the whole, or more than BATCH_MIX_MAX parts. */
Err batch_source_open_mix(BatchSource **out, const BatchMixPart *parts, int n_parts, const BatchOptions *options);
/* Of sample k: the part it comes from, 0 without a mixture. */
int batch_source_part(const BatchSource *source, int64_t sample);
/* Over an array that the caller keeps alive. document_begins[n_documents] rises from 0; NULL: all is one document. */
Err batch_source_open_tokens(BatchSource **out, const int32_t *tokens, int64_t n_tokens, const int64_t *document_begins,
                             int64_t n_documents, const BatchOptions *options);
void batch_source_free(BatchSource *source);  /* NULL is fine */

/* Rows first_row .. first_row + n_rows - 1 of the step (0 <= first_row, first_row + n_rows <= batch_size) into the arrays of `out`,
 * which hold n_rows * seq_len tokens. Any thread may call it. */
void batch_source_fill(BatchSource *source, int64_t step, int64_t first_row, int64_t n_rows, Batch *out);

/* Where sample k comes from: runs of tokens of documents, in the order of the row. A window's last token is there as a target only. */
enum { BATCH_PIECES_MAX = 8 };
typedef struct {
    int shard;                /* of the stream's prefixes; 0 for an array */
    int64_t document;         /* of that shard, from 0 */
    int64_t first, n_tokens;  /* of that document */
} BatchPiece;
typedef struct {
    int part;                 /* of a mixture, else 0 */
    int64_t n;                /* may be above BATCH_PIECES_MAX: the others are not named */
    BatchPiece piece[BATCH_PIECES_MAX];
} BatchPieces;
void batch_source_pieces(BatchSource *source, int64_t sample, BatchPieces *out);

/* Evaluation: the whole stream once, in file order, every target weighted once. With stride < seq_len each window after the first scores
 * only what the one before did not, so all but the first targets see at least seq_len - stride tokens. */
int64_t batch_source_eval_n_rows(const BatchSource *source);
/* Rows first_row .. first_row + n_rows - 1 of the evaluation; rows past its end are filled with weight 0. */
void batch_source_eval_fill(const BatchSource *source, int64_t first_row, int64_t n_rows, Batch *out);
int64_t batch_source_eval_n_targets(const BatchSource *source);

/* What a checkpoint records. All but the hash follow from the step; the hash tells whether it is still the same data and cutting. */
typedef struct {
    int64_t samples;          /* rows consumed before this step */
    int64_t epoch;            /* full passes before it; random: samples * seq_len / tokens */
    int64_t sample_in_epoch;
    uint64_t source_hash;     /* lengths of all documents, seq_len, stride, mode, order, seed; not batch_size */
} DataCursor;
DataCursor batch_source_cursor(const BatchSource *source, int64_t step);
int64_t batch_source_rows_per_epoch(const BatchSource *source);  /* random: tokens / seq_len */
int64_t batch_source_n_tokens(const BatchSource *source);

#endif
