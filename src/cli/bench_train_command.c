/* bench_train_command.c - `jikji bench train`. */
#include "cli/bench.h"

#include "base/cpu_level.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "cli/command_line.h"
#include "study/bench/bench_train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    BenchSteps steps;
    int precision;
    bool profile, products, speed_up, pack_weights, json;
} BenchSettings;

enum { BENCH_AUTO, BENCH_F32, BENCH_BF16, BENCH_F16, BENCH_BOTH };

static const Option rows[] = {
    BENCH_STEPS_ROWS(BenchSettings),
    OPTION_CHOICE("precision", BenchSettings, precision, "auto|f32|bf16|fp16|both", "of matrix products and activations; auto: the recipe's, else f32; both: f32, then bf16"),
    OPTION_BOOL("profile", BenchSettings, profile, "seconds by operator, too"),
    OPTION_BOOL("products", BenchSettings, products, "rates of each matrix product by library, too; --json has them always"),
    OPTION_BOOL("pack-weights", BenchSettings, pack_weights, "lay weights out for their products once a step, as memory.pack_weights does"),
    OPTION_BOOL("speed-up", BenchSettings, speed_up, "steps by one thread in each round, too: what all threads gain, beside multiply-adds"),
    OPTION_BOOL("json", BenchSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "bench train MODEL [settings]",
    .examples = "    jikji bench train gpt2-124m\n"
                "    jikji bench train llama-110m --precision bf16 --profile\n"
                "    jikji bench train nano --rounds 9 --precision both --json\n"
                "    jikji bench train llama-110m --products true\n"
                "    jikji bench train recipe.yaml --micro-batch-size 2\n"
                "    jikji bench train gpt2-124m --batch-size 1 --speed-up true\n"
                "    jikji bench train config.json --vocab-size 32000 --seq-len 512 --batch-size 8 --micro-batch-size 2\n",
    .about = "MODEL is one of " BENCH_PRESETS ", a Hugging Face config.json, or a training recipe. Needs no data: tokens\n"
             "are random. The share is (6 (body + head) + 6 L T C) FLOPs a token, times tokens a second, over the rate of the best\n"
             "matrix products at the model's own shapes, measured in turns with the steps.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

typedef struct {
    const char *name;
    ModelConfig config;
    BenchTrainOptions options;
    BenchTrainReport report;
    bool prints_products;
} Bench;

/* ---- what came out ---- */

/* Of the last probe. T: an operand that lies with its columns one after the other. */
static void print_products(const MatmulRate *probe)
{
    printf("\n%-26s%8s", "M x N x K, GFLOP/s", "count");
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        printf("%15s", gemm_peer_name((GemmPeer)p));
    printf("\n");
    for (int i = 0; i < probe->n_shapes; i++) {
        const MatmulShape *s = &probe->shape[i];
        printf("%6lld x %6lld x %6lld %c%c%8lld", (long long)s->m, (long long)s->n, (long long)s->k, s->a_transposed ? 'T' : '.', s->b_transposed ? 'T' : '.',
               (long long)s->count);
        for (int p = 0; p < GEMM_PEER_COUNT; p++)
            if (s->flops_per_second[p] > 0)
                printf("%15.1f", s->flops_per_second[p] * 1e-9);
            else
                printf("%15s", "-");
        printf("\n");
    }
}

static void print_report(const Bench *bench, Arena *arena)
{
    const BenchTrainReport *r = &bench->report;
    const BenchTrainOptions *o = &bench->options;
    printf("%s: %s parameters, steps of %lld x %lld tokens, %lld sequences at once, %s, %s, %d threads, %s\n\n", bench->name,
           format_count(arena, (double)r->n_params), (long long)o->batch_size, (long long)o->seq_len, (long long)o->micro_batch_size,
           dtype_name(o->compute), cpu_level_name(cpu_level()), parallel_threads(), format_bytes(arena, (double)r->program_bytes));
    printf("%-8s%12s%24s%10s\n", "round", "tokens/s", "products, GFLOP/s", "share");
    for (int64_t i = 0; i < r->n_rounds; i++)
        printf("%-8lld%12.1f%24.1f%8.1f %%\n", (long long)i + 1, r->round[i].tokens_per_second, r->round[i].flops_per_second * 1e-9,
               100 * r->round[i].share);
    printf("%-8s%12.1f%24.1f%8.1f %%\n\n", "median", r->median.tokens_per_second, r->median.flops_per_second * 1e-9, 100 * r->median.share);
    printf("%.4g FLOPs a token; all products by one library, GFLOP/s:", r->flops_per_token);
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        if (r->last_probe.peer_flops_per_second[p] > 0)
            printf("  %s %.1f", gemm_peer_name((GemmPeer)p), r->last_probe.peer_flops_per_second[p] * 1e-9);
    printf("\n");
    if (o->one_thread_too)
        printf("%d threads are %.2f times as fast as one, multiply-adds from registers %.2f times: %.1f %% of that\n", parallel_threads(),
               r->median.speed_up, r->median.probe_speed_up, 100 * r->median.speed_up_share);
    if (bench->prints_products)
        print_products(&r->last_probe);
    if (r->profile)
        printf("\n%s", r->profile);
}

static void write_products(JsonWriter *json, const MatmulRate *probe)
{
    json_write_key(json, "products");
    json_write_array_begin(json);
    for (int i = 0; i < probe->n_shapes; i++) {
        const MatmulShape *s = &probe->shape[i];
        json_write_object_begin(json);
        json_field_int(json, "m", s->m);
        json_field_int(json, "n", s->n);
        json_field_int(json, "k", s->k);
        json_field_bool(json, "a_transposed", s->a_transposed);
        json_field_bool(json, "b_transposed", s->b_transposed);
        json_field_int(json, "count", s->count);
        json_write_key(json, "flops_per_second_by");
        json_write_object_begin(json);
        for (int p = 0; p < GEMM_PEER_COUNT; p++)
            json_field_double(json, gemm_peer_name((GemmPeer)p), s->flops_per_second[p] > 0 ? s->flops_per_second[p] : NAN);
        json_write_object_end(json);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void write_rounds(JsonWriter *json, const BenchTrainReport *r)
{
    json_write_key(json, "rounds");
    json_write_array_begin(json);
    for (int64_t i = 0; i < r->n_rounds; i++) {
        json_write_object_begin(json);
        json_field_double(json, "tokens_per_second", r->round[i].tokens_per_second);
        json_field_double(json, "matmul_flops_per_second", r->round[i].flops_per_second);
        json_field_double(json, "share_of_peak", r->round[i].share);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void write_report(JsonWriter *json, const Bench *bench)
{
    const BenchTrainReport *r = &bench->report;
    json_field_string(json, "model", bench->name);
    json_field_int(json, "parameters", r->n_params);
    json_field_int(json, "seq_len", bench->options.seq_len);
    json_field_int(json, "batch_size", bench->options.batch_size);
    json_field_int(json, "micro_batch_size", bench->options.micro_batch_size);
    json_field_int(json, "grad_leaf", bench->report.grad_leaf);
    json_field_string(json, "precision", dtype_name(bench->options.compute));
    json_field_string(json, "cpu_level", cpu_level_name(cpu_level()));
    json_field_int(json, "threads", parallel_threads());
    json_field_int(json, "steps", r->n_steps);
    json_field_double(json, "flops_per_token", r->flops_per_token);
    json_field_double(json, "tokens_per_second", r->median.tokens_per_second);
    json_field_double(json, "matmul_flops_per_second", r->median.flops_per_second);
    json_field_double(json, "share_of_peak", r->median.share);
    json_field_double(json, "speed_up", bench->options.one_thread_too ? r->median.speed_up : NAN);
    json_field_double(json, "speed_up_of_multiply_adds", bench->options.one_thread_too ? r->median.probe_speed_up : NAN);
    json_field_double(json, "speed_up_share", bench->options.one_thread_too ? r->median.speed_up_share : NAN);
    json_write_key(json, "matmul_flops_per_second_by");
    json_write_object_begin(json);
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        json_field_double(json, gemm_peer_name((GemmPeer)p), r->last_probe.peer_flops_per_second[p] > 0 ? r->last_probe.peer_flops_per_second[p] : NAN);
    json_write_object_end(json);
    json_field_double(json, "loss", r->loss);
    json_field_int(json, "program_bytes", r->program_bytes);
    write_products(json, &r->last_probe);
    write_rounds(json, r);
}

/* The share of `dtype`, if one of the two runs had it; else NAN, which is written as null. */
static double share_at(const Bench *first, const Bench *second, DType dtype)
{
    if (first->options.compute == dtype)
        return first->report.median.share;
    return second && second->options.compute == dtype ? second->report.median.share : NAN;
}

/* second: the run in bf16 that followed, or NULL. */
static void print_json(const Bench *first, const Bench *second)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    write_report(json, first);
    json_field_double(json, "speed_of_light_f32", share_at(first, second, DTYPE_F32));
    json_field_double(json, "speed_of_light_bf16", share_at(first, second, DTYPE_BF16));
    json_field_double(json, "speed_of_light_fp16", share_at(first, second, DTYPE_F16));
    if (second) {
        json_write_key(json, "bf16");
        json_write_object_begin(json);
        write_report(json, second);
        json_write_object_end(json);
    }
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

static Err run_bench(Bench **out, const char *name, const BenchSettings *settings, Arena *arena)
{
    Bench *bench = *out = ARENA_NEW(arena, Bench);
    bench->name = name;
    bench->options = bench_train_options_default();
    TRY(bench_steps_read(&bench->config, &bench->options, arena, name, &settings->steps));
    static const DType dtypes[] = {[BENCH_F32] = DTYPE_F32, [BENCH_BF16] = DTYPE_BF16, [BENCH_F16] = DTYPE_F16};
    if (settings->precision != BENCH_AUTO)
        bench->options.compute = dtypes[settings->precision];
    bench->options.profile = settings->profile;
    bench->prints_products = settings->products;
    bench->options.memory.pack_weights = settings->pack_weights;
    bench->options.one_thread_too = settings->speed_up && parallel_threads() > 1;
    TRY(bench_train(&bench->report, &bench->config, &bench->options, arena));
    if (bench->options.batch_size * bench->options.seq_len < 4096)
        log_warn("a step has less than 4096 tokens: the update weighs more than it would");
    return OK;
}

static Err run_benches(const char *name, BenchSettings *settings, Arena *arena)
{
    Bench *first, *second = NULL;
    bool both = settings->precision == BENCH_BOTH;
    settings->precision = both ? BENCH_F32 : settings->precision;
    TRY(run_bench(&first, name, settings, arena));
    if (!settings->json)
        print_report(first, arena);
    if (both) {
        settings->precision = BENCH_BF16;
        TRY(run_bench(&second, name, settings, arena));
        if (!settings->json)
            print_report(second, arena);
    }
    if (settings->json)
        print_json(first, second);
    return OK;
}

Err bench_train_command(int argc, char **argv)
{
    Arena *arena = arena_new();
    BenchSettings settings = {.steps = {.rounds = 5, .seconds = 3}};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        interrupt_install();
        err = run_benches(words.word[0], &settings, arena);
    }
    arena_free(arena);
    return err;
}
