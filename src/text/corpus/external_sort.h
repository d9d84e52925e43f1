/* external_sort.h - sorts more than memory holds: fixed-size records of 64-bit words, by their first word, then the second, and so on.
 *
 * Records fill a buffer; a full one is sorted in place and written as a run to a file without a name; runs are merged (Knuth, TAOCP 3, 5.4).
 * What fits into the buffer never touches a disk. Equal records all stay. */
#ifndef CORPUS_EXTERNAL_SORT_H
#define CORPUS_EXTERNAL_SORT_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { EXTERNAL_SORT_WORDS_MAX = 8 };
typedef struct ExternalSort ExternalSort;

/* Holds at most memory_bytes, but room for 1000 records. `folder` is for the runs. */
ExternalSort *external_sort_new(int n_words, int64_t memory_bytes, const char *folder);
void external_sort_free(ExternalSort *sort);  /* NULL is fine */
Err external_sort_add(ExternalSort *sort, const uint64_t *record);
/* No more records; the first is next. May be called again: reading begins anew. */
Err external_sort_begin(ExternalSort *sort);
/* False at the end (*err OK) or on an error. */
bool external_sort_next(ExternalSort *sort, uint64_t *record, Err *err);
int64_t external_sort_n(const ExternalSort *sort);
int64_t external_sort_n_runs(const ExternalSort *sort);  /* written so far; 0: all is in memory */

#endif
