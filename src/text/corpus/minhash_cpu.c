/* minhash_cpu.c - minhash_least: a vector of functions stays in registers while the shingles pass by; products of 61 bits are made of halves that vectors
 * can multiply. minhash_least_of_few: a function stays, 64 shingles at a time are compared with its least value, and the few that may be less are computed.
 *
 * With a = 2^32 ah + al and x likewise: a x = 2^64 ah xh + 2^32 (ah xl + al xh) + al xl, and modulo p = 2^61 - 1 is 2^64 = 8 and
 * 2^32 m = (m >> 29) + ((m mod 2^29) << 32). All terms together stay below 2^64. A value below 2p is brought below p by taking the smaller of itself
 * and itself minus p, which wraps to something large where it should not be taken. */
#include "text/corpus/minhash_internal.h"

#define LOW_29 ((UINT64_C(1) << 29) - 1)

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t fold(uint64_t sum)
{
    return (sum & MINHASH_PRIME) + (sum >> 61);
}

static uint64_t sum_of(uint64_t a, uint64_t b, uint64_t x)
{
    uint64_t a_low = (uint32_t)a, a_high = a >> 32, x_low = (uint32_t)x, x_high = x >> 32;
    uint64_t middle = a_high * x_low + a_low * x_high;
    return (a_high * x_high << 3) + (middle >> 29) + ((middle & LOW_29) << 32) + fold(a_low * x_low) + b;
}

static uint64_t value_of(uint64_t a, uint64_t b, uint64_t x, bool wraps)
{
    uint64_t sum = fold(wraps ? a * x + b : sum_of(a, b, x));
    return smaller(sum, sum - MINHASH_PRIME);
}

/* Functions [first, n) one by one. */
static void least_rest(uint64_t *least, const uint64_t *a, const uint64_t *b, int first, int n, const uint64_t *x, int n_x, bool wraps)
{
    for (int i = first; i < n; i++)
        for (int k = 0; k < n_x; k++)
            least[i] = smaller(least[i], value_of(a[i], b[i], x[k], wraps));
}

#if defined __AVX2__
#include <immintrin.h>

#if defined __AVX512F__
typedef __m512i Vector;
enum { LANES = 8 };
#define V(name) _mm512_##name
#define V_AND _mm512_and_si512

static Vector load(const uint64_t *p)
{
    return _mm512_loadu_si512(p);
}

static void store(uint64_t *p, Vector v)
{
    _mm512_storeu_si512(p, v);
}

static Vector smaller_of(Vector a, Vector b)
{
    return _mm512_min_epu64(a, b);
}
#else
typedef __m256i Vector;
enum { LANES = 4 };
#define V(name) _mm256_##name
#define V_AND _mm256_and_si256

static Vector load(const uint64_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static void store(uint64_t *p, Vector v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

/* Without a comparison of unsigned numbers: with the top bit turned over, signed order is theirs. */
static Vector smaller_of(Vector a, Vector b)
{
    const Vector top = _mm256_set1_epi64x(INT64_MIN);
    return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(_mm256_xor_si256(a, top), _mm256_xor_si256(b, top)));
}
#define _mm256_set1_epi64 _mm256_set1_epi64x
#endif

static Vector fold_all(Vector sum)
{
    return V(add_epi64)(V_AND(sum, V(set1_epi64)((int64_t)MINHASH_PRIME)), V(srli_epi64)(sum, 61));
}

/* least, or the smaller of sum and sum - p. */
static Vector least_with(Vector least, Vector sum)
{
    return smaller_of(least, smaller_of(sum, V(sub_epi64)(sum, V(set1_epi64)((int64_t)MINHASH_PRIME))));
}

static Vector least_of_sums(Vector least, Vector a, Vector a_high, Vector b, Vector x)
{
    Vector x_high = V(srli_epi64)(x, 32), low = fold_all(V(mul_epu32)(a, x)), high = V(slli_epi64)(V(mul_epu32)(a_high, x_high), 3);
    Vector middle = V(add_epi64)(V(mul_epu32)(a_high, x), V(mul_epu32)(a, x_high));
    Vector middle_low = V(slli_epi64)(V_AND(middle, V(set1_epi64)((int64_t)LOW_29)), 32);
    Vector sum = V(add_epi64)(V(add_epi64)(high, V(srli_epi64)(middle, 29)), V(add_epi64)(middle_low, V(add_epi64)(low, b)));
    return least_with(least, fold_all(sum));
}

static Vector least_of_wrapped(Vector least, Vector a, Vector a_high, Vector b, Vector x)
{
    Vector middle = V(add_epi64)(V(mul_epu32)(a_high, x), V(mul_epu32)(a, V(srli_epi64)(x, 32)));
    Vector product = V(add_epi64)(V(mul_epu32)(a, x), V(slli_epi64)(middle, 32));
    return least_with(least, fold_all(V(add_epi64)(product, b)));
}

void KERNEL(minhash_least)(uint64_t *least, const uint64_t *a, const uint64_t *b, int n, const uint64_t *x, int n_x, bool wraps)
{
    int first = 0;
    for (; first + LANES <= n; first += LANES) {
        Vector now = load(least + first), factor = load(a + first), factor_high = V(srli_epi64)(factor, 32), summand = load(b + first);
        if (wraps)
            for (int k = 0; k < n_x; k++)
                now = least_of_wrapped(now, factor, factor_high, summand, V(set1_epi64)((int64_t)x[k]));
        else
            for (int k = 0; k < n_x; k++)
                now = least_of_sums(now, factor, factor_high, summand, V(set1_epi64)((int64_t)x[k]));
        store(least + first, now);
    }
    least_rest(least, a, b, first, n, x, n_x, wraps);
}

#if defined __AVX512F__
enum { STEP = 16 };
#define PAIRS(a, b) _mm512_madd_epi16(a, b)
#define ADD_32(a, b) _mm512_add_epi32(a, b)
#define ALL_32(a) _mm512_set1_epi32((int)(a))
#define UP_16(a) _mm512_slli_epi32(a, 16)
#define LOAD_32(p) _mm512_loadu_si512(p)

static uint64_t lanes_not_above(Vector sum, Vector limit)
{
    return _mm512_cmple_epu32_mask(sum, limit);
}
#else
enum { STEP = 8 };
#define PAIRS(a, b) _mm256_madd_epi16(a, b)
#define ADD_32(a, b) _mm256_add_epi32(a, b)
#define ALL_32(a) _mm256_set1_epi32((int)(a))
#define UP_16(a) _mm256_slli_epi32(a, 16)
#define LOAD_32(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))

static uint64_t lanes_not_above(Vector sum, Vector limit)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_min_epu32(sum, limit), sum)));
}
#endif

