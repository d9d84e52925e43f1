/* bench_decode_command.c - `jikji bench decode`. */
#include "cli/bench.h"

#include "base/cpu_level.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "cli/command_line.h"
#include "learn/generate/generate.h"
#include "study/bench/bench_decode.h"

#include <stdio.h>

typedef struct {
    int64_t prompt, new_tokens, vocab_size, rounds;
    int precision, weights, cache;
    bool profile, json;
} DecodeSettings;

static const Option rows[] = {
    OPTION_INT("prompt", DecodeSettings, prompt, 0, 1e6, "tokens before the first new one; 0: 256, or what the model's context leaves"),
    OPTION_INT("new-tokens", DecodeSettings, new_tokens, 0, 1e6, "tokens generated in a round; 0: 32, at most half the context"),
    OPTION_INT("vocab-size", DecodeSettings, vocab_size, 0, 1 << 28, "for a config without one; 0: as it says"),
    OPTION_CHOICE("precision", DecodeSettings, precision, "f32|bf16", "of weights as stored, and of products"),
    OPTION_CHOICE("weights", DecodeSettings, weights, GENERATOR_WEIGHTS_CHOICES, "how the matrices are read: as `jikji generate --weights`"),
    OPTION_CHOICE("cache", DecodeSettings, cache, GENERATOR_CACHE_CHOICES, "keys and values: as `jikji generate --cache`"),
    OPTION_INT("rounds", DecodeSettings, rounds, 1, BENCH_DECODE_ROUNDS_MAX, "turns of probe, prefill and decode; medians count"),
    OPTION_BOOL("profile", DecodeSettings, profile, "milliseconds of a token by operator, too: the medians of each one's calls in the last round"),
    OPTION_BOOL("json", DecodeSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "bench decode MODEL [settings]",
    .examples = "    jikji bench decode gpt2-124m\n"
                "    jikji bench decode llama-110m --precision bf16 --json\n"
                "    jikji bench decode gpt2-124m --weights int8 --cache bf16 --profile\n"
                "    jikji bench decode config.json --vocab-size 32000 --prompt 16 --new-tokens 100\n",
    .about = "MODEL is one of " BENCH_PRESETS ", a Hugging Face config.json, or a training recipe; weights and tokens are random.\n"
             "Decode's share is tokens a second, times the bytes of weights and cache that a token needs, over the rate at which memory is read.\n"
             "Prefill's is FLOPs a second over the best matrix products at the model's shapes. One sequence; probes are taken in turns.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

static const char *const weights_names[N_GENERATOR_WEIGHTS] = {"stored", "packed", "int8", "int4"};
static const char *const cache_names[N_GENERATOR_CACHES] = {"same", "bf16"};

static void print_row(const char *name, const BenchDecodeRound *r)
{
    printf("%-8s%12.1f%16.1f%8.1f %%%14.1f%18.1f%8.1f %%\n", name, r->tokens_per_second, r->read_bytes_per_second * 1e-9, 100 * r->share,
           r->prefill_per_second, r->matmul_flops_per_second * 1e-9, 100 * r->prefill_share);
}

static void print_report(const char *name, const BenchDecodeReport *r, const BenchDecodeOptions *o, Arena *arena)
{
    printf("%s: %s parameters, a prompt of %lld tokens and %lld new ones, %s, weights %s, cache %s, %s, %d threads\n\n", name,
           format_count(arena, (double)r->n_params), (long long)o->prompt, (long long)o->new_tokens, dtype_name(o->dtype),
           weights_names[o->weights], cache_names[o->cache], cpu_level_name(cpu_level()), parallel_threads());
    printf("%-8s%12s%16s%10s%14s%18s%10s\n", "round", "decode tok/s", "reading, GB/s", "share", "prefill tok/s", "products, GFLOP/s", "share");
    for (int64_t i = 0; i < r->n_rounds; i++)
        print_row(arena_printf(arena, "%lld", (long long)i + 1), &r->round[i]);
    print_row("median", &r->median);
    printf("\n%s a new token, %.4g FLOPs a token of the prompt\n", format_bytes(arena, r->bytes_per_token), r->prefill_flops_per_token);
    if (r->profile)
        printf("\n%s", r->profile);
}

static void write_round(JsonWriter *json, const BenchDecodeRound *r)
{
    json_field_double(json, "decode_tokens_per_second", r->tokens_per_second);
    json_field_double(json, "read_bytes_per_second", r->read_bytes_per_second);
    json_field_double(json, "share_of_reading", r->share);
    json_field_double(json, "prefill_tokens_per_second", r->prefill_per_second);
    json_field_double(json, "matmul_flops_per_second", r->matmul_flops_per_second);
    json_field_double(json, "prefill_share_of_peak", r->prefill_share);
}

static void print_json(const char *name, const BenchDecodeReport *r, const BenchDecodeOptions *o)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "model", name);
    json_field_int(json, "parameters", r->n_params);
    json_field_int(json, "prompt", o->prompt);
    json_field_int(json, "new_tokens", o->new_tokens);
    json_field_string(json, "precision", dtype_name(o->dtype));
    json_field_string(json, "weights", weights_names[o->weights]);
    json_field_string(json, "cache", cache_names[o->cache]);
    json_field_string(json, "cpu_level", cpu_level_name(cpu_level()));
    json_field_int(json, "threads", parallel_threads());
    json_field_double(json, "bytes_per_token", r->bytes_per_token);
    json_field_double(json, "prefill_flops_per_token", r->prefill_flops_per_token);
    write_round(json, &r->median);
    json_write_key(json, "rounds");
    json_write_array_begin(json);
    for (int64_t i = 0; i < r->n_rounds; i++) {
        json_write_object_begin(json);
        write_round(json, &r->round[i]);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

/* What was not asked for becomes what is usual, as far as the context goes. */
static void fill_lengths(BenchDecodeOptions *o, int64_t context)
{
    BenchDecodeOptions usual = bench_decode_options_default();
    if (o->new_tokens == 0)
        o->new_tokens = usual.new_tokens < context / 2 ? usual.new_tokens : context / 2;
    if (o->prompt == 0)
        o->prompt = usual.prompt < context - o->new_tokens ? usual.prompt : context - o->new_tokens;
}

static Err run_bench(const char *name, const DecodeSettings *settings, Arena *arena)
{
    ModelConfig config;
    BenchTrainOptions unused = bench_train_options_default();
    BenchDecodeOptions options = {.prompt = settings->prompt, .new_tokens = settings->new_tokens, .dtype = settings->precision ? DTYPE_BF16 : DTYPE_F32,
                                  .weights = settings->weights, .cache = settings->cache, .n_rounds = settings->rounds, .profile = settings->profile};
    BenchDecodeReport *report = ARENA_NEW(arena, BenchDecodeReport);
    TRY(bench_model_read(&config, &unused, arena, name));
    TRY(bench_model_set_vocab(&config, name, settings->vocab_size));
    fill_lengths(&options, config.seq_len_max);
    TRY(bench_decode(report, &config, &options, arena));
    if (settings->json)
        print_json(name, report, &options);
    else
        print_report(name, report, &options, arena);
    return OK;
}

Err bench_decode_command(int argc, char **argv)
{
    Arena *arena = arena_new();
    BenchDecodeOptions usual = bench_decode_options_default();
    DecodeSettings settings = {.rounds = usual.n_rounds, .weights = usual.weights};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        interrupt_install();
        err = run_bench(words.word[0], &settings, arena);
    }
    arena_free(arena);
    return err;
}
