#include "engine/graph/memory_plan.h"

#include "base/arena.h"

#include <stdlib.h>

enum { ALIGN_BYTES = 64 };

static int compare_by_size(const void *a, const void *b)
{
    const Buffer *x = *(Buffer *const *)a, *y = *(Buffer *const *)b;
    if (x->n_bytes != y->n_bytes)
        return x->n_bytes < y->n_bytes ? 1 : -1;
    return x < y ? -1 : 1;  /* pointers into one array: a total order */
}

/* `placed` is sorted by offset; finds the lowest gap of n_bytes among those that live at the same time. */
static int64_t find_gap(Buffer *const *placed, int n_placed, const Buffer *buffer)
{
    int64_t at = 0;
    for (int i = 0; i < n_placed; i++) {
        const Buffer *other = placed[i];
        if (other->last < buffer->first || other->first > buffer->last)
            continue;
        if (other->offset - at >= buffer->n_bytes)
            return at;
        int64_t end = other->offset + other->n_bytes;
        if (end > at)
            at = end;
    }
    return at;
}

int64_t memory_plan(Buffer *buffers, int n_buffers)
{
    Arena *arena = arena_new();
    Buffer **by_size = ARENA_ARRAY(arena, Buffer *, n_buffers);
    Buffer **placed = ARENA_ARRAY(arena, Buffer *, n_buffers);
    for (int i = 0; i < n_buffers; i++) {
        buffers[i].n_bytes = (buffers[i].n_bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
        by_size[i] = &buffers[i];
    }
    qsort(by_size, (size_t)n_buffers, sizeof *by_size, compare_by_size);
    int64_t slab_bytes = 0;
    for (int i = 0; i < n_buffers; i++) {
        Buffer *buffer = by_size[i];
        buffer->offset = find_gap(placed, i, buffer);
        if (buffer->offset + buffer->n_bytes > slab_bytes)
            slab_bytes = buffer->offset + buffer->n_bytes;
        int at = i;
        for (; at > 0 && placed[at - 1]->offset > buffer->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = buffer;
    }
    arena_free(arena);
    return slab_bytes;
}
