/* word_file.h - words as symbols in a file that is read from front to back again and again: what a trainer of merges holds when its words do
 * not fit into memory. A block of words is in memory at a time; words get shorter, and the file with them. */
#ifndef TEXT_WORD_FILE_H
#define TEXT_WORD_FILE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct WordFile WordFile;

/* A nameless file in the folder, which must exist; blocks of some block_bytes. */
Err word_file_open(WordFile **out, const char *dir, size_t block_bytes);
void word_file_free(WordFile *file);  /* NULL is fine */
/* A word of n symbols, seen `count` times. */
Err word_file_add(WordFile *file, const int32_t *symbols, uint32_t n, int64_t count);
/* Shows the words, in the order they were added, in which some symbol s stands before right_of[s] (-1: nothing does); the visitor may shorten a
 * word in place and returns the symbols left. A word of fewer than two is not shown again. ERR_IO. */
typedef uint32_t (*WordVisit)(void *context, int32_t *symbols, uint32_t n, int64_t count);
Err word_file_pass(WordFile *file, const int32_t *right_of, WordVisit visit, void *context);
size_t word_file_bytes(const WordFile *file);  /* of memory */

#endif
