/* minhash_datatrove.c - the functions that numpy.random.RandomState(seed).randint gives datatrove: MT19937 (Matsumoto & Nishimura 1998), masked
 * rejection over 64 bits. */
#include "text/corpus/minhash_internal.h"

#include <assert.h>

enum { N_STATE = 624, MIDDLE = 397 };
typedef struct {
    uint32_t state[N_STATE];
    int at;
} Mt19937;

static void mt_seed(Mt19937 *mt, uint32_t seed)
{
    mt->state[0] = seed;
    for (uint32_t i = 1; i < N_STATE; i++)
        mt->state[i] = 1812433253u * (mt->state[i - 1] ^ mt->state[i - 1] >> 30) + i;
    mt->at = N_STATE;
}

static void mt_refill(Mt19937 *mt)
{
    for (int i = 0; i < N_STATE; i++) {
        uint32_t y = (mt->state[i] & 0x80000000u) | (mt->state[(i + 1) % N_STATE] & 0x7FFFFFFFu);
        mt->state[i] = mt->state[(i + MIDDLE) % N_STATE] ^ y >> 1 ^ (y & 1 ? 0x9908B0DFu : 0);
    }
    mt->at = 0;
}

static uint32_t mt_next(Mt19937 *mt)
{
    if (mt->at == N_STATE)
        mt_refill(mt);
    uint32_t y = mt->state[mt->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9D2C5680u;
    y ^= y << 15 & 0xEFC60000u;
    return y ^ y >> 18;
}

/* From low to below MINHASH_PRIME: the range needs 61 bits. */
static uint64_t mt_between(Mt19937 *mt, uint64_t low)
{
    uint64_t range = MINHASH_PRIME - 1 - low, value;
    do {
        uint64_t high = mt_next(mt);
        value = (high << 32 | mt_next(mt)) & MINHASH_PRIME;
    } while (value > range);
    return low + value;
}

void minhash_init_datatrove(MinHash *minhash, int n_bands, int n_rows, uint32_t seed)
{
    assert(n_bands >= 1 && n_rows >= 1 && n_bands * n_rows <= MINHASH_MAX);
    Mt19937 mt;
    mt_seed(&mt, seed);
    minhash->n_bands = n_bands;
    minhash->n_rows = n_rows;
    minhash->wraps = true;
    for (int i = 0; i < n_bands * n_rows; i++)
        minhash->a[i] = mt_between(&mt, 1);
    for (int i = 0; i < n_bands * n_rows; i++)
        minhash->b[i] = mt_between(&mt, 0);
    minhash_make_coarse(minhash);
}
