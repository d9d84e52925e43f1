#include "engine/tensor/dtype.h"

#include <assert.h>

static const struct {
    const char *name;
    int n_bytes;
} dtypes[DTYPE_COUNT] = {
    [DTYPE_F32] = {"f32", 4}, [DTYPE_BF16] = {"bf16", 2}, [DTYPE_F64] = {"f64", 8},
    [DTYPE_I32] = {"i32", 4}, [DTYPE_I64] = {"i64", 8},   [DTYPE_U8] = {"u8", 1},
};

int dtype_bytes(DType dtype)
{
    assert(dtype < DTYPE_COUNT);
    return dtypes[dtype].n_bytes;
}

const char *dtype_name(DType dtype)
{
    assert(dtype < DTYPE_COUNT);
    return dtypes[dtype].name;
}
