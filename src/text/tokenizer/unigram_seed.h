/* unigram_seed.h - the pieces that unigram training starts from: substrings of the words that repeat. */
#ifndef TEXT_UNIGRAM_SEED_H
#define TEXT_UNIGRAM_SEED_H

#include "text/tokenizer/word_counts.h"

typedef struct {
    const char *text;  /* in the words' pool or in `texts` */
    uint32_t n_bytes;
    uint32_t n_chars;
    int64_t count;
} SeedPiece;

/* All characters, and of the substrings of 2 to 16 characters that are seen at least twice and go on in more than one way (another
 * character, or the word's end) the n_max that cover most (count times length; of equals the smaller bytes). In order of their bytes. The
 * caller frees *pieces and *texts. Words on disk are read some times from front to back, within so many bytes:
 * ERR_MEMORY when substrings that begin with the same two characters alone take more. ERR_IO. */
Err unigram_find_seeds(SeedPiece **pieces, int64_t *n, Arena **texts, const WordCounts *counts, int64_t n_max, int64_t memory_bytes_max);

/* What both ways share: seeds as they are found. */
typedef struct {
    SeedPiece *items;
    int64_t n, capacity, n_chars;  /* the first are characters */
    int64_t least_cover;           /* others that cover less are passed over */
    Arena *texts;
    char *text_room;               /* the rest of a block of it */
    size_t n_text_room;
} UnigramSeeds;
/* Where a substring may begin. */
typedef struct {
    uint32_t word, start;
} UnigramSuffix;
enum { SEED_CHARS_MAX = 16, SEED_BYTES_MAX = SEED_CHARS_MAX * UTF8_BYTES_MAX };

void unigram_seeds_push(UnigramSeeds *seeds, SeedPiece piece);
/* A copy of the text among `texts`. */
const char *unigram_seeds_keep_text(UnigramSeeds *seeds, const char *text, size_t n_bytes);
/* Substrings of two or more characters from sorting these suffixes, whose texts are in the pool; a suffix of start 0 is a whole word. All suffixes
 * of all words that begin with the same two characters must be there. */
void unigram_seeds_of_suffixes(UnigramSeeds *seeds, const WordCounts *counts, UnigramSuffix *suffixes, size_t n);
/* Leaves the characters and the n_max others that cover most, which stand behind them in that order; nothing when there are no more. */
void unigram_seeds_keep_best(UnigramSeeds *seeds, int64_t n_max);
/* Substrings of words on disk; characters are there. */
Err unigram_seeds_from_disk(UnigramSeeds *seeds, const WordCounts *counts, int64_t n_max, int64_t memory_bytes_max);

#endif
