/* plain_word.h - words whose normal form needs no normalizer: a space mark before them, or capitals of ASCII made small, or nothing at all. Whether a
 * tokenizer has such words is proved from its normalizer and pre-tokenizer, once. */
#ifndef TEXT_PLAIN_WORD_H
#define TEXT_PLAIN_WORD_H

#include "text/tokenizer/tokenizer_internal.h"

/* For a tokenizer whose raw texts may be cut into words as `cut` says. */
PlainWords plain_words_of(const Tokenizer *tok, WordCut cut);
void plain_words_release(PlainWords *plain);

/* Words whose normal form is a space mark and themselves: a bit for each character that none of them has, UNICODE_MAX / 8 + 1 bytes for the caller
 * to free. NULL when there are no such words. */
uint8_t *plain_chars_others(const Tokenizer *tok, WordCut cut);

enum { PLAIN_WORD_BYTES_MAX = 256, PLAIN_WORD_ROOM = PLAIN_WORD_BYTES_MAX + 3 };
/* Writes a word's normal form, at most three bytes longer than the word, and returns its length; 0 when the word is not plain. */
size_t plain_word_write(const PlainWords *plain, const char *word, size_t n_bytes, char *out);
/* Pre-tokenizer and model on a normal form. */
void plain_word_encode(const Tokenizer *tok, EncodeScratch *scratch, const char *normal, size_t n_bytes, TokenBuffer *out);

#endif
