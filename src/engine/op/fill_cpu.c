/* fill_cpu.c - one element made by tensor_set, copied sixty-four bytes at a time: any dtype. */
#include "engine/op/simd_rows.h"

void KERNEL(fill)(const KernelCall *call)
{
    const Tensor *y = &call->out[0];
    int64_t size = dtype_bytes(y->dtype);
    _Alignas(64) char pattern[64];
    Tensor elements = tensor_contiguous(y->dtype, shape_1(64 / size), pattern);
    for (int64_t i = 0; i < 64 / size; i++)
        tensor_set(&elements, i, *(const double *)call->attr);
    Pieces pieces = pieces_of((const Tensor *[]){y}, 1);
#pragma omp parallel for schedule(static) if (pieces.count > PARALLEL_MIN)
    for (int64_t p = 0; p < pieces.n_pieces; p++) {
        Piece piece = piece_at(&pieces, p);
        char *to = piece_data(&pieces, y, piece);
        int64_t n_bytes = piece.n * size, i = 0;
        for (; i + 64 <= n_bytes; i += 64)  /* a size that the compiler knows: no call */
            memcpy(to + i, pattern, 64);
        memcpy(to + i, pattern, (size_t)(n_bytes - i));
    }
}
