/* patterns_fuzz.c - any bytes: spans in order, inside the text, not overlapping. */
#include "text/corpus/patterns.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    Arena *arena = arena_new();
    Patterns found = patterns_find(arena, (const char *)bytes, n_bytes);
    size_t done = 0;
    for (int64_t i = 0; i < found.n; i++) {
        assert(found.spans[i].begin >= done && found.spans[i].end > found.spans[i].begin && found.spans[i].end <= n_bytes);
        done = found.spans[i].end;
    }
    arena_free(arena);
    return 0;
}
