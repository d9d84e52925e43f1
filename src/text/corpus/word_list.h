/* word_list.h - the user's lists of words, and where a text has them.
 *
 * A list is a file with one word a line; what follows # is a comment. Words are compared in lower case. A word of the text is a run of letters and
 * digits; it is listed when it equals a listed word, or when it begins with one (for Korean, where particles follow), or when one stands anywhere in it. */
#ifndef CORPUS_WORD_LIST_H
#define CORPUS_WORD_LIST_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef enum { WORD_LIST_EQUAL, WORD_LIST_BEGINS, WORD_LIST_ANYWHERE } WordListMatch;
#define WORD_LIST_MATCH_CHOICES "equal|begins|anywhere"

typedef struct WordList WordList;

/* In `arena`. ERR_FORMAT: a line with white space inside (a phrase), a list without words. */
Err word_list_read(WordList **out, Arena *arena, const char *const *paths, int n_paths);
uint64_t word_list_identity(const WordList *list);

typedef struct {
    int64_t n_words, n_listed;
} WordListCount;
WordListCount word_list_count(const WordList *list, WordListMatch match, const char *text, size_t n_bytes);

#endif
