/* likelihood_words.h - words on disk for the likelihood trainer: those that hold one of the pairs which merge next are in memory, a set at a time.
 *
 * A pair is held when every word that it is seen in is in the set: a pair that the set was made for, and any pair of a symbol that merges made since.
 * So merging goes on in memory until the best pair is not held; then the set goes back to the file, and the next one is made. */
#ifndef TEXT_LIKELIHOOD_WORDS_H
#define TEXT_LIKELIHOOD_WORDS_H

#include "text/tokenizer/bpe_train.h"

typedef struct LikelihoodWords LikelihoodWords;

/* A set takes set_bytes at most. */
Err likelihood_words_open(LikelihoodWords **out, const char *dir, int64_t set_bytes);
void likelihood_words_free(LikelihoodWords *words);  /* NULL is fine */
Err likelihood_words_add(LikelihoodWords *words, const int32_t *symbols, uint32_t n, int64_t count);
/* Puts the set back and makes that of the first pairs (keys, n of them, at least one): as many as there is room for, *n_held of them; none when the
 * words of the first alone do not fit. The set is words->set, as BpeCorpus; its words are in the order of the file. ERR_IO. */
Err likelihood_words_hold(LikelihoodWords *words, const uint64_t *keys, int n, int *n_held);
BpeCorpus *likelihood_words_set(LikelihoodWords *words);
/* Puts the set back and shows all words, to be merged where they are. */
typedef uint32_t (*LikelihoodVisit)(void *context, int32_t *symbols, uint32_t n, int64_t count);
Err likelihood_words_pass(LikelihoodWords *words, LikelihoodVisit visit, void *context);
size_t likelihood_words_bytes(const LikelihoodWords *words);  /* of memory */

#endif
