/* quality_internal.h - the words of a text, found once for all figures; tables of hashes. Private to the measuring of quality. */
#ifndef CORPUS_QUALITY_INTERNAL_H
#define CORPUS_QUALITY_INTERNAL_H

#include "text/corpus/quality.h"

#include <stdint.h>

/* Runs between white space. */
typedef struct {
    int n;
    uint64_t *hash;      /* [n] */
    uint32_t *n_chars;   /* [n] */
    int n_plain;         /* words that are not punctuation alone */
    int64_t n_plain_chars;
    int n_with_letter;
    uint32_t stop_words_en, stop_words_ko;  /* a bit for each that was seen */
} QualityWords;

QualityWords quality_words(Arena *arena, const char *text, size_t n_bytes);
/* The figures top_2 to top_4 and duplicate_5 to duplicate_10. */
void quality_measure_ngrams(QualityFigures *figures, Arena *arena, const QualityWords *words, double n_chars);

/* A count for each of up to n 64-bit hashes. */
typedef struct {
    uint64_t hash;
    uint32_t count, first;  /* how often it came; whatever the user keeps of it */
} HashCount;

typedef struct {
    HashCount *slots;
    uint64_t mask;
} HashCounts;

HashCounts hash_counts_new(Arena *arena, int n);

static inline uint32_t hash_counts_slot(const HashCounts *counts, uint64_t hash)
{
    uint64_t i = (hash * 0x9E3779B97F4A7C15u) >> 20 & counts->mask;
    while (counts->slots[i].count > 0 && counts->slots[i].hash != hash)
        i = (i + 1) & counts->mask;
    counts->slots[i].hash = hash;
    return (uint32_t)i;
}

#endif
