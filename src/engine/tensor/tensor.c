#include "engine/tensor/tensor.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

Shape shape_1(int64_t d0)
{
    return (Shape){1, {d0}};
}

Shape shape_2(int64_t d0, int64_t d1)
{
    return (Shape){2, {d0, d1}};
}

Shape shape_3(int64_t d0, int64_t d1, int64_t d2)
{
    return (Shape){3, {d0, d1, d2}};
}

Shape shape_4(int64_t d0, int64_t d1, int64_t d2, int64_t d3)
{
    return (Shape){4, {d0, d1, d2, d3}};
}

/* A zero anywhere makes the count 0, but not the shape honest: the other dimensions are still checked. */
bool shape_count_checked(int64_t *count, Shape shape)
{
    if (shape.n_dims < 0 || shape.n_dims > TENSOR_DIMS_MAX)
        return false;
    int64_t product = 1;
    bool empty = false;
    for (int i = 0; i < shape.n_dims; i++) {
        if (shape.dim[i] < 0)
            return false;
        if (shape.dim[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(product, shape.dim[i], &product) || product > INT64_MAX / 8)
            return false;
    }
    *count = empty ? 0 : product;
    return true;
}

int64_t shape_count(Shape shape)
{
    int64_t count = 0;
    bool fits = shape_count_checked(&count, shape);
    assert(fits);
    return count;
}

bool shape_equal(Shape a, Shape b)
{
    if (a.n_dims != b.n_dims)
        return false;
    for (int i = 0; i < a.n_dims; i++)
        if (a.dim[i] != b.dim[i])
            return false;
    return true;
}

const char *shape_to_text(char text[SHAPE_TEXT_BYTES], Shape shape)
{
    assert(shape.n_dims >= 0 && shape.n_dims <= TENSOR_DIMS_MAX);
    int at = snprintf(text, SHAPE_TEXT_BYTES, "[");
    for (int i = 0; i < shape.n_dims; i++)
        at += snprintf(text + at, SHAPE_TEXT_BYTES - (size_t)at, "%s%" PRId64, i ? ", " : "", shape.dim[i]);
    snprintf(text + at, SHAPE_TEXT_BYTES - (size_t)at, "]");
    return text;
}

Tensor tensor_contiguous(DType dtype, Shape shape, void *data)
{
    Tensor tensor = {.dtype = dtype, .shape = shape, .data = data};
    int64_t stride = 1;
    for (int i = shape.n_dims - 1; i >= 0; i--) {
        tensor.stride[i] = stride;
        stride *= shape.dim[i] > 0 ? shape.dim[i] : 1;
    }
    return tensor;
}

bool tensor_is_contiguous(const Tensor *tensor)
{
    int64_t count = tensor_count(tensor);
    return count == 0 || tensor_run(tensor) == count;
}

int64_t tensor_dim(const Tensor *tensor, int i)
{
    assert(i >= 0 && i < tensor->shape.n_dims);
    return tensor->shape.dim[i];
}

int64_t tensor_count(const Tensor *tensor)
{
    return shape_count(tensor->shape);
}

size_t tensor_bytes(const Tensor *tensor)
{
    return (size_t)tensor_count(tensor) * (size_t)dtype_bytes(tensor->dtype);
}

int64_t tensor_offset(const Tensor *tensor, int64_t flat_index)
{
    assert(flat_index >= 0 && flat_index < tensor_count(tensor));
    int64_t element = 0;
    for (int i = tensor->shape.n_dims - 1; i >= 0; i--) {
        element += flat_index % tensor->shape.dim[i] * tensor->stride[i];
        flat_index /= tensor->shape.dim[i];
    }
    return element;
}

/* The stride of a dimension of size 1 is never walked, so any will do. */
int64_t tensor_run(const Tensor *tensor)
{
    int64_t run = 1;
    for (int i = tensor->shape.n_dims - 1; i >= 0; i--) {
        if (tensor->shape.dim[i] == 0)
            return 1;
        if (tensor->shape.dim[i] != 1 && tensor->stride[i] != run)
            return run;
        run *= tensor->shape.dim[i];
    }
    return run;
}

double tensor_get(const Tensor *tensor, int64_t flat_index)
{
    int64_t i = tensor_offset(tensor, flat_index);
    switch (tensor->dtype) {
    case DTYPE_F32: return ((const float *)tensor->data)[i];
    case DTYPE_F16: return f32_from_f16(((const uint16_t *)tensor->data)[i]);
    case DTYPE_BF16: return f32_from_bf16(((const uint16_t *)tensor->data)[i]);
    case DTYPE_F64: return ((const double *)tensor->data)[i];
    case DTYPE_I32: return ((const int32_t *)tensor->data)[i];
    case DTYPE_I64: return (double)((const int64_t *)tensor->data)[i];
    case DTYPE_U8: return ((const uint8_t *)tensor->data)[i];
    case DTYPE_COUNT: break;
    }
    assert(!"a dtype");
    return NAN;
}

/* `end` is the first double beyond the type: 2^63 is one, INT64_MAX is not. */
static int64_t integer_in_range(double value, double start, double end)
{
    assert(trunc(value) >= start && trunc(value) < end);
    return (int64_t)value;
}

void tensor_set(const Tensor *tensor, int64_t flat_index, double value)
{
    int64_t i = tensor_offset(tensor, flat_index);
    switch (tensor->dtype) {
    case DTYPE_F32: ((float *)tensor->data)[i] = (float)value; return;
    case DTYPE_F16: ((uint16_t *)tensor->data)[i] = f16_from_f64(value); return;
    case DTYPE_BF16: ((uint16_t *)tensor->data)[i] = bf16_from_f64(value); return;
    case DTYPE_F64: ((double *)tensor->data)[i] = value; return;
    case DTYPE_I32: ((int32_t *)tensor->data)[i] = (int32_t)integer_in_range(value, -0x1p31, 0x1p31); return;
    case DTYPE_I64: ((int64_t *)tensor->data)[i] = integer_in_range(value, -0x1p63, 0x1p63); return;
    case DTYPE_U8: ((uint8_t *)tensor->data)[i] = (uint8_t)integer_in_range(value, 0.0, 256.0); return;
    case DTYPE_COUNT: break;
    }
    assert(!"a dtype");
}
