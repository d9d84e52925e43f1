/* simd.h - sixteen floats at a time: a vocabulary for kernels in *_cpu.c, at every CPU level.
 *
 * V16 is a vector of the compiler: one AVX-512 register, two of AVX2, or four SSE ones at the portable level; + - * / and comparisons
 * (giving I16, all bits set where true) work on it directly. v16_fma is fused at AVX2 and AVX-512, which give the same bits,
 * and a product and a sum at the portable level. Results never depend on the place of a value in an array: tails go through the same
 * operations as full vectors (load_tail, store_tail). So write a kernel's loop over V16, not over scalars.
 *
 * Nothing here reads beyond the n elements it is given. */
#ifndef ENGINE_OP_SIMD_H
#define ENGINE_OP_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define SIMD_AVX512 1
#include <immintrin.h>
#define SIMD_AVX2 0
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define SIMD_AVX512 0
#define SIMD_AVX2 1
#include <immintrin.h>
#else
#define SIMD_AVX512 0
#define SIMD_AVX2 0
#endif

/* All V16 functions are inlined, so the calling convention for wide vectors, which this warns about, is never used. */
#pragma GCC diagnostic ignored "-Wpsabi"

typedef float V16 __attribute__((vector_size(64)));
typedef int32_t I16 __attribute__((vector_size(64)));
typedef uint32_t U16 __attribute__((vector_size(64)));
typedef float V16Unaligned __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t Half16 __attribute__((vector_size(32)));
typedef uint16_t Half16Unaligned __attribute__((vector_size(32), aligned(2), may_alias));

#define SIMD_INLINE static inline __attribute__((always_inline, unused))

#if SIMD_AVX2
#define V16_LOW_(x) ((__m256)__builtin_shufflevector((x), (x), 0, 1, 2, 3, 4, 5, 6, 7))
#define V16_HIGH_(x) ((__m256)__builtin_shufflevector((x), (x), 8, 9, 10, 11, 12, 13, 14, 15))
#define V16_OF_HALVES_(low, high) \
    ((V16)__builtin_shufflevector((low), (high), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#endif

SIMD_INLINE V16 v16_set1(float x)
{
    return x - (V16){};  /* keeps -0 */
}

SIMD_INLINE V16 v16_zero(void)
{
    return (V16){};
}

SIMD_INLINE I16 i16_set1(int32_t x)
{
    return x - (I16){};
}

/* ---- memory: any alignment; tails have 0 <= n <= 16 elements, those absent are read as 0 and not written ---- */

SIMD_INLINE V16 v16_load(const float *p)
{
    return *(const V16Unaligned *)p;
}

SIMD_INLINE void v16_store(float *p, V16 x)
{
    *(V16Unaligned *)p = x;
}

SIMD_INLINE V16 v16_load_tail(const float *p, int64_t n)
{
#if SIMD_AVX512
    return (V16)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
    V16 x = {};
    memcpy(&x, p, (size_t)n * sizeof *p);
    return x;
#endif
}

SIMD_INLINE void v16_store_tail(float *p, V16 x, int64_t n)
{
#if SIMD_AVX512
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)x);
#else
    memcpy(p, &x, (size_t)n * sizeof *p);
#endif
}

SIMD_INLINE V16 v16_from_bf16(Half16 half)
{
#if SIMD_AVX512
    return (V16)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)half), 16);
#else
    return (V16)(__builtin_convertvector(half, U16) << 16);
#endif
}

/* Nearest, ties to even; NaN keeps its sign and upper payload and becomes quiet: the bits of bf16_from_f32 (dtype.h). */
SIMD_INLINE Half16 v16_to_bf16(V16 x)
{
    U16 bits = (U16)x;
    U16 rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    U16 quiet = bits >> 16 | 0x40, is_nan = (U16)(x != x);
    rounded = (is_nan & quiet) | (~is_nan & rounded);
#if SIMD_AVX512
    return (Half16)_mm512_cvtepi32_epi16((__m512i)rounded);
#else
    return __builtin_convertvector(rounded, Half16);
#endif
}

