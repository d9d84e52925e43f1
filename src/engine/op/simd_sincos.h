/* simd_sincos.h - sines and cosines of eight angles in double, by additions and multiplications alone: the same bits at every CPU level. */
#ifndef ENGINE_OP_SIMD_SINCOS_H
#define ENGINE_OP_SIMD_SINCOS_H

#include "engine/op/simd.h"

typedef double D8 __attribute__((vector_size(64)));
typedef int64_t L8 __attribute__((vector_size(64)));

#define SINCOS_ANGLE_MAX 1e6  /* beyond, a multiple of pi/2's first part is not exact any more */

SIMD_INLINE D8 d8_set1(double x)
{
    return (D8){x, x, x, x, x, x, x, x};
}

/* Within 2^-50 of sine and cosine of |angle| <= SINCOS_ANGLE_MAX, and within 2^-48 of their size. The nearest multiple of pi/2 is taken off in three parts (Cody & Waite 1980,
 * "Software Manual for the Elementary Functions"), 33 bits in each but the last; of what remains, at most pi/4, Taylor's series are summed until terms are
 * below 2^-56. */
SIMD_INLINE void d8_sincos(D8 angle, D8 *sine, D8 *cosine)
{
    const D8 magic = d8_set1(0x1.8p52);  /* added, it leaves the nearest integer in the last bits */
    D8 shifted = angle * d8_set1(0.63661977236758134) + magic, n = shifted - magic;
    D8 r = ((angle - n * d8_set1(0x1.921fb544p+0)) - n * d8_set1(0x1.0b4611a6p-34)) - n * d8_set1(0x1.3198a2e037073p-69);
    D8 z = r * r, s = d8_set1(1.0 / 355687428096000.0), c = d8_set1(1.0 / 20922789888000.0);
    const double s_terms[] = {-1.0 / 1307674368000.0, 1.0 / 6227020800.0, -1.0 / 39916800.0, 1.0 / 362880.0, -1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0};
    const double c_terms[] = {-1.0 / 87178291200.0, 1.0 / 479001600.0, -1.0 / 3628800.0, 1.0 / 40320.0, -1.0 / 720.0, 1.0 / 24.0, -1.0 / 2.0};
    for (int i = 0; i < 7; i++)
        s = s * z + d8_set1(s_terms[i]), c = c * z + d8_set1(c_terms[i]);
    s = s * z * r + r, c = c * z + d8_set1(1.0);
    L8 quadrant = (L8)shifted, swaps = -(quadrant & 1);
    L8 sine_sign = (quadrant & 2) << 62, cosine_sign = ((quadrant + 1) & 2) << 62;
    *sine = (D8)((((L8)s & ~swaps) | ((L8)c & swaps)) ^ sine_sign);
    *cosine = (D8)((((L8)c & ~swaps) | ((L8)s & swaps)) ^ cosine_sign);
}

#endif
