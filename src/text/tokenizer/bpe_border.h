/* bpe_border.h - what is known beforehand of the borders that tokens of a byte-pair vocabulary may have: proofs that cost a look where the truth costs ten.
 *
 * A token z that reaches over a border has a left part that ends what stands before it and a right part that begins what stands behind it. It
 * comes about only when it is made before what is made of its left part there (and not after what is made of its right part). Few tokens are: one that
 * ends in a frequent syllable has perhaps ten such z, and nearly every text goes on with none of them. */
#ifndef TEXT_BPE_BORDER_H
#define TEXT_BPE_BORDER_H

#include "text/tokenizer/char_edges.h"
#include "text/tokenizer/trie.h"

/* How a token came about. A start symbol has rank 0 and no parts; a merged one the rank of its merge + 1. */
typedef struct {
    uint32_t rank;
    int32_t left, right;
    uint32_t length;  /* in bytes; 0: takes no part */
} BpeMade;

/* By token: a bit for each right part of such a z, the token itself not being its left part; and one for each part that begins the token. A token that
 * was the longest of its place stays apart from the next when the next has none of the bits. */
typedef struct {
    uint64_t wants, begins;
} BpeBorder;

typedef struct {
    BpeBorder *of;  /* by token, and one more without any bits: what no token has */
    /* By character of three bytes, alone and behind a space that begins the text: bits for the first bytes of the right parts of what could take a piece
     * off it, all bits when it is no token or something to its left could. NULL: no such characters. */
    uint64_t *alone, *spaced;
} BpeBorders;

/* `made` has n_ids entries; every token is made after its parts. */
void bpe_borders_build(BpeBorders *borders, const BpeMade *made, const CharEdges *edges, const TrieKey *tokens, size_t n_tokens, int32_t n_ids);
void bpe_borders_release(BpeBorders *borders);

enum { BORDER_TEXT_BYTES = 3, BORDER_BIT_SHIFT = 58 };
/* The bit of a right part by its first n bytes, 1 <= n <= BORDER_TEXT_BYTES. */
static inline uint64_t border_text_bit(const char *bytes, size_t n)
{
    uint32_t start = 0;
    memcpy(&start, bytes, n);
    return 1ull << (start * 0x9E3779B97F4A7C15u >> BORDER_BIT_SHIFT);
}

/* Does `at`, 0 < at < n, lie within a character of the text that no encoding cuts? */
static inline bool border_is_closed(const BpeBorders *borders, const char *bytes, size_t n, size_t at)
{
    if (!borders->alone || ((unsigned char)bytes[at] & 0xC0) != 0x80)
        return false;
    size_t begin = at - 1;
    if (begin > 0 && ((unsigned char)bytes[begin] & 0xC0) == 0x80)
        begin--;
    uint32_t c = wide_char_at(bytes + begin, n - begin);
    bool is_spaced = begin > 0 && bytes[begin - 1] == ' ';
    if (!c || begin + BORDER_TEXT_BYTES <= at || (is_spaced && begin > 1))
        return false;
    uint64_t next = 0;
    for (size_t i = 1, end = begin + BORDER_TEXT_BYTES; i <= BORDER_TEXT_BYTES && end + i <= n; i++)
        next |= border_text_bit(bytes + end, i);
    uint64_t wants = (is_spaced ? borders->spaced : borders->alone)[c];
    return wants != UINT64_MAX && !(wants & next);
}

#endif
