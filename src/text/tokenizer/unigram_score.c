/* unigram_score.c - see unigram_score.h. */
#include "text/tokenizer/unigram_score.h"
#include "text/tokenizer/unigram.h"

#include <float.h>

PathScore path_score_of(const Tokenizer *tok, EncodeScratch *scratch, const TokenBuffer *out)
{
    double largest = tok->model == MODEL_UNIGRAM ? model_fast(tok)->largest_path_score : 0.0;
    return (PathScore){.tok = tok, .scratch = scratch, .out = out, .largest = largest, .n_scored = out->n};
}

void path_score_settle(PathScore *score)
{
    if (score->tok->model != MODEL_UNIGRAM)
        return;
    const float *scores = model_fast(score->tok)->path_scores;
    float sum = (float)score->scratch->path_score;
    for (int64_t i = score->n_scored; i < score->out->n; i++)
        sum += scores[score->out->ids[i]];
    score->scratch->path_score = sum;
    score->n_scored = score->out->n;
}

void path_score_is_settled(PathScore *score)
{
    score->n_scored = score->out->n;
}

/* No bound of the score is far from it, or it is settled. */
float path_score_least_note(PathScore *score, size_t n_more)
{
    enum { FAR = 50000 };
    if (score->tok->model != MODEL_UNIGRAM)
        return 0.0f;
    if ((double)(score->out->n - score->n_scored) * score->largest > FAR + fabs(score->scratch->path_score))
        path_score_settle(score);
    double n_open = (double)(score->out->n - score->n_scored) + (double)n_more, bound = fabs(score->scratch->path_score) + n_open * score->largest;
    return (float)(UNIGRAM_FLOAT_ERROR * unigram_largest_sum(score->tok->unigram, bound, NOTED_CHARS_MAX) * (1.0 + FLT_EPSILON));
}
