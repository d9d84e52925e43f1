/* split_alike.h - for tests: the two ways of cutting a text, of which one asks for many ends at once and the other for one piece after another. */
#ifndef TEXT_SPLIT_ALIKE_H
#define TEXT_SPLIT_ALIKE_H

#include "text/unicode/split.h"

enum { SPLIT_ALIKE_BYTES_MAX = 4096 };

/* Does `splitter`, asked for n_max ends a call, cut the text of at most SPLIT_ALIKE_BYTES_MAX bytes where `judge` does? */
static inline bool split_is_alike(const Splitter *splitter, const Splitter *judge, const char *text, size_t n, int n_max)
{
    size_t ends[SPLIT_ALIKE_BYTES_MAX], at = 0, k = 0, m = 0;
    int n_hard = 0;
    for (size_t from = 0; from < n; from = ends[k - 1])
        k += (size_t)splitter_ends(splitter, text, n, from, ends + k, n_max, &n_hard);
    SplitSpan span;
    for (; splitter_next(judge, text, n, at, &span); at = span.end, m++)
        if (m >= k || ends[m] != span.end)
            return false;
    return m == k;
}

#endif