SIMD_INLINE V16 v16_from_f16(Half16 half)
{
#if SIMD_AVX512
    return (V16)_mm512_cvtph_ps((__m256i)half);
#elif SIMD_AVX2
    return V16_OF_HALVES_(_mm256_cvtph_ps(_mm256_castsi256_si128((__m256i)half)),
                          _mm256_cvtph_ps(_mm256_extracti128_si256((__m256i)half, 1)));
#else
    /* The fraction in its place and 2^112 times too small, subnormal numbers too; then infinity and NaN get their exponent. */
    U16 bits = __builtin_convertvector(half, U16), size = (bits & 0x7fff) << 13;
    U16 scaled = (U16)((V16)size * 0x1p112f), special = (U16)(size >= 0x7c00u << 13);
    U16 quiet = (U16)(size > 0x7c00u << 13) & 0x400000;
    scaled = (special & (size | 0x7f800000 | quiet)) | (~special & scaled);
    return (V16)(scaled | (bits & 0x8000) << 16);
#endif
}

/* Nearest, ties to even: the bits of f16_from_f32 (dtype.h). */
SIMD_INLINE Half16 v16_to_f16(V16 x)
{
#if SIMD_AVX512
    return (Half16)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT);
#elif SIMD_AVX2
    return (Half16)_mm256_set_m128i(_mm256_cvtps_ph(V16_HIGH_(x), _MM_FROUND_TO_NEAREST_INT),
                                    _mm256_cvtps_ph(V16_LOW_(x), _MM_FROUND_TO_NEAREST_INT));
#else
    U16 bits = (U16)x & 0x7fffffff, sign = (U16)x >> 16 & 0x8000;
    U16 rounded = (bits - 0x38000000 + 0xfff + (bits >> 13 & 1)) >> 13;
    U16 tiny = (U16)((V16)bits + 0.5f) - 0x3f000000, is_tiny = (U16)(bits < 0x38800000u);
    U16 nan = 0x7e00 | (bits >> 13 & 0x1ff), is_nan = (U16)(bits > 0x7f800000u), is_large = (U16)(bits >= 0x47800000u);
    rounded = (is_tiny & tiny) | (~is_tiny & rounded);
    rounded = (is_large & 0x7c00) | (~is_large & rounded);
    rounded = (is_nan & nan) | (~is_nan & rounded);
    return __builtin_convertvector(rounded | sign, Half16);
#endif
}

SIMD_INLINE Half16 half16_load_tail(const uint16_t *p, int64_t n)
{
#if SIMD_AVX512
    return (Half16)_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p);
#else
    Half16 half = {};
    memcpy(&half, p, (size_t)n * sizeof *p);
    return half;
#endif
}

SIMD_INLINE void half16_store_tail(uint16_t *p, Half16 half, int64_t n)
{
#if SIMD_AVX512
    _mm256_mask_storeu_epi16(p, (__mmask16)((1u << n) - 1), (__m256i)half);
#else
    memcpy(p, &half, (size_t)n * sizeof *p);
#endif
}

SIMD_INLINE V16 v16_load_f16(const uint16_t *p)
{
    return v16_from_f16(*(const Half16Unaligned *)p);
}

SIMD_INLINE void v16_store_f16(uint16_t *p, V16 x)
{
    *(Half16Unaligned *)p = v16_to_f16(x);
}

SIMD_INLINE V16 v16_load_bf16(const uint16_t *p)
{
    return v16_from_bf16(*(const Half16Unaligned *)p);
}

SIMD_INLINE void v16_store_bf16(uint16_t *p, V16 x)
{
    *(Half16Unaligned *)p = v16_to_bf16(x);
}

#if SIMD_AVX512
/* The bf16 of v16_to_bf16 in the upper halves of words; what is below them is of no account. */
SIMD_INLINE __m512i words_to_bf16(V16 x)
{
    U16 bits = (U16)x, rounded = bits + 0x7fff + (bits >> 16 & 1);
    __mmask16 is_nan = _mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q);
    return _mm512_mask_or_epi32((__m512i)rounded, is_nan, (__m512i)bits, _mm512_set1_epi32(0x400000));
}

#endif

