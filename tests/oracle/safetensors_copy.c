/* safetensors_copy.c - for check_safetensors.py: reads a file through our reader and writes it through our writer. */
#include "base/arena.h"
#include "engine/tensor/safetensors.h"

#include <stdio.h>
#include <stdlib.h>

static Err copy_tensors(SafetensorsWriter *writer, const Safetensors *file, const SafetensorsEntry *entries, int n)
{
    for (int i = 0; i < n; i++) {
        const SafeTensor *found;
        TRY(safetensors_find(&found, file, entries[i].name));
        void *block = mem_alloc((size_t)found->n_elements * 8);
        Tensor tensor = tensor_contiguous(entries[i].dtype, entries[i].shape, block);
        Err err = safetensors_read(found, &tensor);
        if (err == OK)
            err = safetensors_writer_tensor(writer, &tensor);
        free(block);
        TRY(err);
    }
    return OK;
}

static Err copy(const char *from, const char *to)
{
    Safetensors *file;
    TRY(safetensors_open(&file, from));
    int n = safetensors_count(file);
    SafetensorsEntry *entries = mem_alloc((size_t)n * sizeof *entries);
    for (int i = 0; i < n; i++) {
        entries[i].name = safetensors_at(file, i)->name;
        TRY(safetensors_dtype(&entries[i].dtype, safetensors_at(file, i)));
        TRY(safetensors_shape(&entries[i].shape, safetensors_at(file, i)));
    }
    safetensors_sort_entries(entries, n);
    SafetensorsWriter *writer;
    TRY(safetensors_writer_open(&writer, to, entries, n));
    TRY(copy_tensors(writer, file, entries, n));
    TRY(safetensors_writer_commit(writer, NULL));
    safetensors_close(file);
    free(entries);
    return OK;
}

int main(int argc, char **argv)
{
    if (argc != 3 || copy(argv[1], argv[2]) != OK) {
        fprintf(stderr, "%s\n", argc == 3 ? err_message() : "usage: safetensors_copy FROM TO");
        return 1;
    }
    return 0;
}
