/* simd_test.c - the sixteen-float vocabulary, at every CPU level, against libm in double. */
#include "base/test.h"
#include "engine/op/simd_map.h"
#include "engine/op/simd_sincos.h"
#include "engine/tensor/dtype.h"

#include <stdlib.h>

enum { BLOCK = 4096 };
static const CpuLevel levels[] = {CPU_PORTABLE, CPU_AVX2, CPU_AVX512};

static float float_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The distance of got from the exact result, in units of the last place of an f32 of its size. */
static double ulp_error(float got, double exact)
{
    if (isnan(exact) || isnan((double)got))
        return isnan(exact) && isnan((double)got) ? 0.0 : INFINITY;
    if ((double)got == exact)
        return 0.0;
    int exponent;
    frexp(fabs(exact), &exponent);
    double ulp = ldexp(1.0, (exponent < -125 ? -125 : exponent) - 24);
    if (isinf((double)got))  /* right if rounding the exact result overflows */
        return fabs(exact) >= ldexp(1.0, 128) - ldexp(1.0, 103) && (got > 0) == (exact > 0) ? 0.0 : INFINITY;
    return fabs((double)got - exact) / ulp;
}

/* The largest error over bit patterns first, first+step, ...: with a step below 2^23 that visits every exponent and sign. */
static double worst_error(SimdFunction f, double (*exact)(double), uint32_t step, float *worst_at)
{
    static float x[BLOCK], y[BLOCK];
    double worst = 0.0;
    uint64_t bits = 0;
    while (bits < (1ull << 32)) {
        for (int i = 0; i < BLOCK; i++, bits += step)
            x[i] = float_from_bits(bits < (1ull << 32) ? (uint32_t)bits : 0);
        KERNEL_PICK(simd_map)(y, x, BLOCK, f);
        for (int i = 0; i < BLOCK; i++) {
            double error = ulp_error(y[i], exact((double)x[i]));
            if (error > worst) {
                worst = error;
                *worst_at = x[i];
            }
        }
    }
    return worst;
}

static void check_function(const char *name, SimdFunction f, double (*exact)(double), double bound, double portable_bound, uint32_t step)
{
    for (int i = 0; i < 3 && levels[i] <= cpu_level_best(); i++) {
        cpu_level_set(levels[i]);
        float at = 0.0f;
        double worst = worst_error(f, exact, step, &at);
        CHECK(worst < (levels[i] == CPU_PORTABLE ? portable_bound : bound));
        test_note("%s at %s: %.3f ulp at %.9g", name, cpu_level_name(levels[i]), worst, (double)at);
    }
    cpu_level_reset();
}

/* Goal: the errors that simd.h states, everywhere. Method: every 10007th of all 2^32 floats (the slow test: every 101st). */
TEST(simd, functions_keep_their_stated_error)
{
    check_function("exp", SIMD_EXP, exp, 0.9, 1.0, 10007);
    check_function("log", SIMD_LOG, log, 0.9, 0.9, 10007);
    check_function("tanh", SIMD_TANH, tanh, 1.4, 1.4, 10007);
}

SLOW_TEST(simd, functions_keep_their_stated_error_densely)
{
    check_function("exp", SIMD_EXP, exp, 0.9, 1.0, 101);
    check_function("log", SIMD_LOG, log, 0.9, 0.9, 101);
    check_function("tanh", SIMD_TANH, tanh, 1.4, 1.4, 101);
}

