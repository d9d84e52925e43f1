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

static void signature_wrapping(const MinHash *minhash, const ShingleSet *set, uint64_t *signature)
{
    for (int i = 0; i < minhash->n_bands * minhash->n_rows; i++) {
        uint64_t least = UINT64_MAX;
        for (int64_t k = 0; k < set->n; k++) {
            uint64_t value = (minhash->a[i] * set->hashes[k] + minhash->b[i]) % MINHASH_PRIME;
            least = value < least ? value : least;
        }
        signature[i] = least;
    }
}

void minhash_signature(const MinHash *minhash, const ShingleSet *set, uint64_t *signature)
{
    enum { BLOCK = 256 };
    int n = minhash->n_bands * minhash->n_rows;
    if (minhash->wraps) {
        signature_wrapping(minhash, set, signature);
        return;
    }
    uint32_t a_low[MINHASH_MAX], a_high[MINHASH_MAX];
    for (int i = 0; i < n; i++) {
        a_low[i] = (uint32_t)minhash->a[i];
        a_high[i] = (uint32_t)(minhash->a[i] >> 32);
        signature[i] = UINT64_MAX;
    }
    for (int64_t first = 0; first < set->n; first += BLOCK) {
        uint64_t x[BLOCK];
        int n_block = set->n - first < BLOCK ? (int)(set->n - first) : BLOCK;
        for (int k = 0; k < n_block; k++) {
            uint64_t sum = (set->hashes[first + k] & MINHASH_PRIME) + (set->hashes[first + k] >> 61);
            x[k] = sum >= MINHASH_PRIME ? sum - MINHASH_PRIME : sum;
        }
        KERNEL_PICK(minhash_least)(signature, a_low, a_high, minhash->b, n, x, n_block);
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
