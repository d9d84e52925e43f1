/* safetensors_read.c - from the bytes of a file to a tensor of ours. */
#include "engine/tensor/safetensors_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* What can be read. Data may lie at any address, so elements are fetched with memcpy. */
typedef enum { SOURCE_F64, SOURCE_F32, SOURCE_F16, SOURCE_BF16, SOURCE_I64, SOURCE_I32, SOURCE_U8, SOURCE_COUNT } Source;

static const struct {
    const char *name;
    DType dtype;
    int n_bytes;
    bool is_float;
} sources[SOURCE_COUNT] = {
    [SOURCE_F64] = {"F64", DTYPE_F64, 8, true},    [SOURCE_F32] = {"F32", DTYPE_F32, 4, true},
    [SOURCE_F16] = {"F16", DTYPE_F32, 2, true},    [SOURCE_BF16] = {"BF16", DTYPE_BF16, 2, true},
    [SOURCE_I64] = {"I64", DTYPE_I64, 8, false},   [SOURCE_I32] = {"I32", DTYPE_I32, 4, false},
    [SOURCE_U8] = {"U8", DTYPE_U8, 1, false},
};

static Err refuse(const SafeTensor *t, const char *why)
{
    return err_set(ERR_UNSUPPORTED, "%s: tensor \"%s\" at offset %" PRId64 ": %s", t->path, t->name, t->file_offset, why);
}

static Err find_source(Source *source, const SafeTensor *tensor)
{
    for (Source s = 0; s < SOURCE_COUNT; s++)
        if (strcmp(tensor->dtype_name, sources[s].name) == 0) {
            *source = s;
            return OK;
        }
    return err_set(ERR_UNSUPPORTED, "%s: tensor \"%s\" at offset %" PRId64 ": dtype %s cannot be read", tensor->path,
                   tensor->name, tensor->file_offset, tensor->dtype_name);
}

Err safetensors_dtype(DType *dtype, const SafeTensor *tensor)
{
    Source source;
    TRY(find_source(&source, tensor));
    *dtype = sources[source].dtype;
    return OK;
}

Err safetensors_shape(Shape *shape, const SafeTensor *tensor)
{
    if (tensor->n_dims > TENSOR_DIMS_MAX)
        return refuse(tensor, "more dimensions than a tensor may have");
    *shape = (Shape){.n_dims = tensor->n_dims};
    for (int i = 0; i < tensor->n_dims; i++)
        shape->dim[i] = tensor->dim[i];
    return OK;
}

static Err check_convertible(Source *source, const SafeTensor *tensor, DType dtype)
{
    TRY(find_source(source, tensor));
    bool wants_float = dtype == DTYPE_F32 || dtype == DTYPE_F64 || dtype_is_half(dtype);
    if (sources[*source].is_float ? wants_float : sources[*source].dtype == dtype)
        return OK;
    return err_set(ERR_UNSUPPORTED, "%s: tensor \"%s\" at offset %" PRId64 ": %s cannot be read as %s", tensor->path,
                   tensor->name, tensor->file_offset, tensor->dtype_name, dtype_name(dtype));
}

/* f64 holds every f32, f16 and bf16, so the only rounding is that of the store. */
static double fetch(Source source, const unsigned char *at)
{
    double f64;
    float f32;
    uint16_t half;
    switch (source) {
    case SOURCE_F64: memcpy(&f64, at, sizeof f64); return f64;
    case SOURCE_F32: memcpy(&f32, at, sizeof f32); return f32;
    case SOURCE_F16: memcpy(&half, at, sizeof half); return f32_from_f16(half);
    default: memcpy(&half, at, sizeof half); return f32_from_bf16(half);
    }
}

static void convert(DType dtype, void *block, Source source, const unsigned char *from, int64_t n)
{
    int64_t size = sources[source].n_bytes;
    bool is_same = source == SOURCE_F16 ? dtype == DTYPE_F16 : sources[source].dtype == dtype;
    if (is_same) {
        if (n)
            memcpy(block, from, (size_t)(n * size));
    } else if (dtype == DTYPE_F32) {
        float *to = block;
        for (int64_t i = 0; i < n; i++)
            to[i] = (float)fetch(source, from + i * size);
    } else if (dtype == DTYPE_BF16) {
        uint16_t *to = block;
        for (int64_t i = 0; i < n; i++)
            to[i] = bf16_from_f64(fetch(source, from + i * size));
    } else if (dtype == DTYPE_F16) {
        uint16_t *to = block;
        for (int64_t i = 0; i < n; i++)
            to[i] = f16_from_f64(fetch(source, from + i * size));
    } else {
        double *to = block;
        for (int64_t i = 0; i < n; i++)
            to[i] = fetch(source, from + i * size);
    }
}

Err safetensors_read_range(const SafeTensor *tensor, int64_t first, int64_t n_elements, DType dtype, void *block)
{
    assert(first >= 0 && n_elements >= 0 && first <= tensor->n_elements - n_elements);
    Source source;
    TRY(check_convertible(&source, tensor, dtype));
    convert(dtype, block, source, tensor->data + first * sources[source].n_bytes, n_elements);
    return OK;
}

Err safetensors_read(const SafeTensor *tensor, const Tensor *into)
{
    Shape shape;
    Source source;
    TRY(safetensors_shape(&shape, tensor));
    TRY(check_convertible(&source, tensor, into->dtype));
    if (!shape_equal(shape, into->shape)) {
        char found[SHAPE_TEXT_BYTES], wanted[SHAPE_TEXT_BYTES];
        return err_set(ERR_FORMAT, "%s: tensor \"%s\" at offset %" PRId64 ": shape %s, expected %s", tensor->path,
                       tensor->name, tensor->file_offset, shape_to_text(found, shape), shape_to_text(wanted, into->shape));
    }
    int64_t run = tensor_run(into), size = dtype_bytes(into->dtype);
    for (int64_t i = 0; i < tensor->n_elements; i += run)
        convert(into->dtype, (unsigned char *)into->data + tensor_offset(into, i) * size, source,
                tensor->data + i * sources[source].n_bytes, run);
    return OK;
}
