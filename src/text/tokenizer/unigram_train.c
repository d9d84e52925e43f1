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
#include "text/tokenizer/trie.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/unigram_seed.h"
#include "base/log.h"
#include "base/parallel.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_BLOCKS = 8, SEEDS_MAX = 1000000, N_SUB_STEPS = 2 };
enum { LINEAR_BYTES_MAX = 96 };  /* longer words are summed in logarithms */
static const double kept_share = 0.75, expected_min = 0.5, prior = 0.01, tiny_total = 1e-290;

typedef struct {
    SeedPiece *pieces;
    double *scores;  /* log probability */
    double *weights;    /* its exponential */
    double *posterior;  /* of the Dirichlet distribution: expected count + prior */
    double divergence;  /* of the posterior that the scores come from, less what is the same for all */
    int64_t n;
    Trie trie;
    const WordCounts *counts;
    double *expected;  /* [N_BLOCKS][n] */
    double objective[N_BLOCKS];
    int64_t longest_word;
    bool best_only;  /* count along the best path instead of over all */
} Model;

static void build_trie(Model *model)
{
    trie_release(&model->trie);
    TrieKey *keys = mem_alloc((size_t)model->n * sizeof *keys);
    for (int64_t i = 0; i < model->n; i++)
        keys[i] = (TrieKey){model->pieces[i].text, model->pieces[i].n_bytes, (int32_t)i};
    trie_build(&model->trie, keys, (size_t)model->n);
    free(keys);
}

static double log_add(double a, double b)
{
    if (a < b) {
        double swap = a;
        a = b;
        b = swap;
    }
    return b == -INFINITY ? a : a + log1p(exp(b - a));
}

/* Every piece that starts at `start`: its id and where it ends. */
#define FOR_PIECES_AT(model, text, n_bytes, start, end, id)                                                      \
    for (uint32_t end = (start), id = 0, more_ = 1; more_; more_ = 0)                                            \
        for (TrieNode node_ = trie_root(&(model)->trie);                                                         \
             end < (n_bytes) && trie_step(&(model)->trie, &node_, (unsigned char)(text)[end]) && (end++, true);) \
            if (trie_value(node_) >= 0 && (id = (uint32_t)trie_value(node_), true))

/* A piece that fits somewhere in a word. */
typedef struct {
    uint32_t start, end, piece;
} Edge;
typedef struct {
    Edge *edges;
    size_t n_edges, capacity;
    double *alpha, *beta;  /* longest_word + 1 places each: ways to get there, ways to go on */
} Lattice;

static void find_edges(const Model *model, const char *text, uint32_t n, Lattice *lattice)
{
    lattice->n_edges = 0;
    for (uint32_t start = 0; start < n; start++) {
        if (start > 0 && ((unsigned char)text[start] & 0xC0) == 0x80)
            continue;
        FOR_PIECES_AT(model, text, n, start, end, id) {
            if (lattice->n_edges == lattice->capacity) {
                lattice->capacity = lattice->capacity ? lattice->capacity * 2 : 1024;
                lattice->edges = mem_realloc(lattice->edges, lattice->capacity * sizeof *lattice->edges);
            }
            lattice->edges[lattice->n_edges++] = (Edge){start, end, id};
        }
    }
}

/* Sums of products: exact enough while nothing falls below the range of a double. Returns the log likelihood, or NAN. */
static double expect_linear(const Model *model, uint32_t n, double count, double *expected, Lattice *lattice)
{
    double *alpha = lattice->alpha, *beta = lattice->beta;
    memset(alpha, 0, (n + 1) * sizeof *alpha);
    memset(beta, 0, (n + 1) * sizeof *beta);
    alpha[0] = beta[n] = 1.0;
    for (size_t i = 0; i < lattice->n_edges; i++) {
        Edge e = lattice->edges[i];
        alpha[e.end] += alpha[e.start] * model->weights[e.piece];
    }
    double total = alpha[n];
    if (!(total > tiny_total))
        return NAN;
    for (size_t i = lattice->n_edges; i-- > 0;) {
        Edge e = lattice->edges[i];
        double on = model->weights[e.piece] * beta[e.end];
        beta[e.start] += on;
        expected[e.piece] += count * alpha[e.start] * on / total;
    }
    return log(total);
}

static double expect_logarithmic(const Model *model, uint32_t n, double count, double *expected, Lattice *lattice)
{
    double *alpha = lattice->alpha, *beta = lattice->beta;
    for (uint32_t i = 0; i <= n; i++)
        alpha[i] = beta[i] = -INFINITY;
    alpha[0] = beta[n] = 0.0;
    for (size_t i = 0; i < lattice->n_edges; i++) {
        Edge e = lattice->edges[i];
        if (alpha[e.start] > -INFINITY)
            alpha[e.end] = log_add(alpha[e.end], alpha[e.start] + model->scores[e.piece]);
    }
    for (size_t i = lattice->n_edges; i-- > 0;) {
        Edge e = lattice->edges[i];
        double on = model->scores[e.piece] + beta[e.end];
        if (alpha[e.start] == -INFINITY || on == -INFINITY)
            continue;
        beta[e.start] = log_add(beta[e.start], on);
        expected[e.piece] += count * exp(alpha[e.start] + on - alpha[n]);
    }
    return alpha[n];
}

