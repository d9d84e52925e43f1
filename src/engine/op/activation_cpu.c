/* activation_cpu.c - activations and their gradients, sixteen elements at a time. */
#include "engine/op/activation_internal.h"
#include "engine/op/simd_rows.h"

/* F(-u) for u >= 0: e^(-u^2 / 2) times a polynomial in 1 / (1 + 0.26 u), fitted to a relative error of 2.5e-8. The exponential also gives the
 * density. */
SIMD_INLINE V16 normal_tail(V16 u, V16 *bell)
{
    V16 t = 1.0f / v16_fma(u, v16_set1(0.26f), v16_set1(1.0f)), p = v16_set1(0.030504804f);
    *bell = v16_exp(u * u * -0.5f);
    p = v16_fma(p, t, v16_set1(-0.15282847f));
    p = v16_fma(p, t, v16_set1(0.25149062f));
    p = v16_fma(p, t, v16_set1(-0.15094829f));
    p = v16_fma(p, t, v16_set1(0.16094744f));
    p = v16_fma(p, t, v16_set1(0.05102784f));
    p = v16_fma(p, t, v16_set1(0.10303022f));
    p = v16_fma(p, t, v16_set1(0.10301676f));
    p = v16_fma(p, t, v16_set1(0.10375906f));
    return *bell * p * t;
}

SIMD_INLINE V16 normal_below(V16 x, V16 *bell)
{
    V16 tail = normal_tail(v16_abs(x), bell);
    return v16_select(x < 0.0f, tail, 1.0f - tail);
}

SIMD_INLINE V16 relu_value(V16 x, float number)
{
    (void)number;
    return v16_select(x <= 0.0f, v16_zero(), x);
}

SIMD_INLINE V16 relu_slope(V16 x, float number)
{
    (void)number;
    return v16_select(x > 0.0f, v16_set1(1.0f), v16_zero());
}

SIMD_INLINE V16 gelu_erf_value(V16 x, float number)
{
    V16 bell;
    (void)number;
    return x * normal_below(x, &bell);
}

SIMD_INLINE V16 gelu_erf_slope(V16 x, float number)
{
    V16 bell, below = normal_below(x, &bell);
    (void)number;
    return v16_fma(x * bell, v16_set1(0.39894228f), below);
}

SIMD_INLINE V16 softcap_value(V16 x, float cap)
{
    return v16_tanh(x / cap) * cap;
}

/* 1 - t^2 as (1 - t)(1 + t) has no fewer digits near the cap than t itself. */
SIMD_INLINE V16 softcap_slope(V16 x, float cap)
{
    V16 t = v16_tanh(x / cap);
    return (1.0f - t) * (1.0f + t);
}

#define ACTIVATION_KERNELS(function)                                                                                      \
    void KERNEL(function)(const KernelCall *call)                                                                         \
    {                                                                                                                     \
        const Tensor *x = &call->in[0], *y = &call->out[0];                                                               \
        const float number = call->attr ? (float)((const ActivationAttr *)call->attr)->number : 0.0f;                     \
        assert(is_fast_dtype(x->dtype) && y->dtype == x->dtype);                                                          \
        Pieces pieces = pieces_of((const Tensor *[]){y, x}, 2);                                                           \
        _Pragma("omp parallel for schedule(static) if (pieces.count > PARALLEL_MIN)")                                     \
        for (int64_t p = 0; p < pieces.n_pieces; p++) {                                                                   \
            Piece piece = piece_at(&pieces, p);                                                                           \
            void *to = piece_data(&pieces, y, piece);                                                                     \
            const void *from = piece_data(&pieces, x, piece);                                                             \
            for (int64_t i = 0; i < piece.n; i += 16)                                                                     \
                store16(to, x->dtype, i, piece.n, function##_value(load16(from, x->dtype, i, piece.n), number));          \
        }                                                                                                                 \
    }                                                                                                                     \
    void KERNEL(function##_backward)(const KernelCall *call)                                                              \
    {                                                                                                                     \
        const Tensor *x = &call->in[0], *dy = &call->in[1], *dx = &call->out[0];                                          \
        const float number = call->attr ? (float)((const ActivationAttr *)call->attr)->number : 0.0f;                     \
        assert(is_fast_dtype(x->dtype) && is_fast_dtype(dy->dtype) && dx->dtype == x->dtype);                             \
        Pieces pieces = pieces_of((const Tensor *[]){dx, x, dy}, 3);                                                      \
        _Pragma("omp parallel for schedule(static) if (pieces.count > PARALLEL_MIN)")                                     \
        for (int64_t p = 0; p < pieces.n_pieces; p++) {                                                                   \
            Piece piece = piece_at(&pieces, p);                                                                           \
            void *to = piece_data(&pieces, dx, piece);                                                                    \
            const void *from = piece_data(&pieces, x, piece), *given = piece_data(&pieces, dy, piece);                    \
            for (int64_t i = 0; i < piece.n; i += 16) {                                                                   \
                V16 slope = function##_slope(load16(from, x->dtype, i, piece.n), number);                                 \
                store16(to, x->dtype, i, piece.n, load16(given, dy->dtype, i, piece.n) * slope);                          \
            }                                                                                                             \
        }                                                                                                                 \
    }

ACTIVATION_KERNELS(relu)
ACTIVATION_KERNELS(gelu_erf)
ACTIVATION_KERNELS(softcap)
