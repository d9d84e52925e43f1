/* safetensors_write.c - header first, then tensors as they come. */
#include "engine/tensor/safetensors_internal.h"

#include "base/file.h"
#include "base/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct SafetensorsWriter {
    FileWriter *file;
    const SafetensorsEntry *entries;
    int n_entries, next;     /* next: the entry whose data is awaited */
    int64_t n_bytes_of_next; /* already given */
};

/* The reference sorts by its list of formats, widest last, from the end. */
static const struct {
    const char *name;
    int order;
} formats[DTYPE_COUNT] = {
    [DTYPE_I64] = {"I64", 0}, [DTYPE_F64] = {"F64", 1},   [DTYPE_F32] = {"F32", 2},
    [DTYPE_I32] = {"I32", 3}, [DTYPE_BF16] = {"BF16", 4}, [DTYPE_F16] = {"F16", 5},
    [DTYPE_U8] = {"U8", 6},
};

static int compare_entries(const void *a, const void *b)
{
    const SafetensorsEntry *x = a, *y = b;
    int by_dtype = formats[x->dtype].order - formats[y->dtype].order;
    return by_dtype ? by_dtype : strcmp(x->name, y->name);
}

void safetensors_sort_entries(SafetensorsEntry *entries, int n_entries)
{
    if (n_entries)
        qsort(entries, (size_t)n_entries, sizeof *entries, compare_entries);
}

static int64_t entry_bytes(const SafetensorsEntry *entry)
{
    return shape_count(entry->shape) * dtype_bytes(entry->dtype);
}

static void write_header_json(JsonWriter *json, const SafetensorsEntry *entries, int n_entries)
{
    int64_t at = 0;
    json_write_object_begin(json);
    json_write_key(json, "__metadata__");
    json_write_object_begin(json);
    json_field_string(json, "format", "pt");
    json_write_object_end(json);
    for (int i = 0; i < n_entries; i++) {
        const SafetensorsEntry *entry = &entries[i];
        assert(at % dtype_bytes(entry->dtype) == 0);
        json_write_key(json, entry->name);
        json_write_object_begin(json);
        json_field_string(json, "dtype", formats[entry->dtype].name);
        json_write_key(json, "shape");
        json_write_array_begin(json);
        for (int d = 0; d < entry->shape.n_dims; d++)
            json_write_int(json, entry->shape.dim[d]);
        json_write_array_end(json);
        json_write_key(json, "data_offsets");
        json_write_array_begin(json);
        json_write_int(json, at);
        json_write_int(json, at += entry_bytes(entry));
        json_write_array_end(json);
        json_write_object_end(json);
    }
    json_write_object_end(json);
}

/* Spaces after the JSON bring the data to a multiple of 8. */
static Err write_header(FileWriter *file, const char *text, size_t n_bytes)
{
    static const char spaces[] = "       ";
    size_t n_spaces = (8 - n_bytes % 8) % 8;
    uint64_t length = n_bytes + n_spaces;
    TRY(file_writer_write(file, &length, sizeof length));
    TRY(file_writer_write(file, text, n_bytes));
    return file_writer_write(file, spaces, n_spaces);
}

Err safetensors_writer_open(SafetensorsWriter **out, const char *path, const SafetensorsEntry *entries, int n_entries)
{
    FileWriter *file;
    TRY(file_writer_open(&file, path));
    JsonWriter *json = json_writer_new(0);
    write_header_json(json, entries, n_entries);
    size_t n_bytes;
    const char *text = json_writer_text(json, &n_bytes);
    Err err = write_header(file, text, n_bytes);
    json_writer_free(json);
    if (err != OK) {
        file_writer_abort(file);
        return err;
    }
    SafetensorsWriter *writer = mem_alloc(sizeof *writer);
    *writer = (SafetensorsWriter){.file = file, .entries = entries, .n_entries = n_entries};
    *out = writer;
    return OK;
}

static void pass_empty_entries(SafetensorsWriter *writer)
{
    while (writer->next < writer->n_entries && entry_bytes(&writer->entries[writer->next]) == 0)
        writer->next++;
}

Err safetensors_writer_bytes(SafetensorsWriter *writer, const void *bytes, size_t n_bytes)
{
    if (n_bytes == 0)
        return OK;
    pass_empty_entries(writer);
    assert(writer->next < writer->n_entries);
    int64_t n_bytes_wanted = entry_bytes(&writer->entries[writer->next]) - writer->n_bytes_of_next;
    assert((int64_t)n_bytes <= n_bytes_wanted);
    writer->n_bytes_of_next += (int64_t)n_bytes;
    if ((int64_t)n_bytes == n_bytes_wanted) {
        writer->next++;
        writer->n_bytes_of_next = 0;
    }
    return file_writer_write(writer->file, bytes, n_bytes);
}

Err safetensors_writer_tensor(SafetensorsWriter *writer, const Tensor *tensor)
{
    assert(writer->next < writer->n_entries && writer->n_bytes_of_next == 0);
    const SafetensorsEntry *entry = &writer->entries[writer->next];
    assert(entry->dtype == tensor->dtype);
    assert(shape_equal(entry->shape, tensor->shape));
    int64_t count = tensor_count(tensor), run = tensor_run(tensor), size = dtype_bytes(tensor->dtype);
    if (count == 0)
        writer->next++;
    for (int64_t i = 0; i < count; i += run)
        TRY(safetensors_writer_bytes(writer, (const unsigned char *)tensor->data + tensor_offset(tensor, i) * size,
                                     (size_t)(run * size)));
    return OK;
}

Err safetensors_writer_commit(SafetensorsWriter *writer, uint64_t *hash)
{
    pass_empty_entries(writer);
    assert(writer->next == writer->n_entries);
    if (hash)
        *hash = file_writer_hash(writer->file);
    Err err = file_writer_commit(writer->file);
    free(writer);
    return err;
}

void safetensors_writer_abort(SafetensorsWriter *writer)
{
    if (!writer)
        return;
    file_writer_abort(writer->file);
    free(writer);
}
