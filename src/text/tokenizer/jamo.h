/* jamo.h - Hangul syllables as jamo tokens, and back to the very bytes.
 *
 * Only precomposed syllables are taken apart. What the text itself holds as conjoining jamo (NFD), compatibility jamo or ill-formed bytes is
 * spelt in bytes, like everything else. So a jamo token always comes from a syllable, two texts never share an encoding, and decoding
 * needs no normalisation: it puts lead, vowel and tail together as they come. */
#ifndef TEXT_JAMO_H
#define TEXT_JAMO_H

#include "text/tokenizer/decoder.h"
#include "text/tokenizer/tokenizer_internal.h"

/* Start symbols of a piece in the alphabet of bytes and jamo: at most n. A jamo's range is a part of its syllable's three bytes. */
size_t jamo_symbols(const Tokenizer *tok, const char *bytes, size_t n, BpeSymbol *symbols);
/* The jamo tokens of one syllable, *n_ids of them; false when the vocabulary lacks one. */
bool jamo_ids_of(const Tokenizer *tok, uint32_t syllable, int32_t ids[3], int *n_ids);
/* Text of a fallback token, "<ᄀ>": never a character of a text. Returns its length; `out` has room for 8 bytes. */
size_t jamo_fallback_text(char *out, int jamo);
/* Jamo of a fallback token, -1 for any other token. */
int jamo_of_fallback(const char *text, size_t n);

/* Appends a token written in the alphabet of bytes and jamo; holds back a syllable that the next token may finish. */
void jamo_decode(DecodeState *state, const char *text, size_t n, ByteBuffer *out);
/* One jamo. */
void jamo_decode_one(DecodeState *state, int jamo, ByteBuffer *out);
/* Writes what is held back. */
void jamo_decode_flush(DecodeState *state, ByteBuffer *out);

#endif
