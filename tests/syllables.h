/* syllables.h - a text from which there is much to learn and little that is learnt: for bounds on memory. */
#ifndef TESTS_SYLLABLES_H
#define TESTS_SYLLABLES_H

#include "base/err.h"

#include <stdint.h>

enum { SYLLABLES_VOCAB_SIZE = 11500 };  /* its characters, and some more tokens */

/* Lines of n_words words of four syllables drawn from 11,000, hardly any word twice. */
Err syllables_write(const char *path, int64_t n_words);

#endif
