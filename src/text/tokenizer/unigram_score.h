/* unigram_score.h - the score of a text's path so far (scratch->path_score), summed only when it is asked for: one sum waits for the one before it, and
 * most cuts are so sure that a bound will do. */
#ifndef TEXT_UNIGRAM_SCORE_H
#define TEXT_UNIGRAM_SCORE_H

#include "text/tokenizer/tokenizer_internal.h"

typedef struct {
    const Tokenizer *tok;
    EncodeScratch *scratch;
    const TokenBuffer *out;
    double largest;    /* what a token can add, whatever its sign */
    int64_t n_scored;  /* ids of `out` that are in the score */
} PathScore;

/* Of the ids put out so far, all of which are in scratch->path_score. Of another model than unigram all is sure, and there is no score. */
PathScore path_score_of(const Tokenizer *tok, EncodeScratch *scratch, const TokenBuffer *out);
/* Brings scratch->path_score up to the last id. */
void path_score_settle(PathScore *score);
/* The last ids are in scratch->path_score. */
void path_score_is_settled(PathScore *score);
/* The least note (unigram.h) that is sure for every word which ends within so many tokens from here. */
float path_score_least_note(PathScore *score, size_t n_more);

#endif
