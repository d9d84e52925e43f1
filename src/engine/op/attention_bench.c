/* attention_bench.c - milliseconds and FLOP/s of attention and its gradients over visible pairs, as a share of the product's rate. */
#include "base/test.h"
#include "engine/op/attention_case.h"
#include "engine/op/bench_gemm.h"

static void range_nano(int64_t query, int32_t range[2])
{
    range[0] = (int32_t)(query / 64 * 64);
    range[1] = (int32_t)query + 1;
}

static double median_seconds(AttentionRun *run, Segment segment, int n)
{
    double seconds[9];
    for (int i = 0; i < n; i++) {
        double start = clock_seconds();
        program_run(run->program, segment);
        seconds[i] = clock_seconds() - start;
    }
    return bench_median(seconds, n);
}

static void bench_case(const char *what, const AttentionCase *c)
{
    AttentionRun run;
    REQUIRE(attention_run(&run, c));
    double pairs = 0.0;
    for (int64_t n = 0; n < c->n_queries; n++) {
        int32_t range[2];
        c->range(c->first_query + n, range);
        pairs += (double)c->heads * (double)(range[1] - range[0]);
    }
    int64_t size = test_bench_full() ? 768 : 64;
    int n = test_bench_full() ? 9 : 1;
    double rate = bench_gemm_rate(size, size, size);
    double forward = median_seconds(&run, SEGMENT_FORWARD, n), backward = median_seconds(&run, SEGMENT_BACKWARD, n);
    double forward_flops = 2.0 * pairs * (double)(c->width + c->v_width), backward_flops = 2.0 * pairs * (double)(3 * c->width + 2 * c->v_width);
    test_note("%-28s %s  forward %8.3f ms %6.1f GFLOP/s %3.0f %%   backward %8.3f ms %6.1f GFLOP/s %3.0f %% of %5.1f", what,
              dtype_name(c->dtype), 1e3 * forward, 1e-9 * forward_flops / forward, 100.0 * forward_flops / forward / rate, 1e3 * backward,
              1e-9 * backward_flops / backward, 100.0 * backward_flops / backward / rate, 1e-9 * rate);
    attention_run_free(&run);
}

BENCH(attention, share_of_the_product_rate)
{
    int64_t n = test_bench_full() ? 1024 : 64, heads = test_bench_full() ? 12 : 1;
    AttentionCase c = {.n_queries = n, .n_keys = n, .heads = heads, .kv_heads = heads, .width = 64, .v_width = 64, .backend = BACKEND_CPU,
                       .range = range_causal};
    bench_case("causal 1024, 12 heads", &c);
    c.dtype = DTYPE_BF16;
    bench_case("causal 1024, 12 heads", &c);
    c.dtype = DTYPE_F32;
    c.range = range_nano;
    bench_case("16 packed of 64, 12 heads", &c);
    c.range = range_window;
    bench_case("window 50, 12 heads", &c);
    c.range = range_causal;
    c.kv_heads = test_bench_full() ? 4 : 1;
    bench_case("causal 1024, 12 on 4 heads", &c);
    c.first_query = c.n_keys - 1;
    c.n_queries = 1;
    bench_case("one query at 1024", &c);
}
