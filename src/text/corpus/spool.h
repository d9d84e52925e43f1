/* spool.h - a list of byte records that is written once and read in order, in a file that nobody else sees.
 *
 * The file has no name from the start, so that nothing stays after a kill. Memory is one buffer; what fits into it never reaches the file. */
#ifndef CORPUS_SPOOL_H
#define CORPUS_SPOOL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Spool Spool;

/* `folder` exists. */
Err spool_new(Spool **out, const char *folder);
void spool_free(Spool *spool);  /* NULL is fine */
Err spool_add(Spool *spool, const void *bytes, size_t n_bytes);
int64_t spool_n(const Spool *spool);
int64_t spool_n_bytes(const Spool *spool);  /* of all records together */
/* Reading begins at the first record again; nothing is added after. */
Err spool_rewind(Spool *spool);
/* False at the end (*err OK) or on an error. The record is aligned to 8 bytes and lives until the next call. */
bool spool_next(Spool *spool, const void **bytes, size_t *n_bytes, Err *err);

#endif
