/* simd_map_cpu.c - see simd_map.h. */
#include "engine/op/simd_map.h"
#include "engine/op/simd.h"

static V16 apply(V16 x, SimdFunction f)
{
    uint16_t half[32];
    switch (f) {
    case SIMD_EXP: return v16_exp(x);
    case SIMD_EXP_WEIGHT: return v16_exp_weight(x);
    case SIMD_LOG: return v16_log(x);
    case SIMD_TANH: return v16_tanh(x);
    case SIMD_TO_F16_AND_BACK: v16_store_f16(half, x); return v16_load_f16(half);
    case SIMD_TO_BF16_AND_BACK: v16_store_bf16(half, x); return v16_load_bf16(half);
    case SIMD_TWO_TO_BF16_AND_BACK:
        v16_store_bf16_two(half, x, -x);
        return (V16)((U16)v16_load_bf16(half) & ((U16)v16_load_bf16(half + 16) ^ 0x80000000u));  /* the same, or a bit is lost */
    }
    return x;
}

void KERNEL(simd_map)(float *y, const float *x, int64_t n, SimdFunction f)
{
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        v16_store(y + i, apply(v16_load(x + i), f));
    v16_store_tail(y + i, apply(v16_load_tail(x + i, n - i), f), n - i);
}

float KERNEL(simd_sum16)(const float *x)
{
    return v16_sum(v16_load(x));
}

float KERNEL(simd_max16)(const float *x)
{
    return v16_max_of(v16_load(x));
}
