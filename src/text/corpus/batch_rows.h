/* batch_rows.h - the rows of a batch. Each is filled from its start to its end by runs: pieces of one sequence, then padding. */
#ifndef TEXT_BATCH_ROWS_H
#define TEXT_BATCH_ROWS_H

#include "text/corpus/batch.h"
#include "text/corpus/batch_pack.h"
#include "text/corpus/token_run.h"

void batch_start(Batch *out, int64_t n_rows, int64_t seq_len, int64_t first_sample);
/* The row at `at`: the window of inputs [offset, offset + T) of the stream; of its targets the first `n_seen` have weight 0. */
void batch_put_window(const TokenRun *stream, int64_t T, Batch *out, int64_t at, int64_t offset, int64_t n_seen);
/* The row at `at`: the documents of a packed row, one behind the other. */
void batch_put_packed(const PackOrder *order, Batch *out, int64_t at, int64_t row);
/* Padding is one more sequence whose tokens see only themselves, so it costs attention nothing. */
void batch_put_padding(Batch *out, int64_t at, int64_t n);

#endif
