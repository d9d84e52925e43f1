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
    minhash_make_coarse(minhash);
}

/* m/p, or m/2^61 where it wraps, in units of 2^-32, rounded down. */
static uint32_t fraction(const MinHash *minhash, uint64_t m)
{
    return minhash->wraps ? (uint32_t)(m >> 29) : (uint32_t)(((unsigned __int128)m << 32) / MINHASH_PRIME);
}

void minhash_make_coarse(MinHash *minhash)
{
    for (int i = 0; i < minhash->n_bands * minhash->n_rows; i++) {
        MinHashCoarse coarse = {.start = fraction(minhash, minhash->b[i]) + MINHASH_SLACK};
        for (int j = 0; j < 4; j++) {
            uint64_t power = UINT64_C(1) << 16 * j, wrapped = (minhash->a[i] * power) & MINHASH_PRIME;
            uint32_t factor = fraction(minhash, minhash->wraps ? wrapped : minhash_permute(minhash->a[i], 0, power));
            uint32_t low = factor & 0xFFFF, high = (factor + 0x8000) >> 16;  /* what low lacks as a signed number, high has */
            coarse.low[j / 2] |= low << 16 * (j % 2);
            coarse.high[j / 2] |= (high & 0xFFFF) << 16 * (j % 2);
        }
        minhash->coarse[i] = coarse;
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

void minhash_begin(const MinHash *minhash, uint64_t *signature)
{
    for (int i = 0; i < minhash->n_bands * minhash->n_rows; i++)
        signature[i] = UINT64_MAX;
}

/* The first shingles bring the least values down; of the rest few can be less. */
void minhash_take(const MinHash *minhash, uint64_t *signature, const uint64_t *hashes, int64_t n)
{
    int n_functions = minhash->n_bands * minhash->n_rows;
    uint64_t x[MINHASH_BLOCK];
    bool is_first = signature[0] == UINT64_MAX;
    for (int64_t begin = 0, room = is_first ? MINHASH_GROUP : MINHASH_BLOCK; begin < n; begin += room, room = MINHASH_BLOCK, is_first = false) {
        int n_x = n - begin < room ? (int)(n - begin) : (int)room;
        for (int k = 0; k < n_x; k++) {
            uint64_t hash = hashes[begin + k], sum = (hash & MINHASH_PRIME) + (hash >> 61);
            x[k] = minhash->wraps ? hash : sum >= MINHASH_PRIME ? sum - MINHASH_PRIME : sum;
        }
        if (is_first) {
            KERNEL_PICK(minhash_least)(signature, minhash->a, minhash->b, n_functions, x, n_x, minhash->wraps);
            continue;
        }
        for (; n_x % MINHASH_GROUP != 0; n_x++)
            x[n_x] = x[0];  /* once more changes nothing */
        KERNEL_PICK(minhash_least_of_few)(signature, minhash, x, n_x);
    }
}

void minhash_signature(const MinHash *minhash, const ShingleSet *set, uint64_t *signature)
{
    minhash_begin(minhash, signature);
    minhash_take(minhash, signature, set->hashes, set->n);
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
