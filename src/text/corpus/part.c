/* part.c - sections in a file. */
#include "text/corpus/part.h"

#include "base/arena.h"
#include "text/corpus/hash.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

typedef struct {
    char magic[8];
    uint64_t key, hash, n_bytes[PART_SECTIONS];
} PartHead;

static const char magic[8] = "JKPART1";

static void bytes_reserve(Bytes *buffer, size_t n_more)
{
    if (buffer->n + n_more <= buffer->room)
        return;
    buffer->room = 2 * (buffer->n + n_more) + 4096;
    buffer->bytes = mem_realloc(buffer->bytes, buffer->room);
}

void bytes_add(Bytes *buffer, const void *bytes, size_t n_bytes)
{
    bytes_reserve(buffer, n_bytes);
    if (n_bytes > 0)
        memcpy(buffer->bytes + buffer->n, bytes, n_bytes);
    buffer->n += n_bytes;
}

void bytes_add_record(Bytes *buffer, const void *bytes, size_t n_bytes)
{
    static const char zeros[8];
    uint64_t length = n_bytes;
    bytes_add(buffer, &length, sizeof length);
    bytes_add(buffer, bytes, n_bytes);
    bytes_add(buffer, zeros, -n_bytes & 7);
}

bool bytes_next_record(const char **at, const char *end, const char **bytes, size_t *n_bytes)
{
    uint64_t length;
    if ((size_t)(end - *at) < sizeof length)
        return false;
    memcpy(&length, *at, sizeof length);
    size_t n_left = (size_t)(end - *at) - sizeof length;
    if (length > n_left || (-length & 7) > n_left - length)
        return false;
    *bytes = *at + sizeof length;
    *n_bytes = length;
    *at += sizeof length + length + (-length & 7);
    return true;
}

void bytes_free(Bytes *buffer)
{
    free(buffer->bytes);
    *buffer = (Bytes){0};
}

void bytes_compress(Bytes *buffer, int level)
{
    if (buffer->n == 0)
        return;
    Bytes packed = {0};
    bytes_reserve(&packed, ZSTD_compressBound(buffer->n));
    packed.n = ZSTD_compress(packed.bytes, packed.room, buffer->bytes, buffer->n, level);
    assert(!ZSTD_isError(packed.n));
    bytes_free(buffer);
    *buffer = packed;
}

/* A block of Zstandard holds at most 128 kB in at least 4 bytes: what promises more is damaged, and no memory is asked for it. */
enum { MOST_PACKED = (128 << 10) / 4 };

Err bytes_decompress(Bytes *into, const char *bytes, size_t n_bytes, const char *name)
{
    *into = (Bytes){0};
    if (n_bytes == 0)
        return OK;
    unsigned long long n = ZSTD_getFrameContentSize(bytes, n_bytes);
    if (n == ZSTD_CONTENTSIZE_ERROR || n == ZSTD_CONTENTSIZE_UNKNOWN || n / MOST_PACKED > n_bytes)
        return err_set(ERR_FORMAT, "%s: damaged", name);
    bytes_reserve(into, n);
    into->n = ZSTD_decompress(into->bytes, into->room, bytes, n_bytes);
    if (!ZSTD_isError(into->n) && into->n == n)
        return OK;
    bytes_free(into);
    return err_set(ERR_FORMAT, "%s: damaged", name);
}

Err unit_file_write(const char *path, const Bytes *pieces, int n_pieces)
{
    char name[4096];
    snprintf(name, sizeof name, "%s.tmp-%ld", path, (long)getpid());
    FILE *file = fopen(name, "wb");
    bool fine = file != NULL;
    for (int i = 0; i < n_pieces && fine; i++)
        fine = pieces[i].n == 0 || fwrite(pieces[i].bytes, pieces[i].n, 1, file) == 1;
    if (file)
        fine = fclose(file) == 0 && fine;
    if (fine && rename(name, path) == 0)
        return OK;
    Err err = err_set(ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    unlink(name);
    return err;
}

Err part_write(const char *path, uint64_t key, const Bytes sections[PART_SECTIONS])
{
    PartHead head = {.key = key};
    memcpy(head.magic, magic, sizeof magic);
    uint64_t hash = 0;
    for (int i = 0; i < PART_SECTIONS; i++) {
        head.n_bytes[i] = sections[i].n;
        hash = hash64(sections[i].bytes, sections[i].n, hash + sections[i].n);
    }
    head.hash = hash;
    Bytes pieces[PART_SECTIONS + 1] = {{(char *)&head, sizeof head, 0}};
    memcpy(pieces + 1, sections, PART_SECTIONS * sizeof *sections);
    return unit_file_write(path, pieces, PART_SECTIONS + 1);
}

static bool part_is_whole(Part *part, uint64_t key)
{
    PartHead head;
    if (part->map.n_bytes < sizeof head)
        return false;
    memcpy(&head, part->map.bytes, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0 || head.key != key)
        return false;
    size_t at = sizeof head;
    uint64_t hash = 0;
    for (int i = 0; i < PART_SECTIONS; i++) {
        if (head.n_bytes[i] > part->map.n_bytes - at)
            return false;
        part->section[i] = (const char *)part->map.bytes + at;
        part->n_bytes[i] = head.n_bytes[i];
        hash = hash64(part->section[i], part->n_bytes[i], hash + part->n_bytes[i]);
        at += head.n_bytes[i];
    }
    return at == part->map.n_bytes && hash == head.hash;
}

Err part_open(Part *part, const char *path, uint64_t key, bool *found)
{
    *part = (Part){0};
    *found = file_exists(path);
    if (!*found)
        return OK;
    TRY(file_map(&part->map, path));
    *found = part_is_whole(part, key);
    if (!*found)
        part_close(part);
    return OK;
}

void part_close(Part *part)
{
    file_unmap(&part->map);
    *part = (Part){0};
}
