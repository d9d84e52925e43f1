/* dtype.h - the number formats a tensor may hold, and bfloat16.
 *
 * bf16 is the upper half of an f32: 8 exponent bits, 7 stored fraction bits. IEEE binary16 (f16) is no tensor format
 * of ours, but files hold it. */
#ifndef ENGINE_TENSOR_DTYPE_H
#define ENGINE_TENSOR_DTYPE_H

#include <stdint.h>
#include <string.h>

typedef enum { DTYPE_F32, DTYPE_BF16, DTYPE_F64, DTYPE_I32, DTYPE_I64, DTYPE_U8, DTYPE_COUNT } DType;

int dtype_bytes(DType dtype);         /* of one element */
const char *dtype_name(DType dtype);  /* "f32" */

/* Rounds once, to nearest even: going through f32 would round twice. */
uint16_t bf16_from_f64(double value);
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

#endif
