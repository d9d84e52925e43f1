/* bpe_long.h - words of any length and of any characters, broken ones too, under a SentencePiece BPE model that spells what it does not know: read as
 * normalising has them and cut between characters that stand side by side in no token, where no merge can cross. Mostly that leaves one character or a
 * few, which are merged (bpe_short.h); of longer stretches a window at a time.
 *
 * A window's tokens are those of the stretch as far as one of them stays apart from the first token of what is behind it (bpe_match.h), which is known
 * when the next window, from there on, is merged. Where it does not, the next window begins a token earlier. */
#ifndef TEXT_BPE_LONG_H
#define TEXT_BPE_LONG_H

#include "text/tokenizer/bpe_chars.h"
#include "text/tokenizer/char_trie.h"

typedef struct BpeLong BpeLong;

/* Of tokens by their characters; takes the labels out of the trie. NULL when unknown characters do not become their bytes. */
BpeLong *bpe_long_new(const Tokenizer *tok, const BpeChars *chars, CharTrie *trie, const TrieKey *tokens, size_t n_tokens);
void bpe_long_free(BpeLong *longs);  /* NULL is fine */
/* Encodes a raw word that a space mark would stand before. False, and nothing done, when it has spaces or marks that are not taken, when a part
 * repeats itself, or in the rare case that windows do not come together. */
bool bpe_long_encode(const BpeLong *longs, const Tokenizer *tok, const char *bytes, size_t n_bytes, TokenBuffer *out);

#endif
