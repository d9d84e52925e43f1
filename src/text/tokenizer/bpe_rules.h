/* bpe_rules.h - rules while they are learnt: what a merge does to a word, and the rules that a run which was cut off had learnt. */
#ifndef TEXT_BPE_RULES_H
#define TEXT_BPE_RULES_H

#include "text/tokenizer/bpe_pairs.h"
#include "text/tokenizer/tokenizer_internal.h"

typedef struct {
    int32_t left, right, merged;
    int64_t symbols_max;        /* a pair of tokens this long together is not counted */
    const int64_t *n_symbols;   /* start symbols in each token, by id; NULL without a bound */
} PairMerge;

/* A pair is seen `change` times more in word number `word`. */
typedef void (*PairChange)(void *context, uint64_t key, int64_t change, uint32_t word);

static inline bool merge_counts(const PairMerge *merge, int32_t a, int32_t b)
{
    return !merge->n_symbols || merge->n_symbols[a] + merge->n_symbols[b] < merge->symbols_max;
}

/* Merges every occurrence in a word of n symbols that is seen `count` times, from the left, and tells of the neighbours; returns the symbols
 * left. The merged pair's own count stays, as in Hugging Face's trainer: it matters where two pairs make one token. */
static inline uint32_t merge_in_word(int32_t *s, uint32_t n, int64_t count, const PairMerge *merge, PairChange change, void *context,
                                     uint32_t word)
{
    uint32_t to = 0;
    for (uint32_t from = 0; from < n;) {
        if (from + 1 >= n || s[from] != merge->left || s[from + 1] != merge->right) {
            s[to++] = s[from++];
            continue;
        }
        if (to > 0) {
            change(context, pair_key(s[to - 1], merge->left), -count, word);
            if (merge_counts(merge, s[to - 1], merge->merged))
                change(context, pair_key(s[to - 1], merge->merged), count, word);
        }
        if (from + 2 < n) {
            change(context, pair_key(merge->right, s[from + 2]), -count, word);
            if (merge_counts(merge, merge->merged, s[from + 2]))
                change(context, pair_key(merge->merged, s[from + 2]), count, word);
        }
        s[to++] = merge->merged;
        from += 2;
    }
    return to;
}

/* The rules of a tokenizer as they are learnt. */
typedef struct {
    Tokenizer *tok;
    int64_t capacity;         /* of tok->rules */
    int64_t n_first;          /* rules that were there before */
    int64_t max_symbols;      /* 0: no bound */
    int64_t *n_symbols;       /* by id; NULL without a bound */
    const char *save_path;    /* where to keep them now and then; NULL: nowhere */
    uint64_t identity;        /* of the settings and words, for that file */
    double save_seconds, saved_at;
} BpeRules;

/* Takes up the rules that were saved, if any: they are in tok then, to be applied to the words. ERR_USAGE: of other settings. */
Err bpe_rules_begin(BpeRules *rules, int64_t vocab_size);
void bpe_rules_end(BpeRules *rules);
/* The rule of a pair: its token, new or not, goes into merge->merged. False: the pair spells an added token and never merges. */
Err bpe_rules_learn(BpeRules *rules, uint64_t key, PairMerge *merge, bool *is_rule);
/* Saves them when it is time, or at once. */
Err bpe_rules_save(BpeRules *rules, const PairTable *pairs, bool now);
/* Applies the rules that bpe_rules_begin took up to a word, one after the other; returns the symbols left. */
uint32_t bpe_rules_replay(const BpeRules *rules, int32_t *symbols, uint32_t n);
/* Counts of the pairs of those rules as they were, once the words are counted: of pairs that are still seen before pairs are pushed, of all
 * others after that. */
Err bpe_rules_restore_counts(const BpeRules *rules, PairTable *pairs, bool of_seen);

#endif
