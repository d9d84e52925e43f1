/* batch_rows.c - see batch_rows.h. */
#include "text/corpus/batch_rows.h"

#include <assert.h>

void batch_start(Batch *out, int64_t n_rows, int64_t seq_len, int64_t first_sample)
{
    assert(n_rows <= INT32_MAX / seq_len);  /* ranges are i32 */
    out->n_tokens = n_rows * seq_len;
    out->n_targets = 0;
    out->first_sample = first_sample;
}

/* Describes positions [at, at + n) as a new sequence that sees itself up to the present token. */
static void batch_put_sequence(Batch *out, int64_t at, int64_t n)
{
    int32_t sequence = at == 0 ? 0 : out->sequences[at - 1] + 1;
    for (int64_t i = 0; i < n; i++) {
        out->positions[at + i] = (int32_t)i;
        out->ranges[2 * (at + i)] = (int32_t)at;
        out->ranges[2 * (at + i) + 1] = (int32_t)(at + i + 1);
        out->sequences[at + i] = sequence;
    }
}

void batch_put_padding(Batch *out, int64_t at, int64_t n)
{
    batch_put_sequence(out, at, n);
    for (int64_t i = at; i < at + n; i++) {
        out->tokens[i] = 0;
        out->labels[i] = 0;
        out->weights[i] = 0.0f;
        out->positions[i] = 0;
        out->ranges[2 * i] = (int32_t)i;
    }
}

void batch_put_window(const TokenRun *stream, int64_t T, Batch *out, int64_t at, int64_t offset, int64_t n_seen)
{
    int64_t n = stream->n_tokens - 1 - offset;  /* inputs that have a target */
    n = n < T ? n : T;
    token_run_read(stream, offset, n, out->tokens + at);
    token_run_read(stream, offset + 1, n, out->labels + at);
    batch_put_sequence(out, at, n);
    for (int64_t i = 0; i < n; i++)
        out->weights[at + i] = i < n_seen ? 0.0f : 1.0f;
    out->n_targets += n > n_seen ? n - n_seen : 0;
    batch_put_padding(out, at + n, T - n);
}

void batch_put_packed(const PackOrder *order, Batch *out, int64_t at, int64_t row)
{
    const TokenRun *stream = order->run;
    int64_t T = order->seq_len, filled = 0;
    PackWalk walk = pack_walk(order, row);
    for (PackPiece piece; pack_next(order, &walk, &piece); filled += piece.n) {
        int64_t to = at + filled, n = piece.n;
        int64_t n_labels = piece.ends_document ? n - 1 : n;  /* a document's last token has no target */
        token_run_read(stream, piece.first, n, out->tokens + to);
        token_run_read(stream, piece.first + 1, n_labels, out->labels + to);
        batch_put_sequence(out, to, n);
        for (int64_t i = 0; i < n_labels; i++)
            out->weights[to + i] = 1.0f;
        if (n_labels < n)
            out->labels[to + n_labels] = 0, out->weights[to + n_labels] = 0.0f;
        out->n_targets += n_labels;
    }
    batch_put_padding(out, at + filled, T - filled);
}
