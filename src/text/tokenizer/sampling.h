/* sampling.h - encodings other than the one that tokenizer_encode gives: for training data that shows a model more than one cut of a word, and
 * for looking at what the vocabulary finds nearly as good.
 *
 * A draw is a pure function of (seed, number of the text): threads, batches and what was drawn before do not show. */
#ifndef TEXT_SAMPLING_H
#define TEXT_SAMPLING_H

#include "text/tokenizer/tokenizer.h"

/* A zeroed struct draws nothing: the one best encoding. */
typedef struct TokenizerSampling {
    double dropout;  /* BPE dropout (Provilkov et al. 2020, arXiv:1910.13267): before each merge every pair that could merge is passed over with
                      * this probability; 0 .. 1, and 1 leaves the start symbols */
    bool draws_cut;  /* subword regularisation (Kudo 2018, arXiv:1804.10959): a cut of a unigram model with probability proportional to its own
                      * to the power of alpha, exactly; 0 draws among all cuts alike */
    double alpha;
    int64_t n_best;  /* draws among so many best cuts only; 0: among all */
    uint64_t seed;
} TokenizerSampling;

/* ERR_USAGE: a value out of range, dropout without merges, a cut to be drawn without a unigram model. */
Err tokenizer_sampling_check(const Tokenizer *tok, const TokenizerSampling *sampling);

/* As tokenizer_encode_with, under sampling that was checked. */
TokenSpan tokenizer_encode_sampled(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes, int flags,
                                   const TokenizerSampling *sampling, uint64_t text_number, TokenOffset **offsets);
/* n texts, numbered from first_number on, shared out over parallel_threads(). sampling NULL: as tokenizer_encode_batch. */
void tokenizer_encode_sampled_batch(const Tokenizer *tok, Arena *arena, const TokenText *texts, int64_t n, int flags,
                                    const TokenizerSampling *sampling, uint64_t first_number, TokenSpan *spans);

typedef struct {
    TokenSpan ids;
    double log_probability;  /* sum of its pieces' scores */
} TokenCut;
enum { TOKENIZER_N_BEST_MAX = 4096 };
/* The n_best most probable cuts of a text under a unigram model, best first, in `arena`; fewer when there are fewer. Returns how many. Exact: every
 * place of the text keeps its n_best ways, so time is that of n_best encodings. */
int64_t tokenizer_n_best(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes, int64_t n_best, TokenCut *cuts);

#endif
