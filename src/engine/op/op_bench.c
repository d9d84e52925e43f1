/* op_bench.c - operators that memory bounds: bytes a second as a share of what a plain copy moves in the same minute. */
#include "base/log.h"
#include "base/test.h"
#include "engine/graph/op_info.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/op/op_internal.h"

#include <stdlib.h>

enum { C = 768, REPEATS = 9 };

typedef struct {
    const char *name;
    Node *(*record)(Graph *g, DType dtype, int64_t n);
} Row;

static Node *value(Graph *g, const char *name, DType dtype, int64_t n)
{
    return graph_input(g, name, dtype, shape_2(n, C), 0);
}

static Node *vector(Graph *g, const char *name)
{
    return graph_input(g, name, DTYPE_F32, shape_1(C), 0);
}

static const OpInfo *find_op(const char *name)
{
    for (int i = 0; i < op_table_count; i++)
        if (strcmp(op_table[i]->name, name) == 0)
            return op_table[i];
    return NULL;
}

static Node *copy(Graph *g, DType dtype, int64_t n)
{
    return state_store(g, value(g, "to", dtype, n), value(g, "from", dtype, n));
}

static Node *bench_add(Graph *g, DType dtype, int64_t n)
{
    return add(g, value(g, "a", DTYPE_F32, n), value(g, "b", dtype, n));
}

static Node *bench_gelu(Graph *g, DType dtype, int64_t n)
{
    return gelu_tanh(g, value(g, "x", dtype, n));
}

static Node *bench_gelu_slope(Graph *g, DType dtype, int64_t n)
{
    return graph_call(g, find_op("gelu_tanh_slope"), (Node *[]){value(g, "x", dtype, n)}, 1, NULL, 0);
}

static Node *bench_gelu_backward(Graph *g, DType dtype, int64_t n)
{
    return graph_call(g, find_op("gelu_tanh_backward"), (Node *[]){value(g, "x", dtype, n), value(g, "dy", dtype, n)}, 2, NULL, 0);
}

static Node *bench_silu_gate(Graph *g, DType dtype, int64_t n)
{
    return silu_gate(g, value(g, "gate", dtype, n), value(g, "up", dtype, n));
}

static Node *bench_layernorm(Graph *g, DType dtype, int64_t n)
{
    return layernorm(g, value(g, "x", dtype, n), vector(g, "gain"), vector(g, "bias"), 1e-5);
}

static Node *bench_layernorm_backward(Graph *g, DType dtype, int64_t n)
{
    LeafCopyAttr attr = {graph_grad_leaf(g), DTYPE_F32};
    Node *in[] = {value(g, "x", dtype, n), vector(g, "gain"), graph_input(g, "mean", DTYPE_F32, shape_1(n), 0),
                  graph_input(g, "inv_std", DTYPE_F32, shape_1(n), 0), value(g, "dy", dtype, n), vector(g, "dgain"), vector(g, "dbias"), NULL};
    return graph_call(g, find_op("layernorm_backward"), in, 8, &attr, sizeof attr);
}

static Node *bench_rmsnorm(Graph *g, DType dtype, int64_t n)
{
    return rmsnorm(g, value(g, "x", dtype, n), vector(g, "gain"), 1e-5, 0.0);
}

static Node *bench_rotary(Graph *g, DType dtype, int64_t n)
{
    Node *x = graph_input(g, "x", dtype, shape_3(n, C / 64, 64), 0);
    return rotary(g, x, graph_input(g, "positions", DTYPE_I32, shape_1(n), 0), (RotaryOptions){.theta = 1e4});
}

static Node *bench_bias(Graph *g, DType dtype, int64_t n)
{
    int64_t leaf = graph_grad_leaf(g);
    return graph_call(g, find_op("linear_grad_bias"), (Node *[]){vector(g, "db"), value(g, "dy", dtype, n)}, 2, &leaf, sizeof leaf);
}

static Node *bench_embedding_backward(Graph *g, DType dtype, int64_t n)
{
    int64_t leaf = graph_grad_leaf(g);
    Node *in[] = {value(g, "dtable", DTYPE_F32, n), graph_input(g, "ids", DTYPE_I32, shape_1(n), 0), value(g, "dy", dtype, n)};
    return graph_call(g, find_op("embedding_backward"), in, 3, &leaf, sizeof leaf);
}

