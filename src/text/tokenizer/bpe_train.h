/* bpe_train.h - learning merges: the most frequent neighbours become one symbol, again and again (Sennrich et al. 2016).
 *
 * Ties go to the smallest pair of ids, which makes the result that of Hugging Face's trainer, and a function of the counts alone. Words are held in
 * memory with a list for each pair of the words it is in, or, when the counted words stayed on disk, pass by in a file (bpe_train_file.c):
 * some twenty times slower, the same rules. */
#ifndef TEXT_BPE_TRAIN_H
#define TEXT_BPE_TRAIN_H

#include "text/tokenizer/bpe_rules.h"
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
    const char *work_dir;       /* rules learnt so far are kept there, and words that do not fit; NULL: none */
    uint64_t identity;          /* of settings and text, for the former */
    double save_seconds;        /* between two savings; 0: after every batch of merges; below 0: none */
    int64_t memory_bytes_max;   /* 0: none */
    bool quiet;
} BpeTrainOptions;

/* The word's symbols, at most one a byte; returns how many. */
typedef uint32_t (*BpeCut)(void *context, const char *bytes, uint32_t n_bytes, int32_t *symbols);

/* One word after another, cut into the same room, which the owner frees. */
typedef struct {
    BpeCut cut;
    void *context;
    int32_t *symbols;  /* of the last word */
    size_t capacity;
} WordCutter;
uint32_t word_cutter_next(WordCutter *cutter, const char *bytes, uint32_t n_bytes);

/* Grows tok's vocabulary and merges until it has vocab_size tokens or no pair is frequent enough. A merged token's text is left + right
 * without tok's prefix; two pairs may make the same token. The counts are used up. ERR_MEMORY: pairs alone exceed the bound. */
Err bpe_learn(Tokenizer *tok, WordCounts *counts, BpeCut cut, void *context, const BpeTrainOptions *options);

/* bpe_learn for counts in memory, and for those on disk. */
Err bpe_train(Tokenizer *tok, BpeCorpus *corpus, const BpeTrainOptions *options);
Err bpe_train_file(Tokenizer *tok, const WordCounts *counts, BpeCut cut, void *context, const BpeTrainOptions *options);

/* Zeroed arrays for the words; released by the other. */
BpeCorpus bpe_corpus_new(int64_t n_words, uint64_t n_symbols);
/* Counts in memory, cut. */
BpeCorpus bpe_corpus_of(const WordCounts *counts, BpeCut cut, void *context);
void bpe_corpus_release(BpeCorpus *corpus);
/* Id of the token that a pair makes, -1 when there is none yet. */
int32_t bpe_existing_token(const Tokenizer *tok, int32_t left, int32_t right);
/* The token that a pair makes, added to the vocabulary when it is new. */
Err bpe_merged_token(Tokenizer *tok, int32_t left, int32_t right, int32_t *id);
/* Rules for a run of these options: to be begun with bpe_rules_begin. */
BpeRules bpe_rules_of(Tokenizer *tok, const BpeTrainOptions *options, Arena *arena);

#endif
