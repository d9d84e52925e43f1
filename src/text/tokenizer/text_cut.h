/* text_cut.h - places at which a long text falls into parts that can be worked on alone: for streams and for threads. */
#ifndef TEXT_TEXT_CUT_H
#define TEXT_TEXT_CUT_H

#include "text/tokenizer/tokenizer_internal.h"

typedef enum {
    TEXT_CUT_NONE,         /* the text must stay whole */
    TEXT_CUT_KEEPS_SPACE,  /* between two letters, before the space: it opens the next piece */
    TEXT_CUT_DROPS_SPACE,  /* between two letters, the space itself falling out: it only ends a word, or comes back as a prefix */
    TEXT_CUT_WORDS,        /* where word_cut.h would cut */
} TextCut;

/* For the pieces that a tokenizer's normalizer and pre-tokenizer make. */
TextCut text_cut_of_pieces(const Tokenizer *tok);
/* For its ids: also where the pieces reach on but the model does not. */
TextCut text_cut_of_ids(const Tokenizer *tok);
/* The first place from `from` on: the first part ends at *cut, the second begins *n_dropped bytes behind it. False when there is none. */
bool text_cut_find(TextCut kind, const char *text, size_t n, size_t from, size_t *cut, size_t *n_dropped);

#endif
