/* dedup.h - which documents stay when copies are taken out.
 *
 * Documents are added by number with their content's hash, their length and the keys of their bands; those that share a key, directly or
 * through others, are one cluster. Of a cluster the longest stays; of equals the one with the smaller content hash, of true copies the one
 * that came first. So who stays depends on the contents alone, not on order, files or workers. */
#ifndef CORPUS_DEDUP_H
#define CORPUS_DEDUP_H

#include "text/corpus/hash.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Dedup Dedup;

/* `exact`: equal keys must also mean equal 128-bit contents. 24 + 8 * n_keys bytes a document are held, and 40 more while clustering. */
Dedup *dedup_new(int n_keys, bool exact);
void dedup_free(Dedup *dedup);  /* NULL is fine */
/* Numbers count from 0 in the order of calls. */
void dedup_add(Dedup *dedup, Hash128 content, int64_t length, const uint64_t *keys);
void dedup_cluster(Dedup *dedup);
/* After clustering: the number of the document that stays for this one's cluster, itself if it stays. */
int64_t dedup_survivor(const Dedup *dedup, int64_t document);
int64_t dedup_cluster_size(const Dedup *dedup, int64_t document);
int64_t dedup_n_documents(const Dedup *dedup);

#endif
