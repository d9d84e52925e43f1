/* simd_map.h - the functions of simd.h over arrays, at the chosen CPU level: what its tests measure. */
#ifndef ENGINE_OP_SIMD_MAP_H
#define ENGINE_OP_SIMD_MAP_H

#include "base/kernel.h"

#include <stdint.h>

typedef enum { SIMD_EXP, SIMD_EXP_WEIGHT, SIMD_LOG, SIMD_TANH, SIMD_TO_BF16_AND_BACK, SIMD_TWO_TO_BF16_AND_BACK, SIMD_TO_F16_AND_BACK } SimdFunction;

/* y[i] = f(x[i]) for i in [0, n). */
KERNEL_DECLARE(void, simd_map, (float *y, const float *x, int64_t n, SimdFunction f));
KERNEL_DECLARE(float, simd_sum16, (const float *x));     /* of 16 */
KERNEL_DECLARE(float, simd_max16, (const float *x));

#endif
