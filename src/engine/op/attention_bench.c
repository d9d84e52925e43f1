/* attention_bench.c - milliseconds and FLOP/s of attention and its gradients over visible pairs, as a share of the product's rate; and the cycles of
 * a tile, part by part and whole. */
#include "base/test.h"
#include "engine/op/attention_case.h"
#include "engine/op/attention_probe.h"
#include "engine/op/bench_gemm.h"
#include "engine/op/probe_kernels.h"

#include <math.h>
#include <omp.h>

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

/* ---- cycles of a tile of 64 rows by 64 keys, one thread, heads 64 wide ---- */

enum { PROBES = 16 };  /* operands of each kind, in turns: they come from the second-level cache */

typedef enum { PART_CYCLE, PART_ROWS, PART_COLUMNS, PART_DIAGONAL, PART_WEIGHTS, N_PARTS } Part;

static float run_part(Part part, float *c, const float *a, const float *b)
{
    switch (part) {
    case PART_CYCLE: return KERNEL_PICK(probe_fma)(512);
    case PART_ROWS: KERNEL_PICK(attention_probe_product)(c, a, b, false); break;
    case PART_COLUMNS: KERNEL_PICK(attention_probe_product)(c, a, b, true); break;
    case PART_DIAGONAL: KERNEL_PICK(attention_probe_diagonal)(c, a, b); break;
    default: return KERNEL_PICK(attention_probe_weights)(c, a);
    }
    return c[0];
}

static double part_seconds(Part part, float *room)
{
    volatile float kept = 0.0f;
    double start = clock_seconds();
    for (int i = 0; i < PROBES; i++) {
        float *c = room + 3 * i * ATTENTION_PROBE_FLOATS;
        kept = run_part(part, c, c + ATTENTION_PROBE_FLOATS, c + 2 * ATTENTION_PROBE_FLOATS);
    }
    (void)kept;
    return (clock_seconds() - start) / PROBES;
}

static double segment_seconds(AttentionRun *run, Segment segment)
{
    double start = clock_seconds();
    program_run(run->program, segment);
    return clock_seconds() - start;
}

/* The least of many turns: who else uses the machine shows less. A cycle is the time of two multiply-adds of sixteen floats. */
BENCH(attention, cycles_of_a_tile)
{
    static const char *const names[N_PARTS] = {[PART_ROWS] = "a product, the left side by rows", [PART_COLUMNS] = "a product, the left side by columns",
                                               [PART_DIAGONAL] = "a product on the diagonal", [PART_WEIGHTS] = "weights from scores"};
    int64_t n = test_bench_full() ? 2048 : 128, n_floats = 3 * PROBES * ATTENTION_PROBE_FLOATS;
    int turns = test_bench_full() ? 60 : 1, threads = omp_get_max_threads();
    omp_set_num_threads(1);
    AttentionRun run[2];
    AttentionCase c = {.n_queries = n, .n_keys = n, .heads = 1, .kv_heads = 1, .width = 64, .v_width = 64, .backend = BACKEND_CPU, .range = range_causal};
    for (int i = 0; i < 2; i++) {
        c.dtype = i ? DTYPE_BF16 : DTYPE_F32;
        REQUIRE(attention_run(&run[i], &c));
    }
    float *room = aligned_alloc(64, (size_t)n_floats * sizeof *room);
    memset(room, 0, (size_t)n_floats * sizeof *room);
    double part[N_PARTS], forward[2] = {INFINITY, INFINITY}, backward[2] = {INFINITY, INFINITY};
    for (int i = 0; i < N_PARTS; i++)
        part[i] = INFINITY;
    for (int turn = 0; turn < turns; turn++) {
        for (int i = 0; i < N_PARTS; i++)
            part[i] = fmin(part[i], part_seconds((Part)i, room));
        for (int i = 0; i < 2; i++) {
            forward[i] = fmin(forward[i], segment_seconds(&run[i], SEGMENT_FORWARD));
            backward[i] = fmin(backward[i], segment_seconds(&run[i], SEGMENT_BACKWARD));
        }
    }
    double cycle = part[PART_CYCLE] / (512 * PROBE_FMA_FLOPS_PER_STEP / 64), n_tiles = (double)(n / 64 * (n / 64 + 1) / 2);
    for (int i = PART_ROWS; i < N_PARTS; i++)
        test_note("%-36s %8.0f cycles", names[i], part[i] / cycle);
    for (int i = 0; i < 2; i++) {
        const char *dtype = dtype_name(run[i].c.dtype);
        test_note("%-36s %8.0f cycles of %s", "forward, a tile of all that it does", forward[i] / n_tiles / cycle, dtype);
        test_note("%-36s %8.0f cycles of %s", "backward, likewise", backward[i] / n_tiles / cycle, dtype);
        attention_run_free(&run[i]);
    }
    free(room);
    omp_set_num_threads(threads);
}

