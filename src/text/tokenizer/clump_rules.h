/* clump_rules.h - where clumps (clumps.h) end, and what becomes of those of one character.
 *
 * Neighbours cling together that stand side by side in some piece. They are told by two bits of a word among many, found by hashing: where those of other
 * pairs are the same, clumps are taken for one that are two, which costs time and changes nothing. */
#ifndef TEXT_CLUMP_RULES_H
#define TEXT_CLUMP_RULES_H

#include "text/tokenizer/tokenizer_internal.h"

/* In place of an id: the ids of its bytes; normalising may change this character, or what stands beside it; none is known. */
enum { CLUMP_BYTES = 0xFFFD, CLUMP_OTHER, CLUMP_NO_ID };
enum { CLUMP_SPACE_MARK = 0x2581, CLUMP_FAR_CHAR = 0xD800 };  /* FAR: stands for those beyond U+FFFF, which are never looked up */

typedef struct ClumpRules {
    uint32_t *pairs;      /* words, of which clump_pair_word tells one */
    int pairs_shift;
    uint16_t *alone;      /* of each character up to U+FFFF, and room for one more: the id of a clump of it alone */
    uint16_t byte_ids[256];
} ClumpRules;

/* NULL when this tokenizer has no words that are their own normal form, when ids do not fit 16 bits, or when unknown characters side by side are
 * not told apart. */
ClumpRules *clump_rules_new(const Tokenizer *tok, const ModelFast *fast);
void clump_rules_free(ClumpRules *rules);  /* NULL is fine */

static inline uint32_t clump_pair_hash(uint16_t first, uint16_t second)
{
    return ((uint32_t)first << 16 | second) * 0x9E3779B1u;
}

/* The bits of a pair in its word: those behind the ones that tell the word. */
static inline uint32_t clump_pair_bits(const ClumpRules *rules, uint32_t hash)
{
    return 1u << (hash >> (rules->pairs_shift - 5) & 31) | 1u << (hash >> (rules->pairs_shift - 10) & 31);
}

static inline uint32_t *clump_pair_word(const ClumpRules *rules, uint32_t hash)
{
    return &rules->pairs[hash >> rules->pairs_shift];
}

/* No piece goes on from another character to a space mark. */
static inline bool clump_clings(const ClumpRules *rules, uint16_t first, uint16_t second)
{
    uint32_t hash = clump_pair_hash(first, second), bits = clump_pair_bits(rules, hash);
    return (*clump_pair_word(rules, hash) & bits) == bits && (second != CLUMP_SPACE_MARK || first == CLUMP_SPACE_MARK);
}

#endif
