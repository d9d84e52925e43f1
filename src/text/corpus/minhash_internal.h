/* minhash_internal.h - the kernel of signatures. */
#ifndef CORPUS_MINHASH_INTERNAL_H
#define CORPUS_MINHASH_INTERNAL_H

#include "base/kernel.h"
#include "text/corpus/minhash.h"

/* least[i] = min over k of (a[i] x[k] + b[i]) mod p, and what least[i] was; x[k] < p. */
KERNEL_DECLARE(void, minhash_least, (uint64_t *restrict least, const uint32_t *restrict a_low, const uint32_t *restrict a_high, const uint64_t *restrict b,
                                     int n, const uint64_t *restrict x, int n_x));

#endif
