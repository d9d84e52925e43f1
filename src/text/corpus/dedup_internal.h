/* dedup_internal.h - what the stage and its comparison with brute force share. */
#ifndef CORPUS_DEDUP_INTERNAL_H
#define CORPUS_DEDUP_INTERNAL_H

#include "text/corpus/dedup_stage.h"

void dedup_minhash(MinHash *minhash, const DedupOptions *options);
/* The keys of a text's bands, [n_bands]. A text without shingles is like no other but those with the same hash of their content. */
void dedup_keys(const DedupOptions *options, const MinHash *minhash, Arena *arena, const char *text, size_t n_bytes, uint64_t content, uint64_t *keys);

#endif
