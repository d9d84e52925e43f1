/* langid_words.h - which words of a training text are frequent enough to be listed in a model. Private to langid. */
#ifndef CORPUS_LANGID_WORDS_H
#define CORPUS_LANGID_WORDS_H

#include "text/corpus/langid_internal.h"

typedef struct LangidWordCounts LangidWordCounts;

LangidWordCounts *langid_words_new(void);
void langid_words_free(LangidWordCounts *counts);  /* NULL is fine */
/* Counts a word as langid_next_word gives it. Long ones, and new ones beyond a million different, are left out. */
void langid_words_add(LangidWordCounts *counts, const uint32_t *word, int n);
/* The most frequent ones, most frequent first, of equals by their letters; each in UTF-8 with a NUL behind. */
const char *langid_words_list(const LangidWordCounts *counts, Arena *arena, size_t *n_bytes);

#endif
