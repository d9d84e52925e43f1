/* minhash_cpu.c - all functions over a shingle at once, products of 61 bits made of halves that vectors can multiply.
 *
 * With a = 2^32 ah + al and x likewise: a x = 2^64 ah xh + 2^32 (ah xl + al xh) + al xl, and modulo p = 2^61 - 1 is 2^64 = 8 and
 * 2^32 m = (m >> 29) + ((m mod 2^29) << 32). All terms together stay below 2^64. */
#include "text/corpus/minhash_internal.h"

void KERNEL(minhash_least)(uint64_t *restrict least, const uint32_t *restrict a_low, const uint32_t *restrict a_high, const uint64_t *restrict b, int n,
                           const uint64_t *restrict x, int n_x)
{
    const uint64_t p = MINHASH_PRIME, low_29 = (UINT64_C(1) << 29) - 1;
    for (int k = 0; k < n_x; k++) {
        uint32_t x_low = (uint32_t)x[k], x_high = (uint32_t)(x[k] >> 32);
        for (int i = 0; i < n; i++) {
            uint64_t low = (uint64_t)a_low[i] * x_low, middle = (uint64_t)a_high[i] * x_low + (uint64_t)a_low[i] * x_high;
            uint64_t sum = ((uint64_t)a_high[i] * x_high << 3) + (middle >> 29) + ((middle & low_29) << 32) + (low & p) + (low >> 61) + b[i];
            sum = (sum & p) + (sum >> 61);
            uint64_t value = sum >= p ? sum - p : sum;
            least[i] = value < least[i] ? value : least[i];
        }
    }
}
