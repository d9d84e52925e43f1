/* minhash.c - signatures and bands. */
#include "text/corpus/minhash_internal.h"

#include "base/philox.h"

#include <assert.h>
#include <math.h>

void minhash_init(MinHash *minhash, int n_bands, int n_rows, uint64_t seed)
{
    assert(n_bands >= 1 && n_rows >= 1 && n_bands * n_rows <= MINHASH_MAX);
    minhash->n_bands = n_bands;
    minhash->n_rows = n_rows;
    minhash->wraps = false;
    uint32_t stream = philox_stream("corpus.minhash");
    for (int i = 0; i < n_bands * n_rows; i++) {
        minhash->a[i] = 1 + philox_below(seed, stream, 2 * (uint64_t)i, MINHASH_PRIME - 1);
        minhash->b[i] = philox_below(seed, stream, 2 * (uint64_t)i + 1, MINHASH_PRIME);
    }
}

/* 2^61 = 1 mod p: the bits above 61 are added to those below. The sum is below 2p, so one subtraction ends it. */
uint64_t minhash_permute(uint64_t a, uint64_t b, uint64_t x)
{
    unsigned __int128 product = (unsigned __int128)a * x + b;
    uint64_t low = (uint64_t)product & MINHASH_PRIME, high = (uint64_t)(product >> 61);
    uint64_t sum = low + (high & MINHASH_PRIME) + (high >> 61);
    sum = (sum & MINHASH_PRIME) + (sum >> 61);
    return sum >= MINHASH_PRIME ? sum - MINHASH_PRIME : sum;
}

void minhash_signature(const MinHash *minhash, const ShingleSet *set, uint64_t *signature)
{
    enum { BLOCK = 256 };
    int n = minhash->n_bands * minhash->n_rows;
    for (int i = 0; i < n; i++)
        signature[i] = UINT64_MAX;
    for (int64_t first = 0; first < set->n; first += BLOCK) {
        uint64_t x[BLOCK];
        int n_block = set->n - first < BLOCK ? (int)(set->n - first) : BLOCK;
        for (int k = 0; k < n_block; k++) {
            uint64_t hash = set->hashes[first + k], sum = (hash & MINHASH_PRIME) + (hash >> 61);
            x[k] = minhash->wraps ? hash : sum >= MINHASH_PRIME ? sum - MINHASH_PRIME : sum;
        }
        KERNEL_PICK(minhash_least)(signature, minhash->a, minhash->b, n, x, n_block, minhash->wraps);
    }
}

void minhash_bands(const MinHash *minhash, const uint64_t *signature, uint64_t *keys)
{
    for (int band = 0; band < minhash->n_bands; band++)
        keys[band] = hash64(signature + band * minhash->n_rows, (size_t)minhash->n_rows * sizeof *signature, (uint64_t)band);
}

double minhash_probability(double similarity, int n_bands, int n_rows)
{
    return 1.0 - pow(1.0 - pow(similarity, n_rows), n_bands);
}