/* Adds a word's expected counts to `expected` and returns its log likelihood. Edges come in order of their start, so going through them
 * backwards meets every place after all that lies behind it. */
static double expect_word(const Model *model, const char *text, uint32_t n, double count, double *expected, Lattice *lattice)
{
    find_edges(model, text, n, lattice);
    double likelihood = n <= LINEAR_BYTES_MAX ? expect_linear(model, n, count, expected, lattice) : NAN;
    if (isnan(likelihood))
        likelihood = expect_logarithmic(model, n, count, expected, lattice);
    return count * likelihood;
}

/* The best path of a text, without the piece `excluded` (-1: none): its score, and for each place the piece that ends there. */
static double best_path(const Model *model, const char *text, uint32_t n, int64_t excluded, double *best, int32_t *piece_at)
{
    for (uint32_t i = 0; i <= n; i++)
        best[i] = -INFINITY;
    best[0] = 0.0;
    for (uint32_t start = 0; start < n; start++) {
        if (best[start] == -INFINITY)
            continue;
        FOR_PIECES_AT(model, text, n, start, end, id)
            if ((int64_t)id != excluded && best[start] + model->scores[id] > best[end]) {
                best[end] = best[start] + model->scores[id];
                piece_at[end] = (int32_t)id;
            }
    }
    return best[n];
}

static void count_block(void *context, int64_t block)
{
    Model *model = context;
    int64_t n_words = model->counts->n, begin = n_words * block / N_BLOCKS, end = n_words * (block + 1) / N_BLOCKS;
    double *expected = model->expected + block * model->n, objective = 0.0;
    double *alpha = mem_alloc((size_t)(model->longest_word + 1) * 2 * sizeof *alpha);
    Lattice lattice = {.alpha = alpha, .beta = alpha + model->longest_word + 1};
    int32_t *piece_at = mem_alloc((size_t)(model->longest_word + 1) * sizeof *piece_at);
    memset(expected, 0, (size_t)model->n * sizeof *expected);
    for (int64_t w = begin; w < end; w++) {
        const Word *word = &model->counts->words[w];
        const char *text = model->counts->pool + word->offset;
        if (!model->best_only) {
            objective += expect_word(model, text, word->n_bytes, (double)word->count, expected, &lattice);
            continue;
        }
        objective += (double)word->count * best_path(model, text, word->n_bytes, -1, alpha, piece_at);
        for (uint32_t at = word->n_bytes; at > 0; at -= model->pieces[piece_at[at]].n_bytes)
            expected[piece_at[at]] += (double)word->count;
    }
    model->objective[block] = objective;
    free(lattice.edges);
    free(alpha);
    free(piece_at);
}

/* Counts of all pieces in expected[0 .. n); returns the log likelihood of the corpus. */
static double count_all(Model *model, bool best_only)
{
    model->best_only = best_only;
    parallel_for(N_BLOCKS, count_block, model);
    double objective = 0.0;
    for (int b = 0; b < N_BLOCKS; b++)
        objective += model->objective[b];
    for (int b = 1; b < N_BLOCKS; b++)
        for (int64_t i = 0; i < model->n; i++)
            model->expected[i] += model->expected[(int64_t)b * model->n + i];
    return objective;
}

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
    for (int64_t i = 0; i < model->n; i++)
        sum += model->posterior[i];
    double of_sum = digamma(sum);
    model->divergence = lgamma(sum) - lgamma(prior * (double)model->n);
    for (int64_t i = 0; i < model->n; i++) {
        double a = model->posterior[i];
        model->scores[i] = digamma(a) - of_sum;
        model->weights[i] = exp(model->scores[i]);
        model->divergence += (a - prior) * model->scores[i] - lgamma(a);
    }
}

static void maximise(Model *model)
{
    for (int64_t i = 0; i < model->n; i++)
        model->posterior[i] = model->expected[i] + prior;
    update_scores(model);
}

typedef struct {
    double loss;
    int64_t piece;
} Loss;

static int by_loss(const void *a, const void *b)
{
    const Loss *x = a, *y = b;
    return x->loss != y->loss ? (x->loss < y->loss) - (x->loss > y->loss) : (x->piece > y->piece) - (x->piece < y->piece);
}

/* What the corpus would lose without the piece: its occurrences, each cut in the second-best way (Kudo 2018, section 3.2). */
static double loss_of(const Model *model, int64_t i, double sum, double *best, int32_t *piece_at)
{
    const SeedPiece *piece = &model->pieces[i];
    if (piece->n_chars == 1)
        return INFINITY;
    double count = model->expected[i];
    if (count < expected_min)
        return -INFINITY;
    double with = log(count / sum), without = 0.0;
    best_path(model, piece->text, piece->n_bytes, i, best, piece_at);
    int n_parts = 0;
    for (uint32_t at = piece->n_bytes; at > 0; at -= model->pieces[piece_at[at]].n_bytes)
        n_parts++;
    double sum_without = sum + count * (n_parts - 1);
    for (uint32_t at = piece->n_bytes; at > 0; at -= model->pieces[piece_at[at]].n_bytes)
        without += log((model->expected[piece_at[at]] + count) / sum_without);
    return count * (with - without);
}

