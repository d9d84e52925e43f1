/* silu_gate_cpu.c - one exponential an element, forward and backward. */
#include "engine/op/simd_rows.h"

SIMD_INLINE void silu_piece(void *y, DType y_dtype, const void *gate, DType gate_dtype, const void *up, DType up_dtype, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16) {
        V16 a = load16(gate, gate_dtype, i, n);
        store16(y, y_dtype, i, n, a / (1.0f + v16_exp(-a)) * load16(up, up_dtype, i, n));
    }
}

static void silu_pieces(const Pieces *pieces, const KernelCall *call, int64_t begin, int64_t end)
{
    const Tensor *gate = &call->in[0], *up = &call->in[1], *y = &call->out[0];
    for (int64_t p = begin; p < end; p++) {
        Piece piece = piece_at(pieces, p);
        silu_piece(piece_data(pieces, y, piece), y->dtype, piece_data(pieces, gate, piece), gate->dtype, piece_data(pieces, up, piece), up->dtype, piece.n);
    }
}

void KERNEL(silu_gate)(const KernelCall *call)
{
    const Tensor *gate = &call->in[0], *up = &call->in[1], *y = &call->out[0];
    assert(is_fast_dtype(gate->dtype) && is_fast_dtype(up->dtype) && is_fast_dtype(y->dtype));
    Pieces pieces = pieces_of((const Tensor *[]){y, gate, up}, 3);
    if (pieces.count <= PARALLEL_MIN) {
        silu_pieces(&pieces, call, 0, pieces.n_pieces);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t p = 0; p < pieces.n_pieces; p++)
        silu_pieces(&pieces, call, p, p + 1);
}

void KERNEL(silu_gate_backward)(const KernelCall *call)
{
    const Tensor *gate = &call->in[0], *up = &call->in[1], *dy = &call->in[2];
    const Tensor *dgate = &call->out[0], *dup = &call->out[1];
    assert(is_fast_dtype(gate->dtype) && is_fast_dtype(up->dtype) && is_fast_dtype(dy->dtype));
    Pieces pieces = pieces_of((const Tensor *[]){dgate, dup, gate, up, dy}, 5);
#pragma omp parallel for schedule(static) if (pieces.count > PARALLEL_MIN)
    for (int64_t p = 0; p < pieces.n_pieces; p++) {
        Piece piece = piece_at(&pieces, p);
        const void *a_row = piece_data(&pieces, gate, piece), *b_row = piece_data(&pieces, up, piece);
        const void *dy_row = piece_data(&pieces, dy, piece);
        void *da_row = piece_data(&pieces, dgate, piece), *db_row = piece_data(&pieces, dup, piece);
        for (int64_t i = 0; i < piece.n; i += 16) {
            V16 a = load16(a_row, gate->dtype, i, piece.n), b = load16(b_row, up->dtype, i, piece.n);
            V16 g = load16(dy_row, dy->dtype, i, piece.n);
            V16 e = v16_min(v16_set1(1e30f), v16_exp(-a)), s = 1.0f / (1.0f + e);  /* 1 - s is e s, which loses no digits */
            store16(da_row, gate->dtype, i, piece.n, g * b * v16_fma(a * s, e * s, s));
            store16(db_row, up->dtype, i, piece.n, g * (a * s));
        }
    }
}
