/* bench_decode.c - probes, prefill, decode and reading in turns. */
#include "study/bench/bench_decode.h"

#include "base/log.h"
#include "base/options.h"
#include "engine/op/probe.h"
#include "learn/generate/generate.h"
#include "study/bench/bench_internal.h"
#include "study/bench/decode_profile.h"
#include "study/bench/matmul_rate.h"

#include <stddef.h>
#include <stdlib.h>

BenchDecodeOptions bench_decode_options_default(void)
{
    return (BenchDecodeOptions){.prompt = 256, .new_tokens = 32, .dtype = DTYPE_F32, .weights = WEIGHTS_PACKED, .n_rounds = 5};
}

/* ---- what is needed ---- */

static void count_needs(BenchDecodeReport *report, const Generator *gen, const ModelConfig *config, const BenchDecodeOptions *o)
{
    Arena *arena = arena_new();
    ModelMatrix *matrices;
    int n = model_matrices(&matrices, config, arena);
    double weights = 0, head = (double)(config->vocab_size * config->d_model), width = (double)dtype_bytes(generator_cache_dtype(generator_options(gen)));
    for (int i = 0; i < n; i++)
        weights += (double)(matrices[i].n_in * matrices[i].n_out);
    double mean_length = (double)o->prompt + 0.5 * (double)o->new_tokens;
    double cached = 2.0 * (double)(config->n_layer * config->n_kv_head * config->head_dim) * mean_length;
    double attention = 2.0 * (double)(config->n_layer * config->n_head * config->head_dim) * (double)o->prompt;  /* 4 T C / 2: causal */
    report->n_params = model_n_params(config);
    report->cache_bytes_per_token = width * cached;
    report->bytes_per_token = (double)generator_weight_bytes(gen) + report->cache_bytes_per_token;
    report->prefill_flops_per_token = 2.0 * (weights - head) + attention;
    arena_free(arena);
}

/* ---- turns ---- */

typedef struct {
    Generator *gen;
    const ModelConfig *config;
    const BenchDecodeOptions *options;
    ReadProbe *reading;
    uint64_t state;
} Turns;

enum { TOKENS_A_READ = 4 };  /* between two turns of reading: who else uses memory disturbs decode and reading alike */

static GeneratorToken next_token(Turns *t, bool want_logits)
{
    t->state = t->state * 6364136223846793005u + 1442695040888963407u;  /* Knuth's MMIX generator */
    return (GeneratorToken){.sequence = 0, .id = (int32_t)((t->state >> 33) % (uint64_t)t->config->vocab_size), .want_logits = want_logits};
}

static double prefill_seconds(Turns *t, GeneratorToken *tokens)
{
    int64_t chunk = generator_options(t->gen)->chunk;
    generator_truncate(t->gen, 0, 0);
    double begun = clock_seconds();
    for (int64_t done = 0; done < t->options->prompt && !interrupt_requested(); done += chunk) {
        int64_t n = t->options->prompt - done < chunk ? t->options->prompt - done : chunk;
        for (int64_t i = 0; i < n; i++)
            tokens[i] = next_token(t, done + i == t->options->prompt - 1);
        generator_run(t->gen, tokens, n);
    }
    return clock_seconds() - begun;
}

typedef struct {
    double decode, read;  /* seconds a token, bytes read a second */
} DecodeTurns;

/* Means of one stretch of time. */
static DecodeTurns decode_turns(Turns *t, DecodeProfile *profile)
{
    double decoding = 0, reading = 0;
    int64_t n = t->options->new_tokens, n_reads = 0;
    for (int64_t i = 0; i < n && !interrupt_requested(); i++) {
        GeneratorToken token = next_token(t, true);
        if (i % TOKENS_A_READ == 0) {
            reading += read_probe_turn(t->reading);
            n_reads++;
        }
        if (profile)
            decode_profile_next(profile);
        double begun = clock_seconds();
        generator_run(t->gen, &token, 1);
        decoding += clock_seconds() - begun;
    }
    return (DecodeTurns){decoding / (double)n, (double)n_reads * read_probe_bytes() / reading};
}

/* The rate of products around a round; here an interrupt, at which prefill and decode stop amid their tokens, becomes an error. */
static Err probe_products(double *flops, const Turns *t)
{
    const MatmulRateOptions options = {.n_tokens_max = generator_options(t->gen)->chunk, .vocab_max = 1024};
    MatmulRate rate;
    if (interrupt_requested())
        return err_set(ERR_INTERRUPTED, "interrupted");
    Arena *arena = arena_new();
    Err err = matmul_rate_measure(&rate, t->config, options.n_tokens_max, t->options->dtype, &options, arena);
    arena_free(arena);
    *flops = err == OK ? rate.flops_per_second : 0;
    return err;
}

