/* bench_ops_command.c - `jikji bench ops`. */
#include "cli/bench.h"
#include "cli/bench_ops_page.h"

#include "base/cpu_level.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "cli/command_line.h"

#include <stdio.h>

typedef struct {
    BenchSteps steps;
    int precision;
    const char *html, *svg;
    bool json;
} OpsSettings;

static const Option rows[] = {
    BENCH_STEPS_ROWS(OpsSettings),
    OPTION_CHOICE("precision", OpsSettings, precision, "auto|f32|bf16", "of matrix products and activations; auto: the recipe's, else f32"),
    OPTION_TEXT("html", OpsSettings, html, "a page with the drawing, written here"),
    OPTION_TEXT("svg", OpsSettings, svg, "the shares alone as an image, written here"),
    OPTION_BOOL("json", OpsSettings, json, "one JSON object as the last line of stdout"),
};

static const CommandHelp help = {
    .synopsis = "bench ops MODEL [settings]",
    .examples = "    jikji bench ops gpt2-124m --html ops.html --svg ops.svg\n"
                "    jikji bench ops nano --precision bf16 --rounds 5 --json\n"
                "    jikji bench ops recipe.yaml --micro-batch-size 2\n",
    .about = "MODEL is one of " BENCH_PRESETS ", a Hugging Face config.json, or a training recipe; tokens are random.\n"
             "An operator's roofline is the least time for its FLOPs and bytes: products at the rate of the best matrix products at the\n"
             "model's shapes, other arithmetic at half the multiply-adds, each operand read or written once at the best of reading and\n"
             "copying. More than 100 % says that operands were still in the caches. An operator that takes more than 3 % of the step should\n"
             "reach 60 % of its roofline: the last line says whether all do. The line before: the optimizer alone, in turns with updating as many\n"
             "bytes in place.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

/* One line: whether all operators that take long are near to their roofline, and which are not. */
static void print_verdict(const BenchOpsReport *r)
{
    int n_far = 0;
    for (int i = 0; i < r->n; i++)
        if (bench_op_verdict(&r->op[i]) == OP_IS_FAR)
            printf("%s%s (%.0f %%)", n_far++ ? ", " : "under 60 % of the roofline with more than 3 % of the step: ", r->op[i].op, 100 * r->op[i].roofline_share);
    printf("%s\n", n_far ? "" : "every operator that takes more than 3 % of the step reaches 60 % of its roofline");
}

static void print_report(const BenchOpsRun *run)
{
    const BenchOpsReport *r = &run->report;
    printf("%s, steps of %lld x %lld tokens, %lld sequences at once, %s, %s, %d threads: %.1f tokens/s\n", run->name,
           (long long)run->options.batch_size, (long long)run->options.seq_len, (long long)run->options.micro_batch_size,
           dtype_name(run->options.compute), cpu_level_name(cpu_level()), parallel_threads(), r->tokens_per_second);
    printf("products %.1f GFLOP/s, other arithmetic %.1f, memory %.1f GB/s\n\n", r->rates.matmul_flops * 1e-9, r->rates.other_flops * 1e-9, r->rates.bytes * 1e-9);
    static const char *const verdicts[] = {"", "near", "far"};
    printf("%-28s%7s%11s%8s%10s%9s%10s  %-12s%s\n", "operator", "runs", "ms a step", "share", "GFLOP/s", "GB/s", "roofline", "bound by", "verdict");
    for (int i = 0; i < r->n; i++) {
        const BenchOp *op = &r->op[i];
        printf("%-28s%7lld%11.2f%6.1f %%%10.1f%9.1f%8.0f %%  %-12s%s\n", op->op, (long long)op->n_runs, 1e3 * op->seconds, 100 * op->share,
               op->flops / op->seconds * 1e-9, op->bytes / op->seconds * 1e-9, 100 * op->roofline_share,
               op->is_memory_bound ? "memory" : "arithmetic", verdicts[bench_op_verdict(op)]);
    }
    printf("%-28s%7s%11.2f\n", "all", "", 1e3 * r->seconds);
    const BenchUpdateReport *u = &r->update;
    printf("\nthe optimizer alone moves its %.3g GB at %.1f GB/s, updating as many in place at %.1f: %.0f %% (%.0f to %.0f, %d pairs)\n", u->bytes * 1e-9,
           u->step_rate * 1e-9, u->in_place_rate * 1e-9, 100 * u->share, 100 * u->share_min, 100 * u->share_max, BENCH_UPDATE_ROUNDS);
    print_verdict(r);
}

static void write_op(JsonWriter *json, const BenchOp *op)
{
    json_write_object_begin(json);
    json_field_string(json, "operator", op->op);
    json_field_int(json, "runs", op->n_runs);
    json_field_double(json, "seconds", op->seconds);
    json_field_double(json, "share_of_step", op->share);
    json_field_double(json, "flops", op->flops);
    json_field_double(json, "bytes", op->bytes);
    json_field_double(json, "roofline_share", op->roofline_share);
    json_field_string(json, "bound", op->is_memory_bound ? "memory" : "arithmetic");
    json_field_bool(json, "far_from_roofline", bench_op_verdict(op) == OP_IS_FAR);
    json_write_object_end(json);
}

static void print_json(const BenchOpsRun *run)
{
    const BenchOpsReport *r = &run->report;
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    json_field_string(json, "model", run->name);
    json_field_int(json, "seq_len", run->options.seq_len);
    json_field_int(json, "batch_size", run->options.batch_size);
    json_field_int(json, "micro_batch_size", run->options.micro_batch_size);
    json_field_string(json, "precision", dtype_name(run->options.compute));
    json_field_string(json, "cpu_level", cpu_level_name(cpu_level()));
    json_field_int(json, "threads", parallel_threads());
    json_field_double(json, "tokens_per_second", r->tokens_per_second);
    json_field_double(json, "seconds", r->seconds);
    json_field_double(json, "matmul_flops_per_second", r->rates.matmul_flops);
    json_field_double(json, "other_flops_per_second", r->rates.other_flops);
    json_field_double(json, "memory_bytes_per_second", r->rates.bytes);
    json_field_double(json, "update_bytes_per_second", r->update.in_place_rate);
    json_field_double(json, "optimizer_bytes_per_second", r->update.step_rate);
    json_field_double(json, "optimizer_share_of_update", r->update.share);
    json_write_key(json, "operators");
    json_write_array_begin(json);
    for (int i = 0; i < r->n; i++)
        write_op(json, &r->op[i]);
    json_write_array_end(json);
    json_write_object_end(json);
    printf("%s\n", json_writer_text(json, NULL));
    json_writer_free(json);
}

static Err run_bench(const char *name, const OpsSettings *settings, Arena *arena)
{
    ModelConfig config;
    BenchOpsRun *run = ARENA_NEW(arena, BenchOpsRun);
    run->name = name;
    run->options = bench_train_options_default();
    TRY(bench_steps_read(&config, &run->options, arena, name, &settings->steps));
    if (settings->precision)
        run->options.compute = settings->precision == 2 ? DTYPE_BF16 : DTYPE_F32;
    TRY(bench_ops(&run->report, &config, &run->options));
    if (settings->json)  /* before the files: where they cannot be written the measurement is not lost */
        print_json(run);
    else
        print_report(run);
    if (settings->html)
        TRY(bench_ops_page_write(run, settings->html));
    return settings->svg ? bench_ops_svg_write(run, settings->svg) : OK;
}

Err bench_ops_command(int argc, char **argv)
{
    Arena *arena = arena_new();
    OpsSettings settings = {.steps = {.rounds = 3, .seconds = 3}};
    CommandWords words;
    Err err = command_line_read(&words, &help, &settings, arena, argc, argv);
    if (err == OK && !words.helped) {
        interrupt_install();
        err = run_bench(words.word[0], &settings, arena);
    }
    arena_free(arena);
    return err;
}
