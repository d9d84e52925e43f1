/* minhash.h - signatures whose agreement is the Jaccard similarity (Broder 1997), and bands that bring the similar together (Leskovec,
 * Rajaraman & Ullman, ch. 3).
 *
 * Function i is x -> (a_i x + b_i) mod p with p = 2^61 - 1, computed in 128 bits (computed in 64 it is no permutation: products wrap).
 * `wraps` is datatrove's arithmetic: a and b drawn as numpy's RandomState(seed) draws them, products in 64 bits, which wrap before the modulo; its
 * signatures can be compared with that program's, and its recall falls short of the formula for the same reason.
 * Two documents of similarity s share one of b bands of r rows with probability 1 - (1 - s^r)^b. */
#ifndef CORPUS_MINHASH_H
#define CORPUS_MINHASH_H

#include "text/corpus/hash.h"
#include "text/corpus/shingle.h"

#include <stdbool.h>

enum { MINHASH_MAX = 1024 };
#define MINHASH_PRIME ((UINT64_C(1) << 61) - 1)

/* A function to 32 bits: minhash_internal.h. */
typedef struct {
    uint32_t low[2], high[2], start;
} MinHashCoarse;

typedef struct {
    int n_bands, n_rows;
    bool wraps;
    uint64_t a[MINHASH_MAX], b[MINHASH_MAX];
    MinHashCoarse coarse[MINHASH_MAX];
} MinHash;

/* n_bands * n_rows <= MINHASH_MAX. a in [1, p), b in [0, p), from the seed. */
void minhash_init(MinHash *minhash, int n_bands, int n_rows, uint64_t seed);
void minhash_init_datatrove(MinHash *minhash, int n_bands, int n_rows, uint32_t seed);
uint64_t minhash_permute(uint64_t a, uint64_t b, uint64_t x);
/* The smallest value of each function over what was taken, [n_bands * n_rows]; UINT64_MAX while that is nothing. */
void minhash_begin(const MinHash *minhash, uint64_t *signature);
void minhash_take(const MinHash *minhash, uint64_t *signature, const uint64_t *hashes, int64_t n);
void minhash_signature(const MinHash *minhash, const ShingleSet *set, uint64_t *signature);
/* One key a band. */
void minhash_bands(const MinHash *minhash, const uint64_t *signature, uint64_t *keys);
/* 1 - (1 - s^r)^b */
double minhash_probability(double similarity, int n_bands, int n_rows);

#endif
