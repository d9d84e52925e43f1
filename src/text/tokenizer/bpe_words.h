/* bpe_words.h - words of a text under a byte-pair vocabulary of characters: those that the cache knows, and all new ones of a batch together. */
#ifndef TEXT_BPE_WORDS_H
#define TEXT_BPE_WORDS_H

#include "text/tokenizer/tokenizer_internal.h"

/* Encodes raw words that have their places in the cache, at most BPE_WORDS_MAX, for a tokenizer whose ModelFast has `plain`. */
void bpe_words_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece text, const CutWord *words, int n_words, TokenBuffer *out);
/* The same for all words of a text without space marks of its own, under WORD_CUT_SPACES; `lines`: tabs and line ends are spaces. */
void bpe_words_encode_all(const Tokenizer *tok, EncodeScratch *scratch, bool lines, Piece text, TokenBuffer *out);

#endif
