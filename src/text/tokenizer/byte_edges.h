/* byte_edges.h - the longest token at a place of a text of bytes. Where a walk through the trie would ask at each byte whether to go on, and a processor
 * would guess wrong once a token, the first two bytes are one look and the next two are always looked at: nothing is guessed up to four bytes. */
#ifndef TEXT_BYTE_EDGES_H
#define TEXT_BYTE_EDGES_H

#include "text/tokenizer/trie.h"

#include <string.h>

typedef struct {
    const Trie *trie;
    /* By couple_of: where the children of the two bytes lie << TRIE_BASE_SHIFT (0: none) | 1 << TRIE_BYTE_SHIFT if the two are a key | the value of the
     * longest key among them + 1. */
    TrieNode *couples;
    int32_t single[256];  /* values of keys of one byte, -1: none */
    uint32_t *meets;      /* a bit for each two bytes that are a key, where byte_edges_meet looks: small enough to be near at all times */
} ByteEdges;
enum { N_COUPLES = 1 << 16, COUPLES_A_WORD = 32, BYTE_EDGES_BYTES = 4 };  /* as many may be read where the longest is asked for */

void byte_edges_build(ByteEdges *edges, const Trie *trie);
void byte_edges_release(ByteEdges *edges);

static inline size_t couple_of(const char *two_bytes)
{
    return (size_t)(unsigned char)two_bytes[0] << 8 | (unsigned char)two_bytes[1];
}

/* Are two bytes a key? */
static inline uint32_t byte_edges_meet(const ByteEdges *edges, const char *two_bytes)
{
    uint32_t couple = (uint32_t)couple_of(two_bytes);
    return edges->meets[couple / COUPLES_A_WORD] >> couple % COUPLES_A_WORD & 1;
}

/* The same of what `couples` says of them. */
static inline int byte_edges_is_two(TrieNode couple)
{
    return couple >> TRIE_BYTE_SHIFT & 1;
}

/* Does a character of three bytes stand here, alone or behind a space? (char_edges.h is for those.) */
static inline int byte_edges_wide(const char *bytes)
{
    uint32_t four;
    memcpy(&four, bytes, sizeof four);
    four >>= bytes[0] == ' ' ? 8 : 0;
    return (four & 0xC0C0F0) == 0x8080E0;
}

/* The value of the longest key that bytes[0, n) begins with, and its length; -1 and 1 when there is none. n > 0. */
static inline int32_t byte_edges_longest(const ByteEdges *edges, const char *bytes, size_t n, size_t *length)
{
    const TrieNode *units = edges->trie->units;
    TrieNode couple = edges->couples[couple_of(bytes)];
    int is_alone = n < 2;
    int32_t longest = is_alone ? edges->single[(unsigned char)bytes[0]] : trie_value(couple);
    size_t found = is_alone ? 1 : 1 + (size_t)byte_edges_is_two(couple);
    TrieNode base = is_alone ? 0 : couple >> TRIE_BASE_SHIFT;
    for (size_t at = 2; at < BYTE_EDGES_BYTES; at++) {  /* below base 0 there is no child */
        unsigned char byte = (unsigned char)bytes[at];
        TrieNode child = units[base + byte];
        int is_child = (child >> TRIE_BYTE_SHIFT & 0x1FF) == (TrieNode)byte + 1 && at < n;
        child = is_child ? child : 0;
        base = child >> TRIE_BASE_SHIFT;
        longest = trie_value(child) >= 0 ? trie_value(child) : longest;
        found = trie_value(child) >= 0 ? at + 1 : found;
    }
    TrieNode node = base << TRIE_BASE_SHIFT;
    for (size_t at = BYTE_EDGES_BYTES; base && at < n && trie_step(edges->trie, &node, (unsigned char)bytes[at]); at++)
        if (trie_value(node) >= 0) {
            longest = trie_value(node);
            found = at + 1;
        }
    *length = found;
    return longest;
}

/* What is looked at first. */
static inline const TrieNode *byte_edges_ahead(const ByteEdges *edges, const char *bytes)
{
    return &edges->couples[couple_of(bytes)];
}

#endif
