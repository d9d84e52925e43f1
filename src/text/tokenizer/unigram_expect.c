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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINEAR_BYTES_MAX = 96, EDGE_BLOCK_BYTES = 1 << 18 };  /* longer words are summed in logarithms */
enum { LENGTH_SHIFT = 24, LENGTH_MASK = 127, PIECE_MASK = (1 << LENGTH_SHIFT) - 1 };
static const uint32_t last_here = 1u << 31;
static const double tiny_total = 1e-290;

static inline uint32_t edge_length(uint32_t packed)
{
    return packed >> LENGTH_SHIFT & LENGTH_MASK;
}

/* What finds the edges of one thread's texts. */
typedef struct {
    const Trie *trie;
    int32_t *packed;  /* of one text */
    size_t capacity;
} Finder;

/* The edges of a text of n bytes, to be a word of the file. */
static Err add_text(Finder *finder, WordFile *file, const char *text, uint32_t n, int64_t count)
{
    size_t n_edges = 0;
    for (uint32_t start = 0; start < n;) {
        if (n_edges + LENGTH_MASK > finder->capacity) {
            finder->capacity = finder->capacity * 2 + 4096;
            finder->packed = mem_realloc(finder->packed, finder->capacity * sizeof *finder->packed);
        }
        size_t first = n_edges;
        TrieNode node = trie_root(finder->trie);
        for (uint32_t end = start; end < n && trie_step(finder->trie, &node, (unsigned char)text[end]);) {
            end++;
            if (trie_value(node) >= 0)
                finder->packed[n_edges++] = (int32_t)((end - start) << LENGTH_SHIFT | (uint32_t)trie_value(node));
        }
        assert(n_edges > first);  /* every character is a piece */
        finder->packed[n_edges - 1] = (int32_t)((uint32_t)finder->packed[n_edges - 1] | last_here);
        start += edge_length((uint32_t)finder->packed[first]);
    }
    assert(n_edges <= UINT32_MAX);
    return word_file_add(file, finder->packed, (uint32_t)n_edges, count);
}

static int64_t block_begin(int64_t n, int64_t block)
{
    return n * block / UNIGRAM_N_BLOCKS;
}

/* The first error of several threads, told by the one that waits for them. */
typedef struct {
    Err err[UNIGRAM_N_BLOCKS];
    char message[UNIGRAM_N_BLOCKS][256];
} BlockErrors;

static void note_error(BlockErrors *errors, int64_t block, Err err)
{
    errors->err[block] = err;
    if (err != OK)
        snprintf(errors->message[block], sizeof errors->message[block], "%s", err_message());
}

static Err first_error(const BlockErrors *errors)
{
    for (int b = 0; b < UNIGRAM_N_BLOCKS; b++)
        if (errors->err[b] != OK)
            return err_set(errors->err[b], "%s", errors->message[b]);
    return OK;
}

typedef struct {
    UnigramModel *model;
    Trie trie;
    BlockErrors errors;
} Opening;

static Err find_edges(Opening *opening, int64_t block, Finder *finder)
{
    UnigramModel *model = opening->model;
    const WordCounts *counts = model->counts;
    for (int64_t w = block_begin(counts->n, block); w < block_begin(counts->n, block + 1) && !counts->spill; w++)
        TRY(add_text(finder, model->of_words[block], counts->pool + counts->words[w].offset, counts->words[w].n_bytes, counts->words[w].count));
    for (size_t i = model->piece_begin[block]; i < model->piece_begin[block + 1]; i++)
        TRY(add_text(finder, model->of_pieces[block], model->pieces[i].text, model->pieces[i].n_bytes, 0));
    return OK;
}

static void find_block(void *context, int64_t block)
{
    Opening *opening = context;
    Finder finder = {.trie = &opening->trie};
    note_error(&opening->errors, block, find_edges(opening, block, &finder));
    free(finder.packed);
}

/* Words from disk, one after the other. */
typedef struct {
    UnigramModel *model;
    Finder finder;
    int64_t n_words;
    int block;
} Reading;

static Err read_word(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    Reading *reading = context;
    while (reading->n_words >= block_begin(reading->model->counts->n, reading->block + 1))
        reading->block++;
    reading->n_words++;
    return add_text(&reading->finder, reading->model->of_words[reading->block], bytes, n_bytes, count);
}

static Err find_all(UnigramModel *model)
{
    Opening opening = {.model = model};
    TrieKey *keys = mem_alloc((size_t)model->n * sizeof *keys);
    for (int64_t i = 0; i < model->n; i++)
        keys[i] = (TrieKey){model->pieces[i].text, model->pieces[i].n_bytes, (int32_t)i};
    trie_build(&opening.trie, keys, (size_t)model->n);
    free(keys);
    parallel_for(UNIGRAM_N_BLOCKS, find_block, &opening);
    Err err = first_error(&opening.errors);
    Reading reading = {.model = model, .finder.trie = &opening.trie};
    if (err == OK && model->counts->spill)
        err = word_counts_each(model->counts, read_word, &reading);
    free(reading.finder.packed);
    trie_release(&opening.trie);
    return err;
}

