/* trie.h - byte strings to values, walked a byte at a time: a double array (Aoe 1989), one array look a byte. */
#ifndef TEXT_TRIE_H
#define TEXT_TRIE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int32_t base;   /* of the children: child over byte b is unit base + b */
    int32_t check;  /* the parent, -1 when the unit is free */
    int32_t value;  /* -1: no key ends here */
} TrieUnit;
typedef struct {
    TrieUnit *units;
    int32_t n_units;
} Trie;

typedef struct {
    const char *bytes;
    size_t n;
    int32_t value;  /* >= 0 */
} TrieKey;
/* Sorts the keys in place. Of equal keys the first in order of value counts. Empty keys are left out. */
void trie_build(Trie *trie, TrieKey *keys, size_t n_keys);
void trie_release(Trie *trie);

enum { TRIE_ROOT = 0, TRIE_NONE = -1 };
/* The node below `node` over a byte, or TRIE_NONE. */
static inline int32_t trie_step(const Trie *trie, int32_t node, unsigned char byte)
{
    int32_t next = trie->units[node].base + byte;
    return next < trie->n_units && trie->units[next].check == node ? next : TRIE_NONE;
}

#endif
