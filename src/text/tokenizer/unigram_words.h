/* unigram_words.h - a text's words under a SentencePiece unigram model: looked up many at a time, and those that are new cut together
 * (unigram_walk.h). */
#ifndef TEXT_UNIGRAM_WORDS_H
#define TEXT_UNIGRAM_WORDS_H

#include "text/tokenizer/tokenizer_internal.h"

/* A word that begins with a line end which parts words is remembered without a space mark before it: where it has one, it must not be looked for. */
bool unigram_words_starts_line(const Tokenizer *tok, Piece word);
/* Encodes a text without space marks of its own, of a tokenizer of WORD_CUT_SPACES with a UnigramWalk, behind scratch->path_score. The ids are those of
 * unigram_encode_word, word by word. */
void unigram_words_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece text, TokenBuffer *out);

#endif
