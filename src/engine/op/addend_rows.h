/* addend_rows.h - see addend.h: what fast kernels do with an addend. For *_cpu.c only. */
#ifndef ENGINE_OP_ADDEND_ROWS_H
#define ENGINE_OP_ADDEND_ROWS_H

#include "engine/op/simd_rows.h"

/* Stores x, or addend + x if there is one, x being rounded to `dtype` before: the bits of operator add upon what was stored. And once more, rounded to
 * copy_dtype, if there is a copy: of an f32 the bits of operator cast. */
SIMD_INLINE void store16_added(void *row, const void *addend, DType dtype, void *copy, DType copy_dtype, int64_t i, int64_t n, V16 x)
{
    if (addend && dtype != DTYPE_F32) {
        store16(row, dtype, i, n, x);
        x = load16(row, dtype, i, n);
    }
    if (addend)
        x = load16(addend, dtype, i, n) + x;
    store16(row, dtype, i, n, x);
    if (copy)
        store16(copy, copy_dtype, i, n, x);
}

#endif
