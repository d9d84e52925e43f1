/* probe_cpu.c - see probe_kernels.h. */
#include "engine/op/probe_kernels.h"
#include "engine/op/simd.h"

float KERNEL(probe_fma)(int64_t n_steps)
{
    V16 x[16], factor = v16_set1(0.999f), term = v16_set1(1e-3f);
    for (int i = 0; i < 16; i++)
        x[i] = v16_set1((float)i);
    for (int64_t step = 0; step < n_steps; step++)
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
            x[i] = v16_fma(x[i], factor, term);
    for (int i = 1; i < 16; i++)
        x[0] += x[i];
    return v16_sum(x[0]);
}

static uint32_t xor_of(I16 x)
{
    uint32_t all = 0;
    for (int i = 0; i < 16; i++)
        all ^= (uint32_t)x[i];
    return all;
}

uint32_t KERNEL(probe_read)(const uint32_t *words, int64_t n)
{
    I16 sum[4] = {{0}};
    for (int64_t i = 0; i < n; i += 64)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            sum[j] ^= (I16)v16_load((const float *)words + i + 16 * j);
    return xor_of(sum[0] ^ sum[1] ^ sum[2] ^ sum[3]);
}

uint32_t KERNEL(probe_read_streams)(const uint32_t *words, int64_t n)
{
    const int64_t quarter = n / 4;
    I16 sum[16] = {{0}};
    for (int64_t i = 0; i < quarter; i += 64)
#pragma GCC unroll 16
        for (int j = 0; j < 16; j++)
            sum[j] ^= (I16)v16_load((const float *)words + j / 4 * quarter + i + j % 4 * 16);
    for (int j = 1; j < 16; j++)
        sum[0] ^= sum[j];
    return xor_of(sum[0]);
}

void KERNEL(probe_update)(uint32_t *words, int64_t n)
{
    for (int64_t i = 0; i < n; i += 64)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            float *at = (float *)words + i + 16 * j;
            v16_store(at, (V16)((I16)v16_load(at) + 1));
        }
}
