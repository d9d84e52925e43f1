/* split_internal.h - what the scanners (split_scan.c) and the regular expressions (split_regex.c) share with split.c. */
#ifndef TEXT_SPLIT_INTERNAL_H
#define TEXT_SPLIT_INTERNAL_H

#include "text/unicode/char_class.h"
#include "text/unicode/split.h"
#include "text/unicode/split_plain.h"

/* Ends of the pretokens from `at` <= n_bytes on, at most n_max; returns how many. `kind` is one of the scanned ones. *n_hard: see
 * splitter_ends. */
int split_scan(SplitKind kind, const CharClasses *table, const SplitPlain *plain, const char *text, size_t n_bytes, size_t at, size_t *ends, int n_max, int *n_hard);

typedef struct SplitRegex SplitRegex;
Err split_regex_open(SplitRegex **out, const char *pattern);
void split_regex_free(SplitRegex *regex);
bool split_regex_next(const SplitRegex *regex, const char *text, size_t n_bytes, size_t from, SplitSpan *span);

#endif
