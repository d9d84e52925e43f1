/* part_fuzz.c - any bytes as the file of a unit, as a packed section, as documents: whole, or refused. */
#include "text/corpus/part.h"
#include "text/corpus/pipeline_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static Err count(void *context, StageDocument *document)
{
    *(size_t *)context += document->n_bytes + strlen(document->tags) + strlen(document->path) + strlen(document->charset);
    return OK;
}

static void open_file(const uint8_t *data, size_t n_bytes)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/part-fuzz-%d", (int)getpid());
    if (file_write(path, data, n_bytes) != OK)
        abort();
    uint64_t key = 0;
    if (n_bytes >= 16)
        memcpy(&key, data + 8, sizeof key);
    Part part;
    bool found;
    if (part_open(&part, path, key, &found) == OK && found)
        part_close(&part);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    open_file(data, n_bytes);
    const char *at = (const char *)data, *end = at + n_bytes, *record;
    size_t n, sum = 0;
    while (bytes_next_record(&at, end, &record, &n))
        sum += n;
    Bytes packed = {0}, unpacked;
    if (bytes_decompress(&unpacked, (const char *)data, n_bytes, "fuzz") == OK)
        bytes_free(&unpacked);
    bytes_add(&packed, data, n_bytes);
    bytes_compress(&packed, 1);
    Part part = {.section[SECTION_DOCUMENTS] = packed.bytes, .n_bytes[SECTION_DOCUMENTS] = packed.n};
    unit_each_document(&part, "fuzz", count, &sum);
    bytes_free(&packed);
    return sum == SIZE_MAX;
}
