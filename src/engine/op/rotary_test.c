/* rotary_test.c - rotations, their inverse, and what they are for. */
#include "base/test.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/op/op_check.h"

typedef struct {
    int64_t heads, width;
    RotaryOptions options;
} Args;

static const RotaryOptions plain = {.theta = 10000.0};
static const RotaryOptions yarn = {.theta = 500.0, .scaling = ROPE_YARN, .factor = 4.0, .original_len = 40, .slow = 1.0, .fast = 32.0, .amplitude = 1.25};
static const RotaryOptions interleaved = {.theta = 10000.0, .interleaved = true, .scaling = ROPE_LINEAR, .factor = 2.0, .amplitude = 0.75};

static int32_t any_position(const void *args, int64_t i)
{
    (void)args;
    return (int32_t)(i * 37 % 4099);
}

static Node *build_rotary(OpCheck *c)
{
    const Args *args = check_args(c);
    Node *x = check_tokens(c, "x", shape_3(check_n_tokens(c), args->heads, args->width), 1.0);
    return rotary(check_graph(c), x, check_i32(c, "positions", shape_1(check_n_tokens(c)), any_position), args->options);
}

/* The middle window of a joint projection. */
static Node *build_window(OpCheck *c)
{
    const Args *args = check_args(c);
    int64_t n = check_n_tokens(c), width = args->heads * args->width;
    Node *x = check_tokens(c, "x", shape_2(n, 3 * width), 1.0);
    Node *parts = split(check_graph(c), x, (int64_t[]){width, width, width}, 3);
    Node *heads = view(check_graph(c), node_sibling(parts, 1), shape_3(n, args->heads, args->width));
    return rotary(check_graph(c), heads, check_i32(c, "positions", shape_1(n), any_position), args->options);
}

TEST(rotary, derivative_matches_central_differences)
{
    Args args[] = {{3, 6, plain}, {3, 6, yarn}, {3, 6, interleaved}};
    for (int i = 0; i < 3; i++) {
        OpCase c = {.build = build_rotary, .args = &args[i], .n_tokens = 5};
        CHECK(op_gradcheck(&c, 1.0) < 1e-6);
        c.build = build_window;
        CHECK(op_gradcheck(&c, 1.0) < 1e-6);
    }
}

TEST(rotary, fast_kernels_are_near_the_reference)
{
    Args args[] = {{3, 2, plain}, {5, 34, plain}, {2, 256, plain}, {3, 34, yarn}, {3, 2, interleaved}, {5, 34, interleaved}, {1, 256, interleaved}};
    for (size_t i = 0; i < sizeof args / sizeof *args; i++) {
        OpCase c = {.build = build_rotary, .args = &args[i], .n_tokens = 61, .n_roundings = 6, .magnitude = MAGNITUDE_ROW};
        op_check_fast(&c);
        c.build = build_window;
        op_check_fast(&c);
    }
}

TEST(rotary, rows_do_not_show_how_many_there_are)
{
    Args args = {2, 34, plain};
    OpCase c = {.build = build_window, .args = &args};
    op_check_micro(&c, 5);
}

/* Goal: q . k after turning depends on the distance of their positions alone. Method: the same pair at distance 5, early and late. */
TEST(rotary, dot_products_depend_on_distance)
{
    Store *store = store_new();
    Graph *g = graph_new(store);
    Node *x = graph_input(g, "x", DTYPE_F32, shape_3(4, 1, 64), 0);
    graph_output(g, "y", rotary(g, x, graph_input(g, "positions", DTYPE_I32, shape_1(4), 0), plain));
    Program *p;
    REQUIRE_OK(graph_compile(&p, g, &(CompileOptions){BACKEND_CPU}));
    REQUIRE_OK(program_bind(p));
    float *in = program_input(p, "x")->data;
    for (int i = 0; i < 256; i++)
        in[i] = sinf((float)(i % 128));  /* q, k, and the same again */
    memcpy(program_input(p, "positions")->data, (int32_t[]){12, 7, 100005, 100000}, 16);
    program_run_all(p);
    const float *y = program_output(p, "y")->data;
    double early = 0.0, late = 0.0;
    for (int i = 0; i < 64; i++) {
        early += y[i] * y[64 + i];
        late += y[128 + i] * y[192 + i];
    }
    CHECK_CLOSE(late, early, 1e-4);
    program_free(p);
    graph_free(g);
    store_free(store);
}

/* Goldens: what transformers 5.23 computes from such settings, its formulas in f64 (tests/oracle/make_models.py, frequencies()). */
TEST(rotary, scaled_frequencies_are_those_of_transformers)
{
    const struct {
        RotaryOptions options;
        int64_t width;
        double frequency[8];
    } cases[] = {
        {{.theta = 100, .scaling = ROPE_DYNAMIC, .factor = 2, .original_len = 32, .seq_len = 20}, 14,
         {1.0, 0.5179474679231212, 0.2682695795279726, 0.13894954943731377, 0.07196856730011521, 0.0372759372031494, 0.019306977288832506}},
        {{.theta = 100, .scaling = ROPE_DYNAMIC, .factor = 2, .original_len = 32, .seq_len = 100}, 14,
         {1.0, 0.3928793148215718, 0.15435415601466776, 0.060642555054904665, 0.023825205479000394, 0.009360430404072832, 0.003677519483587144}},
        {{.theta = 1e4, .scaling = ROPE_YARN, .factor = 4, .original_len = 2048, .slow = 1, .fast = 32, .is_ramp_exact = true}, 16,
         {1.0, 0.31622776601683794, 0.1, 0.023870192321736323, 0.005056971521129435, 0.0008112903817014309, 0.00025, 7.905694150420948e-05}},
        {{.theta = 1e4, .scaling = ROPE_YARN, .factor = 4, .original_len = 2048, .slow = 1, .fast = 32}, 16,
         {1.0, 0.31622776601683794, 0.1, 0.02569350598886808, 0.00625, 0.0013834964763236657, 0.00025, 7.905694150420948e-05}},
        {{.theta = 5e5, .scaling = ROPE_LLAMA3, .factor = 8, .original_len = 8192, .slow = 1, .fast = 4}, 16,
         {1.0, 0.19392274474868576, 0.03760603093086393, 0.0072926647372171085, 0.0005248461609929547, 3.428102195952591e-05,
          6.647869871181236e-06, 1.2891731721515574e-06}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int64_t i = 0; i < cases[c].width / 2; i++)
            CHECK_CLOSE(rotary_frequency(&cases[c].options, i, cases[c].width), cases[c].frequency[i], 1e-14 * cases[c].frequency[i]);
}
