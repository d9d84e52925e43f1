/* safetensors_internal.h - one file's header, as safetensors_header.c reads it and safetensors.c gathers it. */
#ifndef ENGINE_TENSOR_SAFETENSORS_INTERNAL_H
#define ENGINE_TENSOR_SAFETENSORS_INTERNAL_H

#include "base/arena.h"
#include "engine/tensor/safetensors.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "data is copied as it lies in the file");

typedef struct {
    const char *key, *value;
} SafetensorsMetadata;

/* Lists own their memory (mem_realloc); what entries point to lives in the arena. */
typedef struct {
    SafeTensor *tensors;  /* in data order */
    int n_tensors;
    SafetensorsMetadata *metadata;
    int n_metadata;
} SafetensorsHeader;

/* Reads and checks a whole file that lies at `bytes`. `path` is borrowed, for messages and for SafeTensor.path.
 * The header is to be freed whether or not there was an error. */
Err safetensors_header_read(SafetensorsHeader *header, Arena *arena, const char *path, const unsigned char *bytes,
                            size_t n_bytes);
void safetensors_header_free(SafetensorsHeader *header);

#endif
