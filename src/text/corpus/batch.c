/* batch.c - windows and packed rows as pure functions of the sample's number.
 *
 * Windows are arithmetic. Packing needs to know where the documents of an epoch lie when laid end to end in that epoch's order:
 * `documents` and `ends` hold that order and its running lengths for one epoch and are made anew when another one is asked for, into the same memory: a
 * cache of a pure function, guarded by a mutex, so filling stays a pure function too. */
#include "text/corpus/batch.h"
#include "text/corpus/batch_pack.h"
#include "text/corpus/batch_rows.h"

#include "base/philox.h"
#include "text/corpus/hash.h"
#include "text/corpus/token_run.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

struct BatchSource {
    BatchOptions options;
    TokenRun stream;
    int64_t rows_per_epoch;
    int64_t stride;
    uint64_t hash;
    uint32_t offset_stream, window_stream, document_stream, row_stream;

    BatchSource **parts;  /* of a mixture; NULL without one */
    int n_parts;
    int64_t *slots;  /* [n_parts + 1] where each part's share of a cycle begins */
    uint32_t mix_stream;

    pthread_mutex_t lock;       /* of those below */
    int64_t *documents, *ends;  /* packed: [n_documents] the documents in the order of `ends_epoch`, and their running lengths */
    int64_t ends_epoch;         /* -1: none yet */
};

Batch batch_alloc(Arena *arena, int64_t n_tokens)
{
    return (Batch){
        .n_tokens = n_tokens,
        .tokens = ARENA_ARRAY(arena, int32_t, n_tokens),
        .labels = ARENA_ARRAY(arena, int32_t, n_tokens),
        .weights = ARENA_ARRAY(arena, float, n_tokens),
        .positions = ARENA_ARRAY(arena, int32_t, n_tokens),
        .ranges = ARENA_ARRAY(arena, int32_t, 2 * n_tokens),
        .sequences = ARENA_ARRAY(arena, int32_t, n_tokens),
    };
}

BatchOptions batch_options_default(void)
{
    return (BatchOptions){.seq_len = 1024, .batch_size = 8, .seed = 1, .mode = BATCH_WINDOWS, .order = BATCH_SHUFFLED};
}

/* Opening. */

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static Err batch_options_check(const BatchOptions *options)
{
    if (options->seq_len < 1 || options->seq_len > INT32_MAX / 4)
        return err_set(ERR_USAGE, "seq_len %" PRId64 " is outside 1 to %d", options->seq_len, INT32_MAX / 4);
    if (options->batch_size < 1)
        return err_set(ERR_USAGE, "batch_size %" PRId64 " is below 1", options->batch_size);
    if (options->stride < 0 || options->stride > options->seq_len)
        return err_set(ERR_USAGE, "stride %" PRId64 " is outside 1 to seq_len %" PRId64 ": tokens would be lost", options->stride,
                       options->seq_len);
    assert(options->mode == BATCH_WINDOWS || options->mode == BATCH_PACKED);
    assert(BATCH_RANDOM <= options->order && options->order <= BATCH_SEQUENTIAL);
    return OK;
}

/* Takes the stream over, also on an error. */
static Err batch_source_new(BatchSource **out, TokenRun *stream, const BatchOptions *options)
{
    int64_t n = stream->n_tokens, T = options->seq_len;
    Err err = batch_options_check(options);
    if (err == OK && n < 2)
        err = err_set(ERR_USAGE, "%" PRId64 " tokens: nothing to predict", n);
    if (err == OK && options->mode == BATCH_WINDOWS && options->order == BATCH_RANDOM && n <= T)
        err = err_set(ERR_USAGE, "%" PRId64 " tokens are too few for random windows of seq_len %" PRId64 " and their targets", n, T);
    if (err != OK) {
        token_run_close(stream);
        return err;
    }

    BatchSource *source = mem_alloc(sizeof *source);
    source->options = *options;
    source->stream = *stream;
    source->stride = options->stride ? options->stride : T;
    source->offset_stream = philox_stream("corpus.offset");
    source->window_stream = philox_stream("corpus.window");
    source->document_stream = philox_stream("corpus.document");
    source->row_stream = philox_stream("corpus.row");
    source->ends_epoch = -1;
    pthread_mutex_init(&source->lock, NULL);
    if (options->mode == BATCH_PACKED) {
        source->documents = mem_alloc(2 * (size_t)stream->n_documents * sizeof *source->documents);
        source->ends = source->documents + stream->n_documents;
        source->rows_per_epoch = divide_up(n, T);
    } else if (options->order == BATCH_RANDOM) {
        source->rows_per_epoch = n / T;
    } else {
        source->rows_per_epoch = 1 + (n - 1 > T ? divide_up(n - 1 - T, source->stride) : 0);
    }
    int64_t identity[] = {T, source->stride, options->mode, options->order, (int64_t)options->seed};
    source->hash = hash64(identity, sizeof identity, token_run_hash(stream));
    *out = source;
    return OK;
}

