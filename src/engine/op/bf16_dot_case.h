/* bf16_dot_case.h - the instruction of CPU_AVX512_BF16 done in C, for tests of its kernels on any CPU.
 *
 * VDPBF16PS (Intel SDM 2): for each f32, acc = acc + a.odd * b.odd, then acc + a.even * b.even, each fused and rounded
 * to nearest even; subnormal inputs and results are zero; MXCSR is neither read nor written. */
#ifndef ENGINE_OP_BF16_DOT_CASE_H
#define ENGINE_OP_BF16_DOT_CASE_H

#include "engine/op/simd.h"
#include "engine/tensor/dtype.h"

#include <math.h>

static float flush(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0.0f, x) : x;
}

static float bf16_step(float acc, uint16_t a, uint16_t b)
{
    return flush(fmaf(flush(f32_from_bf16(a)), flush(f32_from_bf16(b)), flush(acc)));
}

/* One lane of the instruction; a and b are pairs, the even one in the lower half. */
static float bf16_dot(float acc, uint32_t a, uint32_t b)
{
    acc = bf16_step(acc, (uint16_t)(a >> 16), (uint16_t)(b >> 16));
    return bf16_step(acc, (uint16_t)a, (uint16_t)b);
}

/* Sixteen lanes; called, since the kernel has it some thousand times. */
static __attribute__((noinline)) V16 bf16_dot_vector(V16 acc, V16 a, V16 b)
{
    for (int l = 0; l < 16; l++)
        acc[l] = bf16_dot(acc[l], ((U16)a)[l], ((U16)b)[l]);
    return acc;
}
#define BF16_DOT(acc, a, b) bf16_dot_vector(acc, a, b)

#endif
