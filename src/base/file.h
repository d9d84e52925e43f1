/* file.h - files that are whole or absent, and large memory.
 *
 * Every file that Jikji writes for keeps goes through FileWriter: bytes go to "path.tmp-PID" beside the target, are
 * flushed and fsynced, then renamed over the target, then the folder is fsynced. A reader sees the old file or the new
 * one, never half of one; a full disk or a kill leaves the old one in place. What is no file (/dev/null, a pipe) is written as it is. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a whole file; a NUL byte follows the last byte (not counted). Lives in `arena`. ERR_IO names the path and why. */
Err file_read(const char **bytes, size_t *n_bytes, Arena *arena, const char *path);
bool file_exists(const char *path);
bool file_is_dir(const char *path);
Err file_size(int64_t *n_bytes, const char *path);
/* Makes the folder and its parents; it may exist already. */
Err file_make_dirs(const char *path);
/* Removes a file or a whole folder; absent is fine. */
Err file_remove_tree(const char *path);
/* fsyncs a folder, so that renames inside it survive a power cut. */
Err file_sync_dir(const char *path);
/* Renames and fsyncs the folder that holds `to`. */
Err file_rename(const char *from, const char *to);
/* Makes `link_path` point to `target` (relative), atomically replacing an older link. */
Err file_link(const char *target, const char *link_path);
/* Names (not paths) in a folder, sorted by bytes, without "." and "..". */
Err file_list_dir(char ***names, int *n_names, Arena *arena, const char *path);

typedef struct FileWriter FileWriter;
Err file_writer_open(FileWriter **out, const char *path);
Err file_writer_write(FileWriter *writer, const void *bytes, size_t n_bytes);  /* buffered; errors stick */
Err file_writer_printf(FileWriter *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t file_writer_offset(const FileWriter *writer);
uint64_t file_writer_hash(const FileWriter *writer);  /* XXH3-64 of all bytes so far */
/* Flush, fsync, rename, fsync folder. Frees the writer, also on error (then the temporary file is removed). */
Err file_writer_commit(FileWriter *writer);
void file_writer_abort(FileWriter *writer);  /* removes the temporary file, frees; NULL is fine */
/* The whole of it for small files. */
Err file_write(const char *path, const void *bytes, size_t n_bytes);

/* XXH3-64 of a whole file, streamed. */
Err file_hash(uint64_t *hash, const char *path);
/* The same of bytes in memory. */
uint64_t hash_bytes(const void *bytes, size_t n_bytes);

/* A file seen as memory, read-only. An empty file gives n_bytes 0 and bytes != NULL. */
typedef struct {
    const unsigned char *bytes;
    size_t n_bytes;
} FileMap;
Err file_map(FileMap *map, const char *path);
void file_unmap(FileMap *map);  /* a zeroed FileMap is fine */

/* Zeroed, 64-byte aligned memory of its own pages; asks for huge pages from 2 MiB on. Counted by memory_mapped_bytes.
 * ERR_MEMORY when the system has none. */
Err memory_map(void **block, size_t n_bytes);
void memory_unmap(void *block, size_t n_bytes);
/* Makes mapped memory resident now, on all threads, so that no later timing holds the system's first-use work. Its contents stay. */
void memory_touch(void *block, size_t n_bytes);
int64_t memory_mapped_bytes(void);  /* now held through memory_map */
int64_t memory_resident_bytes(void);  /* of this process, from the system */
int64_t memory_resident_peak_bytes(void);
void memory_resident_peak_reset(void);  /* the peak starts anew from what is resident now */

#endif
