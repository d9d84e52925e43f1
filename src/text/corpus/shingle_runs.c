/* shingle_runs.c - units in a buffer that moves along with the text. */
#include "text/corpus/shingle_internal.h"

#include "base/arena_limit.h"
#include "text/corpus/hash.h"

#include <string.h>

enum { ROOM = 1 << 14 };

ShingleRuns shingle_runs_new(Arena *arena, int n, bool older_hash, ShingleVisit *visit, void *context)
{
    ShingleRuns runs = {.arena = arena, .n = n, .older_hash = older_hash, .visit = visit, .context = context, .room = ROOM};
    runs.bytes = arena_alloc_unset(arena, runs.room);
    runs.begins = arena_alloc_unset(arena, (SHINGLE_UNITS + 1) * sizeof *runs.begins);
    runs.ends = arena_alloc_unset(arena, SHINGLE_UNITS * sizeof *runs.ends);
    runs.hashes = arena_alloc_unset(arena, SHINGLE_UNITS * sizeof *runs.hashes);
    runs.begins[0] = 0;
    return runs;
}

void shingle_runs_flush(ShingleRuns *runs)
{
    int64_t n_whole = runs->n_units - runs->n + 1;
    if (n_whole <= 0)
        return;
    hash64_pieces(runs->hashes, runs->bytes, runs->begins, runs->ends + runs->n - 1, n_whole, runs->older_hash);
    runs->visit(runs->context, runs->hashes, n_whole);
    runs->any = true;
    size_t gone = runs->begins[n_whole];
    runs->n_bytes -= gone;
    memmove(runs->bytes, runs->bytes + gone, runs->n_bytes);
    runs->n_units -= n_whole;
    for (int64_t i = 0; i < runs->n_units; i++) {
        runs->begins[i] = runs->begins[i + n_whole] - gone;
        runs->ends[i] = runs->ends[i + n_whole] - gone;
    }
    runs->begins[runs->n_units] = runs->begins[runs->n_units + n_whole] - gone;
}

void shingle_runs_reserve(ShingleRuns *runs, size_t n_bytes)
{
    if (runs->room - runs->n_bytes >= n_bytes)
        return;
    runs->room = 2 * (runs->n_bytes + n_bytes);
    char *more = arena_alloc_unset(runs->arena, runs->room);
    memcpy(more, runs->bytes, runs->n_bytes);
    runs->bytes = more;
}

bool shingle_runs_make_room(ShingleRuns *runs)
{
    shingle_runs_flush(runs);
    shingle_runs_reserve(runs, runs->room / 2);
    return !arena_is_spent(runs->arena);
}

void shingle_runs_end(ShingleRuns *runs, bool short_too)
{
    shingle_runs_flush(runs);
    if (runs->any || !short_too || runs->n_units == 0)
        return;
    hash64_pieces(runs->hashes, runs->bytes, runs->begins, runs->ends + runs->n_units - 1, 1, runs->older_hash);
    runs->visit(runs->context, runs->hashes, 1);
}
