/* attention_test.c - derivatives, and what attention promises about bits and memory. */
#include "base/parallel.h"
#include "base/test.h"
#include "engine/op/attention_case.h"
#include "engine/op/attention_internal.h"
#include "engine/op/op.h"
#include "engine/op/op_check.h"

/* ---- derivatives ---- */

typedef struct {
    int64_t heads, kv_heads, width, v_width;
    void (*range)(int64_t query, int32_t range[2]);
    AttentionOptions options;
} GradArgs;

/* Sequences of 5; a window of 4; a prefix of 3. */
static void range_fives(int64_t query, int32_t range[2])
{
    range[0] = (int32_t)(query / 5 * 5);
    range[1] = (int32_t)query + 1;
}

static void range_four(int64_t query, int32_t range[2])
{
    range[0] = query < 4 ? 0 : (int32_t)query - 3;
    range[1] = (int32_t)query + 1;
}

static void range_three(int64_t query, int32_t range[2])
{
    range[0] = 0;
    range[1] = query < 3 ? 3 : (int32_t)query + 1;
}

static int32_t range_value(const void *args, int64_t i)
{
    int32_t range[2];
    ((const GradArgs *)args)->range(i / 2, range);
    return range[i % 2];
}

static int32_t draw_value(const void *args, int64_t i)
{
    (void)args;
    return (int32_t)(i % 3 == 2 ? i / 3 : 7);
}

static Node *build_attention(OpCheck *check)
{
    const GradArgs *a = check_args(check);
    int64_t n = check_n_tokens(check);
    Node *q = check_tokens(check, "q", shape_3(n, a->heads, a->width), 1.0);
    Node *k = check_tokens(check, "k", shape_3(n, a->kv_heads, a->width), 1.0);
    Node *v = check_tokens(check, "v", shape_3(n, a->kv_heads, a->v_width), 1.0);
    AttentionOptions options = a->options;
    if (options.dropout > 0.0)
        options.draws = check_i32(check, "draws", shape_2(n, 3), draw_value);
    return attention(check_graph(check), q, k, v, check_i32(check, "ranges", shape_2(n, 2), range_value), options);
}

/* Goal: the backward is the derivative of the forward, at scales where P is flat and where it is almost one-hot. Method: central differences in
 * f64, grouped heads, D != Dv, packed and windowed ranges, and each option. */