/* A bit for each of 64 shingles, given by their digits, whose coarse value is not above the limit. */
static uint64_t not_above(const MinHashCoarse *c, uint32_t limit, const uint32_t *low, const uint32_t *high)
{
    uint64_t mask = 0;
    for (int k = 0; k < MINHASH_GROUP; k += STEP) {
        Vector a = LOAD_32(low + k), b = LOAD_32(high + k);
        Vector upper = ADD_32(PAIRS(ALL_32(c->high[0]), a), PAIRS(ALL_32(c->high[1]), b));
        Vector lower = ADD_32(PAIRS(ALL_32(c->low[0]), a), PAIRS(ALL_32(c->low[1]), b));
        mask |= lanes_not_above(ADD_32(ADD_32(UP_16(upper), lower), ALL_32(c->start)), ALL_32(limit)) << k;
    }
    return mask;
}

#else

void KERNEL(minhash_least)(uint64_t *least, const uint64_t *a, const uint64_t *b, int n, const uint64_t *x, int n_x, bool wraps)
{
    least_rest(least, a, b, 0, n, x, n_x, wraps);
}

static uint32_t pairs(uint32_t a, uint32_t b)
{
    return (uint32_t)((int16_t)a * (int16_t)b) + (uint32_t)((int16_t)(a >> 16) * (int16_t)(b >> 16));
}

static uint64_t not_above(const MinHashCoarse *c, uint32_t limit, const uint32_t *low, const uint32_t *high)
{
    uint64_t mask = 0;
    for (int k = 0; k < MINHASH_GROUP; k++) {
        uint32_t upper = pairs(c->high[0], low[k]) + pairs(c->high[1], high[k]), lower = pairs(c->low[0], low[k]) + pairs(c->low[1], high[k]);
        mask |= (uint64_t)((upper << 16) + lower + c->start <= limit) << k;
    }
    return mask;
}

#endif

/* What the coarse value of anything less than `least` does not exceed. */
static uint32_t limit_of(uint64_t least)
{
    uint64_t limit = (least >> 29) + MINHASH_SLACK + MINHASH_SLACK / 2 + 4;
    return limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX;
}

void KERNEL(minhash_least_of_few)(uint64_t *least, const MinHash *minhash, const uint64_t *x, int n_x)
{
    const uint64_t halves = UINT64_C(0x8000800080008000);
    uint32_t low[MINHASH_BLOCK], high[MINHASH_BLOCK];
    for (int k = 0; k < n_x; k++) {
        uint64_t digits = (x[k] + halves) ^ halves;
        low[k] = (uint32_t)digits;
        high[k] = (uint32_t)(digits >> 32);
    }
    for (int i = 0; i < minhash->n_bands * minhash->n_rows; i++) {
        uint64_t now = least[i];
        for (int first = 0; first < n_x; first += MINHASH_GROUP)
            for (uint64_t mask = not_above(&minhash->coarse[i], limit_of(now), low + first, high + first); mask; mask &= mask - 1)
                now = smaller(now, value_of(minhash->a[i], minhash->b[i], x[first + __builtin_ctzll(mask)], minhash->wraps));
        least[i] = now;
    }
}
