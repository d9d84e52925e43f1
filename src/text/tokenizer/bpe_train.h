/* bpe_train.h - learning merges: the most frequent neighbours become one symbol, again and again (Sennrich et al. 2016).
 *
 * Ties go to the smallest pair of ids, which makes the result that of Hugging Face's trainer, and a function of the counts alone. */
#ifndef TEXT_BPE_TRAIN_H
#define TEXT_BPE_TRAIN_H

#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/word_counts.h"

/* Words as symbols. */
typedef struct {
    int32_t *symbols;
    uint64_t *begin;   /* word w is symbols[begin[w], begin[w] + length[w]) */
    uint32_t *length;
    int64_t *count;
    int64_t n_words;
} BpeCorpus;

typedef struct {
    int64_t vocab_size, min_frequency;
    int64_t max_token_symbols;  /* 0: no bound */
    bool quiet;
} BpeTrainOptions;

/* Grows tok's vocabulary and merges until it has vocab_size tokens or no pair is frequent enough. A merged token's text is left + right
 * without tok's prefix; two pairs may make the same token. The corpus is used up. */
Err bpe_train(Tokenizer *tok, BpeCorpus *corpus, const BpeTrainOptions *options);

/* Zeroed arrays for the words; released by the other. */
BpeCorpus bpe_corpus_new(int64_t n_words, uint64_t n_symbols);
void bpe_corpus_release(BpeCorpus *corpus);
/* The token that a pair makes, added to the vocabulary when it is new. */
Err bpe_merged_token(Tokenizer *tok, int32_t left, int32_t right, int32_t *id);

#endif
