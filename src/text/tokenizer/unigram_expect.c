/* unigram_expect.c - see unigram_expect.h.
 *
 * An edge says that a piece fits at a place of a text. A text's edges come in order of their place, at one place the shorter first, so
 * the first is the character that stands there and tells where the next place is. Packed: 1 bit whether it is the last at its place, 7
 * bits of length in bytes, 24 bits of piece. */
#include "text/tokenizer/unigram_expect.h"
#include "text/tokenizer/trie.h"
#include "base/parallel.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINEAR_BYTES_MAX = 96 };  /* longer words are summed in logarithms */
enum { LENGTH_SHIFT = 24, LENGTH_MASK = 127, PIECE_MASK = (1 << LENGTH_SHIFT) - 1 };
static const uint32_t last_here = 1u << 31;
static const double tiny_total = 1e-290;

static inline uint32_t edge_length(uint32_t packed)
{
    return packed >> LENGTH_SHIFT & LENGTH_MASK;
}

static void edges_push(UnigramEdges *edges, uint32_t packed)
{
    if (edges->n == edges->capacity) {
        edges->capacity = edges->capacity + edges->capacity / 2 + 4096;
        edges->packed = mem_realloc(edges->packed, edges->capacity * sizeof *edges->packed);
    }
    edges->packed[edges->n++] = packed;
}

static void find_edges(const Trie *trie, const char *text, uint32_t n, UnigramEdges *edges)
{
    for (uint32_t start = 0; start < n;) {
        size_t first = edges->n;
        TrieNode node = trie_root(trie);
        for (uint32_t end = start; end < n && trie_step(trie, &node, (unsigned char)text[end]);) {
            end++;
            if (trie_value(node) >= 0)
                edges_push(edges, (end - start) << LENGTH_SHIFT | (uint32_t)trie_value(node));
        }
        assert(edges->n > first);  /* every character is a piece */
        edges->packed[edges->n - 1] |= last_here;
        start += edge_length(edges->packed[first]);
    }
}

typedef struct {
    UnigramModel *model;
    Trie trie;
} Finder;

static int64_t block_begin(int64_t n, int64_t block)
{
    return n * block / UNIGRAM_N_BLOCKS;
}

static void shrink(UnigramEdges *edges)
{
    if (edges->n == 0)
        return;
    edges->packed = mem_realloc(edges->packed, edges->n * sizeof *edges->packed);
    edges->capacity = edges->n;
}

static void find_block(void *context, int64_t block)
{
    Finder *finder = context;
    UnigramModel *model = finder->model;
    const WordCounts *counts = model->counts;
    for (int64_t w = block_begin(counts->n, block); w < block_begin(counts->n, block + 1); w++)
        find_edges(&finder->trie, counts->pool + counts->words[w].offset, counts->words[w].n_bytes, &model->of_words[block]);
    shrink(&model->of_words[block]);
    for (size_t i = model->piece_begin[block]; i < model->piece_begin[block + 1]; i++)
        find_edges(&finder->trie, model->pieces[i].text, model->pieces[i].n_bytes, &model->of_pieces[block]);
    shrink(&model->of_pieces[block]);
}

void unigram_model_open(UnigramModel *model)
{
    assert(model->n > 0 && model->n <= PIECE_MASK);
    size_t n = (size_t)model->n;
    model->scores = mem_alloc(n * sizeof *model->scores);
    model->weights = mem_alloc(n * sizeof *model->weights);
    model->expected = mem_alloc(n * UNIGRAM_N_BLOCKS * sizeof *model->expected);
    model->longest = 0;
    for (int64_t w = 0; w < model->counts->n; w++)
        if (model->counts->words[w].n_bytes > model->longest)
            model->longest = model->counts->words[w].n_bytes;
    TrieKey *keys = mem_alloc(n * sizeof *keys);
    for (size_t i = 0; i < n; i++) {
        assert(model->pieces[i].n_bytes <= LENGTH_MASK);
        if (model->pieces[i].n_bytes > model->longest)
            model->longest = model->pieces[i].n_bytes;
        keys[i] = (TrieKey){model->pieces[i].text, model->pieces[i].n_bytes, (int32_t)i};
    }
    for (int b = 0; b <= UNIGRAM_N_BLOCKS; b++)
        model->piece_begin[b] = (size_t)block_begin(model->n, b);
    Finder finder = {.model = model};
    trie_build(&finder.trie, keys, n);
    free(keys);
    parallel_for(UNIGRAM_N_BLOCKS, find_block, &finder);
    trie_release(&finder.trie);
}

