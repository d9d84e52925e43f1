/* bench_operands.c - see bench_internal.h. */
#include "study/bench/bench_internal.h"

size_t bench_matrix_bytes(int64_t n_elements, DType dtype)
{
    enum { PAGE = 4096 };
    return ((size_t)n_elements * (size_t)dtype_bytes(dtype) + PAGE - 1) / PAGE * PAGE;
}

void bench_fill(void *block, size_t n_bytes, DType dtype)
{
    for (size_t i = 0; i < n_bytes / (size_t)dtype_bytes(dtype); i++) {
        float value = (float)((int)(i * 2654435761u >> 16 & 0xffff) - 32768) / 32768.0f;
        if (dtype == DTYPE_BF16)
            ((uint16_t *)block)[i] = bf16_from_f32(value);
        else if (dtype == DTYPE_F16)
            ((uint16_t *)block)[i] = f16_from_f32(value);
        else
            ((float *)block)[i] = value;
    }
}
