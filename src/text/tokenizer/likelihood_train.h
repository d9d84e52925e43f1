/* likelihood_train.h - WordPiece's own trainer (Schuster & Nakajima 2012): the pair whose merge raises the likelihood of the corpus most,
 * score = count(ab) / (count(a) count(b)), under a unigram model of the symbols. Ties go to the smallest pair of ids. */
#ifndef TEXT_LIKELIHOOD_TRAIN_H
#define TEXT_LIKELIHOOD_TRAIN_H

#include "text/tokenizer/bpe_train.h"

/* As bpe_learn. Pairs seen less than min_frequency times (at least once) never merge: a pair of two rare characters always scores high.
 * At debug level each merge is logged with its score and the loss -sum count(s) log(count(s) / N) in nats a symbol. */
Err likelihood_learn(Tokenizer *tok, WordCounts *counts, BpeCut cut, void *context, const BpeTrainOptions *options);
/* The same for words in memory. */
Err likelihood_train(Tokenizer *tok, BpeCorpus *corpus, const BpeTrainOptions *options);

#endif