static Err run_rounds(BenchDecodeReport *report, Turns *t, GeneratorToken *tokens, Arena *arena)
{
    const BenchDecodeOptions *o = t->options;
    double flops_before, flops_after = 0;
    prefill_seconds(t, tokens);  /* touches all memory */
    TRY(probe_products(&flops_before, t));
    Progress *progress = progress_new("bench", o->n_rounds, "rounds");
    Err err = OK;
    for (int64_t i = 0; i < o->n_rounds && err == OK; i++) {
        BenchDecodeRound *round = &report->round[i];
        round->prefill_per_second = (double)o->prompt / prefill_seconds(t, tokens);
        DecodeProfile *profile = o->profile ? decode_profile_new(generator_program(t->gen), o->new_tokens, arena) : NULL;
        DecodeTurns turns = decode_turns(t, profile);
        if (profile)
            report->profile = decode_profile_text(profile, report->cache_bytes_per_token);
        err = probe_products(&flops_after, t);
        round->tokens_per_second = 1 / turns.decode;
        round->read_bytes_per_second = turns.read;
        round->matmul_flops_per_second = (flops_before + flops_after) / 2;
        round->share = round->tokens_per_second * report->bytes_per_token / round->read_bytes_per_second;
        round->prefill_share = round->prefill_per_second * report->prefill_flops_per_token / round->matmul_flops_per_second;
        flops_before = flops_after;
        report->n_rounds = i + 1;
        progress_set(progress, i + 1);
    }
    progress_free(progress);
    return err;
}

static Err bench_with_generator(BenchDecodeReport *report, Generator *gen, Store *store, const ModelConfig *config,
                                const BenchDecodeOptions *o, Arena *arena)
{
    Turns turns = {.gen = gen, .config = config, .options = o, .state = 1};
    TRY(store_allocate(store));
    model_init(config, store, 1);
    TRY(generator_bind(gen));
    TRY(read_probe_new(&turns.reading));
    GeneratorToken *tokens = malloc((size_t)generator_options(gen)->chunk * sizeof *tokens);
    Err err = tokens ? run_rounds(report, &turns, tokens, arena) : err_set(ERR_MEMORY, "out of memory");
    free(tokens);
    read_probe_free(turns.reading);
    return err;
}

/* ---- the door ---- */

static double column_of(const void *report, int64_t round, size_t offset)
{
    return *(const double *)((const char *)&((const BenchDecodeReport *)report)->round[round] + offset);
}

static void take_medians(BenchDecodeReport *report)
{
    BenchDecodeRound *m = &report->median;
    double *const columns[] = {&m->tokens_per_second, &m->read_bytes_per_second, &m->share, &m->prefill_per_second, &m->matmul_flops_per_second,
                               &m->prefill_share};
    for (int i = 0; i < N_ELEMENTS(columns); i++) {
        size_t offset = (size_t)((char *)columns[i] - (char *)m);
        double values[BENCH_DECODE_ROUNDS_MAX];
        for (int64_t r = 0; r < report->n_rounds; r++)
            values[r] = column_of(report, r, offset);
        *columns[i] = bench_median(values, report->n_rounds);
    }
}

Err bench_decode(BenchDecodeReport *report, const ModelConfig *config, const BenchDecodeOptions *o, Arena *arena)
{
    *report = (BenchDecodeReport){0};
    if (o->prompt < 1 || o->new_tokens < 1 || o->prompt + o->new_tokens > config->seq_len_max)
        return err_set(ERR_USAGE, "a prompt of %lld and %lld new tokens do not fit the model's context of %lld", (long long)o->prompt,
                       (long long)o->new_tokens, (long long)config->seq_len_max);
    Store *store = store_new();
    Generator *gen = NULL;
    GeneratorOptions options = generator_options_default(config);
    options.dtype = o->dtype;
    options.weights = (GeneratorWeights)o->weights;
    options.cache = (GeneratorCache)o->cache;
    model_declare(config, store, &(ModelDeclareOptions){.dtype = o->dtype, .trainable = false});
    Err err = generator_new(&gen, config, store, &options);
    if (err == OK)
        count_needs(report, gen, config, o);
    if (err == OK)
        err = bench_with_generator(report, gen, store, config, o, arena);
    if (err == OK)
        take_medians(report);
    generator_free(gen);
    store_free(store);
    return err;
}
