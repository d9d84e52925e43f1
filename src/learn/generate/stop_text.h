/* stop_text.h - a text that grows, ends before the first stop string, and is given out only as far as no stop string can reach.
 * For authors of this room. */
#ifndef LEARN_GENERATE_STOP_TEXT_H
#define LEARN_GENERATE_STOP_TEXT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    Arena *arena;
    const char *const *stops;
    int n_stops;
    char *bytes;  /* NUL added */
    size_t n_bytes, capacity;
    size_t n_given;  /* given out so far */
} StopText;

StopText stop_text_new(Arena *arena, const char *const *stops, int n_stops);
/* Appends. True when a stop string is complete: the text now ends before it. */
bool stop_text_push(StopText *text, const char *bytes, size_t n_bytes);
/* What became certain since the last call; all that is left if `ended`. */
const char *stop_text_take(StopText *text, bool ended, size_t *n_bytes);

#endif
