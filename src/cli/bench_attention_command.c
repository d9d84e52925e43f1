/* bench_attention_command.c - `jikji bench attention`. */
#include "cli/bench.h"

#include "base/cpu_level.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "cli/command_line.h"
#include "study/bench/bench_attention.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    OptionTexts lengths;
    int64_t heads, kv_heads, width, chunk, rounds;
    double memory_gb;
    int precision;
    bool json;
} AttentionSettings;

static const Option rows[] = {
    OPTION_TEXTS("lengths", AttentionSettings, lengths, "tokens of the sequence, one measurement each"),
    OPTION_INT("heads", AttentionSettings, heads, 1, 1024, "of queries"),
    OPTION_INT("kv-heads", AttentionSettings, kv_heads, 0, 1024, "of keys and values; 0: as many"),
    OPTION_INT("width", AttentionSettings, width, 1, 256, "of a head"),
    OPTION_INT("chunk", AttentionSettings, chunk, 1, 1 << 20, "queries at a time, of the chunked way"),
    OPTION_CHOICE("precision", AttentionSettings, precision, "f32|bf16", "of queries, keys, values"),
    OPTION_INT("rounds", AttentionSettings, rounds, 1, BENCH_ATTENTION_ROUNDS_MAX, "turns of the three ways; medians count"),
    OPTION_REAL("memory", AttentionSettings, memory_gb, 0.0, 1e6, "GB at most for plain or chunked, which is else planned and not run; fused always runs"),
    OPTION_BOOL("json", AttentionSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "bench attention [settings]",
    .examples = "    jikji bench attention\n"
                "    jikji bench attention --lengths 16384 --heads 4 --memory 6\n"
                "    jikji bench attention --lengths 512,2048 --heads 12 --kv-heads 4 --precision bf16 --json\n",
    .about = "One causal sequence, forward and backward. plain: all scores are made and kept. chunked: some queries at a time, scores made\n"
             "again in the backward. fused: the engine's own. Bytes are counted from each way's plan, every operand of every step once;\n"
             "memory is what the way needs beside queries, keys, values and their gradients; FLOPs are those of visible pairs.\n",
    .table = {rows, N_ELEMENTS(rows)},
};

typedef struct {
    BenchAttentionOptions options;
    BenchAttentionReport report;
} Length;

static Err read_lengths(Length *all, const AttentionSettings *s)
{
    for (int i = 0; i < s->lengths.n; i++) {
        long long n = 0;
        int end = 0;
        if (sscanf(s->lengths.value[i], "%lld%n", &n, &end) != 1 || s->lengths.value[i][end] || n < 1 || n > 1 << 20)
            return err_set(ERR_USAGE, "--lengths: \"%s\" is no number of tokens, 1 .. %d", s->lengths.value[i], 1 << 20);
        all[i].options = bench_attention_options_default();
        BenchAttentionOptions *o = &all[i].options;
        o->n_tokens = n;
        o->n_head = s->heads;
        o->n_kv_head = s->kv_heads ? s->kv_heads : s->heads;
        o->head_dim = s->width;
        o->chunk = s->chunk;
        o->n_rounds = s->rounds;
        o->dtype = s->precision ? DTYPE_BF16 : DTYPE_F32;
        o->bytes_max = (int64_t)(1e9 * s->memory_gb);
    }
    return OK;
}

static double total_seconds(const BenchAttentionWay *w)
{
    return w->seconds[0] + w->seconds[1];
}

static void print_length(const Length *l, Arena *arena)
{
    for (int way = 0; way < N_ATTENTION_WAYS; way++) {
        const BenchAttentionWay *w = &l->report.way[way];
        printf("%7lld  %-9s", (long long)l->options.n_tokens, attention_way_name((AttentionWay)way));
        if (w->was_run)
            printf("%12.2f%12.2f%12.1f%12.1f", 1e3 * w->seconds[0], 1e3 * w->seconds[1],
                   (l->report.flops[0] + l->report.flops[1]) / total_seconds(w) * 1e-9, 1e3 * (w->seconds_max - w->seconds_min));
        else
            printf("%48s", "needs more than --memory");
        printf("%13s%13s\n", format_bytes(arena, w->bytes[0] + w->bytes[1]), format_bytes(arena, (double)w->memory_bytes));
    }
}

static void print_report(const Length *all, int n, Arena *arena)
{
    const BenchAttentionOptions *o = &all[0].options;
    printf("causal attention, %lld heads on %lld of width %lld, %s, %s, %d threads, medians of %lld rounds\n\n", (long long)o->n_head,
           (long long)o->n_kv_head, (long long)o->head_dim, dtype_name(o->dtype), cpu_level_name(cpu_level()), parallel_threads(),
           (long long)o->n_rounds);
    printf("%7s  %-9s%12s%12s%12s%12s%13s%13s\n", "tokens", "way", "forward ms", "backward", "GFLOP/s", "spread ms", "bytes moved", "memory");
    for (int i = 0; i < n; i++)
        print_length(&all[i], arena);
    double difference = 0;
    for (int i = 0; i < n; i++)
        difference = fmax(difference, all[i].report.difference);
    printf("\nthe ways differ by at most %.1e of their largest value\n", difference);
}

static void write_way(JsonWriter *json, const Length *l, AttentionWay way)
{
    const BenchAttentionWay *w = &l->report.way[way];
    json_write_key(json, attention_way_name(way));
    json_write_object_begin(json);
    json_field_double(json, "forward_seconds", w->was_run ? w->seconds[0] : NAN);
    json_field_double(json, "backward_seconds", w->was_run ? w->seconds[1] : NAN);
    json_field_double(json, "seconds_min", w->was_run ? w->seconds_min : NAN);
    json_field_double(json, "seconds_max", w->was_run ? w->seconds_max : NAN);
    json_field_double(json, "forward_bytes_moved", w->bytes[0]);
    json_field_double(json, "backward_bytes_moved", w->bytes[1]);
    json_field_int(json, "memory_bytes", w->memory_bytes);
    json_write_object_end(json);
}

static void print_json(const Length *all, int n)
{
    const BenchAttentionOptions *o = &all[0].options;
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_int(json, "heads", o->n_head);
    json_field_int(json, "kv_heads", o->n_kv_head);
    json_field_int(json, "width", o->head_dim);
    json_field_int(json, "chunk", o->chunk);
    json_field_string(json, "precision", dtype_name(o->dtype));
    json_field_string(json, "cpu_level", cpu_level_name(cpu_level()));
    json_field_int(json, "threads", parallel_threads());
    json_write_key(json, "lengths");
    json_write_array_begin(json);
    for (int i = 0; i < n; i++) {
        json_write_object_begin(json);
        json_field_int(json, "tokens", all[i].options.n_tokens);
        json_field_double(json, "forward_flops", all[i].report.flops[0]);
        json_field_double(json, "backward_flops", all[i].report.flops[1]);
        json_field_double(json, "difference", all[i].report.difference);
        for (int way = 0; way < N_ATTENTION_WAYS; way++)
            write_way(json, &all[i], (AttentionWay)way);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

static Err run_bench(const AttentionSettings *s, Arena *arena)
{
    Length *all = ARENA_ARRAY(arena, Length, s->lengths.n);
    TRY(read_lengths(all, s));
    Progress *progress = progress_new("attention", s->lengths.n, "lengths");
    Err err = OK;
    for (int i = 0; i < s->lengths.n && err == OK; i++) {
        err = bench_attention(&all[i].report, &all[i].options);
        progress_set(progress, i + 1);
    }
    progress_free(progress);
    TRY(err);
    if (s->json)
        print_json(all, s->lengths.n);
    else
        print_report(all, s->lengths.n, arena);
    return OK;
}

Err bench_attention_command(int argc, char **argv)
{
    Arena *arena = arena_new();
    BenchAttentionOptions usual = bench_attention_options_default();
    AttentionSettings settings = {.lengths = {4, {"512", "2048", "8192", "16384"}}, .heads = usual.n_head, .width = usual.head_dim,
                                  .chunk = usual.chunk, .rounds = usual.n_rounds, .memory_gb = (double)usual.bytes_max * 1e-9};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        interrupt_install();
        err = run_bench(&settings, arena);
    }
    arena_free(arena);
    return err;
}
