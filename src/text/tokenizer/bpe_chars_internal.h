/* bpe_chars_internal.h - what bpe_chars.c and bpe_long.c share: labels of characters, and a few of them merged. */
#ifndef TEXT_BPE_CHARS_INTERNAL_H
#define TEXT_BPE_CHARS_INTERNAL_H

#include "text/tokenizer/bpe_chars.h"
#include "text/tokenizer/bpe_short.h"

/* A unit of the trie: base << 38 | label << 22 | UNIT_GOES_ON | id + 1. As in char_trie.h, but with all that a walk asks in one look. */
enum { UNIT_GOES_ON_BIT = 21, UNIT_ID = (1 << UNIT_GOES_ON_BIT) - 1, UNIT_LABEL_SHIFT = 22, UNIT_BASE_SHIFT = 38 };
enum { LABEL_MAX = UINT16_MAX - 1, NOT_PLAIN = 0, N_COMMON = 1 << 16, N_FREQUENT = 128 };

struct BpeChars {
    const BpeMatcher *matcher;
    const BpeBorder *borders;    /* of the matcher */
    uint64_t *units;
    uint16_t label_of[N_COMMON]; /* NOT_PLAIN; or a label, `stranger` for a character that no token has */
    uint16_t mark, stranger;     /* no unit has the label `stranger` */
    BpeCouple *couples;          /* of the N_FREQUENT least labels: left * N_FREQUENT + right */
    int32_t n_known, n_ids;      /* an id in between is only ever a part of tokens; n_ids is a stranger */
    size_t marks_max;            /* as many may begin a word that is matched; with more it must be merged */
    BpeMerges refused;           /* what the matcher has no ranks for */
    struct BpeLong *longs;       /* NULL: not for this tokenizer */
    bool takes_spaces;           /* each space that a word begins with is a mark */
    bool fuses_strangers;        /* a run of strangers and such parts is one unknown token */
    bool spells_strangers;       /* they become their bytes */
};

/* The token that is one character. */
static inline int32_t bpe_chars_id_of(const BpeChars *chars, uint32_t label)
{
    return (int32_t)(chars->units[label] & UNIT_ID) - 1;
}

/* The tokens of 1 to BPE_SHORT_SYMBOLS labels by merging, each as what is behind its last label << 32 | id, the first label being `begin`; returns how
 * many. Whatever text they stand in, two neighbours become a token only as that token's own text does: the matcher's ranks do for all tokens that it has,
 * and `refused` for the others. */
size_t bpe_chars_merge(const BpeChars *chars, const uint16_t *labels, size_t n, size_t begin, uint64_t *tokens);

#endif
