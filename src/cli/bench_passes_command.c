/* bench_passes_command.c - `jikji bench passes`. */
#include "cli/bench.h"

#include "base/cpu_level.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "cli/command_line.h"
#include "study/bench/bench_passes.h"

#include <stdio.h>

typedef struct {
    int64_t seq_len, batch_size, micro_batch_size, vocab_size, rounds;
    double seconds;
    bool json;
} PassSettings;

static const Option rows[] = {
    OPTION_INT("seq-len", PassSettings, seq_len, 0, 1e6, "tokens of a sequence; 0: as the model's name or the recipe says"),
    OPTION_INT("batch-size", PassSettings, batch_size, 0, 1e6, "sequences of a step; 0: the same"),
    OPTION_INT("micro-batch-size", PassSettings, micro_batch_size, 0, 1e6, "sequences computed at once; 0: the same"),
    OPTION_INT("vocab-size", PassSettings, vocab_size, 0, 1 << 28, "for a config without one; 0: as it says"),
    OPTION_INT("rounds", PassSettings, rounds, 1, BENCH_ROUNDS_MAX, "turns of probe and steps for each pass; medians count"),
    OPTION_REAL("seconds", PassSettings, seconds, 0.0, 3600.0, "steps of a round take at least so long"),
    OPTION_BOOL("json", PassSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "bench passes MODEL [settings]",
    .examples = "    jikji bench passes nano\n"
                "    jikji bench passes gpt2-124m --batch-size 1 --micro-batch-size 1 --rounds 1 --json\n"
                "    jikji bench passes config.json --seq-len 512 --batch-size 4\n",
    .about = "What precision and recompute take and save, by the trainer itself: tokens a second and their share of the rate of products in the\n"
             "same minutes, the memory planned and resident, and the share of time that makes values again, planned and measured. A row that\n"
             "promises the bits of the row that keeps all is held to them. MODEL as for bench train.\n",
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
        json_field_bool(json, "same_bits", true);
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
    TRY(bench_model_read(&config, &o, arena, name));
    TRY(bench_model_set_vocab(&config, name, s->vocab_size));
    o.seq_len = s->seq_len ? s->seq_len : o.seq_len;
    o.batch_size = s->batch_size ? s->batch_size : o.batch_size;
    o.micro_batch_size = s->micro_batch_size ? s->micro_batch_size : o.micro_batch_size < o.batch_size ? o.micro_batch_size : o.batch_size;
    o.n_rounds = s->rounds;
    o.round_seconds = s->seconds;
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
    PassSettings settings = {.rounds = 3, .seconds = 1};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        interrupt_install();
        err = run_bench(words.word[0], &settings, arena);
    }
    arena_free(arena);
    return err;
}