/* Goal: one exponential. Method: neighbouring floats from 88 down to -110, and what lies outside; each level. */
TEST(simd, weights_are_the_exponential_down_to_2_to_the_minus_100)
{
    static float x[BLOCK], y[BLOCK], all[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        x[i] = 88.0f - 198.0f * (float)i / BLOCK;
    x[1] = -69.314718f, x[2] = nextafterf(x[1], -INFINITY), x[3] = -1e30f, x[4] = -INFINITY, x[5] = NAN;
    for (int i = 0; i < 3 && levels[i] <= cpu_level_best(); i++) {
        cpu_level_set(levels[i]);
        KERNEL_PICK(simd_map)(y, x, BLOCK, SIMD_EXP_WEIGHT);
        KERNEL_PICK(simd_map)(all, x, BLOCK, SIMD_EXP);
        for (int j = 0; j < BLOCK; j++)
            CHECK(isnan(x[j]) ? isnan(y[j]) : bits_of(y[j]) == (x[j] < -69.314718f ? 0 : bits_of(all[j])));
    }
    cpu_level_reset();
}

TEST(simd, special_values)
{
    static const float x[] = {-INFINITY, INFINITY, NAN, 0.0f, -0.0f, -1.0f, 1e-45f};
    for (int i = 0; i < 3 && levels[i] <= cpu_level_best(); i++) {
        cpu_level_set(levels[i]);
        float y[7];
        KERNEL_PICK(simd_map)(y, x, 7, SIMD_EXP);
        CHECK(y[0] == 0.0f && y[1] == INFINITY && isnan(y[2]) && y[3] == 1.0f && y[4] == 1.0f);
        KERNEL_PICK(simd_map)(y, x, 7, SIMD_LOG);
        CHECK(isnan(y[0]) && y[1] == INFINITY && isnan(y[2]) && y[3] == -INFINITY && y[4] == -INFINITY && isnan(y[5]));
        CHECK_CLOSE(y[6], -103.27893, 1e-5);
        KERNEL_PICK(simd_map)(y, x, 7, SIMD_TANH);
        CHECK(y[0] == -1.0f && y[1] == 1.0f && isnan(y[2]) && bits_of(y[3]) == 0 && bits_of(y[4]) == 0x80000000u);
    }
    cpu_level_reset();
}

/* Goal: a value's result does not depend on where it stands or on its neighbours, and tails write only their own. */
TEST(simd, tails_have_the_bits_of_full_vectors)
{
    for (int l = 0; l < 3 && levels[l] <= cpu_level_best(); l++) {
        cpu_level_set(levels[l]);
        float x[64], whole[64];
        for (int i = 0; i < 64; i++)
            x[i] = ldexpf((float)(i * 37 % 64 + 1), i % 7 - 3) * (i & 1 ? 1.0f : -1.0f);
        for (int f = SIMD_EXP; f <= SIMD_TO_F16_AND_BACK; f++) {
            KERNEL_PICK(simd_map)(whole, x, 64, (SimdFunction)f);
            for (int first = 0; first < 16; first++)
                for (int n = 0; n < 40; n++) {
                    float part[42];
                    part[n] = 17.0f;
                    KERNEL_PICK(simd_map)(part, x + first, n, (SimdFunction)f);
                    CHECK(memcmp(part, whole + first, sizeof(float) * (size_t)n) == 0 && part[n] == 17.0f);
                }
        }
    }
    cpu_level_reset();
}

TEST(simd, halves_round_as_dtype_does)
{
    for (int l = 0; l < 3 && levels[l] <= cpu_level_best(); l++) {
        cpu_level_set(levels[l]);
        int n_wrong = 0;
        float x[16], y[16];
        for (uint64_t bits = 0; bits < (1ull << 32); ) {
            for (int i = 0; i < 16; i++, bits += 4099)
                x[i] = float_from_bits((uint32_t)bits);
            KERNEL_PICK(simd_map)(y, x, 16, SIMD_TO_BF16_AND_BACK);
            for (int i = 0; i < 16; i++)
                n_wrong += bits_of(y[i]) != (uint32_t)bf16_from_f32(x[i]) << 16;
            KERNEL_PICK(simd_map)(y, x, 16, SIMD_TWO_TO_BF16_AND_BACK);
            for (int i = 0; i < 16; i++)
                n_wrong += bits_of(y[i]) != (uint32_t)bf16_from_f32(x[i]) << 16;
            KERNEL_PICK(simd_map)(y, x, 16, SIMD_TO_F16_AND_BACK);
            for (int i = 0; i < 16; i++)
                n_wrong += bits_of(y[i]) != bits_of(f32_from_f16(f16_from_f32(x[i])));
        }
        CHECK_EQUAL(n_wrong, 0);
    }
    cpu_level_reset();
}

/* Goal: sums over sixteen follow the stated tree, so they are the same at each level. */
TEST(simd, sum_and_max_follow_one_tree)
{
    float x[16], tree[16];
    for (int i = 0; i < 16; i++)
        tree[i] = x[i] = ldexpf(1.0f + (float)(i * 7 % 16) / 16.0f, i * 5 % 16) * (i % 3 ? 1.0f : -1.0f) + 1e-3f;
    float largest = x[0];
    for (int i = 1; i < 16; i++)
        largest = fmaxf(largest, x[i]);
    for (int half = 8; half >= 1; half /= 2)
        for (int i = 0; i < half; i++)
            tree[i] += tree[i + half];
    for (int l = 0; l < 3 && levels[l] <= cpu_level_best(); l++) {
        cpu_level_set(levels[l]);
        CHECK(bits_of(KERNEL_PICK(simd_sum16)(x)) == bits_of(tree[0]));
        CHECK(KERNEL_PICK(simd_max16)(x) == largest);
    }
    cpu_level_reset();
}

/* Goal: sines and cosines within 2^-50, absolutely, and within 2^-48 of their size near multiples of pi/2. */
TEST(simd, sines_keep_their_stated_error)
{
    double worst = 0, worst_share = 0;
    for (int64_t i = 0; i < 400000; i += 8) {
        D8 angle, s, c;
        for (int l = 0; l < 8; l++) {
            double size = i % 3 == 0 ? 3.0 : i % 3 == 1 ? 1024.0 : SINCOS_ANGLE_MAX;
            angle[l] = i % 5 == 0 ? (double)((i + l) * 2654435761u % 600000) * (M_PI / 2) : sin((double)(i + l)) * size;
        }
        d8_sincos(angle, &s, &c);
        for (int l = 0; l < 8; l++) {
            double exact_s = sin(angle[l]), exact_c = cos(angle[l]);
            worst = fmax(worst, fmax(fabs(s[l] - exact_s), fabs(c[l] - exact_c)));
            worst_share = fmax(worst_share, fmax(fabs(s[l] - exact_s) / fabs(exact_s), fabs(c[l] - exact_c) / fabs(exact_c)));
        }
    }
    CHECK(worst < 0x1p-50);
    CHECK(worst_share < 0x1p-48);
}
