/* part.h - a small file of named sections: what one unit of work leaves behind. Private to the pipeline.
 *
 *     8 bytes "JKPART1\0"   u64 key   u64 hash of all that follows   u64 n_bytes[N_SECTIONS]   the sections, one after another
 * It is whole or absent, and belongs to one key: what was made from what. */
#ifndef CORPUS_PART_H
#define CORPUS_PART_H

#include "base/err.h"
#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *bytes;
    size_t n, room;
} Bytes;  /* a buffer that grows; zeroed is empty */
void bytes_add(Bytes *buffer, const void *bytes, size_t n_bytes);
void bytes_add_record(Bytes *buffer, const void *bytes, size_t n_bytes);  /* u64 length, the bytes, zeros up to a multiple of 8 */
void bytes_free(Bytes *buffer);
/* The next record of a section at *at; false at the end. */
bool bytes_next_record(const char **at, const char *end, const char **bytes, size_t *n_bytes);
/* In place; the frames of several buffers one after another are one Zstandard file. */
void bytes_compress(Bytes *buffer, int level);
/* What bytes_compress made; ERR_FORMAT: it was not. */
Err bytes_decompress(Bytes *into, const char *bytes, size_t n_bytes, const char *name);

/* A file that a kill leaves whole or absent, but a power cut perhaps empty: it is not flushed to the disk, for there are many of them and
 * whoever opens one sees whether it is whole. */
Err unit_file_write(const char *path, const Bytes *pieces, int n_pieces);

enum { PART_SECTIONS = 48 };
Err part_write(const char *path, uint64_t key, const Bytes sections[PART_SECTIONS]);

typedef struct {
    FileMap map;
    const char *section[PART_SECTIONS];
    size_t n_bytes[PART_SECTIONS];
} Part;
/* *found is false when the file is absent, of another key, or damaged: then it is made again. */
Err part_open(Part *part, const char *path, uint64_t key, bool *found);
void part_close(Part *part);

#endif
