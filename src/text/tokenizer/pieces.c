/* pieces.c - stretches of text on their way through the steps, and texts rewritten with a map back. */
#include "text/tokenizer/tokenizer_internal.h"

#include <string.h>

void pieces_push(Pieces *pieces, Arena *arena, Piece piece)
{
    if (pieces->n == pieces->capacity) {
        size_t capacity = pieces->capacity ? pieces->capacity * 2 : 64;
        Piece *items = ARENA_ARRAY(arena, Piece, capacity);
        if (pieces->n)
            memcpy(items, pieces->items, pieces->n * sizeof *items);
        pieces->items = items;
        pieces->capacity = capacity;
    }
    pieces->items[pieces->n++] = piece;
}

Piece piece_part(Piece piece, size_t begin, size_t end)
{
    return (Piece){
        .bytes = piece.bytes + begin,
        .n = end - begin,
        .source = piece.source ? piece.source + begin : NULL,
        .at_start = piece.at_start && begin == 0,
    };
}

void rewriter_init(Rewriter *rewriter, Arena *arena, Piece from)
{
    *rewriter = (Rewriter){.arena = arena, .mapped = from.source != NULL, .capacity = from.n + from.n / 8 + 16};
    rewriter->bytes = arena_alloc(arena, rewriter->capacity + 1);
    if (rewriter->mapped)
        rewriter->source = ARENA_ARRAY(arena, uint32_t, rewriter->capacity + 1);
}

void rewriter_reserve(Rewriter *rewriter, size_t n_more)
{
    if (rewriter->n + n_more <= rewriter->capacity)
        return;
    size_t capacity = (rewriter->n + n_more) * 2;
    char *bytes = arena_alloc(rewriter->arena, capacity + 1);
    memcpy(bytes, rewriter->bytes, rewriter->n);
    rewriter->bytes = bytes;
    if (rewriter->mapped) {
        uint32_t *source = ARENA_ARRAY(rewriter->arena, uint32_t, capacity + 1);
        memcpy(source, rewriter->source, rewriter->n * sizeof *source);
        rewriter->source = source;
    }
    rewriter->capacity = capacity;
}

void rewriter_put(Rewriter *rewriter, const char *bytes, size_t n_bytes, uint32_t source)
{
    rewriter_reserve(rewriter, n_bytes);
    memcpy(rewriter->bytes + rewriter->n, bytes, n_bytes);
    if (rewriter->mapped)
        for (size_t i = 0; i < n_bytes; i++)
            rewriter->source[rewriter->n + i] = source;
    rewriter->n += n_bytes;
}

void rewriter_copy(Rewriter *rewriter, Piece from, size_t begin, size_t end)
{
    rewriter_reserve(rewriter, end - begin);
    memcpy(rewriter->bytes + rewriter->n, from.bytes + begin, end - begin);
    if (rewriter->mapped)
        memcpy(rewriter->source + rewriter->n, from.source + begin, (end - begin) * sizeof *from.source);
    rewriter->n += end - begin;
}

Piece rewriter_finish(Rewriter *rewriter, Piece from)
{
    if (rewriter->mapped)
        rewriter->source[rewriter->n] = from.source[from.n];
    return (Piece){rewriter->bytes, rewriter->n, rewriter->source, from.at_start};
}