/* ---- one token over a cache of 12 heads 64 wide, as decode meets it ---- */

enum { TOKEN_LAYERS = 48 };  /* so many that they come from memory */

typedef struct {
    Store *store;
    Graph *g;
    Program *program;
} TokenRun;

static bool token_run_open(TokenRun *run, DType dtype, int64_t n_keys)
{
    const Shape cache = shape_3(12, n_keys * TOKEN_LAYERS, 64), row = shape_3(1, 12, 64);
    run->store = store_new();
    store_add_state(run->store, "k", STATE_CACHE, dtype, cache);
    store_add_state(run->store, "v", STATE_CACHE, dtype, cache);
    Graph *g = run->g = graph_new(run->store);
    Node *x = graph_input(g, "x", dtype, row, 0), *slots = graph_input(g, "slots", DTYPE_I32, shape_1(1), 0);
    Node *k = cache_write(g, graph_state(g, "k"), x, slots), *v = cache_write(g, graph_state(g, "v"), x, slots);
    graph_output(g, "y", attention(g, x, k, v, graph_input(g, "ranges", DTYPE_I32, shape_2(1, 2), 0), (AttentionOptions){.scale = 0.125}));
    return CHECK_OK(graph_compile(&run->program, g, &(CompileOptions){BACKEND_CPU})) && CHECK_OK(store_allocate(run->store)) &&
           CHECK_OK(program_bind(run->program));
}

static double token_seconds(TokenRun *run, int64_t n_keys, int layer)
{
    const int32_t range[2] = {(int32_t)(layer * n_keys), (int32_t)((layer + 1) * n_keys)};
    *(int32_t *)program_input(run->program, "slots")->data = range[0];
    memcpy(program_input(run->program, "ranges")->data, range, sizeof range);
    double start = clock_seconds();
    program_run_all(run->program);
    return clock_seconds() - start;
}

static void bench_token(DType dtype)
{
    const int turns = test_bench_full() ? 40 : 1;
    const int64_t n_keys = test_bench_full() ? 272 : 20;
    TokenRun run;
    REQUIRE(token_run_open(&run, dtype, n_keys));
    double far = INFINITY, near = INFINITY, bytes = 2.0 * 12 * 64 * (double)(n_keys * dtype_bytes(dtype));
    for (int turn = 0; turn < turns; turn++) {
        double sum = 0.0;
        for (int i = 0; i < TOKEN_LAYERS; i++)
            sum += token_seconds(&run, n_keys, i);
        far = fmin(far, sum / TOKEN_LAYERS);
        for (int i = 0; i < 4; i++)
            near = fmin(near, token_seconds(&run, n_keys, 0));
    }
    test_note("%lld keys, 12 heads, %s: from memory %6.1f us, %5.1f GB/s; from a cache %6.1f us, %5.1f GB/s", (long long)n_keys, dtype_name(dtype),
              1e6 * far, 1e-9 * bytes / far, 1e6 * near, 1e-9 * bytes / near);
    program_free(run.program);
    graph_free(run.g);
    store_free(run.store);
}

BENCH(attention, a_token)
{
    bench_token(DTYPE_F32);
    bench_token(DTYPE_BF16);
}
