/* minhash_internal.h - the kernel of signatures. */
#ifndef CORPUS_MINHASH_INTERNAL_H
#define CORPUS_MINHASH_INTERNAL_H

#include "base/kernel.h"
#include "text/corpus/minhash.h"

/* least[i] = min over k of (a[i] x[k] + b[i]) mod p, and what least[i] was; x[k] < p. With `wraps` products and sums are modulo 2^64 before they are
 * modulo p, and x is any. */
KERNEL_DECLARE(void, minhash_least, (uint64_t *least, const uint64_t *a, const uint64_t *b, int n, const uint64_t *x, int n_x, bool wraps));

#endif
