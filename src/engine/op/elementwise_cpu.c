/* elementwise_cpu.c - add, mul, scale, cast and the writing of states, sixteen at a time, in pieces that threads share out. Bound by memory. */
#include "engine/op/simd_rows.h"

typedef enum { ADD, MUL, SCALE, COPY } Action;

SIMD_INLINE V16 act(Action action, V16 a, V16 b)
{
    switch (action) {
    case ADD: return a + b;
    case MUL:
    case SCALE: return a * b;
    case COPY: break;
    }
    return a;
}

/* One piece with everything that chooses code known to the compiler. */
SIMD_INLINE void elementwise_piece(Action action, void *y, DType y_dtype, const void *a, DType a_dtype, const void *b,
                                   DType b_dtype, V16 factor, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16) {
        V16 second = action == SCALE ? factor : action == COPY ? v16_zero() : load16(b, b_dtype, i, n);
        store16(y, y_dtype, i, n, act(action, load16(a, a_dtype, i, n), second));
    }
}

SIMD_INLINE void elementwise_pieces(Action action, const Pieces *pieces, const Tensor *y, const Tensor *a, const Tensor *b, V16 factors, int64_t begin,
                                    int64_t end)
{
    for (int64_t p = begin; p < end; p++) {
        Piece piece = piece_at(pieces, p);
        void *to = piece_data(pieces, y, piece);
        const void *first = piece_data(pieces, a, piece), *second = piece_data(pieces, b, piece);
        if (a->dtype == y->dtype && b->dtype == y->dtype) {
            WITH_FAST_DTYPE(y->dtype, D, elementwise_piece(action, to, D, first, D, second, D, factors, piece.n))
        } else {
            elementwise_piece(action, to, y->dtype, first, a->dtype, second, b->dtype, factors, piece.n);
        }
    }
}

SIMD_INLINE void elementwise(Action action, const KernelCall *call, float factor)
{
    const Tensor *a = &call->in[0], *b = action == ADD || action == MUL ? &call->in[1] : a, *y = &call->out[0];
    assert(is_fast_dtype(a->dtype) && is_fast_dtype(b->dtype) && is_fast_dtype(y->dtype));
    Pieces pieces = pieces_of((const Tensor *[]){y, a, b}, 3);
    V16 factors = v16_set1(factor);
    if (pieces.count <= PARALLEL_MIN) {
        elementwise_pieces(action, &pieces, y, a, b, factors, 0, pieces.n_pieces);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t p = 0; p < pieces.n_pieces; p++)
        elementwise_pieces(action, &pieces, y, a, b, factors, p, p + 1);
}

void KERNEL(add)(const KernelCall *call)
{
    elementwise(ADD, call, 0.0f);
}

void KERNEL(mul)(const KernelCall *call)
{
    elementwise(MUL, call, 0.0f);
}

void KERNEL(scale)(const KernelCall *call)
{
    elementwise(SCALE, call, (float)*(const double *)call->attr);
}

void KERNEL(cast)(const KernelCall *call)
{
    elementwise(COPY, call, 0.0f);
}

/* in[0] is the state, and lies where out[0] does. */
void KERNEL(state_add)(const KernelCall *call)
{
    elementwise(ADD, call, 0.0f);
}

void KERNEL(state_store)(const KernelCall *call)
{
    KernelCall copy = *call;
    copy.in++;
    elementwise(COPY, &copy, 0.0f);
}
