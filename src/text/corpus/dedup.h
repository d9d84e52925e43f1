/* dedup.h - which documents stay when copies are taken out, with more documents than memory holds.
 *
 * Documents are added by number with their content's hash, their length and the keys of their bands; those that share a key, directly or
 * through others, are one cluster. Of a cluster the longest stays; of equals the one with the smaller content hash, then the one with the
 * smaller hash of its record, then the first: who stays depends on the documents, not on order, files or workers.
 *
 * Everything is a sort (external_sort.h): equal keys become neighbours and edges, edges become stars by turns of large-star and small-star
 * (Kiveris et al. 2014, "Connected Components in MapReduce and Beyond"), the members of a star are ranked. On disk: 24 bytes a key, 48 a document,
 * and what the copies need. */
#ifndef CORPUS_DEDUP_H
#define CORPUS_DEDUP_H

#include "text/corpus/hash.h"
#include "text/corpus/spool.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Dedup Dedup;

/* Holds at most memory_bytes; the rest lies in files in `folder`. `exact`: copies are the same to the byte, there are no keys. */
Err dedup_new(Dedup **out, int n_keys, bool exact, int64_t memory_bytes, const char *folder);
void dedup_free(Dedup *dedup);  /* NULL is fine */
/* Numbers count from 0 in the order of calls. `record` is a hash of what tells true copies apart. */
Err dedup_add(Dedup *dedup, Hash128 content, int64_t length, uint64_t record, const uint64_t *keys);

typedef struct {
    int64_t stays, cluster_size;
} DedupVerdict;
/* One DedupVerdict a document, in their order. */
Err dedup_decide(Dedup *dedup, Spool *verdicts);

#endif
