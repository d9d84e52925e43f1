/* bpe_repeat.c - see bpe_repeat.h. */
#include "text/tokenizer/bpe_repeat.h"

#include <string.h>

enum { KEPT_TOKENS = 3 };  /* of a run that is made shorter, and up to one more */

/* Where the run that begins at `at` ends. */
static size_t run_end(const BpeRepeat *repeat, const char *bytes, size_t at, size_t n)
{
    size_t begin = at, period = repeat->n_unit;
    for (uint64_t here, behind; at + period + sizeof here <= n; at += sizeof here) {  /* as long as the text repeats itself */
        memcpy(&here, bytes + at, sizeof here);
        memcpy(&behind, bytes + at + period, sizeof behind);
        if (here != behind)
            break;
    }
    at -= (at - begin) % period;
    while (at + repeat->n_unit <= n && memcmp(bytes + at, repeat->unit, repeat->n_unit) == 0)
        at += repeat->n_unit;
    return at;
}

/* The next place from `at` on at which a long run begins, n when there is none. */
static size_t next_run(const BpeRepeat *repeat, const char *bytes, size_t at, size_t n, size_t *end)
{
    size_t n_long = (KEPT_TOKENS + 1) * repeat->n_units * repeat->n_unit;
    while (at < n) {
        const char *found = memmem(bytes + at, n - at, repeat->unit, repeat->n_unit);
        if (!found)
            break;
        at = (size_t)(found - bytes);
        *end = run_end(repeat, bytes, at, n);
        if (*end - at >= n_long)
            return at;
        at = *end;
    }
    return n;
}

const char *bpe_repeat_shorten(const BpeRepeat *repeat, Arena *arena, const char *bytes, size_t n, size_t *n_short, BpeShortRun **runs, size_t *n_runs)
{
    size_t end = 0, n_token = repeat->n_units * repeat->n_unit, capacity = 0;
    *n_runs = *n_short = 0;
    *runs = NULL;
    size_t at = n_token ? next_run(repeat, bytes, 0, n, &end) : n;
    if (at == n)
        return NULL;
    char *text = arena_alloc_unset(arena, n);
    for (size_t from = 0; from < n; from = end, at = next_run(repeat, bytes, end, n, &end)) {
        memcpy(text + *n_short, bytes + from, at - from);
        *n_short += at - from;
        if (at == n)
            break;
        size_t n_left_out = (end - at) / n_token - KEPT_TOKENS, n_kept = end - at - n_left_out * n_token;
        if (*n_runs == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            BpeShortRun *more = ARENA_ARRAY(arena, BpeShortRun, capacity);
            if (*n_runs)
                memcpy(more, *runs, *n_runs * sizeof *more);
            *runs = more;
        }
        (*runs)[(*n_runs)++] = (BpeShortRun){*n_short, *n_short + n_kept, n_left_out};
        memcpy(text + *n_short, bytes + at, n_kept);
        *n_short += n_kept;
    }
    return text;
}

bool bpe_repeat_find(const BpeRepeat *repeat, const BpeSymbol *symbols, size_t n, const BpeShortRun *runs, size_t n_runs, size_t *at)
{
    size_t run = 0;
    for (size_t i = 0; i < n && run < n_runs; i++)
        if (symbols[i].id == repeat->id && symbols[i].begin >= runs[run].begin && symbols[i].end <= runs[run].end)
            at[run++] = i;
        else if (symbols[i].begin >= runs[run].end)
            return false;
    return run == n_runs;
}
