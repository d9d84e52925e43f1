/* char_trie.h - well-formed texts to ids and scores, walked a character at a time: a double array whose letters are labels, numbers given to the
 * characters of the keys, the most frequent the least.
 *
 * One look a character, where trie.h takes one a byte; and the first is for free, as a character's label is its node. */
#ifndef TEXT_CHAR_TRIE_H
#define TEXT_CHAR_TRIE_H

#include "text/tokenizer/char_table.h"
#include "text/tokenizer/trie.h"

/* Of a node: base << 32 | CHAR_TRIE_GOES_ON | label. Its child over a label is unit base + label if that unit says so: no two nodes have the
 * same base. The root's base is 0. */
#define CHAR_TRIE_GOES_ON 0x80000000u
enum { CHAR_TRIE_LABEL = (1 << 21) - 1 };
typedef struct CharTrie {
    CharTable labels;  /* of characters, from 1 on; `none` for one that is in no key */
    uint32_t none;     /* the number of labels + 1: no unit has it */
    uint64_t *units;
    double *scores;    /* by unit: of the key that ends there, -INFINITY when there is none */
    int32_t *ids;      /* likewise, -1 */
    uint32_t n_units;
} CharTrie;

typedef double (*CharTrieScore)(const void *context, const TrieKey *key);
/* Sorts the keys in place; of equal ones the least value counts. Keys that are not well-formed UTF-8, or empty, are left out. */
void char_trie_build(CharTrie *trie, TrieKey *keys, size_t n_keys, CharTrieScore score, const void *context);
void char_trie_release(CharTrie *trie);

static inline uint32_t char_trie_child(uint64_t unit, uint32_t label)
{
    return (uint32_t)(unit >> 32) + label;
}

static inline uint32_t char_trie_label(uint64_t unit)
{
    return (uint32_t)unit & CHAR_TRIE_LABEL;
}

#endif
