/* char_edges.h - the longest token at a place of a text, walked a character at a time where characters have three bytes: Hangul, kana, Chinese.
 *
 * A byte trie takes three looks for a syllable, each behind the one before. Here an edge leads from a prefix of tokens over a whole character,
 * found by hashing; and the first character, alone or behind a space, is found by its code. All else is left to the byte trie. */
#ifndef TEXT_CHAR_EDGES_H
#define TEXT_CHAR_EDGES_H

#include "text/tokenizer/trie.h"

#include <stdbool.h>
#include <string.h>

/* Where an edge is looked for follows from the characters walked so far, not from where they led: the looks of one walk need not wait for one
 * another, and can be announced.
 *
 * An edge in 64 bits: where it starts << 44 | character << 28 | value << 8 | flags. Nodes are the slots of the edges that lead to them. The value
 * is that of the longest key that ends within the character, `flags & EDGE_BACK` bytes before its end. 0 is a free slot: characters of three
 * bytes are not 0. */
enum { EDGE_NODE_BITS = 20, EDGE_CHAR_SHIFT = 28, EDGE_NODE_SHIFT = 44, EDGE_VALUE_SHIFT = 8, EDGE_NO_VALUE = (1 << 20) - 1 };
enum { EDGE_BACK = 3, EDGE_GOES_ON = 4, EDGE_HAS_BYTES = 8 };  /* further characters follow; bytes that are no whole character follow */
enum { EDGE_FROM_ROOT = (1 << EDGE_NODE_BITS) - 1, EDGE_FROM_SPACE = EDGE_FROM_ROOT - 1 };

typedef struct {
    const Trie *trie;
    uint64_t *slots;    /* NULL: too many for 20 bits, or none */
    uint32_t mask;
    uint64_t *first, *spaced;  /* edges from the root and from a space, by character; in place of the start, their own slot */
    uint32_t *units;    /* of the byte trie, by slot */
} CharEdges;

/* `keys` are those that `trie` was built of, sorted by it; values below EDGE_NO_VALUE. */
void char_edges_build(CharEdges *edges, const Trie *trie, const TrieKey *keys, size_t n_keys);
void char_edges_release(CharEdges *edges);

/* The code of a character of three bytes, 0 when there is none; overlong forms and surrogates count, as no key holds them. */
static inline uint32_t wide_char_at(const char *at, size_t n)
{
    if (n < 3 || ((unsigned char)at[0] & 0xF0) != 0xE0 || ((unsigned char)at[1] & 0xC0) != 0x80 || ((unsigned char)at[2] & 0xC0) != 0x80)
        return 0;
    return ((uint32_t)(unsigned char)at[0] << 12 | ((uint32_t)(unsigned char)at[1] & 0x3F) << 6 | ((uint32_t)(unsigned char)at[2] & 0x3F)) & 0xFFFF;
}

static inline uint64_t edge_key(uint32_t node, uint32_t c)
{
    return (uint64_t)node << (EDGE_NODE_SHIFT - EDGE_CHAR_SHIFT) | c;
}

/* Of all characters so far; what it starts with says whether a space came before them. */
static inline uint64_t edge_hash_start(bool spaced)
{
    return (uint64_t)spaced << 32;
}

static inline uint64_t edge_hash(uint64_t hash, uint32_t c)
{
    return (hash ^ c) * 0x9E3779B97F4A7C15u;
}

static inline uint32_t edge_home(const CharEdges *edges, uint64_t hash)
{
    return (uint32_t)(hash >> 40) & edges->mask;
}

/* The slot of an edge over `c`, the last character of `hash`, or the free one where it would be. */
static inline uint32_t edge_slot(const CharEdges *edges, uint64_t hash, uint32_t node, uint32_t c)
{
    uint64_t key = edge_key(node, c);
    uint32_t slot = edge_home(edges, hash);
    while (edges->slots[slot] && edges->slots[slot] >> EDGE_CHAR_SHIFT != key)
        slot = (slot + 1) & edges->mask;
    return slot;
}

static inline int32_t edge_value(uint64_t edge)
{
    int32_t value = (int32_t)(edge >> EDGE_VALUE_SHIFT & EDGE_NO_VALUE);
    return value == EDGE_NO_VALUE ? -1 : value;
}

/* The rest of the way by bytes. */
static inline int32_t longest_by_bytes(const Trie *trie, TrieNode node, const char *bytes, size_t at, size_t n, int32_t longest, size_t *length)
{
    for (; at < n && trie_step(trie, &node, (unsigned char)bytes[at]); at++)
        if (trie_value(node) >= 0) {
            longest = trie_value(node);
            *length = at + 1;
        }
    return longest;
}

/* The value of the longest key that bytes[0, n) begins with, and its length; -1 when there is none. */
static inline int32_t char_edges_longest(const CharEdges *edges, const char *bytes, size_t n, size_t *length)
{
    const Trie *trie = edges->trie;
    size_t at = n && bytes[0] == ' ';
    uint32_t c = edges->slots ? wide_char_at(bytes + at, n - at) : 0, node;
    uint64_t edge = c ? (at ? edges->spaced : edges->first)[c] : 0;
    if (!edge)
        return longest_by_bytes(trie, trie_root(trie), bytes, 0, n, -1, length);
    node = (uint32_t)(edge >> EDGE_NODE_SHIFT);
    uint64_t hash = edge_hash(edge_hash_start(at), c);
    int32_t longest = -1;
    for (;;) {
        at += 3;
        if (edge_value(edge) >= 0) {
            longest = edge_value(edge);
            *length = at - (edge & EDGE_BACK);
        }
        uint64_t next = 0;
        if (edge & EDGE_GOES_ON && (c = wide_char_at(bytes + at, n - at)) != 0) {
            hash = edge_hash(hash, c);
            uint32_t slot = edge_slot(edges, hash, node, c);
            next = edges->slots[slot];
            if (next)
                node = slot;
        }
        if (!next)
            break;
        edge = next;
    }
    if (edge & EDGE_HAS_BYTES)
        longest = longest_by_bytes(trie, trie->units[edges->units[node]], bytes, at, n, longest, length);
    return longest;
}

/* Where char_edges_longest would begin to look for what is behind the first character, or, without a character of three bytes, the first two bytes;
 * returns how many places. Whoever asks puts them on their way: a function that did nothing else would be taken for one that does nothing. */
enum { EDGES_AHEAD = 3 };
static inline int char_edges_ahead(const CharEdges *edges, const char *bytes, size_t n, const uint64_t *places[EDGES_AHEAD])
{
    size_t at = n && bytes[0] == ' ';
    uint32_t c = edges->slots ? wide_char_at(bytes + at, n - at) : 0;
    if (!c) {
        TrieNode node = trie_root(edges->trie);
        if (n < 3 || !trie_step(edges->trie, &node, (unsigned char)bytes[0]) || !trie_step(edges->trie, &node, (unsigned char)bytes[1]))
            return 0;
        places[0] = &edges->trie->units[(node >> TRIE_BASE_SHIFT) + (unsigned char)bytes[2]];
        return 1;
    }
    if (!((at ? edges->spaced : edges->first)[c] & EDGE_GOES_ON))
        return 0;
    uint64_t hash = edge_hash(edge_hash_start(at), c);
    int n_places = 0;
    while (n_places < EDGES_AHEAD && (at += 3, c = wide_char_at(bytes + at, n - at)) != 0) {
        hash = edge_hash(hash, c);
        places[n_places++] = &edges->slots[edge_home(edges, hash)];
    }
    return n_places;
}

#endif
