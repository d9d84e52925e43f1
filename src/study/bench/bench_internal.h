/* bench_internal.h - operands of measured products, and medians, for this room. */
#ifndef STUDY_BENCH_INTERNAL_H
#define STUDY_BENCH_INTERNAL_H

#include "engine/tensor/dtype.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of a matrix of so many elements, rounded up to whole pages: each begins on its own. */
size_t bench_matrix_bytes(int64_t n_elements, DType dtype);
/* Values in [-1, 1) in no pattern that a kernel could meet. dtype: f32, bf16 or fp16. */
void bench_fill(void *block, size_t n_bytes, DType dtype);

/* Of n >= 1 values, which it sorts; the mean of the middle two if n is even. */
double bench_median(double *values, int64_t n);

#endif
