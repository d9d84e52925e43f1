/* encode_alike.h - for tests: the two ways of encoding a text, of which one asks for offsets and goes step by step. */
#ifndef TEXT_ENCODE_ALIKE_H
#define TEXT_ENCODE_ALIKE_H

#include "text/tokenizer/tokenizer_internal.h"

#include <string.h>

/* Are the ids those of the steps? Leaves nothing in the arena. */
static inline bool encode_is_alike(const Tokenizer *tok, Arena *arena, const char *text, size_t n)
{
    TokenOffset *offsets;
    TokenSpan fast = tokenizer_encode(tok, arena, text, n), slow = tokenizer_encode_with(tok, arena, text, n, 0, &offsets);
    bool is_alike = fast.n == slow.n && (fast.n == 0 || memcmp(fast.ids, slow.ids, (size_t)fast.n * sizeof *fast.ids) == 0);
    arena_reset(arena);
    return is_alike;
}

/* How many of the texts that `make` writes to `text` are not encoded alike. make returns the bytes of the i-th. */
static inline int encode_n_unlike(const Tokenizer *tok, int n_texts, size_t (*make)(uint64_t i, char *text), char *text)
{
    Arena *arena = arena_new();
    int n_unlike = 0;
    for (uint64_t i = 0; i < (uint64_t)n_texts; i++)
        n_unlike += !encode_is_alike(tok, arena, text, make(i, text));
    arena_free(arena);
    return n_unlike;
}

#endif
