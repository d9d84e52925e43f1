/* bench_attention.c - the three ways in turns. */
#include "study/bench/bench_attention.h"

#include "base/file.h"
#include "base/log.h"
#include "base/options.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "study/bench/attention_chunks_internal.h"
#include "study/bench/bench_internal.h"

#include <math.h>

const char *attention_way_name(AttentionWay way)
{
    static const char *const names[N_ATTENTION_WAYS] = {"plain", "chunked", "fused"};
    return names[way];
}

BenchAttentionOptions bench_attention_options_default(void)
{
    return (BenchAttentionOptions){.n_tokens = 2048, .n_head = 12, .n_kv_head = 12, .head_dim = 64, .dtype = DTYPE_F32, .chunk = 256,
                                   .n_rounds = 3, .bytes_max = INT64_C(4000000000)};
}

typedef struct {
    const BenchAttentionOptions *options;
    Store *store;
    Graph *graph;
    Program *fused;
    AttentionChunks chunks[ATTENTION_FUSED];
    BenchAttentionReport *report;
} Bench;

/* ---- plans ---- */

static void record_fused(Bench *b)
{
    const BenchAttentionOptions *o = b->options;
    Graph *g = b->graph;
    Shape rows = shape_3(o->n_tokens, o->n_head, o->head_dim), keys = shape_3(o->n_tokens, o->n_kv_head, o->head_dim);
    Node *q = graph_input(g, "q", o->dtype, rows, 0), *k = graph_input(g, "k", o->dtype, keys, 0), *v = graph_input(g, "v", o->dtype, keys, 0);
    Node *ranges = graph_input(g, "ranges", DTYPE_I32, shape_2(o->n_tokens, 2), 0), *dy = graph_input(g, "dy", o->dtype, rows, 0);
    Node *y = attention(g, q, k, v, ranges, (AttentionOptions){.scale = 1.0 / sqrt((double)o->head_dim)});
    graph_set_segment(g, SEGMENT_BACKWARD);
    Node *dq = attention_backward(g, y, dy);
    graph_output(g, "y", y);
    graph_output(g, "dq", dq);
    graph_output(g, "dk", node_sibling(dq, 1));
    graph_output(g, "dv", node_sibling(dq, 2));
}

static Err plan_ways(Bench *b)
{
    const BenchAttentionOptions *o = b->options;
    for (int way = 0; way < ATTENTION_FUSED; way++) {
        BenchAttentionWay *w = &b->report->way[way];
        int64_t result_bytes;
        b->chunks[way] = (AttentionChunks){.options = o, .way = (AttentionWay)way};
        attention_chunks_plan(&b->chunks[way], w->bytes, &result_bytes);
        w->memory_bytes = b->chunks[way].memory_bytes - result_bytes;
        w->was_run = b->chunks[way].memory_bytes <= o->bytes_max;
    }
    BenchAttentionWay *w = &b->report->way[ATTENTION_FUSED];
    TRY(graph_compile(&b->fused, b->graph, &(CompileOptions){BACKEND_CPU}));
    const ProgramPlan *plan = program_plan(b->fused);
    int64_t results = 2 * o->n_tokens * (o->n_head + o->n_kv_head) * o->head_dim * dtype_bytes(o->dtype);
    for (int s = 0; s < 2; s++)
        w->bytes[s] = plan->cost[s].bytes_read + plan->cost[s].bytes_written;
    w->memory_bytes = plan->slab_bytes - results;
    w->was_run = true;
    return OK;
}

/* ---- turns ---- */

static void fill_inputs(Program *program)
{
    static const char *const names[] = {"q", "k", "v", "dy"};
    for (int i = 0; i < N_ELEMENTS(names); i++) {
        Tensor *t = program_input(program, names[i]);
        bench_fill(t->data, tensor_bytes(t), t->dtype);
    }
    Tensor *ranges = program_input(program, "ranges");
    for (int64_t n = 0; n < tensor_dim(ranges, 0); n++) {
        ((int32_t *)ranges->data)[2 * n] = 0;
        ((int32_t *)ranges->data)[2 * n + 1] = (int32_t)n + 1;
    }
}

