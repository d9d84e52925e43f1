/* bpe_chars.h - new words of a byte-pair vocabulary of characters that marks its spaces (SentencePiece's BPE), straight from the raw text and many
 * at a time: one look for a character's label, one for a step of the walk to the longest token, and the proofs of bpe_border.h that neighbours
 * stay apart. Words stand in one row of labels, cut into lanes that are walked side by side, each step without a branch: nobody can foretell
 * where a token ends, and what one lane waits for in memory the others do not. */
#ifndef TEXT_BPE_CHARS_H
#define TEXT_BPE_CHARS_H

#include "text/tokenizer/luck.h"
#include "text/tokenizer/tokenizer_internal.h"

typedef struct BpeChars BpeChars;

/* Of a matcher and the tokens that take part in it (sorted in place). NULL when this tokenizer has no plain words, or not all of
 * them are taken, or too many characters. */
BpeChars *bpe_chars_new(const Tokenizer *tok, const BpeMatcher *matcher, TrieKey *tokens, size_t n_tokens);
void bpe_chars_free(BpeChars *chars);  /* NULL is fine */

enum { BPE_WORDS_MAX = 128, BPE_WORD_LABELS_MAX = 64 };
/* A raw word that a space mark would stand before, and for each space that it begins with another one. */
typedef struct {
    const char *bytes;
    size_t n_bytes;
    const int32_t *ids;
    size_t n_ids;  /* 0: it is long or not plain */
} BpeWord;
/* Working memory of bpe_chars_match, zeroed before the first time, and where the ids lie until the next. */
enum { BPE_ROW_LABELS_MAX = BPE_WORDS_MAX * BPE_WORD_LABELS_MAX };
typedef struct {
    Luck sure;  /* of words: their longest tokens were the right ones */
    uint16_t labels[BPE_ROW_LABELS_MAX + 1], offsets[BPE_ROW_LABELS_MAX];
    uint64_t tokens[BPE_ROW_LABELS_MAX];
    uint32_t doubts[BPE_ROW_LABELS_MAX + 1];
    int32_t ids[BPE_ROW_LABELS_MAX], more_ids[BPE_ROW_LABELS_MAX * UTF8_BYTES_MAX];
} BpeCharsRoom;
/* For the words that bpe_chars_match leaves; NULL: not for this tokenizer (bpe_long.h). */
const struct BpeLong *bpe_chars_longs(const BpeChars *chars);
/* Encodes up to BPE_WORDS_MAX words. */
void bpe_chars_match(const BpeChars *chars, const Tokenizer *tok, BpeCharsRoom *room, BpeWord *words, int n_words);

#endif
