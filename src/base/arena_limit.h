/* arena_limit.h - what the work that fills an arena may take.
 *
 * Bytes, and a moment of clock_seconds (log.h); 0: no limit. The arena goes on giving memory: long work asks at natural points whether it is spent, and
 * then stops with what it has. Whoever set the limit throws that away, and takes the limit off again. */
#ifndef BASE_ARENA_LIMIT_H
#define BASE_ARENA_LIMIT_H

#include "base/arena.h"

#include <stdbool.h>

void arena_set_limit(Arena *arena, size_t n_bytes, double deadline);
bool arena_is_spent(const Arena *arena);

#endif
