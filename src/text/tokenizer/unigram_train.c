/* unigram_train.c - learning a unigram language model (Kudo 2018, arXiv:1804.10959): from many seed pieces, expectation-maximisation and
 * pruning by the likelihood that a piece's loss would cost, down to the vocabulary wanted.
 *
 *   E  expected count of each piece over all cuts of all words (forward-backward)
 *   M  log probability = digamma(a) - digamma(sum of a), a = expected count + prior: the mean log probability under a Dirichlet posterior,
 *      which makes rare pieces rarer (variational Bayes; Liang & Klein 2007, "Structured Bayesian Nonparametric Models"). What never falls
 *      between prunings is the log likelihood less the divergence of that posterior from the prior.
 *   prune  keep the three quarters whose removal would hurt most; characters always stay
 * Sums are taken in eight blocks of words, added in order: the result does not depend on threads. */
#include "text/tokenizer/train.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/unigram_expect.h"
#include "base/log.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS_MAX = 1000000, N_SUB_STEPS = 2, EDGE_BLOCK_BYTES_MIN = 1 << 14, EDGE_BLOCK_BYTES_MAX = 1 << 20 };
static const double kept_share = 0.75, expected_min = 0.5, prior = 0.01;

typedef struct {
    UnigramModel pieces;
    double *posterior;  /* of the Dirichlet distribution: expected count + prior */
    double divergence;  /* of the posterior that the scores come from, less what is the same for all */
} Model;

/* d/dx log Gamma(x), x > 0: up to 8 by psi(x + 1) = psi(x) + 1/x, then the asymptotic series (Abramowitz & Stegun 6.3.18). */
static double digamma(double x)
{
    double below = 0.0;
    for (; x < 8.0; x += 1.0)
        below += 1.0 / x;
    double s = 1.0 / (x * x);
    return log(x) - 0.5 / x - s * (1.0 / 12 - s * (1.0 / 120 - s * (1.0 / 252 - s * (1.0 / 240 - s / 132)))) - below;
}

/* Scores, and the divergence, from the posterior of the pieces there are. */
static void update_scores(Model *model)
{
    double sum = 0.0;
    int64_t n = model->pieces.n;
    for (int64_t i = 0; i < n; i++)
        sum += model->posterior[i];
    double of_sum = digamma(sum);
    model->divergence = lgamma(sum) - lgamma(prior * (double)n);
    for (int64_t i = 0; i < n; i++) {
        double a = model->posterior[i], score = digamma(a) - of_sum;
        model->pieces.scores[i] = score;
        model->pieces.weights[i] = exp(score);
        model->divergence += (a - prior) * score - lgamma(a);
    }
}

static void maximise(Model *model)
{
    for (int64_t i = 0; i < model->pieces.n; i++)
        model->posterior[i] = model->pieces.expected[i] + prior;
    update_scores(model);
}

typedef struct {
    double loss;
    int64_t piece;
} Loss;
typedef struct {
    const UnigramModel *pieces;
    Loss *losses;
    double sum;  /* of all expected counts */
} Losses;

static int by_loss(const void *a, const void *b)
{
    const Loss *x = a, *y = b;
    return x->loss != y->loss ? (x->loss < y->loss) - (x->loss > y->loss) : (x->piece > y->piece) - (x->piece < y->piece);
}

/* What the corpus would lose without the piece: its occurrences, each cut in the second-best way (Kudo 2018, section 3.2). */
static void find_loss(void *context, int64_t piece, const int32_t *parts, int n_parts)
{
    const Losses *losses = context;
    const double *expected = losses->pieces->expected;
    double count = expected[piece], loss = INFINITY;
    if (n_parts > 0 && count < expected_min) {
        loss = -INFINITY;
    } else if (n_parts > 0) {
        double with = log(count / losses->sum), without = 0.0, sum_without = losses->sum + count * (n_parts - 1);
        for (int i = 0; i < n_parts; i++)
            without += log((expected[parts[i]] + count) / sum_without);
        loss = count * (with - without);
    }
    losses->losses[piece] = (Loss){loss, piece};
}