static void keep_pieces(Model *model, const Loss *losses, int64_t n_kept)
{
    uint8_t *kept = mem_alloc((size_t)model->n);
    for (int64_t i = 0; i < model->n; i++)
        if (i < n_kept || losses[i].loss == INFINITY)
            kept[losses[i].piece] = losses[i].loss != -INFINITY;
    int64_t to = 0;
    for (int64_t i = 0; i < model->n; i++)
        if (kept[i]) {
            model->pieces[to] = model->pieces[i];
            model->posterior[to++] = model->posterior[i];
        }
    model->n = to;
    update_scores(model);
    free(kept);
}

static void prune(Model *model, int64_t n_wanted)
{
    count_all(model, true);
    double sum = 0.0, *best = mem_alloc((size_t)(model->longest_word + 1) * sizeof *best);
    int32_t *piece_at = mem_alloc((size_t)(model->longest_word + 1) * sizeof *piece_at);
    for (int64_t i = 0; i < model->n; i++)
        sum += model->expected[i];
    Loss *losses = mem_alloc((size_t)model->n * sizeof *losses);
    for (int64_t i = 0; i < model->n; i++)
        losses[i] = (Loss){loss_of(model, i, sum, best, piece_at), i};
    qsort(losses, (size_t)model->n, sizeof *losses, by_loss);
    int64_t n_kept = (int64_t)((double)model->n * kept_share);
    keep_pieces(model, losses, n_kept > n_wanted ? n_kept : n_wanted);
    free(losses);
    free(best);
    free(piece_at);
}

/* One round between prunings. */
static void improve(Model *model)
{
    double before = -INFINITY;
    build_trie(model);
    for (int step = 0; step < N_SUB_STEPS; step++) {
        double likelihood = count_all(model, false), objective = likelihood - model->divergence;
        assert(step == 0 || objective >= before - 1e-9 * fabs(before));  /* what expectation-maximisation promises, whatever the text */
        before = objective;
        log_debug("unigram: %lld pieces, log likelihood %.6f, objective %.6f", (long long)model->n, likelihood, objective);
        maximise(model);
    }
}

/* Characters first whatever they score, then the best; written in order of score. */
static int by_score(const void *a, const void *b, void *scores)
{
    double x = ((const double *)scores)[*(const int64_t *)a], y = ((const double *)scores)[*(const int64_t *)b];
    return x != y ? (x < y) - (x > y) : (*(const int64_t *)a > *(const int64_t *)b) - (*(const int64_t *)a < *(const int64_t *)b);
}

static Err write_pieces(Tokenizer *tok, Model *model, int64_t vocab_size)
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

static Err learn(Tokenizer *tok, const WordCounts *counts, const TokenizerTrainOptions *options)
{
    Model model = {.counts = counts};
    Err err = OK;
    for (int64_t w = 0; w < counts->n; w++)
        if (counts->words[w].n_bytes > model.longest_word)
            model.longest_word = counts->words[w].n_bytes;
    if (model.longest_word < 64)
        model.longest_word = 64;  /* a piece has at most 16 characters */
    unigram_find_seeds(&model.pieces, &model.n, counts, SEEDS_MAX);
    if (model.n == 0)
        return err_set(ERR_USAGE, "no text to learn from");
    model.scores = mem_alloc((size_t)model.n * sizeof *model.scores);
    model.weights = mem_alloc((size_t)model.n * sizeof *model.weights);
    model.posterior = mem_alloc((size_t)model.n * sizeof *model.posterior);
    model.expected = mem_alloc((size_t)model.n * N_BLOCKS * sizeof *model.expected);
    for (int64_t i = 0; i < model.n; i++)
        model.expected[i] = (double)model.pieces[i].count * model.pieces[i].n_chars;
    maximise(&model);
    int64_t n_wanted = options->vocab_size + options->vocab_size / 10, n_start = model.n;
    Progress *progress = options->quiet ? NULL : progress_new("prune pieces", n_start, "pieces");
    for (bool more = true; more && err == OK;) {
        improve(&model);
        int64_t before = model.n;
        more = model.n > n_wanted;
        if (more)
            prune(&model, n_wanted);
        more = more && model.n < before;
        if (progress)
            progress_set(progress, n_start - model.n);
        if (interrupt_requested())
            err = err_set(ERR_INTERRUPTED, "interrupted while learning pieces");
    }
    progress_free(progress);
    if (err == OK)
        err = write_pieces(tok, &model, options->vocab_size);
    trie_release(&model.trie);
    free(model.pieces);
    free(model.scores);
    free(model.weights);
    free(model.posterior);
    free(model.expected);
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
    TRY(train_count_words(&counts, tok, options, true, source));
    Err err = learn(tok, &counts, options);
    word_counts_release(&counts);
    return err == OK ? train_finish(tok, options) : err;
}
