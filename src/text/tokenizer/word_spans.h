/* word_spans.h - the words of a text, a stretch of some thousand bytes at a time. */
#ifndef TEXT_WORD_SPANS_H
#define TEXT_WORD_SPANS_H

#include "text/tokenizer/tokenizer_internal.h"

/* A word, as a part of a stretch of the text. */
typedef struct {
    uint32_t begin, end;
} WordSpan;

/* Zeroed before the first stretch. */
typedef struct {
    WordSpan *words;
    size_t n_words;
    size_t begin, n_bytes;  /* the stretch: it ends where a word does, or with the text */
    size_t n_bytes_max;     /* as many bytes as `words` has room for */
} WordStretch;

/* Goes on to the next stretch: words are what stands between spaces, or also tabs and line ends where `lines`. False behind the last one. The
 * words live in `arena`. */
bool word_stretch_next(WordStretch *stretch, Arena *arena, bool lines, Piece text);

#endif
