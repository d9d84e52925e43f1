/* batch_pack.h - which pieces of which documents lie in a packed row, when the documents of an epoch are laid end to end in that epoch's order. */
#ifndef CORPUS_BATCH_PACK_H
#define CORPUS_BATCH_PACK_H

#include "text/corpus/token_run.h"

#include <stdbool.h>

typedef struct {
    const TokenRun *run;
    int64_t seq_len;
    const int64_t *documents, *ends;  /* [n_documents] in the order of the epoch: which, and their running lengths; NULL: file order */
} PackOrder;

/* Row `row` of the epoch, positions [row * seq_len, row * seq_len + seq_len) of the documents laid end to end, piece by piece. */
typedef struct {
    int64_t position, end;  /* in the epoch: what is still to come */
    int64_t place;
} PackWalk;

typedef struct {
    int64_t document, first, n;  /* tokens [first, first + n) of the run, n > 0 */
    bool ends_document;
} PackPiece;

PackWalk pack_walk(const PackOrder *order, int64_t row);
bool pack_next(const PackOrder *order, PackWalk *walk, PackPiece *piece);  /* false: the row, or the epoch, is at its end */

#endif