void unigram_model_release(UnigramModel *model)
{
    for (int b = 0; b < UNIGRAM_N_BLOCKS; b++) {
        free(model->of_words[b].packed);
        free(model->of_pieces[b].packed);
    }
    free(model->pieces);
    free(model->scores);
    free(model->weights);
    free(model->expected);
    *model = (UnigramModel){0};
}

/* Working memory of one thread. */
typedef struct {
    uint32_t start, end, piece;
    double weight;
} Edge;
typedef struct {
    const UnigramModel *model;
    Edge *edges;
    size_t n_edges, capacity;
    double *alpha, *beta;  /* longest + 1 places each: ways to get there, ways to go on; alpha is the best way's score, too */
    int32_t *piece_at;     /* what the best way to a place ends with; then the parts */
} Lattice;

static Lattice lattice_new(const UnigramModel *model)
{
    size_t n = (size_t)model->longest + 1;
    return (Lattice){.model = model, .alpha = mem_alloc(n * sizeof(double)), .beta = mem_alloc(n * sizeof(double)),
                     .piece_at = mem_alloc(n * sizeof(int32_t))};
}

static void lattice_release(Lattice *lattice)
{
    free(lattice->edges);
    free(lattice->alpha);
    free(lattice->beta);
    free(lattice->piece_at);
}

/* The edges of a text of n bytes; returns the place behind them. */
static const uint32_t *unpack(Lattice *lattice, const uint32_t *packed, uint32_t n)
{
    const double *weights = lattice->model->weights;
    lattice->n_edges = 0;
    for (uint32_t start = 0, step; start < n; start += step) {
        if (lattice->n_edges + LENGTH_MASK > lattice->capacity) {
            lattice->capacity = lattice->capacity * 2 + 1024;
            lattice->edges = mem_realloc(lattice->edges, lattice->capacity * sizeof *lattice->edges);
        }
        step = edge_length(*packed);
        bool more = true;
        for (; more; packed++) {
            uint32_t piece = *packed & PIECE_MASK;
            lattice->edges[lattice->n_edges++] = (Edge){start, start + edge_length(*packed), piece, weights[piece]};
            more = !(*packed & last_here);
        }
    }
    return packed;
}

