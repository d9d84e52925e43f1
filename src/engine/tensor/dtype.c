#include "engine/tensor/dtype.h"

#include <assert.h>
#include <math.h>

static const struct {
    const char *name;
    int n_bytes;
} dtypes[DTYPE_COUNT] = {
    [DTYPE_F32] = {"f32", 4}, [DTYPE_BF16] = {"bf16", 2}, [DTYPE_F64] = {"f64", 8},
    [DTYPE_I32] = {"i32", 4}, [DTYPE_I64] = {"i64", 8},   [DTYPE_U8] = {"u8", 1},
    [DTYPE_F16] = {"fp16", 2},
};

int dtype_bytes(DType dtype)
{
    assert(dtype < DTYPE_COUNT);
    return dtypes[dtype].n_bytes;
}

const char *dtype_name(DType dtype)
{
    assert(dtype < DTYPE_COUNT);
    return dtypes[dtype].name;
}

/* Rounding to f32 first could land exactly on a tie of the narrow format that the double was not on. Rounding to odd instead keeps the
 * knowledge that something was cut off, and f32 has more than two bits to spare over bf16 and fp16 (Boldo & Melquiond 2008). */
static float f32_rounded_to_odd(double value)
{
    float near = (float)value;
    if (near != value && !isnan(value)) {
        uint32_t bits;
        memcpy(&bits, &near, sizeof bits);
        if (fabs((double)near) > fabs(value))
            bits--;  /* toward zero; infinity becomes the largest finite */
        bits |= 1u;
        memcpy(&near, &bits, sizeof near);
    }
    return near;
}

uint16_t bf16_from_f64(double value)
{
    return bf16_from_f32(f32_rounded_to_odd(value));
}

uint16_t f16_from_f64(double value)
{
    return f16_from_f32(f32_rounded_to_odd(value));
}

/* f16: 5 exponent bits of bias 15, 10 fraction bits. A subnormal is fraction * 2^-24. */
float f32_from_f16(uint16_t value)
{
    uint32_t sign = (uint32_t)(value & 0x8000u) << 16, exponent = value >> 10 & 0x1fu, fraction = value & 0x3ffu;
    if (exponent == 0) {
        float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    uint32_t bits = exponent == 0x1f ? 0x7f800000u : (exponent + 127 - 15) << 23;
    bits |= sign | fraction << 13;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