static void run_way(Bench *b, int way, double seconds[2])
{
    double begun = clock_seconds();
    if (way == ATTENTION_FUSED)
        program_run(b->fused, SEGMENT_FORWARD);
    else
        attention_chunks_forward(&b->chunks[way]);
    seconds[0] = clock_seconds() - begun;
    begun = clock_seconds();
    if (way == ATTENTION_FUSED)
        program_run(b->fused, SEGMENT_BACKWARD);
    else
        attention_chunks_backward(&b->chunks[way]);
    seconds[1] = clock_seconds() - begun;
}

static double largest_difference(const Tensor *a, const float *b)
{
    double difference = 0, size = 0;
    for (int64_t i = 0; i < tensor_count(a); i++) {
        difference = fmax(difference, fabs(tensor_get(a, i) - (double)b[i]));
        size = fmax(size, fabs((double)b[i]));
    }
    return difference / size;
}

static void compare(Bench *b, const AttentionChunks *c)
{
    const float *const results[] = {c->y, c->dq, c->dk, c->dv};
    static const char *const names[] = {"y", "dq", "dk", "dv"};
    for (int i = 0; i < N_ELEMENTS(names); i++)
        b->report->difference = fmax(b->report->difference, largest_difference(program_output(b->fused, names[i]), results[i]));
}

static Err run_turns(Bench *b)
{
    enum { N = BENCH_ATTENTION_ROUNDS_MAX };
    double seconds[N_ATTENTION_WAYS][3][N];
    int64_t n_rounds = b->options->n_rounds;
    for (int64_t round = -1; round < n_rounds; round++)  /* the first touches all memory */
        for (int way = 0; way < N_ATTENTION_WAYS; way++) {
            double took[2];
            if (!b->report->way[way].was_run)
                continue;
            if (interrupt_requested())
                return err_set(ERR_INTERRUPTED, "interrupted");
            run_way(b, way, took);
            for (int s = 0; s < 3 && round >= 0; s++)
                seconds[way][s][round] = s < 2 ? took[s] : took[0] + took[1];
        }
    for (int way = 0; way < N_ATTENTION_WAYS; way++) {
        BenchAttentionWay *w = &b->report->way[way];
        if (!w->was_run)
            continue;
        for (int s = 0; s < 2; s++)
            w->seconds[s] = bench_median(seconds[way][s], n_rounds);
        bench_median(seconds[way][2], n_rounds);  /* sorts */
        w->seconds_min = seconds[way][2][0];
        w->seconds_max = seconds[way][2][n_rounds - 1];
        if (way != ATTENTION_FUSED)
            compare(b, &b->chunks[way]);
    }
    return OK;
}

static Err map_and_run(Bench *b)
{
    TRY(program_bind(b->fused));
    fill_inputs(b->fused);
    Err err = OK;
    for (int way = 0; way < ATTENTION_FUSED && err == OK; way++) {
        AttentionChunks *c = &b->chunks[way];
        c->q = program_input(b->fused, "q")->data, c->k = program_input(b->fused, "k")->data;
        c->v = program_input(b->fused, "v")->data, c->dy = program_input(b->fused, "dy")->data;
        if (b->report->way[way].was_run)
            err = attention_chunks_map(c);
    }
    if (err == OK)
        err = run_turns(b);
    for (int way = 0; way < ATTENTION_FUSED; way++)
        if (b->chunks[way].memory)
            attention_chunks_unmap(&b->chunks[way]);
    return err;
}

Err bench_attention(BenchAttentionReport *report, const BenchAttentionOptions *options)
{
    if (options->n_kv_head < 1 || options->n_head % options->n_kv_head != 0)
        return err_set(ERR_USAGE, "%lld heads on %lld key heads: a multiple of them is expected", (long long)options->n_head,
                       (long long)options->n_kv_head);
    double pairs = 0.5 * (double)options->n_tokens * (double)(options->n_tokens + 1) * (double)(options->n_head * options->head_dim);
    *report = (BenchAttentionReport){.flops = {4 * pairs, 10 * pairs}};
    Store *store = store_new();
    Bench bench = {.options = options, .store = store, .graph = graph_new(store), .report = report};
    record_fused(&bench);
    Err err = plan_ways(&bench);
    if (err == OK)
        err = map_and_run(&bench);
    program_free(bench.fused);
    graph_free(bench.graph);
    store_free(store);
    return err;
}
