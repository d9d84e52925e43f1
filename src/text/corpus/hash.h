/* hash.h - XXH3 for the corpus room: identities of data, of documents and of pieces of text. Not for secrets. */
#ifndef CORPUS_HASH_H
#define CORPUS_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t low, high;
} Hash128;

uint64_t hash64(const void *bytes, size_t n_bytes, uint64_t seed);
uint64_t hash64_xxh64(const void *bytes, size_t n_bytes);  /* the older XXH64, seed 0, for what others hash with it */
/* hashes[i] = hash64 of bytes [begins[i], ends[i]) with seed 0, or `older`: hash64_xxh64; many short ones. */
void hash64_pieces(uint64_t *hashes, const char *bytes, const size_t *begins, const size_t *ends, int64_t n, bool older);
Hash128 hash128(const void *bytes, size_t n_bytes, uint64_t seed);

#endif
