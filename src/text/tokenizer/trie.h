/* trie.h - byte strings to values, walked a byte at a time: a double array (Aoe 1989), one array look of eight bytes a step.
 *
 * A node is its own unit: where its children lie, the byte that led to it, and the value of the key that ends at it. */
#ifndef TEXT_TRIE_H
#define TEXT_TRIE_H

#include <stddef.h>
#include <stdint.h>

/* base << 38 | (byte + 1) << 29 | (value + 1). The child over byte b is unit base + b if that unit says so: no two nodes have the same
 * base, so the byte alone tells whose child it is. A free unit has byte + 1 = 0. */
typedef uint64_t TrieNode;
typedef struct {
    TrieNode *units;
    int32_t n_units;  /* 256 more than any base */
} Trie;

typedef struct {
    const char *bytes;
    size_t n;
    int32_t value;  /* 0 .. TRIE_VALUE_MAX */
} TrieKey;
enum { TRIE_BYTE_SHIFT = 29, TRIE_BASE_SHIFT = 38, TRIE_VALUE_MAX = (1 << TRIE_BYTE_SHIFT) - 2, TRIE_UNITS_MAX = 1 << 26 };
/* Sorts the keys in place. Of equal keys the first in order of value counts. Empty keys are left out. */
void trie_build(Trie *trie, TrieKey *keys, size_t n_keys);
void trie_release(Trie *trie);
/* By bytes, then by value. */
void trie_sort_keys(TrieKey *keys, size_t n_keys);

static inline TrieNode trie_root(const Trie *trie)
{
    return trie->units[0];
}

/* Goes to the child over a byte; false, and the node unchanged, when there is none. */
static inline int trie_step(const Trie *trie, TrieNode *node, unsigned char byte)
{
    TrieNode child = trie->units[(*node >> TRIE_BASE_SHIFT) + byte];
    if ((child >> TRIE_BYTE_SHIFT & 0x1FF) != (TrieNode)byte + 1)
        return 0;
    *node = child;
    return 1;
}

/* -1: no key ends here. */
static inline int32_t trie_value(TrieNode node)
{
    return (int32_t)(node & ((1u << TRIE_BYTE_SHIFT) - 1)) - 1;
}

#endif
