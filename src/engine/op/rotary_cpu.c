/* rotary_cpu.c - sines and cosines of a token once for all its heads, in strips of pairs. */
#include "engine/op/rotary_internal.h"
#include "engine/op/simd_rows.h"
#include "engine/op/simd_sincos.h"

#include <math.h>

enum { STRIP = 64 };  /* pairs whose sines and cosines are kept at a time */

/* Of position times frequencies. */
static void sines_of(float *sine, float *cosine, double position, const double *frequency, int64_t n, double amplitude)
{
    for (int64_t first = 0; first < n; first += 8) {
        int64_t n_here = n - first < 8 ? n - first : 8;
        D8 angle = {0}, s, c;
        bool is_far = false;
        for (int64_t i = 0; i < n_here; i++) {
            angle[i] = position * frequency[first + i];
            is_far = is_far || fabs(angle[i]) > SINCOS_ANGLE_MAX;
        }
        d8_sincos(angle, &s, &c);
        for (int64_t i = 0; i < n_here; i++) {
            double one_s = s[i], one_c = c[i];
            if (is_far)
                sincos(angle[i], &one_s, &one_c);
            sine[first + i] = (float)(one_s * amplitude), cosine[first + i] = (float)(one_c * amplitude);
        }
    }
}

SIMD_INLINE void turn_pairs(void *y, const void *x, DType dtype, const float *cosine, const float *sine, int64_t first, int64_t n,
                            int64_t half)
{
    size_t size = dtype == DTYPE_F32 ? 4 : 2;
    const char *x_right = (const char *)x + (size_t)half * size;
    char *y_right = (char *)y + (size_t)half * size;
    for (int64_t i = 0; i < n; i += 16) {
        V16 c = load16(cosine, DTYPE_F32, i, n), s = load16(sine, DTYPE_F32, i, n);
        V16 left = load16(x, dtype, first + i, first + n), right = load16(x_right, dtype, first + i, first + n);
        store16(y, dtype, first + i, first + n, v16_fma(left, c, -(right * s)));
        store16(y_right, dtype, first + i, first + n, v16_fma(right, c, left * s));
    }
}

/* The same in the interleaved layout: neighbours trade places by a shuffle, and what belongs to a pair is read twice. */
SIMD_INLINE void turn_neighbours(void *y, const void *x, DType dtype, const float *cosine, const float *sine, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < 2 * n; i += 16) {
        V16 c = load16(cosine, DTYPE_F32, i, 2 * n), s = load16(sine, DTYPE_F32, i, 2 * n);
        V16 v = load16(x, dtype, 2 * first + i, 2 * (first + n));
        V16 mates = __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
        store16(y, dtype, 2 * first + i, 2 * (first + n), v16_fma(v, c, mates * s));
    }
}

static void turn_token(const KernelCall *call, const double *frequency, int64_t token)
{
    const Tensor *x = &call->in[0], *y = &call->out[0];
    int64_t H = tensor_dim(x, 1), half = tensor_dim(x, 2) / 2;
    double position = ((const int32_t *)call->in[1].data)[token];
    const RotaryOptions *options = &((const RotaryAttr *)call->attr)->options;
    float cosine[2 * STRIP], sine[2 * STRIP];
    for (int64_t first = 0; first < half; first += STRIP) {
        int64_t n = half - first < STRIP ? half - first : STRIP;
        sines_of(sine, cosine, position, frequency + first, n, options->amplitude);
        for (int64_t i = n - 1; options->interleaved && i >= 0; i--) {
            cosine[2 * i] = cosine[2 * i + 1] = cosine[i];
            sine[2 * i + 1] = sine[i], sine[2 * i] = -sine[i];
        }
        for (int64_t h = 0; h < H; h++)
            if (options->interleaved)
                turn_neighbours(row_at(y, token * H + h), row_at(x, token * H + h), x->dtype, cosine, sine, first, n);
            else
                turn_pairs(row_at(y, token * H + h), row_at(x, token * H + h), x->dtype, cosine, sine, first, n, half);
    }
}

void KERNEL(rotary)(const KernelCall *call)
{
    const Tensor *x = &call->in[0];
    const RotaryAttr *attr = call->attr;
    int64_t n_tokens = tensor_dim(x, 0), D = tensor_dim(x, 2);
    double *frequency = call->workspace;
    assert(is_fast_dtype(x->dtype) && tensor_is_contiguous(&call->in[1]));
    for (int64_t i = 0; i < D / 2; i++)
        frequency[i] = attr->direction * rotary_frequency(&attr->options, i, D);
#pragma omp parallel for schedule(static) if (tensor_count(x) > PARALLEL_MIN)
    for (int64_t token = 0; token < n_tokens; token++)
        turn_token(call, frequency, token);
}
