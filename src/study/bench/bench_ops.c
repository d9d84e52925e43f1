/* bench_ops.c - listens to training steps and sums up by operator. */
#include "study/bench/bench_ops.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    BenchOpsReport *report;
    double visible;  /* share of the pairs that attention's cost counts */
    Cost cost[BENCH_OPS_MAX];
} Listener;

static int find_op(BenchOpsReport *report, const char *name)
{
    for (int i = 0; i < report->n; i++)
        if (strcmp(report->op[i].op, name) == 0)
            return i;
    assert(report->n < BENCH_OPS_MAX);
    report->op[report->n] = (BenchOp){.op = name};
    return report->n++;
}

static void hear(void *context, const CallTiming *timing)
{
    Listener *l = context;
    int i = find_op(l->report, timing->op);
    bool is_attention = strncmp(timing->op, "attention", strlen("attention")) == 0;
    double visible = is_attention ? l->visible : 1;
    Cost *cost = &l->cost[i];
    cost->matmul_flops += visible * timing->cost.matmul_flops;
    cost->other_flops += visible * timing->cost.other_flops;
    cost->bytes_read += timing->cost.bytes_read;
    cost->bytes_written += timing->cost.bytes_written;
    l->report->op[i].seconds += timing->seconds;
    l->report->op[i].n_runs++;
}

static int compare_by_seconds(const void *a, const void *b)
{
    double x = ((const BenchOp *)a)->seconds, y = ((const BenchOp *)b)->seconds;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void sum_up(Listener *l, double n_steps)
{
    BenchOpsReport *r = l->report;
    for (int i = 0; i < r->n; i++) {
        BenchOp *op = &r->op[i];
        const Cost *cost = &l->cost[i];
        double bytes = cost->bytes_read + cost->bytes_written;
        op->roofline_seconds = cost_seconds(cost, &r->rates) / n_steps;
        op->is_memory_bound = bytes / r->rates.bytes / n_steps >= op->roofline_seconds;
        op->flops = (cost->matmul_flops + cost->other_flops) / n_steps;
        op->bytes = bytes / n_steps;
        op->n_runs = (int64_t)((double)op->n_runs / n_steps);
        op->seconds /= n_steps;
        op->roofline_share = op->seconds > 0 ? op->roofline_seconds / op->seconds : NAN;
        r->seconds += op->seconds;
    }
    for (int i = 0; i < r->n; i++)
        r->op[i].share = r->op[i].seconds / r->seconds;
    qsort(r->op, (size_t)r->n, sizeof r->op[0], compare_by_seconds);
}

/* Of T queries of one sequence T (T + 1) / 2 pairs are visible; the cost counts every token of the micro batch with every other. */
static double visible_share(const BenchTrainOptions *o)
{
    return 0.5 * (double)(o->seq_len + 1) / (double)(o->micro_batch_size * o->seq_len);
}

BenchOpVerdict bench_op_verdict(const BenchOp *op)
{
    if (!(op->share > BENCH_OPS_SHARE_MIN))
        return OP_IS_SMALL;
    return op->roofline_share >= BENCH_OPS_ROOFLINE_MIN ? OP_IS_NEAR : OP_IS_FAR;
}

Err bench_ops(BenchOpsReport *report, const ModelConfig *config, const BenchTrainOptions *options)
{
    *report = (BenchOpsReport){0};
    Arena *arena = arena_new();
    Listener listener = {.report = report, .visible = visible_share(options)};
    BenchTrainOptions listening = *options;
    BenchTrainReport *train = ARENA_NEW(arena, BenchTrainReport);
    listening.heard = hear;
    listening.heard_context = &listener;
    Err err = probe_memory(&report->memory);
    if (err == OK)
        err = bench_train(train, config, &listening, arena);
    if (err == OK)
        err = bench_update(&report->update, config);
    if (err == OK) {
        report->tokens_per_second = train->median.tokens_per_second;
        report->rates = (MachineRates){.matmul_flops = train->median.flops_per_second, .other_flops = 0.5 * probe_fma_flops_per_second(),
                                       .bytes = fmax(report->memory.read, report->memory.copy)};
        sum_up(&listener, (double)(train->n_steps - 1));  /* the first step is not heard */
    }
    arena_free(arena);
    return err;
}
