/* train.h - what the trainers of the families share. */
#ifndef TEXT_TRAIN_H
#define TEXT_TRAIN_H

#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/bpe_train.h"

/* What a trainer does with counted words, for the bound on memory: bytes that it holds for a distinct word and for each of its bytes, besides the
 * list of words, when they are in memory; whether it reads characters (ill-formed bytes become U+FFFD) or bytes. */
typedef struct {
    double per_word, per_byte;
    bool repair;
} TrainUse;
extern const TrainUse train_use_of_list, train_use_of_bytes, train_use_of_merges, train_use_of_likelihood, train_use_of_pieces;

/* Reads and counts the documents under tok's own normalizer and pre-tokenizer. */
Err train_count_words(WordCounts *counts, const Tokenizer *rules, const TokenizerTrainOptions *options, TrainUse use, TokenizerSource source);
/* The part of the options that learning merges asks for; tok has its rules. */
BpeTrainOptions train_bpe_options(const Tokenizer *tok, const TokenizerTrainOptions *options);
/* Special tokens at the next ids, in order. */
Err train_add_specials(Tokenizer *tok, const TokenizerTrainOptions *options);
/* Roles, then tokenizer_finish. */
Err train_finish(Tokenizer *tok, const TokenizerTrainOptions *options);
/* The splitter of options->pattern as a step, unless it is "none". */
Err train_push_split(Tokenizer *tok, const TokenizerTrainOptions *options);
/* The splitter of Korean particles, when options->particles asks for it. */
Err train_push_particles(Tokenizer *tok, const TokenizerTrainOptions *options);
/* The tokens and decoder steps of options->fallback. */
Err train_add_fallback(Tokenizer *tok, const TokenizerTrainOptions *options);
/* Adds the text as the next id; one that exists keeps its id. */
Err train_add_token(Tokenizer *tok, const char *text, size_t n_bytes);

/* Distinct code points of all words with their counts, ascending, in `arena`. */
typedef struct {
    uint32_t code_point;
    int64_t count;
} CharCount;
Err train_count_chars(CharCount **chars, int64_t *n, Arena *arena, const WordCounts *counts);
/* Keeps the n_kept most frequent (of equals the smaller code point), ascending again. */
void train_keep_frequent(CharCount *chars, int64_t *n, int64_t n_kept);

Err train_byte_bpe(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source);
Err train_char(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source);
Err train_char_bpe(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source);
Err train_wordpiece(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source);
Err train_bert_bpe(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source);
Err train_word(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source);
/* Learns the pieces from counted words. `watch` (may be NULL) is told of every step of expectation-maximisation: the pieces there are, the log
 * likelihood under the scores that the step began with, and the objective, which never falls as long as the pieces stay the same. */
typedef void (*UnigramWatch)(void *context, int64_t n_pieces, double log_likelihood, double objective);
Err unigram_learn(Tokenizer *tok, const WordCounts *counts, const TokenizerTrainOptions *options, UnigramWatch watch, void *context);
Err train_unigram(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source);
Err train_byte(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source);

#endif
