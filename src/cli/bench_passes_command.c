/* bench_passes_command.c - `jikji bench passes`. */
#include "cli/bench.h"

#include "base/cpu_level.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "cli/command_line.h"
#include "study/bench/bench_passes.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    BenchSteps steps;
    const char *offload;
    bool json;
} PassSettings;

static const Option rows[] = {
    BENCH_STEPS_ROWS(PassSettings),
    OPTION_TEXT("offload", PassSettings, offload, "folder for the row of offloaded activations; empty: TMPDIR, or /tmp"),
    OPTION_BOOL("json", PassSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "bench passes MODEL [settings]",
    .examples = "    jikji bench passes nano\n"
                "    jikji bench passes gpt2-124m --batch-size 4 --micro-batch-size 1 --rounds 1 --json\n"
                "    jikji bench passes config.json --seq-len 512 --batch-size 4\n",
    .about = "What fusion, packing, precision, recompute and offload take and save, by the trainer itself: tokens a second and their share of the rate of products in the\n"
             "same minutes, the memory planned and resident, and the share of time that makes values again, planned and measured. Without fusion\n"
             "the loss is made in the forward pass and once more for its gradients, and activations and residuals wait for the product before\n"
             "them. With packing, weights are laid out for their products once a step: worth something where a step has several micro batches.\n"
             "A row that promises the bits of the row that keeps all is held to them. MODEL as for bench train.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

static void print_table(const BenchPass *pass, const char *name, const BenchTrainOptions *o, Arena *arena)
{
    printf("%s: %s parameters, steps of %lld x %lld tokens, %lld sequences at once, %s, %d threads\n\n", name,
           format_count(arena, (double)pass->report.n_params), (long long)o->batch_size, (long long)o->seq_len, (long long)o->micro_batch_size,
           cpu_level_name(cpu_level()), parallel_threads());
    printf("%-6s%-20s%12s%10s%12s%12s%18s%18s  %s\n", "", "", "tokens/s", "share", "planned", "resident", "again, planned", "measured", "bits");
    for (int i = 0; i < BENCH_PASSES; i++) {
        const BenchTrainReport *r = &pass[i].report;
        printf("%-6s%-20s%12.1f%8.1f %%%12s%12s%16.1f %%%16.1f %%  %s\n", dtype_name(pass[i].compute), pass[i].name, r->median.tokens_per_second,
               100 * r->median.share, format_bytes(arena, (double)r->program_bytes), format_bytes(arena, (double)r->resident_bytes),
               100 * r->recompute_planned, 100 * r->recompute_share, pass[i].of == i ? "its own" : "the same");
    }
}

static void print_json(const BenchPass *pass, const char *name)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "model", name);
    json_field_string(json, "cpu_level", cpu_level_name(cpu_level()));
    json_field_int(json, "threads", parallel_threads());
    json_write_key(json, "passes");
    json_write_array_begin(json);
    for (int i = 0; i < BENCH_PASSES; i++) {
        const BenchTrainReport *r = &pass[i].report;
        json_write_object_begin(json);
        json_field_string(json, "precision", dtype_name(pass[i].compute));
        json_field_string(json, "pass", pass[i].name);
        json_field_double(json, "tokens_per_second", r->median.tokens_per_second);
        json_field_double(json, "share_of_peak", r->median.share);
        json_field_int(json, "planned_bytes", r->program_bytes);
        json_field_int(json, "mapped_bytes", r->mapped_bytes);
        json_field_int(json, "resident_bytes", r->resident_bytes);
        json_field_double(json, "recompute_share_planned", r->recompute_planned);
        json_field_double(json, "recompute_share", r->recompute_share);
        json_field_string(json, "bits_of", pass[pass[i].of].name);  /* of its precision; bench_passes fails when they differ */
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

static Err run_bench(const char *name, const PassSettings *s, Arena *arena)
{
    ModelConfig config;
    BenchTrainOptions o = bench_train_options_default();
    BenchPass *pass = ARENA_ARRAY(arena, BenchPass, BENCH_PASSES);
    TRY(bench_steps_read(&config, &o, arena, name, &s->steps));
    o.memory.offload = s->offload && s->offload[0] ? s->offload : getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    TRY(bench_passes(pass, &config, &o, arena));
    if (s->json)
        print_json(pass, name);
    else
        print_table(pass, name, &o, arena);
    return OK;
}

Err bench_passes_command(int argc, char **argv)
{
    Arena *arena = arena_new();
    PassSettings settings = {.steps = {.rounds = 3, .seconds = 1}};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        interrupt_install();
        err = run_bench(words.word[0], &settings, arena);
    }
    arena_free(arena);
    return err;
}
