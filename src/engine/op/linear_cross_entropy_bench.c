/* linear_cross_entropy_bench.c - milliseconds and FLOP/s of the loss, alone and with its gradients, as a share of the product's rate. */
#include "base/test.h"
#include "engine/graph/program.h"
#include "engine/op/bench_gemm.h"
#include "engine/op/op.h"
#include "engine/op/op_check.h"

typedef struct {
    int64_t n_tokens, width, n_vocab;
    DType dtype;
    bool gradients;
} LossCase;

static void bench_case(const LossCase *c)
{
    Store *store = store_new();
    int bucket = store_add_bucket(store, &(BucketSpec){.name = "p", .dtype = c->dtype, .trainable = true});
    store_add_param(store, bucket, "w", shape_2(c->n_vocab, c->width));
    store_add_param(store, bucket, "x", shape_2(c->n_tokens, c->width));
    Graph *g = graph_new(store);
    Node *loss = linear_cross_entropy(g, graph_param(g, "x"), graph_param(g, "w"),
                                      graph_input(g, "label", DTYPE_I32, shape_1(c->n_tokens), 0),
                                      graph_input(g, "weight", DTYPE_F32, shape_1(c->n_tokens), 0), (CrossEntropyOptions){0});
    graph_output(g, "loss", loss);
    if (c->gradients)
        check_differentiate(g, loss);
    Program *program;
    REQUIRE_OK(graph_compile(&program, g, &(CompileOptions){BACKEND_CPU}));
    REQUIRE_OK(store_allocate(store));
    REQUIRE_OK(program_bind(program));
    for (int64_t n = 0; n < c->n_tokens; n++)
        tensor_set(program_input(program, "weight"), n, 1.0);
    int64_t size = test_bench_full() ? 768 : 64;
    double rate = bench_gemm_rate(size, size, size), seconds[5];
    int n = test_bench_full() ? 5 : 1;
    program_run_all(program);
    for (int i = 0; i < n; i++) {
        double start = clock_seconds();
        program_run_all(program);
        seconds[i] = clock_seconds() - start;
    }
    double median = bench_median(seconds, n), flops = (c->gradients ? 6.0 : 2.0) * (double)c->n_tokens * (double)c->width * (double)c->n_vocab;
    test_note("%lld tokens, width %lld, %lld words, %s, %-15s %8.2f ms %6.1f GFLOP/s %3.0f %% of %5.1f, workspace %.1f MB", (long long)c->n_tokens,
              (long long)c->width, (long long)c->n_vocab, dtype_name(c->dtype), c->gradients ? "with gradients" : "the loss alone",
              1e3 * median, 1e-9 * flops / median, 100.0 * flops / median / rate, 1e-9 * rate,
              1e-6 * (double)program_plan(program)->workspace_bytes);
    program_free(program);
    graph_free(g);
    store_free(store);
}

BENCH(linear_cross_entropy, share_of_the_product_rate)
{
    LossCase c = {.n_tokens = test_bench_full() ? 512 : 8, .width = test_bench_full() ? 768 : 8, .n_vocab = test_bench_full() ? 16384 : 50};
    bench_case(&c);
    c.gradients = true;
    bench_case(&c);
    c.dtype = DTYPE_BF16;
    bench_case(&c);
    c = (LossCase){.n_tokens = test_bench_full() ? 1024 : 8, .width = test_bench_full() ? 384 : 8, .n_vocab = test_bench_full() ? 65 : 5,
                   .gradients = true};
    bench_case(&c);
}
