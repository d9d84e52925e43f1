/* bert_chars.h - BERT's rules character by character: what cleaning, taking accents off and lower case make of each, and whether it stands alone.
 *
 * All these steps look at one character at a time, but for the order of combining marks that stay, and for pieces of broken characters that meet when what
 * stood between them is dropped. So what they make of a character is found once, by running them on it, and remembered by the thread that encodes. */
#ifndef TEXT_BERT_CHARS_H
#define TEXT_BERT_CHARS_H

#include "text/tokenizer/tokenizer_internal.h"

void bert_chars_free(BertChars *chars);  /* NULL is fine */
/* Encodes a stretch of text without white space, of a tokenizer whose texts may be cut at white space (WORD_CUT_WHITE_SPACE). */
void bert_chars_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece text, TokenBuffer *out);

#endif