/* v16_store_bf16 of two that lie side by side. */
SIMD_INLINE void v16_store_bf16_two(uint16_t *p, V16 x, V16 next)
{
#if SIMD_AVX512
    const __m512i upper = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9,
                                           7, 5, 3, 1);
    _mm512_storeu_si512(p, _mm512_permutex2var_epi16(words_to_bf16(x), upper, words_to_bf16(next)));
#else
    v16_store_bf16(p, x);
    v16_store_bf16(p + 16, next);
#endif
}

SIMD_INLINE V16 v16_load_bf16_tail(const uint16_t *p, int64_t n)
{
    return v16_from_bf16(half16_load_tail(p, n));
}

SIMD_INLINE void v16_store_bf16_tail(uint16_t *p, V16 x, int64_t n)
{
    half16_store_tail(p, v16_to_bf16(x), n);
}

SIMD_INLINE V16 v16_load_f16_tail(const uint16_t *p, int64_t n)
{
    return v16_from_f16(half16_load_tail(p, n));
}

SIMD_INLINE void v16_store_f16_tail(uint16_t *p, V16 x, int64_t n)
{
    half16_store_tail(p, v16_to_f16(x), n);
}

/* ---- arithmetic ---- */

/* a * b + c */
SIMD_INLINE V16 v16_fma(V16 a, V16 b, V16 c)
{
#if SIMD_AVX512
    return (V16)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif SIMD_AVX2
    return V16_OF_HALVES_(_mm256_fmadd_ps(V16_LOW_(a), V16_LOW_(b), V16_LOW_(c)),
                          _mm256_fmadd_ps(V16_HIGH_(a), V16_HIGH_(b), V16_HIGH_(c)));
#else
    return a * b + c;
#endif
}

/* ---- one register: for tiles whose sums must stay in registers, where a V16 of several would be kept in memory ---- */

enum { REG_LANES = SIMD_AVX512 ? 16 : SIMD_AVX2 ? 8 : 4 };
typedef float Reg __attribute__((vector_size(4 * REG_LANES)));
typedef float RegUnaligned __attribute__((vector_size(4 * REG_LANES), aligned(4), may_alias));

SIMD_INLINE Reg reg_load(const float *p)
{
    return *(const RegUnaligned *)p;
}

SIMD_INLINE void reg_store(float *p, Reg x)
{
    *(RegUnaligned *)p = x;
}

