/* block_file.h - blocks of memory that wait in a file while their memory serves others: written behind and read ahead by one thread.
 *
 * Every block has its place in the file, known before anything is opened. A block has at most one request under way: write, wait, read, wait. The file
 * has no name from the moment it is opened, so nothing is left of it after any end of the process; its whole size is set aside at once, so a
 * full disk shows there and not in the middle of the work. Reads and writes go through the page cache: blocks need no alignment in memory, and a
 * machine with free memory never waits for its disk. */
#ifndef BASE_BLOCK_FILE_H
#define BASE_BLOCK_FILE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct BlockFile BlockFile;

BlockFile *block_file_new(void);
/* Waits for what is under way, ends the thread, closes the file. NULL is fine. */
void block_file_free(BlockFile *file);

/* A further block of at most n_bytes; returns its number. Before the opening. */
int block_file_add(BlockFile *file, int64_t n_bytes);
int64_t block_file_bytes(const BlockFile *file);  /* of the whole file */

/* Makes the file in a folder (made if need be) and starts the thread. ERR_IO names folder, bytes needed, bytes free. */
Err block_file_open(BlockFile *file, const char *dir);

/* Each starts and returns; the bytes must stay as they are, or untouched, until block_file_wait. A read gives what was written last. */
void block_file_write(BlockFile *file, int block, const void *bytes, size_t n_bytes);
void block_file_read(BlockFile *file, int block, void *bytes, size_t n_bytes);
void block_file_wait(BlockFile *file, int block);

/* The first failure of any request since the opening, as ERR_IO with folder, offset and bytes; what was read since is undefined. */
Err block_file_error(BlockFile *file);
/* How long block_file_wait has waited in all; how long the thread has kept a processor busy, copying; how many bytes went either way. */
typedef struct {
    double waited_seconds, busy_seconds;
    int64_t written_bytes, read_bytes;
} BlockFileUse;
BlockFileUse block_file_use(BlockFile *file);

#endif
