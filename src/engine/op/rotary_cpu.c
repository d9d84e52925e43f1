/* rotary_cpu.c - sines and cosines of a token once for all its heads, in strips of pairs. */
#include "engine/op/rotary_internal.h"
#include "engine/op/simd_rows.h"

enum { STRIP = 64 };  /* pairs whose sines and cosines are kept at a time */

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

static void turn_token(const KernelCall *call, const double *frequency, int64_t token)
{
    const Tensor *x = &call->in[0], *y = &call->out[0];
    int64_t H = tensor_dim(x, 1), half = tensor_dim(x, 2) / 2;
    double position = ((const int32_t *)call->in[1].data)[token];
    float cosine[STRIP], sine[STRIP];
    for (int64_t first = 0; first < half; first += STRIP) {
        int64_t n = half - first < STRIP ? half - first : STRIP;
        for (int64_t i = 0; i < n; i++) {
            double s, c;
            sincos(position * frequency[first + i], &s, &c);
            cosine[i] = (float)c, sine[i] = (float)s;
        }
        for (int64_t h = 0; h < H; h++)
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
        frequency[i] = attr->direction * pow(attr->theta, -2.0 * (double)i / (double)D);
#pragma omp parallel for schedule(static) if (tensor_count(x) > PARALLEL_MIN)
    for (int64_t token = 0; token < n_tokens; token++)
        turn_token(call, frequency, token);
}
