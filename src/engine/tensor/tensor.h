/* tensor.h - a shape, and a view of numbers in memory.
 *
 * A Tensor says where its numbers lie and how to walk them; it borrows them and is passed around by value or pointer
 * like any small struct. Strides count elements. A *flat index* counts elements in row-major order of the shape (the
 * last dimension runs fastest), whatever the strides are. */
#ifndef ENGINE_TENSOR_TENSOR_H
#define ENGINE_TENSOR_TENSOR_H

#include "engine/tensor/dtype.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TENSOR_DIMS_MAX = 4 };

/* n_dims 0 is a scalar: one element. A dimension may be 0: then there are none. Entries from n_dims on are not read. */
typedef struct {
    int n_dims;
    int64_t dim[TENSOR_DIMS_MAX];
} Shape;

Shape shape_1(int64_t d0);
Shape shape_2(int64_t d0, int64_t d1);
Shape shape_3(int64_t d0, int64_t d1, int64_t d2);
Shape shape_4(int64_t d0, int64_t d1, int64_t d2, int64_t d3);

/* Elements. A product beyond INT64_MAX / 8 (so that bytes fit as well) or a negative dimension is our bug: it meets an
 * assert. Shapes that come from the world ask shape_count_checked first. */
int64_t shape_count(Shape shape);
bool shape_count_checked(int64_t *count, Shape shape);  /* false for what shape_count would refuse */
bool shape_equal(Shape a, Shape b);

/* "[2, 3]"; "[]" for a scalar. SHAPE_TEXT_BYTES always suffice; returns `text`, for messages. */
enum { SHAPE_TEXT_BYTES = 96 };
const char *shape_to_text(char text[SHAPE_TEXT_BYTES], Shape shape);

typedef struct {
    DType dtype;
    Shape shape;
    int64_t stride[TENSOR_DIMS_MAX];
    void *data;
} Tensor;

/* A row-major view of `data`, which the caller keeps alive. */
Tensor tensor_contiguous(DType dtype, Shape shape, void *data);
bool tensor_is_contiguous(const Tensor *tensor);
int64_t tensor_dim(const Tensor *tensor, int i);  /* i < n_dims */
int64_t tensor_count(const Tensor *tensor);
/* Bytes of the elements themselves; what a strided view leaves out is not counted. */
size_t tensor_bytes(const Tensor *tensor);

/* Where an element lies, in elements from `data`. */
int64_t tensor_offset(const Tensor *tensor, int64_t flat_index);
/* Copies can go by runs: from each multiple of it on, this many elements in row-major order lie side by side. At least 1
 * and a divisor of the count; 1 for an empty tensor. */
int64_t tensor_run(const Tensor *tensor);

/* Any dtype as double, for reference kernels and tests. Integers beyond 2^53 round on the way out. */
double tensor_get(const Tensor *tensor, int64_t flat_index);
/* Rounds once, at the store, to nearest, ties to even, and never twice: bf16 and fp16 are rounded from the double itself.
 * Integers truncate toward zero; a value outside their range, or NaN, is our bug. */
void tensor_set(const Tensor *tensor, int64_t flat_index, double value);

#endif
