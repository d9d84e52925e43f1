/* word_cut.h - may a raw text be cut at its spaces, before it is normalised? Where it may, what stands between two spaces is looked up as
 * it was written, and nine words in ten never meet normalizer, pre-tokenizer or model.
 *
 * It may where the encoding of a text is that of its words, one after the other: BERT's rules (white space ends everything), and SentencePiece's
 * dummy prefix where no piece and no merge reaches from a word into the space behind it. */
#ifndef TEXT_WORD_CUT_H
#define TEXT_WORD_CUT_H

#include "text/tokenizer/tokenizer_internal.h"

/* Which one this tokenizer allows. */
WordCut word_cut_of(const Tokenizer *tok);
/* Does normalising put a space mark before the text and for each space? And do pieces begin with their marks? */
bool word_cut_marks_spaces(const Tokenizer *tok);
bool word_cut_splits_marks(const Tokenizer *tok);
/* Encodes the text word by word; `cut` is not WORD_CUT_NONE and no offsets are wanted. */
void word_cut_encode(const Tokenizer *tok, EncodeScratch *scratch, WordCut cut, Piece text, TokenBuffer *out);
/* The same by words alone. */
void word_cut_encode_words(const Tokenizer *tok, EncodeScratch *scratch, WordCut cut, Piece text, TokenBuffer *out);

/* A word that is not known, or whose place in the text might matter: the whole road, but for what plain words need not pass. */
void word_cut_encode_fresh(const Tokenizer *tok, EncodeScratch *scratch, Piece word, TokenBuffer *out);

/* May a word that ends at `end`, before a space, be cut off whatever stands before it? */
bool word_cut_may_end(const char *text, size_t end);

#endif
