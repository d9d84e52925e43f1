/* dtype.h - the number formats a tensor may hold; bfloat16 and IEEE binary16.
 *
 * bf16 is the upper half of an f32: 8 exponent bits, 7 stored fraction bits. fp16 (binary16, F16 in files) has 5 exponent bits of bias 15
 * and 10 stored fraction bits: finite up to 65504, normal from 2^-14, subnormal from 2^-24 on. */
#ifndef ENGINE_TENSOR_DTYPE_H
#define ENGINE_TENSOR_DTYPE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef enum { DTYPE_F32, DTYPE_BF16, DTYPE_F64, DTYPE_I32, DTYPE_I64, DTYPE_U8, DTYPE_F16, DTYPE_COUNT } DType;

int dtype_bytes(DType dtype);         /* of one element */
const char *dtype_name(DType dtype);  /* "f32" */

/* A float of 16 bits: bf16 or fp16. */
static inline bool dtype_is_half(DType dtype)
{
    return dtype == DTYPE_BF16 || dtype == DTYPE_F16;
}

/* Rounds once, to nearest even: going through f32 would round twice. */
uint16_t bf16_from_f64(double value);
uint16_t f16_from_f64(double value);
float f32_from_f16(uint16_t value);  /* exact */

static inline float f32_from_bf16(uint16_t value)
{
    uint32_t bits = (uint32_t)value << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Rounds to nearest, ties to even; overflow becomes infinity. NaN stays NaN: it keeps its sign and upper payload and
 * becomes quiet, since rounding alone could carry a payload of low bits into infinity. */
static inline uint16_t bf16_from_f32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/* The same for fp16: 65520 and more becomes infinity, small numbers round to multiples of 2^-24. The bits of VCVTPS2PH. */
static inline uint16_t f16_from_f32(float value)
{
    uint32_t bits, sign, rounded;
    memcpy(&bits, &value, sizeof bits);
    sign = bits >> 16 & 0x8000u;
    bits &= 0x7fffffffu;
    if (bits > 0x7f800000u) {
        rounded = 0x7e00u | (bits >> 13 & 0x1ffu);
    } else if (bits >= 0x47800000u) {  /* 2^16 */
        rounded = 0x7c00u;
    } else if (bits < 0x38800000u) {   /* below 2^-14: the sum with 1/2 rounds where the last subnormal place is */
        float shifted;
        memcpy(&shifted, &bits, sizeof shifted);
        shifted += 0.5f;
        memcpy(&rounded, &shifted, sizeof rounded);
        rounded -= 0x3f000000u;
    } else {
        rounded = (bits - 0x38000000u + 0xfffu + (bits >> 13 & 1u)) >> 13;
    }
    return (uint16_t)(sign | rounded);
}

#endif
