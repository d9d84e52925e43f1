/* probe_bf16.c - the bf16 dot product's own rate, see probe_kernels.h; compiled with that instruction set, run only where it exists. */
#include "engine/op/probe_kernels.h"

#include <immintrin.h>

float probe_bf16_dot(int64_t n_steps)
{
    const __m512bh a = (__m512bh)_mm512_set1_epi32(0x3f803f00), b = (__m512bh)_mm512_set1_epi32(0x3c003c00);
    __m512 sum[16];
    for (int i = 0; i < 16; i++)
        sum[i] = _mm512_set1_ps((float)i);
    for (int64_t step = 0; step < n_steps; step++)
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
            sum[i] = _mm512_dpbf16_ps(sum[i], a, b);
    for (int i = 1; i < 16; i++)
        sum[0] = _mm512_add_ps(sum[0], sum[i]);
    return _mm512_reduce_add_ps(sum[0]);
}