Err batch_source_open_shards(BatchSource **out, const char *const *prefixes, int n_prefixes, const BatchOptions *options)
{
    *out = NULL;
    TokenRun stream;
    TRY(token_run_open_shards(&stream, prefixes, n_prefixes, options->vocab_size));
    return batch_source_new(out, &stream, options);
}

Err batch_source_open_tokens(BatchSource **out, const int32_t *tokens, int64_t n_tokens, const int64_t *document_begins,
                             int64_t n_documents, const BatchOptions *options)
{
    *out = NULL;
    TokenRun stream;
    TRY(token_run_open_array(&stream, tokens, n_tokens, document_begins, n_documents, options->vocab_size));
    return batch_source_new(out, &stream, options);
}

/* Shares of a cycle by the largest remainder (Hamilton's method): whole numbers that add up. */
static Err mix_slots(int64_t *slots, const BatchMixPart *parts, int n_parts)
{
    double sum = 0, remainders[BATCH_MIX_MAX];
    int64_t shares[BATCH_MIX_MAX], left = BATCH_MIX_CYCLE;
    for (int i = 0; i < n_parts; i++)
        sum += parts[i].weight;
    for (int i = 0; i < n_parts; i++) {
        double exact = parts[i].weight / sum * BATCH_MIX_CYCLE;
        if (!(exact >= 1.0))
            return err_set(ERR_USAGE, "%s: its weight %g is below 1 / %d of the whole, or not above 0", parts[i].prefixes[0], parts[i].weight, BATCH_MIX_CYCLE);
        shares[i] = (int64_t)exact;
        remainders[i] = exact - (double)shares[i];
        left -= shares[i];
    }
    for (; left > 0; left--) {
        int best = 0;
        for (int i = 1; i < n_parts; i++)
            best = remainders[i] > remainders[best] ? i : best;
        shares[best]++;
        remainders[best] = -1;
    }
    for (int i = 0; i < n_parts; i++)
        slots[i + 1] = slots[i] + shares[i];
    return OK;
}

static Err mix_open_parts(BatchSource *mix, const BatchMixPart *parts)
{
    TRY(mix_slots(mix->slots, parts, mix->n_parts));
    uint64_t hash = hash64(mix->slots, (size_t)(mix->n_parts + 1) * sizeof *mix->slots, mix->options.seed);
    for (int i = 0; i < mix->n_parts; i++) {
        BatchOptions options = mix->options;
        options.seed += (uint64_t)i * 0x9E3779B97F4A7C15u;  /* streams of equal length are not to be shuffled alike */
        TRY(batch_source_open_shards(&mix->parts[i], parts[i].prefixes, parts[i].n_prefixes, &options));
        hash = hash64(&mix->parts[i]->hash, sizeof mix->parts[i]->hash, hash);
        mix->rows_per_epoch += mix->parts[i]->rows_per_epoch;
    }
    mix->hash = hash;
    return OK;
}

Err batch_source_open_mix(BatchSource **out, const BatchMixPart *parts, int n_parts, const BatchOptions *options)
{
    *out = NULL;
    if (n_parts < 1 || n_parts > BATCH_MIX_MAX)
        return err_set(ERR_USAGE, "a mixture of %d parts; 1 to %d are possible", n_parts, BATCH_MIX_MAX);
    BatchSource *mix = mem_alloc(sizeof *mix);
    mix->options = *options;
    mix->n_parts = n_parts;
    mix->parts = mem_alloc((size_t)n_parts * sizeof(BatchSource *));
    mix->slots = mem_alloc((size_t)(n_parts + 1) * sizeof *mix->slots);
    mix->mix_stream = philox_stream("corpus.mix");
    pthread_mutex_init(&mix->lock, NULL);
    Err err = mix_open_parts(mix, parts);
    if (err != OK) {
        batch_source_free(mix);
        return err;
    }
    *out = mix;
    return OK;
}

void batch_source_free(BatchSource *source)
{
    if (!source)
        return;
    for (int i = 0; i < source->n_parts; i++)
        batch_source_free(source->parts[i]);
    free(source->parts);
    free(source->slots);
    token_run_close(&source->stream);
    pthread_mutex_destroy(&source->lock);
    free(source->documents);
    free(source);
}

/* Filling. */

/* A stream of its own for each epoch: the odd multiplier visits all 2^32. */
static uint32_t epoch_stream(uint32_t stream, int64_t epoch)
{
    return stream + (uint32_t)epoch * 0x9E3779B1u;
}