/* Sums of products: exact enough while nothing falls below the range of a double. Returns the log likelihood, or NAN. */
static double expect_linear(Lattice *lattice, uint32_t n, double count, double *expected)
{
    double *alpha = lattice->alpha, *beta = lattice->beta;
    memset(alpha, 0, (n + 1) * sizeof *alpha);
    memset(beta, 0, (n + 1) * sizeof *beta);
    alpha[0] = beta[n] = 1.0;
    for (const Edge *e = lattice->edges; e < lattice->edges + lattice->n_edges; e++)
        alpha[e->end] += alpha[e->start] * e->weight;
    double total = alpha[n];
    if (!(total > tiny_total))
        return NAN;
    double share = count / total;
    for (const Edge *e = lattice->edges + lattice->n_edges; e-- > lattice->edges;) {
        double on = e->weight * beta[e->end];
        beta[e->start] += on;
        expected[e->piece] += share * alpha[e->start] * on;
    }
    return log(total);
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

static double expect_logarithmic(Lattice *lattice, uint32_t n, double count, double *expected)
{
    const double *scores = lattice->model->scores;
    double *alpha = lattice->alpha, *beta = lattice->beta;
    for (uint32_t i = 0; i <= n; i++)
        alpha[i] = beta[i] = -INFINITY;
    alpha[0] = beta[n] = 0.0;
    for (size_t i = 0; i < lattice->n_edges; i++) {
        Edge e = lattice->edges[i];
        if (alpha[e.start] > -INFINITY)
            alpha[e.end] = log_add(alpha[e.end], alpha[e.start] + scores[e.piece]);
    }
    for (size_t i = lattice->n_edges; i-- > 0;) {
        Edge e = lattice->edges[i];
        double on = scores[e.piece] + beta[e.end];
        if (alpha[e.start] == -INFINITY || on == -INFINITY)
            continue;
        beta[e.start] = log_add(beta[e.start], on);
        expected[e.piece] += count * exp(alpha[e.start] + on - alpha[n]);
    }
    return alpha[n];
}

/* The best way through, without the piece `excluded` (-1: none); piece_at[0 .. returned) are its parts, last first. */
static int best_parts(Lattice *lattice, uint32_t n, int64_t excluded, double *score)
{
    const double *scores = lattice->model->scores;
    double *best = lattice->alpha;
    int32_t *piece_at = lattice->piece_at;
    for (uint32_t i = 1; i <= n; i++)
        best[i] = -INFINITY;
    best[0] = 0.0;
    for (const Edge *e = lattice->edges; e < lattice->edges + lattice->n_edges; e++) {
        double through = best[e->start] + scores[e->piece];
        if (through > best[e->end] && (int64_t)e->piece != excluded) {
            best[e->end] = through;
            piece_at[e->end] = (int32_t)e->piece;
        }
    }
    *score = best[n];
    int n_parts = 0;
    int32_t *parts = (int32_t *)lattice->beta;  /* of twice the room */
    for (uint32_t at = n; at > 0 && best[n] > -INFINITY; at -= lattice->model->pieces[parts[n_parts++]].n_bytes)
        parts[n_parts] = piece_at[at];
    return n_parts;
}

typedef struct {
    UnigramModel *model;
    bool best_only;
    double likelihood[UNIGRAM_N_BLOCKS];
    UnigramTakeParts take;
    void *context;
} Pass;

static void count_block(void *context, int64_t block)
{
    Pass *pass = context;
    const UnigramModel *model = pass->model;
    double *expected = model->expected + block * model->n, likelihood = 0.0;
    memset(expected, 0, (size_t)model->n * sizeof *expected);
    Lattice lattice = lattice_new(model);
    const uint32_t *packed = model->of_words[block].packed;
    for (int64_t w = block_begin(model->counts->n, block); w < block_begin(model->counts->n, block + 1); w++) {
        const Word *word = &model->counts->words[w];
        uint32_t n = word->n_bytes;
        double count = (double)word->count, of_word;
        packed = unpack(&lattice, packed, n);
        if (pass->best_only) {
            const int32_t *parts = (const int32_t *)lattice.beta;
            for (int i = best_parts(&lattice, n, -1, &of_word); i-- > 0;)
                expected[parts[i]] += count;
        } else {
            of_word = n <= LINEAR_BYTES_MAX ? expect_linear(&lattice, n, count, expected) : NAN;
            if (isnan(of_word))
                of_word = expect_logarithmic(&lattice, n, count, expected);
        }
        likelihood += count * of_word;
    }
    pass->likelihood[block] = likelihood;
    lattice_release(&lattice);
}

static double count_all(UnigramModel *model, bool best_only)
{
    Pass pass = {.model = model, .best_only = best_only};
    parallel_for(UNIGRAM_N_BLOCKS, count_block, &pass);
    double likelihood = 0.0;
    for (int b = 0; b < UNIGRAM_N_BLOCKS; b++)
        likelihood += pass.likelihood[b];
    for (int b = 1; b < UNIGRAM_N_BLOCKS; b++)
        for (int64_t i = 0; i < model->n; i++)
            model->expected[i] += model->expected[(int64_t)b * model->n + i];
    return likelihood;
}

double unigram_expect(UnigramModel *model)
{
    return count_all(model, false);
}

double unigram_count_best(UnigramModel *model)
{
    return count_all(model, true);
}

static void cut_block(void *context, int64_t block)
{
    Pass *pass = context;
    const UnigramModel *model = pass->model;
    Lattice lattice = lattice_new(model);
    const uint32_t *packed = model->of_pieces[block].packed;
    for (size_t i = model->piece_begin[block]; i < model->piece_begin[block + 1]; i++) {
        double score;
        packed = unpack(&lattice, packed, model->pieces[i].n_bytes);
        int n_parts = best_parts(&lattice, model->pieces[i].n_bytes, (int64_t)i, &score);
        pass->take(pass->context, (int64_t)i, (const int32_t *)lattice.beta, n_parts);
    }
    lattice_release(&lattice);
}

void unigram_cut_pieces(UnigramModel *model, UnigramTakeParts take, void *context)
{
    Pass pass = {.model = model, .take = take, .context = context};
    parallel_for(UNIGRAM_N_BLOCKS, cut_block, &pass);
}

/* One text's edges without those of pieces that go, moved to `to`; *from moves on. */
static size_t keep_edges(const uint32_t **from, uint32_t n, const int32_t *new_id, uint32_t *to)
{
    size_t k = 0;
    for (uint32_t start = 0, step; start < n; start += step) {
        bool more = true;
        step = edge_length(**from);
        for (; more; (*from)++) {
            uint32_t packed = **from;
            int32_t id = new_id[packed & PIECE_MASK];
            more = !(packed & last_here);
            if (id >= 0)
                to[k++] = (packed & ~(last_here | PIECE_MASK)) | (uint32_t)id;
        }
        to[k - 1] |= last_here;
    }
    return k;
}

typedef struct {
    UnigramModel *model;
    const int32_t *new_id;  /* -1: goes */
} Keeper;

static void keep_block(void *context, int64_t block)
{
    const Keeper *keeper = context;
    UnigramModel *model = keeper->model;
    UnigramEdges *words = &model->of_words[block], *pieces = &model->of_pieces[block];
    const uint32_t *from = words->packed;
    words->n = 0;
    for (int64_t w = block_begin(model->counts->n, block); w < block_begin(model->counts->n, block + 1); w++)
        words->n += keep_edges(&from, model->counts->words[w].n_bytes, keeper->new_id, words->packed + words->n);
    from = pieces->packed;
    pieces->n = 0;
    for (size_t i = model->piece_begin[block]; i < model->piece_begin[block + 1]; i++) {
        size_t n = keep_edges(&from, model->pieces[i].n_bytes, keeper->new_id, pieces->packed + pieces->n);
        if (keeper->new_id[i] >= 0)
            pieces->n += n;
    }
}

void unigram_keep_pieces(UnigramModel *model, const uint8_t *kept)
{
    int32_t *new_id = mem_alloc((size_t)model->n * sizeof *new_id), n = 0;
    size_t begin[UNIGRAM_N_BLOCKS + 1];
    int b = 0;
    for (int64_t i = 0; i < model->n; i++) {
        while (model->piece_begin[b] == (size_t)i)
            begin[b++] = (size_t)n;
        new_id[i] = kept[i] ? n++ : -1;
    }
    while (b <= UNIGRAM_N_BLOCKS)
        begin[b++] = (size_t)n;
    Keeper keeper = {model, new_id};
    parallel_for(UNIGRAM_N_BLOCKS, keep_block, &keeper);
    for (int64_t i = 0; i < model->n; i++)
        if (kept[i])
            model->pieces[new_id[i]] = model->pieces[i];
    memcpy(model->piece_begin, begin, sizeof begin);
    model->n = n;
    free(new_id);
}