static Node *bench_norm(Graph *g, DType dtype, int64_t n)
{
    Node *grad = value(g, "grad", dtype, n);
    return grad_norm(g, &grad, 1, graph_input(g, "scalars", DTYPE_F32, shape_1(N_STEP_SCALARS), 0));
}

static Node *bench_adamw(Graph *g, DType dtype, int64_t n)
{
    AdamwOptions options = {0.9, 0.95, 1e-8, 0.1, 0};
    return adamw(g, value(g, "p", dtype, n), value(g, "grad", DTYPE_F32, n), value(g, "m", DTYPE_F32, n), value(g, "v", DTYPE_F32, n),
                 graph_input(g, "scalars", DTYPE_F32, shape_1(N_STEP_SCALARS), 0), graph_input(g, "norm", DTYPE_F32, shape_1(2), 0), &options);
}

static const Row rows[] = {
    {"copy", copy},
    {"add to f32", bench_add},
    {"gelu_tanh", bench_gelu},
    {"gelu_tanh_backward", bench_gelu_backward},
    {"gelu_tanh_slope", bench_gelu_slope},
    {"silu_gate", bench_silu_gate},
    {"layernorm", bench_layernorm},
    {"layernorm_backward", bench_layernorm_backward},
    {"rmsnorm", bench_rmsnorm},
    {"rotary", bench_rotary},
    {"linear_grad_bias", bench_bias},
    {"embedding_backward", bench_embedding_backward},
    {"grad_norm", bench_norm},
    {"adamw", bench_adamw},
};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Numbers in [-2, 2) and ids below 61 that repeat; scalars that make AdamW step. */
static void fill_inputs(Graph *g, Program *p)
{
    for (int i = 0; i < graph_n_nodes(g); i++) {
        const Node *node = graph_node_at(g, i);
        if (node->kind != NODE_INPUT)
            continue;
        Tensor *t = program_input(p, node->name);
        for (int64_t k = 0; k < tensor_count(t); k++)
            tensor_set(t, k, node->dtype == DTYPE_I32 ? (double)(k * k % 61) : (double)(k * 37 % 64 + 1) / 16.0 - 2.0);
    }
}

/* GB a second, the median of n_runs runs. */
static double bytes_per_ns(const Row *row, DType dtype, int64_t n)
{
    Store *store = store_new();
    Graph *g = graph_new(store);
    Program *p;
    double seconds[REPEATS], rate = 0.0;
    int n_runs = test_bench_full() ? REPEATS : 1;
    graph_output(g, "y", row->record(g, dtype, n));
    if (CHECK_OK(graph_compile(&p, g, &(CompileOptions){BACKEND_CPU})) && CHECK_OK(program_bind(p))) {
        fill_inputs(g, p);
        program_run_all(p);
        for (int i = 0; i < n_runs; i++) {
            double start = clock_seconds();
            program_run_all(p);
            seconds[i] = clock_seconds() - start;
        }
        qsort(seconds, (size_t)n_runs, sizeof *seconds, compare_doubles);
        const Cost *cost = &program_plan(p)->cost[SEGMENT_FORWARD];
        rate = (cost->bytes_read + cost->bytes_written) * 1e-9 / seconds[n_runs / 2];
    }
    program_free(p);
    graph_free(g);
    store_free(store);
    return rate;
}

BENCH(op, bytes_a_second_against_a_copy)
{
    int64_t n = test_bench_full() ? 16384 : 70;
    DType dtypes[] = {DTYPE_F32, DTYPE_BF16};
    for (int d = 0; d < 2; d++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            double copied = bytes_per_ns(&rows[0], dtypes[d], n), rate = bytes_per_ns(&rows[i], dtypes[d], n);
            if (test_bench_full())
                test_note("%-4s %-18s %6.2f GB/s, %3.0f %% of a copy", dtype_name(dtypes[d]), rows[i].name, rate, 100.0 * rate / copied);
        }
}
