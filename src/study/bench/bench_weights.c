/* bench_weights.c - see bench_weights.h. Piece by piece: f32 first, whose log-probabilities the other ways are compared with. */
#include "study/bench/bench_weights.h"

#include "base/log.h"

#include <math.h>

const BenchWeightsWay bench_weights_ways[N_BENCH_WEIGHTS_WAYS] = {
    {"f32", WEIGHTS_STORED, CACHE_SAME}, {"packed", WEIGHTS_PACKED, CACHE_SAME}, {"int8", WEIGHTS_INT8, CACHE_SAME},
    {"int4", WEIGHTS_INT4, CACHE_SAME},  {"f32_cache_bf16", WEIGHTS_PACKED, CACHE_BF16}, {"int8_cache_bf16", WEIGHTS_INT8, CACHE_BF16}};

typedef struct {
    const ModelConfig *config;
    Store *store;
    Generator *gen[N_BENCH_WEIGHTS_WAYS];
    GeneratorToken *tokens;
    double *exact, *other;  /* [window][vocab_size] and [vocab_size]: log-probabilities */
    BenchWeightsReport *report;
} Comparing;

static void log_softmax(double *to, const Tensor *logits, int64_t row, int64_t n)
{
    double largest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, to[i] = tensor_get(logits, row * n + i));
    for (int64_t i = 0; i < n; i++)
        sum += exp(to[i] - largest);
    for (int64_t i = 0; i < n; i++)
        to[i] -= largest + log(sum);
}

static int64_t top_of(const double *log_probs, int64_t n)
{
    int64_t top = 0;
    for (int64_t i = 1; i < n; i++)
        top = log_probs[i] > log_probs[top] ? i : top;
    return top;
}

static void add_place(BenchWeightsRow *row, const double *exact, const double *other, int64_t n_vocab, int32_t next)
{
    double kl = 0;
    for (int64_t i = 0; i < n_vocab; i++)
        kl += exp(exact[i]) * (exact[i] - other[i]);
    row->loss -= other[next];
    row->kl += kl;
    row->kl_max = fmax(row->kl_max, kl);
    row->same_top += top_of(exact, n_vocab) == top_of(other, n_vocab);
}

static void compare_piece(Comparing *c, const int32_t *ids, int64_t n)
{
    int64_t n_vocab = c->config->vocab_size;
    for (int64_t i = 0; i < n - 1; i++)
        c->tokens[i] = (GeneratorToken){0, ids[i], true};
    for (int w = 0; w < N_BENCH_WEIGHTS_WAYS; w++) {
        generator_truncate(c->gen[w], 0, 0);
        for (int64_t i = 0; i < n - 1; i++) {
            const Tensor *logits = generator_run(c->gen[w], &c->tokens[i], 1);
            double *exact = c->exact + i * n_vocab, *mine = w == 0 ? exact : c->other;
            log_softmax(mine, logits, 0, n_vocab);
            add_place(&c->report->row[w], exact, mine, n_vocab, ids[i + 1]);
        }
    }
    c->report->n_tokens += n - 1;
}

static Err compare_text(Comparing *c, const int32_t *ids, int64_t n_ids, int64_t window)
{
    Progress *progress = progress_new("weights", n_ids, "tokens");
    Err err = OK;
    for (int64_t at = 0; at + 1 < n_ids && err == OK; at += window) {
        err = interrupt_requested() ? err_set(ERR_INTERRUPTED, "interrupted") : OK;
        if (err == OK)
            compare_piece(c, ids + at, n_ids - at < window ? n_ids - at : window);
        progress_set(progress, at + window < n_ids ? at + window : n_ids);
    }
    progress_free(progress);
    return err;
}

static Err open_generators(Comparing *c, int64_t window)
{
    GeneratorOptions options = generator_options_default(c->config);
    options.context = window;
    options.chunk = 1;
    for (int w = 0; w < N_BENCH_WEIGHTS_WAYS; w++) {
        options.weights = bench_weights_ways[w].weights;
        options.cache = bench_weights_ways[w].cache;
        TRY(generator_new(&c->gen[w], c->config, c->store, &options));
    }
    TRY(store_allocate(c->store));
    for (int w = 0; w < N_BENCH_WEIGHTS_WAYS; w++)
        TRY(generator_bind(c->gen[w]));
    return OK;
}

static void take_means(BenchWeightsReport *report, Generator *const *gen)
{
    for (int w = 0; w < N_BENCH_WEIGHTS_WAYS; w++) {
        BenchWeightsRow *row = &report->row[w];
        row->weight_bytes = generator_weight_bytes(gen[w]);
        row->loss /= (double)report->n_tokens;
        row->kl /= (double)report->n_tokens;
        row->same_top /= (double)report->n_tokens;
    }
}

Err bench_weights(BenchWeightsReport *report, const ModelConfig *config, Store *store, const int32_t *ids, int64_t n_ids, int64_t window)
{
    *report = (BenchWeightsReport){0};
    if (n_ids < 2)
        return err_set(ERR_USAGE, "a text of %lld tokens: at least 2 are needed", (long long)n_ids);
    if (window < 2 || window > config->seq_len_max)
        return err_set(ERR_USAGE, "a window of %lld tokens: 2 .. %lld expected", (long long)window, (long long)config->seq_len_max);
    Arena *arena = arena_new();
    Comparing c = {.config = config, .store = store, .report = report, .tokens = ARENA_ARRAY(arena, GeneratorToken, window),
                   .exact = ARENA_ARRAY(arena, double, window * config->vocab_size), .other = ARENA_ARRAY(arena, double, config->vocab_size)};
    Err err = open_generators(&c, window);
    if (err == OK)
        err = compare_text(&c, ids, n_ids, window);
    if (err == OK)
        take_means(report, c.gen);
    for (int w = 0; w < N_BENCH_WEIGHTS_WAYS; w++)
        generator_free(c.gen[w]);
    arena_free(arena);
    return err;
}
