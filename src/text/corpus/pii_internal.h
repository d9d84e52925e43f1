/* pii_internal.h - the text as the rules see it: full-width forms and odd hyphens made plain, with the way back. */
#ifndef CORPUS_PII_INTERNAL_H
#define CORPUS_PII_INTERNAL_H

#include "text/corpus/pii.h"

/* One byte a character: ASCII as it is, other characters 0x80. `from[i]` is where character i begins in the text, from[n] its end. */
typedef struct {
    const char *text;
    size_t n_text_bytes;
    unsigned char *c;
    uint32_t *from;
    size_t n;
} PlainView;

PlainView plain_view(Arena *arena, const char *text, size_t n_bytes);

/* A number as written: runs of digits with what stands between. */
enum { RUNS_MAX = 8, RUN_DIGITS_MAX = 32 };
typedef struct {
    int n_runs;
    struct {
        size_t begin, end;   /* characters */
        int n;               /* digits */
        char separator;      /* after it: '-', '.', ' ', ')' or 0 */
    } runs[RUNS_MAX];
    char digits[RUNS_MAX * RUN_DIGITS_MAX];  /* of all runs, joined */
    bool has_plus, has_parenthesis;
    size_t begin;            /* of the whole: plus sign or parenthesis included */
} NumberRuns;

/* Does one of the words (divided by '|') stand within `n_before` bytes before or `n_after` after the span of characters? */
bool view_has_cue(const PlainView *view, size_t begin, size_t end, const char *words, size_t n_before, size_t n_after);

/* The longest rule that the number meets: its class and end (in characters); N_PII when none. */
PiiClass pii_classify(const PlainView *view, const NumberRuns *number, size_t *end);

#endif