/* The lock is held. */
static PackOrder batch_source_order(BatchSource *source, int64_t epoch)
{
    PackOrder order = {.run = &source->stream, .seq_len = source->options.seq_len};
    if (source->options.order == BATCH_SEQUENTIAL)
        return order;
    order.documents = source->documents;
    order.ends = source->ends;
    if (source->ends_epoch == epoch)
        return order;
    uint32_t stream = epoch_stream(source->document_stream, epoch);
    int64_t end = 0;
    for (int64_t place = 0; place < source->stream.n_documents; place++) {
        int64_t document = (int64_t)philox_permute(source->options.seed, stream, (uint64_t)place, (uint64_t)source->stream.n_documents);
        source->documents[place] = document;
        end += token_run_document_begin(&source->stream, document + 1) - token_run_document_begin(&source->stream, document);
        source->ends[place] = end;
    }
    source->ends_epoch = epoch;
    return order;
}

/* Where in its epoch sample k stands after shuffling. */
static int64_t batch_source_row(const BatchSource *source, uint32_t stream, int64_t epoch, int64_t index)
{
    if (source->options.order == BATCH_SEQUENTIAL)
        return index;
    return (int64_t)philox_permute(source->options.seed, epoch_stream(stream, epoch), (uint64_t)index,
                                   (uint64_t)source->rows_per_epoch);
}

/* Where the window of sample k begins. */
static int64_t window_offset(const BatchSource *source, int64_t sample)
{
    if (source->options.order == BATCH_RANDOM)
        return (int64_t)philox_below(source->options.seed, source->offset_stream, (uint64_t)sample,
                                     (uint64_t)(source->stream.n_tokens - source->options.seq_len));
    return batch_source_row(source, source->window_stream, sample / source->rows_per_epoch, sample % source->rows_per_epoch) * source->stride;
}

/* The packed row of sample k, within an epoch of this order. The lock is held. */
static int64_t packed_row(BatchSource *source, int64_t sample, PackOrder *order)
{
    int64_t epoch = sample / source->rows_per_epoch;
    *order = batch_source_order(source, epoch);
    return batch_source_row(source, source->row_stream, epoch, sample % source->rows_per_epoch);
}

static void batch_source_fill_row(BatchSource *source, int64_t sample, Batch *out, int64_t at)
{
    if (source->options.mode == BATCH_PACKED) {
        PackOrder order;
        int64_t row = packed_row(source, sample, &order);
        batch_put_packed(&order, out, at, row);
    } else {
        batch_put_window(&source->stream, source->options.seq_len, out, at, window_offset(source, sample), 0);
    }
}

/* The part of sample k and the sample's number inside it: so many of its samples came in the cycles before, so many earlier in this one's share. */
static int mix_find(const BatchSource *mix, int64_t sample, int64_t *part_sample)
{
    int64_t cycle = sample / BATCH_MIX_CYCLE;
    int64_t slot = (int64_t)philox_permute(mix->options.seed, epoch_stream(mix->mix_stream, cycle), (uint64_t)(sample % BATCH_MIX_CYCLE), BATCH_MIX_CYCLE);
    int part = 0;
    while (slot >= mix->slots[part + 1])
        part++;
    *part_sample = cycle * (mix->slots[part + 1] - mix->slots[part]) + slot - mix->slots[part];
    return part;
}

int batch_source_part(const BatchSource *source, int64_t sample)
{
    int64_t part_sample;
    return source->n_parts ? mix_find(source, sample, &part_sample) : 0;
}

static void batch_source_fill_sample(BatchSource *source, int64_t sample, Batch *out, int64_t at)
{
    if (!source->n_parts) {
        batch_source_fill_row(source, sample, out, at);
        return;
    }
    int64_t part_sample;
    int part = mix_find(source, sample, &part_sample);
    batch_source_fill_row(source->parts[part], part_sample, out, at);
}

void batch_source_fill(BatchSource *source, int64_t step, int64_t first_row, int64_t n_rows, Batch *out)
{
    const BatchOptions *options = &source->options;
    assert(step >= 0 && first_row >= 0 && n_rows >= 0 && n_rows <= options->batch_size - first_row);
    int64_t first_sample = step * options->batch_size + first_row;
    batch_start(out, n_rows, options->seq_len, first_sample);
    pthread_mutex_lock(&source->lock);
    for (int64_t i = 0; i < n_rows; i++)
        batch_source_fill_sample(source, first_sample + i, out, i * options->seq_len);
    pthread_mutex_unlock(&source->lock);
}

/* Where samples come from. */

static void add_piece(BatchPieces *out, const TokenRun *stream, int64_t document, int64_t first, int64_t n)
{
    int64_t first_document = 0;
    if (out->n++ >= BATCH_PIECES_MAX)
        return;
    int shard = token_run_shard(stream, document, &first_document);
    out->piece[out->n - 1] = (BatchPiece){shard, document - first_document, first - token_run_document_begin(stream, document), n};
}

