/* safetensors.h - the file format of Hugging Face weights (https://github.com/huggingface/safetensors).
 *
 *     8 bytes   length of the header, little-endian
 *     header    JSON: {"__metadata__": {...}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
 *     data      the tensors, row-major, little-endian, one after the other without gaps
 *
 * A file is mapped, checked whole when it is opened, and then read in place: opening costs the header, not the weights.
 * Offsets in messages count from the start of the file. */
#ifndef ENGINE_TENSOR_SAFETENSORS_H
#define ENGINE_TENSOR_SAFETENSORS_H

#include "base/err.h"
#include "engine/tensor/tensor.h"

#include <stdbool.h>
#include <stdint.h>

/* One tensor of a file. Everything is borrowed from the Safetensors. `data` has whatever alignment the file gave it:
 * files exist (the well-known gpt2 among them) whose header has an odd length. */
typedef struct {
    const char *name;
    const char *path;        /* of the file that holds it */
    const char *dtype_name;  /* as the file says it: "F32", "BF16", "F16", "F8_E4M3", ... */
    int n_dims;              /* any number; more than TENSOR_DIMS_MAX can be listed, not read */
    const int64_t *dim;
    int64_t n_elements, n_bytes;
    int64_t file_offset;
    const unsigned char *data;
} SafeTensor;

typedef struct Safetensors Safetensors;

/* Opens a .safetensors file, a sharded checkpoint by its "*.index.json", or a folder that holds model.safetensors or
 * model.safetensors.index.json. A sharded checkpoint looks like one file: its index decides which tensors it has, and each
 * must be where the index says. Everything a file can get wrong is found here.
 * ERR_IO: cannot be read. ERR_FORMAT: not what the format promises. ERR_UNSUPPORTED: a dtype nobody had heard of. */
Err safetensors_open(Safetensors **out, const char *path);
void safetensors_close(Safetensors *file);  /* NULL is fine */

/* Tensors in the order of their data, shards in the order of their names. */
int safetensors_count(const Safetensors *file);
const SafeTensor *safetensors_at(const Safetensors *file, int i);
/* ERR_FORMAT names the file and the tensor it lacks. */
Err safetensors_find(const SafeTensor **out, const Safetensors *file, const char *name);
bool safetensors_has(const Safetensors *file, const char *name);
/* A value of __metadata__ of the file, or of the first shard; NULL when absent. */
const char *safetensors_metadata(const Safetensors *file, const char *key);

/* The dtype in which a tensor of the file is most at home among ours: its own, or f32 for F16.
 * ERR_UNSUPPORTED names a dtype that cannot be read. */
Err safetensors_dtype(DType *dtype, const SafeTensor *tensor);
/* ERR_UNSUPPORTED: more than TENSOR_DIMS_MAX dimensions. */
Err safetensors_shape(Shape *shape, const SafeTensor *tensor);

/* Copies a tensor into `into`, which may be strided and lives with the caller; shapes must be equal. F64, F32, F16 and BF16
 * convert to f64, f32, bf16 and fp16, rounding once; integers are only copied as they are. */
Err safetensors_read(const SafeTensor *tensor, const Tensor *into);
/* The same for n_elements from flat index `first` on, into a contiguous block: a rank's rows, an expert of a stack.
 * The range lies inside the tensor. */
Err safetensors_read_range(const SafeTensor *tensor, int64_t first, int64_t n_elements, DType dtype, void *block);

/* --- writing --- */

typedef struct {
    const char *name;
    DType dtype;
    Shape shape;
} SafetensorsEntry;

/* Sorts wide formats first, then by name: the order of the reference implementation, in which every tensor is aligned. */
void safetensors_sort_entries(SafetensorsEntry *entries, int n_entries);

typedef struct SafetensorsWriter SafetensorsWriter;

/* Starts a file at `path` that becomes visible, whole, at commit. Data follows in the order of `entries`, which must leave
 * each tensor aligned to its element (safetensors_sort_entries does); names are unique UTF-8. Metadata is {"format": "pt"},
 * which transformers asks for. The entries are borrowed until the writer ends. */
Err safetensors_writer_open(SafetensorsWriter **out, const char *path, const SafetensorsEntry *entries, int n_entries);
/* The next tensor; its dtype and shape are those of its entry. */
Err safetensors_writer_tensor(SafetensorsWriter *writer, const Tensor *tensor);
/* The next bytes of a tensor that comes in pieces; a piece does not reach into the tensor after it. */
Err safetensors_writer_bytes(SafetensorsWriter *writer, const void *bytes, size_t n_bytes);
/* Every byte promised by the entries has been written. `hash` (may be NULL) gets XXH3-64 of the file. Frees the writer. */
Err safetensors_writer_commit(SafetensorsWriter *writer, uint64_t *hash);
void safetensors_writer_abort(SafetensorsWriter *writer);  /* leaves no file; NULL is fine */

#endif
