/* char_edges.c - see char_edges.h. */
#include "text/tokenizer/char_edges.h"
#include "base/arena.h"
#include "base/large.h"

#include <stdlib.h>

enum { WIDE_CHARS = 1 << 16, WIDE_BYTES = 3 };

/* How many whole characters of three bytes stand at the start of a key, behind its space if it has one; *at is where they begin. */
static size_t wide_chars_of(const TrieKey *key, size_t *at)
{
    *at = key->n && key->bytes[0] == ' ';
    size_t n = 0;
    while (wide_char_at(key->bytes + *at + n * WIDE_BYTES, key->n - *at - n * WIDE_BYTES))
        n++;
    return n;
}

/* Keys are sorted: an edge is new when the key before does not have it. */
static size_t count_edges(const TrieKey *keys, size_t n_keys)
{
    size_t n_edges = 0, at;
    for (size_t i = 0; i < n_keys; i++) {
        size_t n = wide_chars_of(&keys[i], &at), common = 0;
        if (i > 0)
            while (common < keys[i].n && common < keys[i - 1].n && keys[i].bytes[common] == keys[i - 1].bytes[common])
                common++;
        size_t known = common > at ? (common - at) / WIDE_BYTES : 0;
        n_edges += n > known ? n - known : 0;
    }
    return n_edges;
}

/* Follows an edge's bytes in the trie: its node, and the longest key that ends within the character. */
static uint64_t edge_over(const Trie *trie, TrieNode *node, uint32_t *unit, const char *bytes)
{
    uint64_t value = EDGE_NO_VALUE, back = 0;
    for (int i = 0; i < WIDE_BYTES; i++) {
        *unit = (uint32_t)(*node >> TRIE_BASE_SHIFT) + (unsigned char)bytes[i];
        trie_step(trie, node, (unsigned char)bytes[i]);
        if (trie_value(*node) >= 0) {
            value = (uint64_t)trie_value(*node);
            back = (uint64_t)(WIDE_BYTES - 1 - i);
        }
    }
    return value << EDGE_VALUE_SHIFT | back;
}

static void put_key(CharEdges *edges, const TrieKey *key)
{
    size_t at, n = wide_chars_of(key, &at);
    uint32_t from = at ? EDGE_FROM_SPACE : EDGE_FROM_ROOT, unit;
    TrieNode node = trie_root(edges->trie);
    uint64_t hash = edge_hash_start(at);
    if (at)
        trie_step(edges->trie, &node, ' ');
    for (size_t i = 0; i < n; i++, at += WIDE_BYTES) {
        uint64_t edge = edge_over(edges->trie, &node, &unit, key->bytes + at);
        uint32_t c = wide_char_at(key->bytes + at, WIDE_BYTES);
        hash = edge_hash(hash, c);
        uint32_t slot = edge_slot(edges, hash, from, c);
        if (!edges->slots[slot])
            edges->slots[slot] = edge_key(from, c) << EDGE_CHAR_SHIFT | edge;
        edges->units[slot] = unit;
        if (i > 0)
            edges->slots[from] |= EDGE_GOES_ON;
        from = slot;
    }
    if (n > 0 && at < key->n)
        edges->slots[from] |= EDGE_HAS_BYTES;
}

/* The edges of the first characters, by character. Behind a space, its own key is what is left when none of the others ends in time. */
static void copy_first(const CharEdges *edges)
{
    TrieNode space = trie_root(edges->trie);
    uint64_t no_value = (uint64_t)EDGE_NO_VALUE << EDGE_VALUE_SHIFT, alone = EDGE_NO_VALUE;
    if (trie_step(edges->trie, &space, ' ') && trie_value(space) >= 0)
        alone = (uint64_t)trie_value(space);
    for (uint32_t slot = 0; slot <= edges->mask; slot++) {
        uint64_t edge = edges->slots[slot];
        uint32_t from = (uint32_t)(edge >> EDGE_NODE_SHIFT), c = (uint32_t)(edge >> EDGE_CHAR_SHIFT) & 0xFFFF;
        uint64_t own = (uint64_t)slot << EDGE_NODE_SHIFT | (edge & ((1ull << EDGE_NODE_SHIFT) - 1));
        if (edge && from == EDGE_FROM_ROOT)
            edges->first[c] = own;
        else if (edge && from == EDGE_FROM_SPACE)
            edges->spaced[c] = edge_value(edge) >= 0 ? own : (own & ~no_value) | alone << EDGE_VALUE_SHIFT | WIDE_BYTES;
    }
}

void char_edges_build(CharEdges *edges, const Trie *trie, const TrieKey *keys, size_t n_keys)
{
    *edges = (CharEdges){.trie = trie};
    size_t n_edges = count_edges(keys, n_keys), n_slots = 64;
    while (n_slots < n_edges * 2 && n_slots < 1u << (EDGE_NODE_BITS - 1))
        n_slots *= 2;
    if (n_edges == 0 || n_edges > n_slots / 4 * 3)
        return;
    edges->mask = (uint32_t)n_slots - 1;
    edges->slots = mem_alloc_large(n_slots * sizeof *edges->slots);
    edges->units = mem_alloc(n_slots * sizeof *edges->units);
    edges->first = mem_alloc(WIDE_CHARS * sizeof *edges->first);
    edges->spaced = mem_alloc(WIDE_CHARS * sizeof *edges->spaced);
    for (size_t i = 0; i < n_keys; i++)
        put_key(edges, &keys[i]);
    copy_first(edges);
}

void char_edges_release(CharEdges *edges)
{
    free(edges->slots);
    free(edges->units);
    free(edges->first);
    free(edges->spaced);
    *edges = (CharEdges){0};
}
