#include "base/philox.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <xxhash.h>

/* One round is two 32x32 -> 64 multiplications; the high halves are mixed with the other words and the key, which
 * itself walks by two odd constants (golden ratio and sqrt 3 - 1). Constants and order: Salmon et al. 2011, table 2. */
enum { N_ROUNDS = 10 };
static const uint32_t MULTIPLIER_0 = 0xD2511F53u, MULTIPLIER_1 = 0xCD9E8D57u;
static const uint32_t WEYL_0 = 0x9E3779B9u, WEYL_1 = 0xBB67AE85u;

/* The cipher's key has 64 bits, (seed, stream) has 96: streams of one seed are spread by an odd multiplier, so all
 * 2^32 of them have different keys, and stream 0 has the seed itself as its key. */
static const uint64_t STREAM_STEP = 0x9E3779B97F4A7C15u;

Philox philox(uint64_t seed, uint32_t stream, uint64_t hi, uint64_t lo)
{
    uint64_t key = seed + stream * STREAM_STEP;
    uint32_t key_0 = (uint32_t)key, key_1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)lo, c1 = (uint32_t)(lo >> 32), c2 = (uint32_t)hi, c3 = (uint32_t)(hi >> 32);
    for (int round = 0; round < N_ROUNDS; round++) {
        uint64_t product_0 = (uint64_t)MULTIPLIER_0 * c0, product_1 = (uint64_t)MULTIPLIER_1 * c2;
        c0 = (uint32_t)(product_1 >> 32) ^ c1 ^ key_0;
        c1 = (uint32_t)product_1;
        c2 = (uint32_t)(product_0 >> 32) ^ c3 ^ key_1;
        c3 = (uint32_t)product_0;
        key_0 += WEYL_0;
        key_1 += WEYL_1;
    }
    return (Philox){{c0, c1, c2, c3}};
}

uint32_t philox_stream(const char *name)
{
    return XXH32(name, strlen(name), 0);
}

float philox_uniform(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

void philox_normal(uint32_t word_a, uint32_t word_b, float *a, float *b)
{
    double u = ((double)word_a + 1.0) * 0x1p-32;  /* (0, 1]: the logarithm is finite */
    double radius = sqrt(-2.0 * log(u));
    double angle = 2.0 * M_PI * 0x1p-32 * (double)word_b;
    *a = (float)(radius * cos(angle));
    *b = (float)(radius * sin(angle));
}

/* The high half of x * n is uniform once the few x are rejected whose low half falls under 2^64 mod n. */
uint64_t philox_below(uint64_t seed, uint32_t stream, uint64_t counter, uint64_t n)
{
    assert(n >= 1);
    uint64_t threshold = -n % n;  /* 2^64 mod n */
    for (uint64_t attempt = 0;; attempt++) {
        Philox block = philox(seed, stream, attempt, counter);
        for (int half = 0; half < 4; half += 2) {
            uint64_t x = (uint64_t)block.word[half + 1] << 32 | block.word[half];
            unsigned __int128 product = (unsigned __int128)x * n;
            if ((uint64_t)product >= threshold)
                return (uint64_t)(product >> 64);
        }
    }
}

/* A Feistel network permutes [0, 2^bits), bits being the fewest that hold n; an image outside [0, n) is sent through
 * again until it falls inside, which closes the cycles over [0, n) alone (Black & Rogaway 2002). The two halves differ
 * by one bit when bits is odd, and change places every round. Halves of a few bits mix slowly: with 8 rounds some of the
 * 720 orders of six things come far too often (chi-squared 1120 deviations off), with 24 rounds none does. */
uint64_t philox_permute(uint64_t seed, uint32_t stream, uint64_t index, uint64_t n)
{
    assert(index < n);
    int bits = n > 4 ? 64 - __builtin_clzll(n - 1) : 2;
    uint64_t n_rounds = bits <= 8 ? 24 : 8;
    do {
        int left_bits = bits / 2, right_bits = bits - left_bits;
        uint64_t left = index >> right_bits, right = index & ((UINT64_C(1) << right_bits) - 1);
        for (uint64_t round = 0; round < n_rounds; round++) {
            uint64_t mask = (UINT64_C(1) << left_bits) - 1;
            uint64_t mixed = left ^ (philox(seed, stream, round, right).word[0] & mask);
            left = right;
            right = mixed;
            int swapped_bits = left_bits;
            left_bits = right_bits;
            right_bits = swapped_bits;
        }
        index = left << right_bits | right;
    } while (index >= n);
    return index;
}
