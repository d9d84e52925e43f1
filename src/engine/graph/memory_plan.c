#include "engine/graph/memory_plan.h"

#include "base/arena.h"

#include <stdbool.h>
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

static bool is_free(Buffer *const *placed, int n_placed, const Buffer *buffer, int64_t at)
{
    for (int i = 0; i < n_placed && placed[i]->offset < at + buffer->n_bytes; i++) {
        const Buffer *other = placed[i];
        bool is_apart = other->last < buffer->first || other->first > buffer->last || other->offset + other->n_bytes <= at;
        if (!is_apart)
            return false;
    }
    return true;
}

/* Where a buffer of the same size lies at another time: the lowest such place, or -1. */
static int64_t find_twin(Buffer *const *placed, int n_placed, const Buffer *buffer)
{
    int64_t tried = -1;
    for (int i = 0; i < n_placed; i++) {
        if (placed[i]->n_bytes != buffer->n_bytes || placed[i]->offset == tried)
            continue;
        tried = placed[i]->offset;
        if (is_free(placed, n_placed, buffer, tried))
            return tried;
    }
    return -1;
}

static int64_t place_all(Buffer *const *by_size, int n_buffers, bool with_twins, Buffer **placed)
{
    int64_t slab_bytes = 0;
    for (int i = 0; i < n_buffers; i++) {
        Buffer *buffer = by_size[i];
        int64_t twin = with_twins ? find_twin(placed, i, buffer) : -1;
        buffer->offset = twin >= 0 ? twin : find_gap(placed, i, buffer);
        if (buffer->offset + buffer->n_bytes > slab_bytes)
            slab_bytes = buffer->offset + buffer->n_bytes;
        int at = i;
        for (; at > 0 && placed[at - 1]->offset > buffer->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = buffer;
    }
    return slab_bytes;
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
    int64_t least_bytes = place_all(by_size, n_buffers, false, placed), slab_bytes = place_all(by_size, n_buffers, true, placed);
    if (slab_bytes > least_bytes)
        slab_bytes = place_all(by_size, n_buffers, false, placed);
    arena_free(arena);
    return slab_bytes;
}
