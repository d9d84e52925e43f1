/* shingle.h - a document as a set of hashed shingles: what near-duplicates share most of.
 *
 * Text is made plain first: letters in lower case, runs of digits to 0, everything else a border between words; so commas, dates and
 * line breaks do not make two pages different. A shingle is a run of n words (English words, Korean eojeol, single Han and kana) or of n syllables and
 * letters with the blanks left out, which finds copies whose spacing was changed. The third kind is hashed as datatrove does (words of white space), for
 * corpora that were made with it. */
#ifndef CORPUS_SHINGLE_H
#define CORPUS_SHINGLE_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

typedef enum { SHINGLE_WORDS, SHINGLE_SYLLABLES, SHINGLE_DATATROVE } ShingleUnit;
#define SHINGLE_CHOICES "words|syllables|datatrove"

/* Gets the hashes of all shingles, some hundreds at a time, in the order of the text, repeated ones too: all that a signature needs. Memory does not grow
 * with the text, but with its longest run of n units; when the arena's limit is spent (arena_limit.h) the rest of the text is left out. */
typedef void ShingleVisit(void *context, const uint64_t *hashes, int64_t n);
void shingle_each(Arena *arena, const char *text, size_t n_bytes, ShingleUnit unit, int n, ShingleVisit *visit, void *context);

typedef struct {
    uint64_t *hashes;  /* rising, each once */
    int64_t n;
} ShingleSet;

/* A text with fewer than n units is one shingle (of the third kind: none); with none, no shingle. */
ShingleSet shingle_set(Arena *arena, const char *text, size_t n_bytes, ShingleUnit unit, int n);
/* |A and B| / |A or B|; 1 for two empty sets. */
double shingle_jaccard(const ShingleSet *a, const ShingleSet *b);

#endif
