#include "base/arena.h"

#include "base/arena_limit.h"
#include "base/fence.h"
#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, FENCE_BYTES = FENCED ? 64 : 0, CHUNK_BYTES_MIN = 64 * 1024 };

/* One region from the system. Chunks form a list, newest first; only the newest is filled. */
typedef struct Chunk {
    struct Chunk *next;
    size_t capacity;  /* bytes of data[] */
    size_t filled;
    _Alignas(ALIGNMENT) unsigned char data[];
} Chunk;

struct Arena {
    Chunk *chunks;
    size_t used_bytes, limit_bytes;  /* limit 0: none */
    double deadline;
};

static void *alloc_or_die(void *block, size_t n_bytes)
{
    if (!block) {
        fprintf(stderr, "jikji: out of memory (%zu bytes asked)\n", n_bytes);
        abort();
    }
    return block;
}

void *mem_alloc(size_t n_bytes)
{
    return alloc_or_die(calloc(1, n_bytes ? n_bytes : 1), n_bytes);
}

void *mem_realloc(void *block, size_t n_bytes)
{
    return alloc_or_die(realloc(block, n_bytes ? n_bytes : 1), n_bytes);
}

char *mem_strdup(const char *text)
{
    return alloc_or_die(strdup(text), strlen(text) + 1);
}

Arena *arena_new(void)
{
    return mem_alloc(sizeof(Arena));
}

static void chunk_free(Chunk *chunk)
{
    fence_open(chunk->data, chunk->capacity);
    free(chunk);
}

void arena_free(Arena *arena)
{
    if (!arena)
        return;
    for (Chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        chunk_free(chunk);
    }
    free(arena);
}

/* Keeps the newest chunk, which is also the largest: sizes double. */
void arena_reset(Arena *arena)
{
    arena->used_bytes = 0;
    if (!arena->chunks)
        return;
    for (Chunk *chunk = arena->chunks->next, *next; chunk; chunk = next) {
        next = chunk->next;
        chunk_free(chunk);
    }
    arena->chunks->next = NULL;
    arena->chunks->filled = 0;
    fence_close(arena->chunks->data, arena->chunks->capacity);
}

static void arena_grow(Arena *arena, size_t n_bytes)
{
    size_t capacity = arena->chunks ? arena->chunks->capacity * 2 : CHUNK_BYTES_MIN;
    while (capacity < n_bytes)
        capacity *= 2;
    size_t total = (sizeof(Chunk) + capacity + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    Chunk *chunk = alloc_or_die(aligned_alloc(ALIGNMENT, total), total);
    chunk->next = arena->chunks;
    chunk->capacity = capacity;
    chunk->filled = 0;
    arena->chunks = chunk;
    fence_close(chunk->data, capacity);
}

void *arena_alloc_unset(Arena *arena, size_t n_bytes)
{
    assert(n_bytes < SIZE_MAX / 4);
    size_t taken = (n_bytes + FENCE_BYTES + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (taken == 0)
        taken = ALIGNMENT;
    if (!arena->chunks || arena->chunks->capacity - arena->chunks->filled < taken)
        arena_grow(arena, taken);
    Chunk *chunk = arena->chunks;
    unsigned char *block = chunk->data + chunk->filled;
    chunk->filled += taken;
    arena->used_bytes += n_bytes;
    fence_open(block, n_bytes);
    return block;
}

void *arena_alloc(Arena *arena, size_t n_bytes)
{
    return memset(arena_alloc_unset(arena, n_bytes), 0, n_bytes);
}

char *arena_strndup(Arena *arena, const char *text, size_t n_bytes)
{
    char *copy = arena_alloc_unset(arena, n_bytes + 1);
    memcpy(copy, text, n_bytes);
    copy[n_bytes] = '\0';
    return copy;
}

char *arena_strdup(Arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(n >= 0);
    char *text = arena_alloc(arena, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

size_t arena_used_bytes(const Arena *arena)
{
    return arena->used_bytes;
}

void arena_set_limit(Arena *arena, size_t n_bytes, double deadline)
{
    arena->limit_bytes = n_bytes;
    arena->deadline = deadline;
}

bool arena_is_spent(const Arena *arena)
{
    return (arena->limit_bytes > 0 && arena->used_bytes > arena->limit_bytes) || (arena->deadline > 0 && clock_seconds() > arena->deadline);
}
