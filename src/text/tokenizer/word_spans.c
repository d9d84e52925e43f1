/* word_spans.c - see word_spans.h. */
#include "text/tokenizer/word_spans.h"
#include "base/scan.h"

enum { STRETCH_BYTES = 4096 };

static void reserve(WordStretch *stretch, Arena *arena, size_t n_bytes)
{
    stretch->n_bytes_max = n_bytes;
    stretch->words = arena_alloc_unset(arena, (n_bytes + 1 + SCAN_EDGES_ROOM) * sizeof(uint32_t));
}

/* Words that end within the next n_bytes, or with the text. Where none does, the stretch has no bytes. */
static void find_words(WordStretch *stretch, bool lines, Piece text, size_t n_bytes)
{
    size_t n = scan_word_edges(text.bytes + stretch->begin, n_bytes, lines, (uint32_t *)stretch->words) / 2;
    stretch->n_bytes = n_bytes;
    if (stretch->begin + n_bytes < text.n && n_bytes < UINT32_MAX) {
        n -= n > 0 && stretch->words[n - 1].end == n_bytes;
        stretch->n_bytes = n > 0 ? stretch->words[n - 1].end : 0;
    }
    stretch->n_words = n;
}

bool word_stretch_next(WordStretch *stretch, Arena *arena, bool lines, Piece text)
{
    stretch->begin += stretch->n_bytes;
    if (!stretch->words)
        reserve(stretch, arena, text.n < STRETCH_BYTES ? text.n : STRETCH_BYTES);
    while (stretch->begin < text.n) {
        size_t n_left = text.n - stretch->begin;
        find_words(stretch, lines, text, n_left < stretch->n_bytes_max ? n_left : stretch->n_bytes_max);
        if (stretch->n_bytes > 0)
            return true;
        reserve(stretch, arena, stretch->n_bytes_max < UINT32_MAX / 2 ? stretch->n_bytes_max * 2 : UINT32_MAX);
    }
    return false;
}
