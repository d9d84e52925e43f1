/* word_file.h - words as symbols that are read from front to back again and again: what a trainer holds of words that do not fit into memory.
 * A block of words is in memory at a time; words get shorter, and the file with them. Without a folder all blocks stay in memory. */
#ifndef TEXT_WORD_FILE_H
#define TEXT_WORD_FILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct WordFile WordFile;

/* A nameless file in the folder, which must exist; NULL: none. Blocks of some block_bytes. Words of fewer than n_least symbols are left out. */
Err word_file_open(WordFile **out, const char *dir, size_t block_bytes, uint32_t n_least);
void word_file_free(WordFile *file);  /* NULL is fine */
/* A word of n symbols, seen `count` times. */
Err word_file_add(WordFile *file, const int32_t *symbols, uint32_t n, int64_t count);
/* Shows the words, in the order they were added, in which some symbol s stands before right_of[s] (-1: nothing does), or all of them if that is
 * NULL; the visitor may shorten a word in place and returns the symbols left; other symbols stay only when `rewrites`. A word of too few is not
 * shown again. ERR_IO. */
typedef uint32_t (*WordVisit)(void *context, int32_t *symbols, uint32_t n, int64_t count);
Err word_file_pass(WordFile *file, const int32_t *right_of, bool rewrites, WordVisit visit, void *context);
size_t word_file_bytes(const WordFile *file);  /* of memory */

#endif