static Err measure_word(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    (void)bytes;
    (void)count;
    UnigramModel *model = context;
    if (n_bytes > model->longest)
        model->longest = n_bytes;
    return OK;
}

Err unigram_model_open(UnigramModel *model, const char *dir, size_t block_bytes)
{
    assert(model->n > 0 && model->n <= PIECE_MASK);
    size_t n = (size_t)model->n;
    model->scores = mem_alloc(n * sizeof *model->scores);
    model->weights = mem_alloc(n * sizeof *model->weights);
    model->n_rooms = parallel_threads() < UNIGRAM_N_BLOCKS ? 1 + parallel_threads() : UNIGRAM_N_BLOCKS;
    model->expected = mem_alloc(n * (size_t)model->n_rooms * sizeof *model->expected);
    model->longest = 0;
    TRY(word_counts_each(model->counts, measure_word, model));
    for (size_t i = 0; i < n; i++) {
        assert(model->pieces[i].n_bytes <= LENGTH_MASK);
        if (model->pieces[i].n_bytes > model->longest)
            model->longest = model->pieces[i].n_bytes;
    }
    for (int b = 0; b <= UNIGRAM_N_BLOCKS; b++)
        model->piece_begin[b] = (size_t)block_begin(model->n, b);
    bool on_disk = model->counts->spill;
    for (int b = 0; b < UNIGRAM_N_BLOCKS; b++) {
        TRY(word_file_open(&model->of_words[b], on_disk ? dir : NULL, on_disk ? block_bytes : EDGE_BLOCK_BYTES, 1));
        TRY(word_file_open(&model->of_pieces[b], on_disk ? dir : NULL, on_disk ? block_bytes : EDGE_BLOCK_BYTES, 1));
    }
    return find_all(model);
}

