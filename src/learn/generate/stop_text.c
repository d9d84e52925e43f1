/* stop_text.c - stop strings in a stream. What is held back is the longest end of the text with which a stop string begins. */
#include "learn/generate/stop_text.h"

#include <string.h>

StopText stop_text_new(Arena *arena, const char *const *stops, int n_stops)
{
    return (StopText){.arena = arena, .stops = stops, .n_stops = n_stops, .bytes = arena_alloc(arena, 256), .capacity = 256};
}

static void append(StopText *text, const char *bytes, size_t n_bytes)
{
    if (text->n_bytes + n_bytes >= text->capacity) {
        size_t capacity = 2 * (text->n_bytes + n_bytes + 1);
        char *grown = arena_alloc(text->arena, capacity);
        memcpy(grown, text->bytes, text->n_bytes);
        text->bytes = grown;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->n_bytes, bytes, n_bytes);
    text->n_bytes += n_bytes;
    text->bytes[text->n_bytes] = '\0';
}

bool stop_text_push(StopText *text, const char *bytes, size_t n_bytes)
{
    append(text, bytes, n_bytes);
    /* Whatever was given out belongs to no stop string, so the search begins behind it. */
    char *first = NULL;
    for (int i = 0; i < text->n_stops; i++) {
        char *found = memmem(text->bytes + text->n_given, text->n_bytes - text->n_given, text->stops[i], strlen(text->stops[i]));
        if (found && (!first || found < first))
            first = found;
    }
    if (!first)
        return false;
    *first = '\0';
    text->n_bytes = (size_t)(first - text->bytes);
    return true;
}

/* Length of the longest proper beginning of `stop` with which the last n bytes end. */
static size_t overlap(const char *end, size_t n, const char *stop)
{
    size_t longest = strlen(stop) - 1;
    for (size_t k = longest < n ? longest : n; k > 0; k--)
        if (memcmp(end - k, stop, k) == 0)
            return k;
    return 0;
}

const char *stop_text_take(StopText *text, bool ended, size_t *n_bytes)
{
    const char *from = text->bytes + text->n_given;
    size_t n = text->n_bytes - text->n_given, held = 0;
    for (int i = 0; i < text->n_stops && !ended; i++) {
        size_t k = overlap(text->bytes + text->n_bytes, n, text->stops[i]);
        held = k > held ? k : held;
    }
    *n_bytes = n - held;
    text->n_given += *n_bytes;
    return from;
}