/* a * b + c, fused as v16_fma is. */
SIMD_INLINE Reg reg_fma(float a, Reg b, Reg c)
{
#if SIMD_AVX512
    return (Reg)_mm512_fmadd_ps(_mm512_set1_ps(a), (__m512)b, (__m512)c);
#elif SIMD_AVX2
    return (Reg)_mm256_fmadd_ps(_mm256_set1_ps(a), (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

/* ---- choice ---- */

/* a where the mask is set, else b. */
SIMD_INLINE V16 v16_select(I16 mask, V16 a, V16 b)
{
    return (V16)((mask & (I16)a) | (~mask & (I16)b));
}

SIMD_INLINE V16 v16_abs(V16 x)
{
    return (V16)((I16)x & 0x7fffffff);
}

/* a > b ? a : b, so b where either is NaN: v16_max(x, best) ignores a NaN in x. */
SIMD_INLINE V16 v16_max(V16 a, V16 b)
{
#if SIMD_AVX512
    return (V16)_mm512_max_ps((__m512)a, (__m512)b);
#elif SIMD_AVX2
    return V16_OF_HALVES_(_mm256_max_ps(V16_LOW_(a), V16_LOW_(b)), _mm256_max_ps(V16_HIGH_(a), V16_HIGH_(b)));
#else
    return v16_select(a > b, a, b);
#endif
}

/* a < b ? a : b */
SIMD_INLINE V16 v16_min(V16 a, V16 b)
{
#if SIMD_AVX512
    return (V16)_mm512_min_ps((__m512)a, (__m512)b);
#elif SIMD_AVX2
    return V16_OF_HALVES_(_mm256_min_ps(V16_LOW_(a), V16_LOW_(b)), _mm256_min_ps(V16_HIGH_(a), V16_HIGH_(b)));
#else
    return v16_select(a < b, a, b);
#endif
}

/* Correctly rounded. */
SIMD_INLINE V16 v16_sqrt(V16 x)
{
#if SIMD_AVX512
    return (V16)_mm512_sqrt_ps((__m512)x);
#elif SIMD_AVX2
    return V16_OF_HALVES_(_mm256_sqrt_ps(V16_LOW_(x)), _mm256_sqrt_ps(V16_HIGH_(x)));
#else
    for (int i = 0; i < 16; i++)
        x[i] = sqrtf(x[i]);
    return x;
#endif
}

/* ---- over the sixteen: always the same tree, lanes i and i+8, then i and i+4, i+2, i+1 ---- */

#define V16_FOLD_(x, distance)                                                                                                \
    ((V16)__builtin_shufflevector((x), (x), 0 ^ (distance), 1 ^ (distance), 2 ^ (distance), 3 ^ (distance), 4 ^ (distance),   \
                                  5 ^ (distance), 6 ^ (distance), 7 ^ (distance), 8 ^ (distance), 9 ^ (distance),             \
                                  10 ^ (distance), 11 ^ (distance), 12 ^ (distance), 13 ^ (distance), 14 ^ (distance),        \
                                  15 ^ (distance)))

SIMD_INLINE float v16_sum(V16 x)
{
    x += V16_FOLD_(x, 8);
    x += V16_FOLD_(x, 4);
    x += V16_FOLD_(x, 2);
    x += V16_FOLD_(x, 1);
    return x[0];
}

/* The largest; with a NaN among them, any of them. */
SIMD_INLINE float v16_max_of(V16 x)
{
    x = v16_max(x, V16_FOLD_(x, 8));
    x = v16_max(x, V16_FOLD_(x, 4));
    x = v16_max(x, V16_FOLD_(x, 2));
    x = v16_max(x, V16_FOLD_(x, 1));
    return x[0];
}

/* ---- functions: ranges reduced as in Muller 2016, "Elementary Functions"; polynomials fitted by us (minimax). Errors are the
 * largest found by simd_test.c over every exponent, in units of the last place of the exact result, at every level. ---- */

/* e^(x - n ln 2), n being x / ln 2 rounded: what is left of e^x beside 2^n, in [0.7, 1.42]. ln 2 in two parts, the first short enough that n times
 * it is exact. */
SIMD_INLINE V16 v16_exp_rest_(V16 x, V16 n)
{
    V16 r = v16_fma(n, v16_set1(-0.693359375f), x);
    r = v16_fma(n, v16_set1(2.12194440e-4f), r);
    V16 p = v16_set1(1.381314476e-03f);
    p = v16_fma(p, r, v16_set1(8.369418792e-03f));
    p = v16_fma(p, r, v16_set1(4.166845605e-02f));
    p = v16_fma(p, r, v16_set1(1.666651517e-01f));
    p = v16_fma(p, r, v16_set1(4.999999404e-01f));
#if SIMD_AVX512 || SIMD_AVX2
    p = v16_fma(p, r, v16_set1(1.0f));
    return v16_fma(p, r, v16_set1(1.0f));
#else  /* products are rounded, so r itself stays out of them */
    return v16_fma(p, r * r, r) + 1.0f;
#endif
}

/* e^x, error < 0.9 ulp, at the portable level < 1 (also of subnormal results). exp(-inf) = 0, exp(inf) = inf, exp(0) = 1, NaN stays NaN. */
SIMD_INLINE V16 v16_exp(V16 x)
{
    V16 bounded = v16_min(v16_set1(89.0f), v16_max(v16_set1(-104.0f), x));  /* NaN stays: second operand */
    V16 magic = v16_set1(12582912.0f);  /* 1.5 * 2^23: adding it rounds to an integer, kept in the low bits */
    V16 shifted = v16_fma(bounded, v16_set1(1.44269504f), magic);
    V16 n = shifted - magic, p = v16_exp_rest_(bounded, n);
#if SIMD_AVX512
    return (V16)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
    /* 2^n in two factors, for n reaches from -151 to 129. One of them rounds: the bits of the instruction above. */
    I16 whole = (I16)shifted - 0x4b400000;
    I16 half = whole >> 1;
    return p * (V16)((half + 127) << 23) * (V16)((whole - half + 127) << 23);
#endif
}

/* e^x for x below 88, the bits of v16_exp, but 0 where that is below 2^-100; NaN stays. For weights beside others around 1: no bounds to keep, for 2^n
 * is a normal number, and no subnormal results, which cost a hundred times as much in sums. */
SIMD_INLINE V16 v16_exp_weight(V16 x)
{
    const float least = -69.314718f;
    V16 magic = v16_set1(12582912.0f + 127.0f);  /* and the bias of exponents */
    V16 shifted = v16_fma(x, v16_set1(1.44269504f), magic);
    V16 p = v16_exp_rest_(x, shifted - magic), power = (V16)((U16)shifted << 23);
#if SIMD_AVX512
    return (V16)_mm512_maskz_mul_ps(_mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(least), _CMP_NLT_UQ), (__m512)p, (__m512)power);
#else
    return v16_select(x < least, v16_zero(), p * power);
#endif
}

/* Natural logarithm, error < 0.9 ulp. log(0) = -inf, log(x < 0) = NaN, log(inf) = inf.
 * x = 2^e m with m in [sqrt(1/2), sqrt(2)), f = m - 1, log x = e ln 2 + f - f^2/2 + f^3 P(f). */
SIMD_INLINE V16 v16_log(V16 x)
{
    I16 is_small = x < 1.17549435e-38f;
    V16 scaled = v16_select(is_small, x * 8388608.0f, x);  /* subnormal numbers times 2^23 */
    I16 bits = (I16)((U16)scaled - 0x3f3504f3u);           /* the bits of sqrt(1/2); unsigned, for x < 0 wraps */
    I16 exponent = (bits >> 23) - (is_small & 23);
    V16 e = __builtin_convertvector(exponent, V16);
    V16 f = (V16)((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
    V16 p = v16_set1(6.746638566e-02f);
    p = v16_fma(p, f, v16_set1(-1.167565137e-01f));
    p = v16_fma(p, f, v16_set1(1.188816279e-01f));
    p = v16_fma(p, f, v16_set1(-1.240558922e-01f));
    p = v16_fma(p, f, v16_set1(1.421955228e-01f));
    p = v16_fma(p, f, v16_set1(-1.666799635e-01f));
    p = v16_fma(p, f, v16_set1(2.000211924e-01f));
    p = v16_fma(p, f, v16_set1(-2.500000894e-01f));
    p = v16_fma(p, f, v16_set1(3.333331347e-01f));
    V16 square = f * f;
    V16 tail = v16_fma(p * f, square, e * -2.12194440e-4f);
    tail = v16_fma(square, v16_set1(-0.5f), tail);
    V16 result = v16_fma(e, v16_set1(0.693359375f), f + tail);
    result = v16_select(x == INFINITY, x, result);
    result = v16_select(x == 0.0f, v16_set1(-INFINITY), result);
    return v16_select(x >= 0.0f, result, v16_set1(NAN));
}

/* Hyperbolic tangent, error < 1.4 ulp; odd, within [-1, 1], tanh(-0) = -0, NaN stays NaN.
 * Near zero x + x^3 P(x^2), farther out 1 - 2 / (e^(2|x|) + 1). */
SIMD_INLINE V16 v16_tanh(V16 x)
{
    V16 size = v16_abs(x), square = x * x;
    V16 p = v16_set1(2.142961603e-03f);
    p = v16_fma(p, square, v16_set1(-8.177397773e-03f));
    p = v16_fma(p, square, v16_set1(2.170070261e-02f));
    p = v16_fma(p, square, v16_set1(-5.394676328e-02f));
    p = v16_fma(p, square, v16_set1(1.333320588e-01f));
    p = v16_fma(p, square, v16_set1(-3.333333135e-01f));
    V16 near = v16_fma(p, square * x, x);
    V16 far = 1.0f - 2.0f / (v16_exp(size + size) + 1.0f);
    V16 result = v16_select(size < 0.625f, near, far);
    return (V16)((I16)result | ((I16)x & (I16)v16_set1(-0.0f)));  /* the sign of x, also of a zero */
}

#endif
