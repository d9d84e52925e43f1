/* safetensors_fuzz.c - hostile files: whatever passes the checks must be readable to its last byte. */
#include "engine/tensor/safetensors_internal.h"

#include <stdlib.h>

static void read_whole(const SafeTensor *tensor)
{
    DType dtype;
    if (tensor->n_elements > 1 << 16 || safetensors_dtype(&dtype, tensor) != OK)
        return;
    void *block = mem_alloc((size_t)tensor->n_elements * 8);
    if (safetensors_read_range(tensor, 0, tensor->n_elements, dtype, block) != OK)
        abort();
    Shape shape;
    if (safetensors_shape(&shape, tensor) == OK) {
        Tensor into = tensor_contiguous(dtype, shape, block);
        if (safetensors_read(tensor, &into) != OK)
            abort();
    }
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    Arena *arena = arena_new();
    SafetensorsHeader header;
    if (safetensors_header_read(&header, arena, "fuzz", bytes, n_bytes) == OK) {
        int64_t n_data_bytes = 0;
        for (int i = 0; i < header.n_tensors; i++) {
            n_data_bytes += header.tensors[i].n_bytes;
            read_whole(&header.tensors[i]);
        }
        if (n_data_bytes > (int64_t)n_bytes)
            abort();
    }
    safetensors_header_free(&header);
    arena_free(arena);
    return 0;
}
