/* sampling.c - see sampling.h. Draws happen inside the models (bpe.c, unigram_lattice.c); offsets are always asked for, since encoding with
 * offsets remembers no piece. */
#include "text/tokenizer/sampling.h"
#include "text/tokenizer/unigram_lattice.h"
#include "base/philox.h"

#include <math.h>

enum { STREAM = 0x53414D50 };

double sampler_draw(Sampler *sampler)
{
    Philox r = philox(sampler->sampling->seed, STREAM, sampler->text_number, sampler->n_draws++);
    return (double)((uint64_t)r.word[0] << 21 ^ r.word[1] >> 11) * 0x1p-53;
}

Err tokenizer_sampling_check(const Tokenizer *tok, const TokenizerSampling *s)
{
    if (!(s->dropout >= 0.0 && s->dropout <= 1.0))
        return err_set(ERR_USAGE, "dropout %g is not between 0 and 1", s->dropout);
    if (s->draws_cut && !(s->alpha >= 0.0 && s->alpha <= 1e6))
        return err_set(ERR_USAGE, "the power %g of sampling is not between 0 and 1e6", s->alpha);
    if (s->n_best < 0 || s->n_best > TOKENIZER_N_BEST_MAX)
        return err_set(ERR_USAGE, "the number of best cuts %lld is not between 0 and %d", (long long)s->n_best, TOKENIZER_N_BEST_MAX);
    if (s->dropout > 0.0 && tok->model != MODEL_BPE)
        return err_set(ERR_USAGE, "dropout passes over merges, which this tokenizer does not have; it is for byte-bpe, char-bpe and jamo");
    if ((s->draws_cut || s->n_best > 0) && tok->model != MODEL_UNIGRAM)
        return err_set(ERR_USAGE, "cuts are drawn and listed by their probability, which only a unigram model has");
    return OK;
}

/* One of the best cuts, by its probability to the power of alpha. */
static int64_t draw_among(const TokenCut *cuts, int64_t n, Sampler *sampler)
{
    double sum = 0.0, alpha = sampler->sampling->alpha;
    for (int64_t i = 0; i < n; i++)
        sum += exp(alpha * (cuts[i].log_probability - cuts[0].log_probability));
    double left = sampler_draw(sampler) * sum;
    for (int64_t i = 0; i < n; i++) {
        left -= exp(alpha * (cuts[i].log_probability - cuts[0].log_probability));
        if (left < 0.0)
            return i;
    }
    return n - 1;
}

static TokenSpan with_special(const Tokenizer *tok, Arena *arena, TokenSpan ids)
{
    TokenSpan all = {ARENA_ARRAY(arena, int32_t, tok->n_post_before + ids.n + tok->n_post_after), 0};
    for (int i = 0; i < tok->n_post_before; i++)
        all.ids[all.n++] = tok->post_before[i];
    for (int64_t i = 0; i < ids.n; i++)
        all.ids[all.n++] = ids.ids[i];
    for (int i = 0; i < tok->n_post_after; i++)
        all.ids[all.n++] = tok->post_after[i];
    return all;
}

TokenSpan tokenizer_encode_sampled(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes, int flags,
                                   const TokenizerSampling *sampling, uint64_t text_number, TokenOffset **offsets)
{
    Sampler sampler = {.sampling = sampling, .text_number = text_number};
    if (sampling->draws_cut && sampling->n_best > 0 && !offsets) {
        TokenCut *cuts = ARENA_ARRAY(arena, TokenCut, sampling->n_best);
        int64_t n = tokenizer_n_best(tok, arena, text, n_bytes, sampling->n_best, cuts);
        TokenSpan ids = cuts[draw_among(cuts, n, &sampler)].ids;
        return flags & TOKENIZER_ADD_SPECIAL ? with_special(tok, arena, ids) : ids;
    }
    TokenOffset *unused;
    return encode_with_sampler(tok, arena, text, n_bytes, flags, &sampler, offsets ? offsets : &unused);
}