TEST(attention, backward_matches_central_differences)
{
    const GradArgs cases[] = {
        {4, 2, 5, 3, range_fives, {.scale = 0.4}},
        {2, 2, 6, 6, range_four, {.scale = 0.4}},
        {2, 1, 4, 7, range_three, {.scale = 0.4}},
        {2, 1, 4, 4, range_fives, {.scale = 0.4, .softcap = 1.5}},
        {3, 3, 4, 4, range_three, {.scale = 0.4, .alibi = true}},
        {3, 1, 3, 5, range_three, {.scale = 0.4, .window = 3, .softcap = 5.0, .alibi = true}},
        {4, 2, 4, 4, range_fives, {.scale = 0.4, .dropout = 0.4, .dropout_seed = 3}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (double scale = 0.1; scale < 11.0; scale *= 10.0) {
            double error = op_gradcheck(&(OpCase){.build = build_attention, .args = &cases[i], .n_tokens = 11}, scale);
            CHECK(error < 1e-6);
            test_note("case %zu, scale %g: %.1e", i, scale, error);
        }
}

/* ---- bits ---- */

static const AttentionCase base = {.n_queries = 150, .n_keys = 150, .heads = 4, .kv_heads = 2, .width = 24, .v_width = 20,
                                   .backend = BACKEND_CPU, .range = range_causal};

/* Rows [first, first + count) of a prefill against the same computed for themselves. */
static bool rows_are_the_same(const AttentionCase *whole, const AttentionRun *prefill, int64_t first, int64_t count)
{
    AttentionRun part;
    AttentionCase c = *whole;
    c.first_query = first;
    c.n_queries = count;
    bool same = attention_run(&part, &c) && attention_same_bits(prefill, first, &part, 0, count, "y") &&
                attention_same_bits(prefill, first, &part, 0, count, "lse") && attention_same_bits(prefill, first, &part, 0, count, "dq");
    attention_run_free(&part);
    return same;
}

/* Goal: a row's forward has the same bits in prefill and in decode, whatever the options and widths. Method: all rows of a sequence at once, against one
 * query, four, and a chunk, with the same keys; heads that share keys and fill no vector, and heads with keys of their own that do. */
TEST(attention, prefill_and_decode_have_the_same_bits)
{
    static const AttentionOptions options[] = {{0}, {.softcap = 3.0, .alibi = true}, {.window = 40}, {.dropout = 0.25, .dropout_seed = 9}};
    static const int64_t first[] = {0, 1, 15, 63, 64, 77, 149, 130, 60}, count[] = {1, 1, 1, 1, 1, 1, 1, 4, 70};
    for (int i = 0; i < 16; i++) {
        AttentionCase whole = base;
        whole.dtype = i % 2 ? DTYPE_BF16 : DTYPE_F32;
        whole.options = options[i / 2 % 4];
        if (i >= 8) {
            whole.kv_heads = whole.heads;
            whole.width = 64;
            whole.v_width = 80;
        }
        AttentionRun prefill;
        REQUIRE(attention_run(&prefill, &whole));
        for (size_t k = 0; k < sizeof first / sizeof *first; k++)
            CHECK(rows_are_the_same(&whole, &prefill, first[k], count[k]));
        attention_run_free(&prefill);
    }
}

/* Goal: a row whose largest score lies in another band of weight_reference than that of the first keys that it meets, which is what prefill goes by, has
 * the bits of decode, which knows all scores first; also where neighbouring tiles go through the keys together. Method: scores with a deviation
 * of 1 to 49 nats, among more keys than stay near. */
TEST(attention, scores_that_grow_along_the_keys_have_the_same_bits)
{
    for (int i = 0; i < 4; i++) {
        AttentionCase whole = {.n_queries = 700, .n_keys = 700, .heads = 1, .kv_heads = 1, .width = 64, .v_width = 64, .backend = BACKEND_CPU,
                               .range = range_causal, .size = 1.0 + 2.0 * i};
        AttentionRun prefill;
        REQUIRE(attention_run(&prefill, &whole));
        for (int64_t row = 40; row < 700; row += 30)
            CHECK(rows_are_the_same(&whole, &prefill, row, 1));
        CHECK(rows_are_the_same(&whole, &prefill, 411, 289));
        attention_run_free(&prefill);
    }
}

static void range_cache(int64_t query, int32_t range[2])
{
    range[0] = 3;
    range[1] = 9000 + (int32_t)query;
}

/* Goal: one token over more keys than scores are held of, and heads of every grouping, still have the bits of prefill. Method: sixteen heads on one
 * key head hold 8192 keys; seventeen are too many for that way. */
TEST(attention, a_token_over_a_long_cache_has_the_bits_of_prefill)
{
    static const int64_t heads[] = {1, 16, 17};
    for (int i = 0; i < 3; i++) {
        AttentionCase whole = {.n_queries = 2, .n_keys = 9001, .heads = heads[i], .kv_heads = 1, .width = 16, .v_width = 16, .backend = BACKEND_CPU,
                               .range = range_cache};
        AttentionRun prefill;
        REQUIRE(attention_run(&prefill, &whole));
        CHECK(rows_are_the_same(&whole, &prefill, 1, 1));
        attention_run_free(&prefill);
    }
}

/* Goal: a sequence has the same values and gradients alone and packed. Method: sequences of 37 side by side, the third and the fourth, which begins in the
 * middle of a pair, alone. */
TEST(attention, packed_and_alone_have_the_same_bits)
{
    static const char *const names[] = {"y", "lse", "dq", "dk", "dv"};
    for (int turn = 0; turn < 4; turn++) {
        AttentionCase c = base;
        c.dtype = turn % 2 ? DTYPE_BF16 : DTYPE_F32;
        c.range = range_packed;
        c.options = (AttentionOptions){.softcap = 3.0, .alibi = true, .dropout = 0.25, .dropout_seed = 9};
        AttentionRun packed, alone;
        REQUIRE(attention_run(&packed, &c));
        int64_t first = turn / 2 ? 111 : 74;
        c.first_query = c.first_key = first;
        c.n_queries = c.n_keys = 37;
        REQUIRE(attention_run(&alone, &c));
        for (int i = 0; i < 5; i++)
            CHECK(attention_same_bits(&packed, first, &alone, 0, 37, names[i]));
        attention_run_free(&alone);
        attention_run_free(&packed);
    }
}

/* Sequences of 300, the second hundred of whose queries see nothing and whose last hundred do not see the first fifty keys. */
static void range_gaps(int64_t query, int32_t range[2])
{
    int64_t first = query / 300 * 300, place = query - first;
    range[0] = (int32_t)(place < 200 ? first : first + 50);
    range[1] = place >= 100 && place < 200 ? range[0] : (int32_t)query + 1;
}

/* Goal: tiles that go through the keys together leave the keys of others alone, and keys that nobody sees without a gradient, though some of the
 * tiles see nothing. Method: three such sequences side by side, each alone, sums in the outputs or in the workspace. */
TEST(attention, sequences_with_gaps_have_the_same_bits_packed_and_alone)
{
    static const char *const names[] = {"y", "lse", "dq", "dk", "dv"};
    for (int turn = 0; turn < 4; turn++) {
        AttentionCase c = {.n_queries = 900, .n_keys = 900, .heads = 2, .kv_heads = 1 + turn % 2, .width = 16, .v_width = 32, .backend = BACKEND_CPU,
                           .range = range_gaps, .dtype = turn / 2 ? DTYPE_BF16 : DTYPE_F32};
        AttentionRun packed, alone;
        REQUIRE(attention_run(&packed, &c));
        c.n_queries = c.n_keys = 300;
        for (int64_t first = 0; first < 900; first += 300) {
            c.first_query = c.first_key = first;
            REQUIRE(attention_run(&alone, &c));
            for (int i = 0; i < 5; i++)
                CHECK(attention_same_bits(&packed, first, &alone, 0, 300, names[i]));
            attention_run_free(&alone);
        }
        attention_run_free(&packed);
    }
}

/* Goal: a window in the options is a window in the ranges, to the bit. */
TEST(attention, a_window_may_stand_in_the_options_or_in_the_ranges)
{
    static const char *const names[] = {"y", "lse", "dq", "dk", "dv"};
    for (int turn = 0; turn < 2; turn++) {
        AttentionCase c = base;
        AttentionRun narrow, wide;
        c.dtype = turn ? DTYPE_BF16 : DTYPE_F32;
        c.range = range_window;
        REQUIRE(attention_run(&narrow, &c));
        c.range = range_causal;
        c.options.window = 50;
        REQUIRE(attention_run(&wide, &c));
        for (int i = 0; i < 5; i++)
            CHECK(attention_same_bits(&narrow, 0, &wide, 0, 150, names[i]));
        attention_run_free(&wide);
        attention_run_free(&narrow);
    }
}

/* Goal: the slopes of ALiBi's paper for 8 heads, 1/2 .. 1/256, and for a number of heads that is no power of two as its code has them. */
TEST(attention, alibi_slopes_are_those_of_the_paper)
{
    for (int h = 0; h < 8; h++)
        CHECK_CLOSE(attention_alibi_slope(h, 8), exp2(-(h + 1)), 0);
    const double six[] = {0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125};
    for (int h = 0; h < 6; h++)
        CHECK_CLOSE(attention_alibi_slope(h, 6), six[h], 0);
    CHECK_CLOSE(attention_alibi_slope(0, 1), 0x1p-8, 0);
}

static void check_each_row_of(AttentionCase c, DType dtype)
{
    AttentionRun together, alone;
    c.dtype = dtype;
    REQUIRE(attention_run(&together, &c));
    int64_t n_queries = c.n_queries;
    c.n_queries = 1;
    for (int64_t n = 0; n < n_queries; n += 1 + n_queries / 12) {
        c.first_query = n;
        REQUIRE(attention_run(&alone, &c));
        CHECK(attention_same_bits(&together, n, &alone, 0, 1, "y"));
        CHECK(attention_same_bits(&together, n, &alone, 0, 1, "dq"));
        attention_run_free(&alone);
    }
    attention_run_free(&together);
}

static void check_each_row(AttentionCase c)
{
    check_each_row_of(c, DTYPE_F32);
    check_each_row_of(c, DTYPE_BF16);
}

static void range_long(int64_t query, int32_t range[2])
{
    range[0] = (int32_t)(query % 5);
    range[1] = 2300 - (int32_t)(query % 3);
}

/* Goal: nor do other rows matter whose ranges begin elsewhere, nor whether scores were held or computed twice. Method: rows one by one
 * against all together: windows, ranges in no order, and more keys than a tile of 64 rows holds scores for. */
TEST(attention, rows_do_not_see_their_neighbours)
{
    AttentionCase c = base;
    c.range = range_window;
    check_each_row(c);
    c.range = range_any;
    check_each_row(c);
    c.range = range_causal;
    c.options = (AttentionOptions){.window = 31, .softcap = 2.0, .alibi = true, .dropout = 0.3};
    check_each_row(c);
    check_each_row((AttentionCase){.n_queries = 64, .n_keys = 2300, .heads = 1, .kv_heads = 1, .width = 4, .v_width = 4,
                                   .backend = BACKEND_CPU, .range = range_long});
}

TEST(attention, any_number_of_threads_gives_the_same_bits)
{
    static const char *const names[] = {"y", "lse", "dq", "dk", "dv"};
    int n_threads = parallel_threads();
    for (int turn = 0; turn < 2; turn++) {
        AttentionCase c = base;
        c.dtype = turn ? DTYPE_BF16 : DTYPE_F32;
        c.range = range_packed;
        AttentionRun one, many;
        parallel_set_threads(1);
        REQUIRE(attention_run(&one, &c));
        for (int threads = 2; threads <= 4; threads++) {
            parallel_set_threads(threads);
            REQUIRE(attention_run(&many, &c));
            for (int i = 0; i < 5; i++)
                CHECK(attention_same_bits(&one, 0, &many, 0, 150, names[i]));
            attention_run_free(&many);
        }
        attention_run_free(&one);
    }
    parallel_set_threads(n_threads);
}

/* ---- what is not visible, and what is not finite ---- */

static void set_row(Program *program, const char *name, int64_t row, double value)
{
    Tensor *t = program_input(program, name);
    int64_t width = tensor_count(t) / tensor_dim(t, 0);
    for (int64_t i = 0; i < width; i++)
        tensor_set(t, row * width + i, value);
}

static bool all_nan(const Tensor *t, int64_t row)
{
    int64_t width = tensor_count(t) / tensor_dim(t, 0);
    for (int64_t i = 0; i < width; i++)
        if (!isnan(tensor_get(t, row * width + i)))
            return false;
    return true;
}

/* Goal: a NaN reaches every row that sees it and no other. Method: key 70, and 71, of a causal sequence: rows before it keep their bits, y and dq. */
TEST(attention, nan_reaches_those_who_see_it_and_nobody_else)
{
    for (int what = 0; what < 8; what++) {
        AttentionRun clean, dirty;
        AttentionCase c = base;
        const int64_t key = 70 + what / 4;
        c.dtype = what / 2 % 2 ? DTYPE_BF16 : DTYPE_F32;
        REQUIRE(attention_run(&clean, &c));
        REQUIRE(attention_run(&dirty, &c));
        set_row(dirty.program, what % 2 ? "v" : "k", key, NAN);
        program_run_all(dirty.program);
        CHECK(attention_same_bits(&clean, 0, &dirty, 0, key, "y"));
        CHECK(attention_same_bits(&clean, 0, &dirty, 0, key, "dq"));
        for (int64_t n = key; n < 150; n++) {
            CHECK(all_nan(program_output(dirty.program, "y"), n));
            CHECK(all_nan(program_output(dirty.program, "dq"), n));
        }
        CHECK(all_nan(program_output(dirty.program, "dk"), 0) && all_nan(program_output(dirty.program, "dk"), 149));
        attention_run_free(&dirty);
        attention_run_free(&clean);
    }
}

static void range_some_empty(int64_t query, int32_t range[2])
{
    range[0] = query % 3 == 1 ? 9 : 0;
    range[1] = query % 3 == 1 ? 9 : 30;
}

TEST(attention, an_empty_range_gives_zeros_and_unseen_keys_no_gradient)
{
    AttentionRun run;
    AttentionCase c = {.n_queries = 60, .n_keys = 50, .heads = 2, .kv_heads = 1, .width = 8, .v_width = 8, .backend = BACKEND_CPU,
                       .range = range_some_empty};
    REQUIRE(attention_run(&run, &c));
    const Tensor *y = program_output(run.program, "y"), *lse = program_output(run.program, "lse");
    const Tensor *dq = program_output(run.program, "dq"), *dk = program_output(run.program, "dk"), *dv = program_output(run.program, "dv");
    for (int64_t i = 0; i < 16; i++) {
        CHECK(tensor_get(y, 16 + i) == 0.0 && tensor_get(dq, 16 + i) == 0.0 && tensor_get(y, 32 + i) != 0.0);
        CHECK(tensor_get(lse, 2 + i % 2) == -INFINITY);
    }
    for (int64_t i = 0; i < 50 * 8; i++)
        CHECK((tensor_get(dk, i) == 0.0) == (i >= 30 * 8) && (tensor_get(dv, i) == 0.0) == (i >= 30 * 8));
    attention_run_free(&run);
}

/* ---- memory ---- */

/* Goal: nothing grows with the square of the tokens. Method: workspaces at T, 2T and 4T; infer alone, nothing is run. */
TEST(attention, memory_is_linear_in_tokens)
{
    int64_t bytes[3][2];
    for (int i = 0; i < 3; i++) {
        Store *store = store_new();
        Graph *g = graph_new(store);
        int64_t n = 4096 << i;
        Node *q = graph_input(g, "q", DTYPE_BF16, shape_3(n, 8, 64), 0), *k = graph_input(g, "k", DTYPE_BF16, shape_3(n, 2, 64), 0);
        Node *ranges = graph_input(g, "ranges", DTYPE_I32, shape_2(n, 2), 0);
        Node *y = attention(g, q, k, k, ranges, (AttentionOptions){.scale = 1.0});
        extern const OpInfo attention_backward_info;
        AttentionAttr attr = {.options = {.scale = 1.0}, .is_self = true};
        Node *dq = graph_call(g, &attention_backward_info, (Node *[]){q, k, k, ranges, NULL, y, node_sibling(y, 1), y}, 8, &attr, sizeof attr);
        CHECK_OK(graph_error(g));
        bytes[i][0] = (int64_t)y->call->workspace_bytes;
        bytes[i][1] = (int64_t)dq->call->workspace_bytes;
        test_note("%lld tokens: forward %lld, backward %lld bytes", (long long)n, (long long)bytes[i][0], (long long)bytes[i][1]);
        graph_free(g);
        store_free(store);
    }
    for (int i = 0; i < 2; i++)
        CHECK(bytes[1][i] <= 2 * bytes[0][i] && bytes[2][i] <= 4 * bytes[0][i]);
}

/* ---- mistakes ---- */

TEST(attention, wrong_shapes_are_named)
{
    static const struct {
        int64_t q_heads, q_width, ranges;
        const char *message;
    } cases[] = {
        {3, 8, 2, "attention: q is f32 [5, 3, 8], k is f32 [6, 2, 8]: the same width and a multiple of the heads expected"},
        {4, 7, 2, "attention: q is f32 [5, 4, 7], k is f32 [6, 2, 8]: the same width and a multiple of the heads expected"},
        {4, 8, 3, "attention: q is f32 [5, 4, 8], ranges is i32 [5, 3]: i32 [tokens of q, 2] expected"},
    };
    for (int i = 0; i < 3; i++) {
        Store *store = store_new();
        Graph *g = graph_new(store);
        Node *k = graph_input(g, "k", DTYPE_F32, shape_3(6, 2, 8), 0);
        attention(g, graph_input(g, "q", DTYPE_F32, shape_3(5, cases[i].q_heads, cases[i].q_width), 0), k, k,
                  graph_input(g, "r", DTYPE_I32, shape_2(5, cases[i].ranges), 0), (AttentionOptions){.scale = 1.0});
        CHECK(graph_error(g) == ERR_USAGE);
        CHECK_STRING(err_message(), cases[i].message);
        graph_free(g);
        store_free(store);
    }
}
