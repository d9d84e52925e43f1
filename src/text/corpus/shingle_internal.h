/* shingle_internal.h - what all ways of cutting a text into units share: making ASCII plain, and runs of units that are hashed as they come. */
#ifndef CORPUS_SHINGLE_INTERNAL_H
#define CORPUS_SHINGLE_INTERNAL_H

#include "text/corpus/shingle.h"

#include <stdbool.h>

/* Small letters, 0 for digits, NUL for a border. */
static inline char shingle_plain_ascii(unsigned char c)
{
    static const char plain[128] = {
        ['0'] = '0', '0', '0', '0', '0', '0', '0', '0', '0', '0',
        ['A'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
        ['a'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    };
    return plain[c];
}

/* The last units of the plain text: unit i is bytes [begins[i], ends[i]), a shingle is the bytes from the begin of one to the end of the n-th. */
typedef struct {
    Arena *arena;
    int n;
    bool older_hash;
    ShingleVisit *visit;
    void *context;
    char *bytes;
    size_t n_bytes, room;
    size_t *begins, *ends;  /* the unit that is not at its end yet begins at begins[n_units] */
    int64_t n_units;
    uint64_t *hashes;
    bool any;
} ShingleRuns;

ShingleRuns shingle_runs_new(Arena *arena, int n, bool older_hash, ShingleVisit *visit, void *context);
/* Hashes the shingles that are whole and forgets what no other needs. */
void shingle_runs_flush(ShingleRuns *runs);
void shingle_runs_reserve(ShingleRuns *runs, size_t n_bytes);
/* What is left; with `short_too` units that are fewer than n are a shingle if there was no other. */
void shingle_runs_end(ShingleRuns *runs, bool short_too);

enum { SHINGLE_UNITS = 1024, SHINGLE_STEP = 16 };  /* units held at most; bytes that a step may put without reserving */

/* Before each step: room for its bytes and units. False: the arena's limit is spent. */
bool shingle_runs_make_room(ShingleRuns *runs);
static inline bool shingle_runs_have_room(ShingleRuns *runs)
{
    return (runs->n_bytes + SHINGLE_STEP <= runs->room && runs->n_units + 2 < SHINGLE_UNITS) || shingle_runs_make_room(runs);
}

static inline void shingle_runs_end_unit(ShingleRuns *runs)
{
    runs->ends[runs->n_units++] = runs->n_bytes;
    runs->begins[runs->n_units] = runs->n_bytes;
}

/* Of the third kind (shingle_datatrove.c): none for a text with fewer than n words. */
void shingle_each_datatrove(Arena *arena, const char *text, size_t n_bytes, int n, ShingleVisit *visit, void *context);

#endif