void unigram_model_release(UnigramModel *model)
{
    for (int b = 0; b < UNIGRAM_N_BLOCKS; b++) {
        word_file_free(model->of_words[b]);
        word_file_free(model->of_pieces[b]);
    }
    free(model->pieces);
    arena_free(model->texts);
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

/* The edges of a text; returns its bytes. */
static uint32_t unpack(Lattice *lattice, const int32_t *packed, uint32_t n_edges)
{
    const double *weights = lattice->model->weights;
    if (n_edges > lattice->capacity) {
        lattice->capacity = (size_t)n_edges * 2;
        lattice->edges = mem_realloc(lattice->edges, lattice->capacity * sizeof *lattice->edges);
    }
    uint32_t start = 0, step = 0;
    for (uint32_t i = 0; i < n_edges; i++) {
        uint32_t edge = (uint32_t)packed[i], piece = edge & PIECE_MASK;
        if (step == 0)
            step = edge_length(edge);  /* of the character that stands here */
        lattice->edges[i] = (Edge){start, start + edge_length(edge), piece, weights[piece]};
        if (edge & last_here) {
            start += step;
            step = 0;
        }
    }
    lattice->n_edges = n_edges;
    return start;
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

/* Passes over all words, or all pieces. */
typedef struct {
    UnigramModel *model;
    bool best_only;
    int64_t first;  /* block of those that are counted at once */
    double likelihood[UNIGRAM_N_BLOCKS];
    UnigramTakeParts take;
    void *context;
    const int32_t *new_id;  /* of pieces; -1: goes */
    BlockErrors errors;
} Pass;

/* One block of a pass. */
typedef struct {
    const Pass *pass;
    Lattice lattice;
    double *expected, likelihood;
    int64_t piece;
} BlockPass;

static uint32_t count_word(void *context, int32_t *packed, uint32_t n_edges, int64_t word_count)
{
    BlockPass *block = context;
    Lattice *lattice = &block->lattice;
    uint32_t n = unpack(lattice, packed, n_edges);
    double count = (double)word_count, of_word;
    if (block->pass->best_only) {
        const int32_t *parts = (const int32_t *)lattice->beta;
        for (int i = best_parts(lattice, n, -1, &of_word); i-- > 0;)
            block->expected[parts[i]] += count;
    } else {
        of_word = n <= LINEAR_BYTES_MAX ? expect_linear(lattice, n, count, block->expected) : NAN;
        if (isnan(of_word))
            of_word = expect_logarithmic(lattice, n, count, block->expected);
    }
    block->likelihood += count * of_word;
    return n_edges;
}

static void count_block(void *context, int64_t index)
{
    Pass *pass = context;
    const UnigramModel *model = pass->model;
    int64_t number = pass->first + index, room = pass->first == 0 ? index : index + 1;
    BlockPass block = {.pass = pass, .lattice = lattice_new(model), .expected = model->expected + room * model->n};
    memset(block.expected, 0, (size_t)model->n * sizeof *block.expected);
    note_error(&pass->errors, number, word_file_pass(model->of_words[number], NULL, false, count_word, &block));
    pass->likelihood[number] = block.likelihood;
    lattice_release(&block.lattice);
}

/* A block for each thread at once, added to the sums in order: threads do not show. */
static Err count_all(UnigramModel *model, bool best_only, double *likelihood)
{
    Pass pass = {.model = model, .best_only = best_only};
    *likelihood = 0.0;
    for (int64_t n_blocks; pass.first < UNIGRAM_N_BLOCKS; pass.first += n_blocks) {
        int64_t n_left = UNIGRAM_N_BLOCKS - pass.first;
        n_blocks = n_left < model->n_rooms - 1 ? n_left : model->n_rooms == UNIGRAM_N_BLOCKS ? n_left : model->n_rooms - 1;
        parallel_for(n_blocks, count_block, &pass);
        for (int64_t room = 1; room < n_blocks + (pass.first > 0); room++)
            for (int64_t i = 0; i < model->n; i++)
                model->expected[i] += model->expected[room * model->n + i];
    }
    for (int b = 0; b < UNIGRAM_N_BLOCKS; b++)
        *likelihood += pass.likelihood[b];
    return first_error(&pass.errors);
}

Err unigram_expect(UnigramModel *model, double *likelihood)
{
    return count_all(model, false, likelihood);
}

Err unigram_count_best(UnigramModel *model, double *likelihood)
{
    return count_all(model, true, likelihood);
}

static uint32_t cut_piece(void *context, int32_t *packed, uint32_t n_edges, int64_t count)
{
    (void)count;
    BlockPass *block = context;
    double score;
    uint32_t n = unpack(&block->lattice, packed, n_edges);
    int n_parts = best_parts(&block->lattice, n, block->piece, &score);
    block->pass->take(block->pass->context, block->piece++, (const int32_t *)block->lattice.beta, n_parts);
    return n_edges;
}

static void cut_block(void *context, int64_t number)
{
    Pass *pass = context;
    BlockPass block = {.pass = pass, .lattice = lattice_new(pass->model), .piece = (int64_t)pass->model->piece_begin[number]};
    note_error(&pass->errors, number, word_file_pass(pass->model->of_pieces[number], NULL, false, cut_piece, &block));
    lattice_release(&block.lattice);
}

Err unigram_cut_pieces(UnigramModel *model, UnigramTakeParts take, void *context)
{
    Pass pass = {.model = model, .take = take, .context = context};
    parallel_for(UNIGRAM_N_BLOCKS, cut_block, &pass);
    return first_error(&pass.errors);
}

/* A text's edges without those of pieces that go. */
static uint32_t keep_edges(void *context, int32_t *packed, uint32_t n_edges, int64_t count)
{
    (void)count;
    const BlockPass *block = context;
    uint32_t k = 0;
    for (uint32_t i = 0; i < n_edges; i++) {
        uint32_t edge = (uint32_t)packed[i];
        int32_t id = block->pass->new_id[edge & PIECE_MASK];
        if (id >= 0)
            packed[k++] = (int32_t)((edge & ~(last_here | PIECE_MASK)) | (uint32_t)id);
        if (edge & last_here)
            packed[k - 1] = (int32_t)((uint32_t)packed[k - 1] | last_here);
    }
    return k;
}

static uint32_t keep_piece(void *context, int32_t *packed, uint32_t n_edges, int64_t count)
{
    BlockPass *block = context;
    return block->pass->new_id[block->piece++] >= 0 ? keep_edges(context, packed, n_edges, count) : 0;
}

static void keep_block(void *context, int64_t number)
{
    Pass *pass = context;
    BlockPass block = {.pass = pass, .piece = (int64_t)pass->model->piece_begin[number]};
    Err err = word_file_pass(pass->model->of_words[number], NULL, true, keep_edges, &block);
    if (err == OK)
        err = word_file_pass(pass->model->of_pieces[number], NULL, true, keep_piece, &block);
    note_error(&pass->errors, number, err);
}

Err unigram_keep_pieces(UnigramModel *model, const uint8_t *kept)
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
    Pass pass = {.model = model, .new_id = new_id};
    parallel_for(UNIGRAM_N_BLOCKS, keep_block, &pass);
    for (int64_t i = 0; i < model->n; i++)
        if (kept[i])
            model->pieces[new_id[i]] = model->pieces[i];
    memcpy(model->piece_begin, begin, sizeof begin);
    model->n = n;
    free(new_id);
    return first_error(&pass.errors);
}
