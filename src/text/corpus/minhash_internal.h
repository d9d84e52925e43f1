/* minhash_internal.h - the kernels of signatures. */
#ifndef CORPUS_MINHASH_INTERNAL_H
#define CORPUS_MINHASH_INTERNAL_H

#include "base/kernel.h"
#include "text/corpus/minhash.h"

enum { MINHASH_BLOCK = 512 };  /* shingles that go through all functions together */

/* least[i] = min over k of (a[i] x[k] + b[i]) mod p, and what least[i] was; x[k] < p. With `wraps` products and sums are modulo 2^64 before they are
 * modulo p, and x is any. */
KERNEL_DECLARE(void, minhash_least, (uint64_t *least, const uint64_t *a, const uint64_t *b, int n, const uint64_t *x, int n_x, bool wraps));

/* Most values are far from the least, and 32 bits show it. With x = d_0 + 2^16 d_1 + 2^32 d_2 + 2^48 d_3, the digits from -2^15 to 2^15 - 1, a value as a
 * fraction of the modulus m is (f_0 d_0 + f_1 d_1 + f_2 d_2 + f_3 d_3 + b/m) mod 1 with f_j = (2^(16 j) a mod m) / m. In units of 2^-32, rounded down, each
 * f_j is kept as two signed halves that vectors multiply in pairs: `low` and `high` hold those of (f_0, f_1) and of (f_2, f_3), `start` is b/m plus
 * MINHASH_SLACK. So what they give modulo 2^32 lies within half a slack of the value's fraction plus a slack. */
enum { MINHASH_GROUP = 64, MINHASH_SLACK = 1 << 18 };
void minhash_make_coarse(MinHash *minhash);

/* As minhash_least with x for n_x > 0, a multiple of MINHASH_GROUP up to MINHASH_BLOCK. Only what the coarse value leaves open is computed. */
KERNEL_DECLARE(void, minhash_least_of_few, (uint64_t *least, const MinHash *minhash, const uint64_t *x, int n_x));

#endif
