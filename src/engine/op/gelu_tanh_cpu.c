/* gelu_tanh_cpu.c - one exponential an element, forward and backward. */
#include "engine/op/simd_rows.h"

static const float SQRT_2_PI = 0.79788456f, CUBIC = 0.044715f;

/* e^(-2u) */
SIMD_INLINE V16 gelu_exp(V16 x)
{
    return v16_exp(v16_fma(x * x * x, v16_set1(CUBIC), x) * (-2.0f * SQRT_2_PI));
}

/* s + x s (1 - s) 2u', with 1 - s as e s: no digits are lost where s nears 1. The bound on e keeps infinity times zero away. */
SIMD_INLINE V16 gelu_slope(V16 x, V16 exponential)
{
    V16 e = v16_min(v16_set1(1e30f), exponential), s = 1.0f / (1.0f + e);
    V16 inner = v16_fma(x * x, v16_set1(3.0f * CUBIC), v16_set1(1.0f)) * (2.0f * SQRT_2_PI);
    return v16_fma(x * s * (e * s), inner, s);
}

SIMD_INLINE void gelu_piece(void *y, const void *x, DType dtype, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16) {
        V16 v = load16(x, dtype, i, n);
        store16(y, dtype, i, n, v / (1.0f + gelu_exp(v)));
    }
}

static void gelu_pieces(const Pieces *pieces, const Tensor *y, const Tensor *x, int64_t begin, int64_t end)
{
    for (int64_t p = begin; p < end; p++) {
        Piece piece = piece_at(pieces, p);
        WITH_FAST_DTYPE(x->dtype, D, gelu_piece(piece_data(pieces, y, piece), piece_data(pieces, x, piece), D, piece.n))
    }
}

void KERNEL(gelu_tanh)(const KernelCall *call)
{
    const Tensor *x = &call->in[0], *y = &call->out[0];
    assert(is_fast_dtype(x->dtype) && y->dtype == x->dtype);
    Pieces pieces = pieces_of((const Tensor *[]){y, x}, 2);
    if (pieces.count <= PARALLEL_MIN) {
        gelu_pieces(&pieces, y, x, 0, pieces.n_pieces);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t p = 0; p < pieces.n_pieces; p++)
        gelu_pieces(&pieces, y, x, p, p + 1);
}

SIMD_INLINE void gelu_backward_piece(void *dx, const void *x, DType dtype, const void *dy, DType dy_dtype, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16)
        store16(dx, dtype, i, n, load16(dy, dy_dtype, i, n) * gelu_slope(load16(x, dtype, i, n), gelu_exp(load16(x, dtype, i, n))));
}

void KERNEL(gelu_tanh_backward)(const KernelCall *call)
{
    const Tensor *x = &call->in[0], *dy = &call->in[1], *dx = &call->out[0];
    assert(is_fast_dtype(x->dtype) && is_fast_dtype(dy->dtype) && dx->dtype == x->dtype);
    Pieces pieces = pieces_of((const Tensor *[]){dx, x, dy}, 3);
#pragma omp parallel for schedule(static) if (pieces.count > PARALLEL_MIN)
    for (int64_t p = 0; p < pieces.n_pieces; p++) {
        Piece piece = piece_at(&pieces, p);
        void *to = piece_data(&pieces, dx, piece);
        const void *from = piece_data(&pieces, x, piece), *given = piece_data(&pieces, dy, piece);
        if (dy->dtype == x->dtype) {
            WITH_FAST_DTYPE(x->dtype, D, gelu_backward_piece(to, from, D, given, D, piece.n))
        } else {
            gelu_backward_piece(to, from, x->dtype, given, dy->dtype, piece.n);
        }
    }
}

/* y may lie where x does. */
SIMD_INLINE void gelu_slope_piece(void *y, void *slope, const void *x, DType dtype, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16) {
        V16 v = load16(x, dtype, i, n), e = gelu_exp(v);
        store16(y, dtype, i, n, v / (1.0f + e));
        store16(slope, dtype, i, n, gelu_slope(v, e));
    }
}

void KERNEL(gelu_tanh_slope)(const KernelCall *call)
{
    const Tensor *x = &call->in[0], *y = &call->out[0], *slope = &call->out[1];
    assert(is_fast_dtype(x->dtype) && y->dtype == x->dtype && slope->dtype == x->dtype);
    Pieces pieces = pieces_of((const Tensor *[]){y, slope, x}, 3);
#pragma omp parallel for schedule(static) if (pieces.count > PARALLEL_MIN)
    for (int64_t p = 0; p < pieces.n_pieces; p++) {
        Piece piece = piece_at(&pieces, p);
        WITH_FAST_DTYPE(x->dtype, D, gelu_slope_piece(piece_data(&pieces, y, piece), piece_data(&pieces, slope, piece), piece_data(&pieces, x, piece), D, piece.n))
    }
}