static void window_pieces(BatchPieces *out, const TokenRun *stream, int64_t first, int64_t n)
{
    int64_t end = first + n < stream->n_tokens ? first + n : stream->n_tokens;
    for (int64_t d = token_run_document(stream, first); first < end; d++) {
        int64_t document_end = token_run_document_begin(stream, d + 1), stop = document_end < end ? document_end : end;
        if (stop > first)
            add_piece(out, stream, d, first, stop - first);
        first = stop;
    }
}

/* The lock is held. */
static void source_pieces(BatchSource *source, int64_t sample, BatchPieces *out)
{
    if (source->options.mode != BATCH_PACKED) {
        window_pieces(out, &source->stream, window_offset(source, sample), source->options.seq_len + 1);
        return;
    }
    PackOrder order;
    int64_t row = packed_row(source, sample, &order);
    PackWalk walk = pack_walk(&order, row);
    for (PackPiece piece; pack_next(&order, &walk, &piece);)
        add_piece(out, &source->stream, piece.document, piece.first, piece.n);
}

void batch_source_pieces(BatchSource *source, int64_t sample, BatchPieces *out)
{
    int64_t part_sample = sample;
    *out = (BatchPieces){0};
    if (source->n_parts)
        out->part = mix_find(source, sample, &part_sample);
    pthread_mutex_lock(&source->lock);
    source_pieces(source->n_parts ? source->parts[out->part] : source, part_sample, out);
    pthread_mutex_unlock(&source->lock);
}

/* Evaluation. */

/* A mixture is evaluated part after part. */
static int64_t sum_of_parts(const BatchSource *mix, int64_t (*figure)(const BatchSource *part))
{
    int64_t sum = 0;
    for (int i = 0; i < mix->n_parts; i++)
        sum += figure(mix->parts[i]);
    return sum;
}

int64_t batch_source_eval_n_rows(const BatchSource *source)
{
    if (source->n_parts)
        return sum_of_parts(source, batch_source_eval_n_rows);
    int64_t n = source->stream.n_tokens, T = source->options.seq_len;
    if (source->options.mode == BATCH_PACKED)
        return divide_up(n, T);
    return 1 + (n - 1 > T ? divide_up(n - 1 - T, source->stride) : 0);
}

int64_t batch_source_eval_n_targets(const BatchSource *source)
{
    if (source->n_parts)
        return sum_of_parts(source, batch_source_eval_n_targets);
    const TokenRun *stream = &source->stream;
    if (source->options.mode == BATCH_WINDOWS)
        return stream->n_tokens - 1;
    int64_t n_targets = stream->n_tokens;
    for (int64_t d = 0; d < stream->n_documents; d++)
        n_targets -= token_run_document_begin(stream, d) < token_run_document_begin(stream, d + 1);
    return n_targets;
}

static void batch_source_eval_fill_row(const BatchSource *source, int64_t row, Batch *out, int64_t at)
{
    int64_t T = source->options.seq_len;
    PackOrder file_order = {.run = &source->stream, .seq_len = T};
    if (source->options.mode == BATCH_PACKED)
        batch_put_packed(&file_order, out, at, row);
    else
        batch_put_window(&source->stream, T, out, at, row * source->stride, row == 0 ? 0 : T - source->stride);
}

void batch_source_eval_fill(const BatchSource *source, int64_t first_row, int64_t n_rows, Batch *out)
{
    int64_t T = source->options.seq_len, n_eval_rows = batch_source_eval_n_rows(source);
    assert(first_row >= 0 && n_rows >= 0);
    batch_start(out, n_rows, T, first_row);
    for (int64_t i = 0; i < n_rows; i++) {
        int64_t row = first_row + i;
        const BatchSource *part = source;
        if (row >= n_eval_rows) {
            batch_put_padding(out, i * T, T);
            continue;
        }
        for (int k = 0; k < source->n_parts; k++) {
            part = source->parts[k];
            if (row < batch_source_eval_n_rows(part))
                break;
            row -= batch_source_eval_n_rows(part);
        }
        batch_source_eval_fill_row(part, row, out, i * T);
    }
}

/* The cursor. */

DataCursor batch_source_cursor(const BatchSource *source, int64_t step)
{
    int64_t samples = step * source->options.batch_size;
    return (DataCursor){
        .samples = samples,
        .epoch = samples / source->rows_per_epoch,
        .sample_in_epoch = samples % source->rows_per_epoch,
        .source_hash = source->hash,
    };
}

int64_t batch_source_rows_per_epoch(const BatchSource *source)
{
    return source->rows_per_epoch;
}

int64_t batch_source_n_tokens(const BatchSource *source)
{
    return source->n_parts ? sum_of_parts(source, batch_source_n_tokens) : source->stream.n_tokens;
}