static Err keep_pieces(Model *model, const Loss *losses, int64_t n_kept)
{
    int64_t n = model->pieces.n, to = 0;
    uint8_t *kept = mem_alloc((size_t)n);
    for (int64_t i = 0; i < n; i++)
        if (i < n_kept || losses[i].loss == INFINITY)
            kept[losses[i].piece] = losses[i].loss != -INFINITY;
    for (int64_t i = 0; i < n; i++)
        if (kept[i])
            model->posterior[to++] = model->posterior[i];
    Err err = unigram_keep_pieces(&model->pieces, kept);
    update_scores(model);
    free(kept);
    return err;
}

static Err prune(Model *model, int64_t n_wanted)
{
    UnigramModel *pieces = &model->pieces;
    double likelihood;
    TRY(unigram_count_best(pieces, &likelihood));
    Losses losses = {pieces, mem_alloc((size_t)pieces->n * sizeof(Loss)), 0.0};
    for (int64_t i = 0; i < pieces->n; i++)
        losses.sum += pieces->expected[i];
    Err err = unigram_cut_pieces(pieces, find_loss, &losses);
    if (err == OK) {
        qsort(losses.losses, (size_t)pieces->n, sizeof(Loss), by_loss);
        int64_t n_kept = (int64_t)((double)pieces->n * kept_share);
        err = keep_pieces(model, losses.losses, n_kept > n_wanted ? n_kept : n_wanted);
    }
    free(losses.losses);
    return err;
}

/* One round between prunings. */
static Err improve(Model *model, UnigramWatch watch, void *context)
{
    double before = -INFINITY;
    for (int step = 0; step < N_SUB_STEPS; step++) {
        double likelihood;
        TRY(unigram_expect(&model->pieces, &likelihood));
        double objective = likelihood - model->divergence;
        assert(step == 0 || objective >= before - 1e-9 * fabs(before));  /* what expectation-maximisation promises, whatever the text */
        before = objective;
        if (watch)
            watch(context, model->pieces.n, likelihood, objective);
        log_debug("unigram: %lld pieces, log likelihood %.6f, objective %.6f", (long long)model->pieces.n, likelihood, objective);
        maximise(model);
    }
    return OK;
}

/* Characters first whatever they score, then the best; written in order of score. */
static int by_score(const void *a, const void *b, void *scores)
{
    double x = ((const double *)scores)[*(const int64_t *)a], y = ((const double *)scores)[*(const int64_t *)b];
    return x != y ? (x < y) - (x > y) : (*(const int64_t *)a > *(const int64_t *)b) - (*(const int64_t *)a < *(const int64_t *)b);
}

static Err write_pieces(Tokenizer *tok, const UnigramModel *model, int64_t vocab_size)
{
    Unigram *unigram = tok->unigram = unigram_new();
    for (int32_t id = 0; id < tok->vocab.n_ids; id++)
        unigram_push(unigram, 0.0);
    int64_t n_chars = 0, *order = mem_alloc((size_t)model->n * sizeof *order);
    for (int64_t i = 0; i < model->n; i++) {
        order[i] = i;
        n_chars += model->pieces[i].n_chars == 1;
    }
    qsort_r(order, (size_t)model->n, sizeof *order, by_score, model->scores);
    int64_t n_longer = vocab_size - tok->vocab.n_ids - n_chars;
    Err err = n_longer < 0 ? err_set(ERR_USAGE, "vocab_size %lld is too small: the text has %lld characters", (long long)vocab_size,
                                     (long long)n_chars)
                           : OK;
    for (int64_t k = 0; k < model->n && err == OK; k++) {
        const SeedPiece *piece = &model->pieces[order[k]];
        if (piece->n_chars > 1 && n_longer-- <= 0)
            continue;
        int32_t before = tok->vocab.n_ids;
        err = train_add_token(tok, piece->text, piece->n_bytes);
        if (err == OK && tok->vocab.n_ids > before)
            unigram_push(unigram, model->scores[order[k]]);
    }
    free(order);
    if (err == OK)
        unigram_finish(unigram, &tok->vocab);
    return err;
}

