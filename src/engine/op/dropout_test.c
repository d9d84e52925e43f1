/* dropout_test.c - derivatives, shares, and that a token's mask is its own. */
#include "base/parallel.h"
#include "base/test.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/op/op_check.h"

enum { WIDTH = 37 };

/* Rows of 7 tokens: sample 5 million and on, the place in it. */
static int32_t draw_value(const void *args, int64_t i)
{
    (void)args;
    int64_t token = i / 3;
    return (int32_t)(i % 3 == 0 ? 5000000 + token / 7 : i % 3 == 1 ? 1 : token % 7);
}

static Node *build_dropout(OpCheck *c)
{
    const double *rate = check_args(c);
    int64_t n = check_n_tokens(c);
    return dropout(check_graph(c), check_tokens(c, "x", shape_2(n, WIDTH), 1.0), check_i32(c, "draws", shape_2(n, 3), draw_value), *rate, 11);
}

TEST(dropout, derivative_matches_central_differences)
{
    double rate = 0.3;
    CHECK(op_gradcheck(&(OpCase){.build = build_dropout, .args = &rate, .n_tokens = 9}, 1.0) < 1e-6);
}

TEST(dropout, fast_kernels_are_near_the_reference)
{
    const double rates[] = {0.0, 0.1, 0.75};
    for (int i = 0; i < 3; i++) {
        OpCase c = {.build = build_dropout, .args = &rates[i], .n_tokens = 61, .n_roundings = 3, .n_half_roundings = 2, .magnitude = MAGNITUDE_ELEMENT};
        op_check_fast(&c);
    }
}

TEST(dropout, masks_do_not_show_the_cut_into_micro_batches)
{
    double rate = 0.2;
    OpCase c = {.build = build_dropout, .args = &rate};
    op_check_micro(&c, 5);
}

typedef struct {
    Store *store;
    Graph *g;
    Program *program;
} Drop;

/* y = dropout(ones), after n_before other calls. */
static bool drop_open(Drop *d, int64_t n_tokens, int64_t width, double rate, uint64_t seed, int n_before)
{
    *d = (Drop){.store = store_new()};
    d->g = graph_new(d->store);
    Node *x = graph_input(d->g, "x", DTYPE_F32, shape_2(n_tokens, width), 0);
    for (int i = 0; i < n_before; i++)
        x = scale(d->g, x, 1.0);
    graph_output(d->g, "y", dropout(d->g, x, graph_input(d->g, "draws", DTYPE_I32, shape_2(n_tokens, 3), 0), rate, seed));
    if (!CHECK_OK(graph_compile(&d->program, d->g, &(CompileOptions){BACKEND_CPU})) || !CHECK_OK(program_bind(d->program)))
        return false;
    float *in = program_input(d->program, "x")->data;
    for (int64_t i = 0; i < n_tokens * width; i++)
        in[i] = 1.0f;
    return true;
}

static const float *drop_run(Drop *d, int64_t n_tokens, int64_t first_token)
{
    int32_t *draws = program_input(d->program, "draws")->data;
    for (int64_t i = 0; i < 3 * n_tokens; i++)
        draws[i] = draw_value(NULL, 3 * first_token + i);
    program_run_all(d->program);
    return program_output(d->program, "y")->data;
}

static void drop_close(Drop *d)
{
    program_free(d->program);
    graph_free(d->g);
    store_free(d->store);
}

/* Goal: the share that is dropped is the rate, the mean stays 1, and masks of other seeds, operators and tokens are others. Method: 10^5
 * elements; the standard deviation of a share of 0.3 is 0.0015. */
TEST(dropout, as_many_are_dropped_as_asked)
{
    enum { N = 100, C = 1000 };
    Drop d, other_seed, other_place;
    REQUIRE(drop_open(&d, N, C, 0.3, 1, 0) && drop_open(&other_seed, N, C, 0.3, 2, 0) && drop_open(&other_place, N, C, 0.3, 1, 1));
    const float *y = drop_run(&d, N, 0), *z = drop_run(&other_seed, N, 0), *w = drop_run(&other_place, N, 0);
    double n_dropped = 0, total = 0, as_seed = 0, as_place = 0, as_next_row = 0, as_next_column = 0;
    for (int64_t i = 0; i < N * C; i++) {
        n_dropped += y[i] == 0.0f;
        total += (double)y[i];
        as_seed += (y[i] == 0.0f) == (z[i] == 0.0f);
        as_place += (y[i] == 0.0f) == (w[i] == 0.0f);
        as_next_row += (y[i] == 0.0f) == (y[(i + C) % (N * C)] == 0.0f);
        as_next_column += (y[i] == 0.0f) == (y[(i + 1) % (N * C)] == 0.0f);
    }
    CHECK_CLOSE(n_dropped / (N * C), 0.3, 0.007);
    CHECK_CLOSE(total / (N * C), 1.0, 0.01);
    const double by_chance = 0.3 * 0.3 + 0.7 * 0.7;
    CHECK_CLOSE(as_seed / (N * C), by_chance, 0.008);
    CHECK_CLOSE(as_place / (N * C), by_chance, 0.008);
    CHECK_CLOSE(as_next_row / (N * C), by_chance, 0.008);
    CHECK_CLOSE(as_next_column / (N * C), by_chance, 0.008);
    drop_close(&other_place);
    drop_close(&other_seed);
    drop_close(&d);
}

/* Goal: a token's mask does not depend on its batch or the number of threads. Method: tokens 3 .. 9 among 40, and alone. */
TEST(dropout, a_token_has_the_same_mask_in_any_batch_and_on_any_threads)
{
    enum { C = 1001 };
    Drop many, few;
    int n_threads = parallel_threads();
    REQUIRE(drop_open(&many, 40, C, 0.5, 3, 0) && drop_open(&few, 7, C, 0.5, 3, 0));
    for (int threads = 1; threads <= 3; threads++) {
        parallel_set_threads(threads);
        const float *y = drop_run(&many, 40, 0), *z = drop_run(&few, 7, 3);
        CHECK(memcmp(y + 3 * C, z, 7 * C * sizeof *y) == 0);
    }
    parallel_set_threads(n_threads);
    drop_close(&few);
    drop_close(&many);
}
