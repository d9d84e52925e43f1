/* perplexity_internal.h - the table of runs. */
#ifndef CORPUS_PERPLEXITY_INTERNAL_H
#define CORPUS_PERPLEXITY_INTERNAL_H

#include "text/corpus/perplexity.h"

#include <stdbool.h>

/* A run as an n-gram (n) and as what comes before others: how often (total), and before how many (kinds). */
typedef struct {
    uint64_t key;  /* 0: free */
    uint32_t n, kinds, total, none;  /* none: 0 */
} PerplexityEntry;

/* What was worked out before for the runs of `order` characters that come again and again: p of the last of them. Of one thread. */
typedef struct {
    uint64_t key;  /* 0: free */
    double p;
} PerplexityKnown;
enum { PERPLEXITY_KNOWN = 1 << 18 };

struct PerplexityModel {
    int order;
    double limits[2];
    PerplexityEntry *entries;
    uint64_t mask;
    int64_t n;
    uint64_t identity;
    PerplexityKnown **known;  /* by thread, [PERPLEXITY_KNOWN] each; none while a model is trained */
    int n_known;
};

PerplexityEntry *perplexity_entry(const PerplexityModel *model, uint64_t key);  /* the free place if it is not there */
void perplexity_grow(PerplexityModel *model);
Err perplexity_save(PerplexityModel *model, const char *path);

uint64_t perplexity_key(const uint32_t *run, int k);  /* of the run of k characters */

/* The characters of a line in their plain form, with order - 1 blanks before: [*n]; false at the end. */
bool perplexity_next_line(const PerplexityModel *model, const char **at, const char *end, uint32_t *chars, int room, int *n);
enum { PERPLEXITY_LINE_MAX = 4096 };

#endif