/* As a SentencePiece model with a dummy prefix: U+2581 before the text and for each space; a line break is a piece of its own. */
static Err push_rules(Tokenizer *tok, const TokenizerTrainOptions *options)
{
    static const char mark[] = "\u2581";
    tokenizer_push_normalizer(tok, NORMALIZER_PREPEND)->content = mem_strdup(mark);
    NormalizerStep *spaces = tokenizer_push_normalizer(tok, NORMALIZER_REPLACE);
    spaces->pattern = mem_strdup(" ");
    spaces->content = mem_strdup(mark);
    PretokenizerStep *words = tokenizer_push_pretokenizer(tok, PRETOKENIZER_SPLIT);
    words->literal = mem_strdup(mark);
    words->behavior = SPLIT_MERGED_WITH_NEXT;
    PretokenizerStep *lines = tokenizer_push_pretokenizer(tok, PRETOKENIZER_SPLIT);
    lines->literal = mem_strdup("\n");
    lines->behavior = SPLIT_ISOLATED;
    DecoderStep *decoder = tokenizer_push_decoder(tok, DECODER_REPLACE);
    decoder->text = mem_strdup(mark);
    decoder->content = mem_strdup(" ");
    return train_push_particles(tok, options);
}

/* Rounds until the vocabulary has the size wanted, or nothing more can go. */
static Err improve_and_prune(Model *model, const TokenizerTrainOptions *options, UnigramWatch watch, void *context, Progress *progress)
{
    const UnigramModel *pieces = &model->pieces;
    int64_t n_wanted = options->vocab_size + options->vocab_size / 10, n_start = pieces->n;
    for (;;) {
        TRY(improve(model, watch, context));
        int64_t before = pieces->n;
        if (before <= n_wanted)
            return OK;
        TRY(prune(model, n_wanted));
        if (pieces->n == before)
            return OK;
        if (progress)
            progress_set(progress, n_start - pieces->n);
        if (interrupt_requested())
            return err_set(ERR_INTERRUPTED, "interrupted while learning pieces");
    }
}

static Err learn(Model *model, const TokenizerTrainOptions *options, UnigramWatch watch, void *context)
{
    UnigramModel *pieces = &model->pieces;
    int64_t block = options->memory_bytes_max / 256;
    block = block < EDGE_BLOCK_BYTES_MIN ? EDGE_BLOCK_BYTES_MIN : block > EDGE_BLOCK_BYTES_MAX ? EDGE_BLOCK_BYTES_MAX : block;
    TRY(unigram_find_seeds(&pieces->pieces, &pieces->n, &pieces->texts, pieces->counts, SEEDS_MAX, options->memory_bytes_max));
    if (pieces->n == 0)
        return err_set(ERR_USAGE, "no text to learn from");
    TRY(unigram_model_open(pieces, options->work_dir, (size_t)block));
    model->posterior = mem_alloc((size_t)pieces->n * sizeof *model->posterior);
    for (int64_t i = 0; i < pieces->n; i++)
        pieces->expected[i] = (double)pieces->pieces[i].count * pieces->pieces[i].n_chars;
    maximise(model);
    Progress *progress = options->quiet ? NULL : progress_new("prune pieces", pieces->n, "pieces");
    Err err = improve_and_prune(model, options, watch, context, progress);
    progress_free(progress);
    return err;
}

Err unigram_learn(Tokenizer *tok, const WordCounts *counts, const TokenizerTrainOptions *options, UnigramWatch watch, void *context)
{
    Model model = {.pieces = {.counts = counts}};
    Err err = learn(&model, options, watch, context);
    if (err == OK)
        err = write_pieces(tok, &model.pieces, options->vocab_size);
    unigram_model_release(&model.pieces);
    free(model.posterior);
    return err;
}

Err train_unigram(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source)
{
    if (!options->unk)
        return err_set(ERR_USAGE, "this type of tokenizer needs an unk token");
    TRY(train_add_specials(tok, options));
    tok->unk_id = tokenizer_id_of(tok, options->unk);
    TRY(push_rules(tok, options));
    TRY(train_add_fallback(tok, options));
    tokenizer_push_decoder(tok, DECODER_FUSE);
    DecoderStep *strip = tokenizer_push_decoder(tok, DECODER_STRIP);
    strip->text = mem_strdup(" ");
    strip->start = 1;
    WordCounts counts;
    TRY(train_count_words(&counts, tok, options, train_use_of_pieces, source));
    Err err = unigram_learn(tok, &counts, options, NULL, NULL);
    word_counts_release(&counts);
    return err == OK ? train_finish(tok, options) : err;
}
