/* unigram_seed.h - the pieces that unigram training starts from: substrings of the words that repeat. */
#ifndef TEXT_UNIGRAM_SEED_H
#define TEXT_UNIGRAM_SEED_H

#include "text/tokenizer/word_counts.h"

typedef struct {
    const char *text;  /* in the words' pool */
    uint32_t n_bytes;
    uint32_t n_chars;
    int64_t count;
} SeedPiece;

/* All characters, and of the substrings of 2 to 16 characters that are seen at least twice and go on in more than one way (another
 * character, or the word's end) the n_max that cover most (count times length; of equals the smaller bytes). In order of their bytes. The
 * caller frees *pieces. */
void unigram_find_seeds(SeedPiece **pieces, int64_t *n, const WordCounts *counts, int64_t n_max);

#endif
