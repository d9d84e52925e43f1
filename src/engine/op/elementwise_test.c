/* elementwise_test.c - sums, products, casts and activations: element by element, also over windows. */
#include "base/test.h"
#include "engine/graph/op_info.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/op/op_check.h"

typedef struct {
    int64_t c;
    double a_scale;
} Args;

static Node *tokens(OpCheck *c, const char *name, double scale)
{
    const Args *args = check_args(c);
    return check_tokens(c, name, shape_2(check_n_tokens(c), args->c), scale);
}

static Node *build_add(OpCheck *c)
{
    return add(check_graph(c), tokens(c, "a", 1.0), tokens(c, "b", 1.0));
}

/* f32 and the case's dtype. */
static Node *build_mixed_add(OpCheck *c)
{
    const Args *args = check_args(c);
    Node *residual = check_value_f32(c, "a", shape_2(check_n_tokens(c), args->c), 1.0);
    return add(check_graph(c), residual, tokens(c, "b", 1.0));
}

static Node *build_mul(OpCheck *c)
{
    return mul(check_graph(c), tokens(c, "a", 1.0), tokens(c, "b", 1.0));
}

static Node *build_scale(OpCheck *c)
{
    return scale(check_graph(c), tokens(c, "a", 1.0), -0.375);
}

static Node *build_cast(OpCheck *c)
{
    return cast(check_graph(c), tokens(c, "a", 1.0), check_dtype(c) == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32);
}

static Node *build_gelu(OpCheck *c)
{
    return gelu_tanh(check_graph(c), tokens(c, "a", 2.0));
}

static Node *build_silu_gate(OpCheck *c)
{
    return silu_gate(check_graph(c), tokens(c, "a", 2.0), tokens(c, "b", 1.0));
}

static Node *build_gelu_erf(OpCheck *c)
{
    return gelu_erf(check_graph(c), tokens(c, "a", 2.0));
}

static Node *build_softcap(OpCheck *c)
{
    return softcap(check_graph(c), tokens(c, "a", 2.0), 3.0);
}

static Node *build_relu(OpCheck *c)
{
    return relu(check_graph(c), tokens(c, "a", 1.0));
}

/* Reads windows of a wider value: rows that are not dense. */
static Node *build_windows(OpCheck *c)
{
    const Args *args = check_args(c);
    Node *x = check_tokens(c, "x", shape_2(check_n_tokens(c), 3 * args->c), 1.0);
    Node *a = split(check_graph(c), x, (int64_t[]){args->c, args->c, args->c}, 3);
    Node *b = node_sibling(a, 1), *d = node_sibling(a, 2);
    return add(check_graph(c), mul(check_graph(c), silu_gate(check_graph(c), a, b), d), gelu_tanh(check_graph(c), b));
}

typedef struct {
    Node *(*build)(OpCheck *c);
    Magnitude magnitude;
    int n_roundings, n_half_roundings;
} Row;

/* Products of a value near zero and of sums lose nothing; gelu's slope cancels where it crosses zero, so the array is the measure. */
static const Row rows[] = {
    {build_add, MAGNITUDE_ABSOLUTE, 2, 1},      {build_mixed_add, MAGNITUDE_ABSOLUTE, 2, 1}, {build_mul, MAGNITUDE_ELEMENT, 3, 2},
    {build_scale, MAGNITUDE_ELEMENT, 2, 1},     {build_gelu, MAGNITUDE_ARRAY, 12, 1},        {build_silu_gate, MAGNITUDE_ARRAY, 12, 1},
    {build_windows, MAGNITUDE_ARRAY, 40, 8},    {build_gelu_erf, MAGNITUDE_ARRAY, 12, 1},    {build_softcap, MAGNITUDE_ARRAY, 12, 1},
    {build_relu, MAGNITUDE_ELEMENT, 2, 1},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

TEST(elementwise, derivatives_match_central_differences)
{
    Args args = {.c = 5};
    for (int i = 0; i < N_ROWS; i++)
        for (double s = 1e-2; s < 20.0; s *= 30.0) {
            OpCase c = {.build = rows[i].build, .args = &args, .n_tokens = 7};
            CHECK(op_gradcheck(&c, s) < 1e-6);
        }
}

TEST(elementwise, fast_kernels_are_near_the_reference)
{
    int64_t widths[] = {1, 37, 160};
    for (int i = 0; i < N_ROWS; i++)
        for (int w = 0; w < 3; w++) {
            Args args = {.c = widths[w]};
            OpCase c = {.build = rows[i].build, .args = &args, .n_tokens = 129, .n_roundings = rows[i].n_roundings,
                        .n_half_roundings = rows[i].n_half_roundings, .magnitude = rows[i].magnitude};
            op_check_fast(&c);
        }
}

TEST(elementwise, rows_do_not_show_how_many_there_are)
{
    Args args = {.c = 37};
    OpCase erf = {.build = build_gelu_erf, .args = &args}, cap = {.build = build_softcap, .args = &args};
    op_check_micro(&erf, 5);
    op_check_micro(&cap, 5);
    OpCase gelu = {.build = build_gelu, .args = &args}, windows = {.build = build_windows, .args = &args};
    op_check_micro(&gelu, 5);
    op_check_micro(&windows, 5);
}

/* Goal: an f32 residual stream takes a bf16 branch, and the branch's gradient goes back in bf16. */
TEST(elementwise, mixed_dtypes_give_the_wider)
{
    Store *store = store_new();
    Graph *g = graph_new(store);
    Node *a = graph_input(g, "a", DTYPE_F32, shape_2(3, 4), 0), *b = graph_input(g, "b", DTYPE_BF16, shape_2(3, 4), 0);
    CHECK_EQUAL(node_dtype(add(g, a, b)), DTYPE_F32);
    CHECK_EQUAL(node_dtype(mul(g, b, b)), DTYPE_BF16);
    CHECK(cast(g, a, DTYPE_F32) == a);
    CHECK_EQUAL(node_dtype(cast(g, a, DTYPE_BF16)), DTYPE_BF16);
    CHECK_OK(graph_error(g));
    add(g, a, graph_input(g, "d", DTYPE_F32, shape_2(4, 3), 0));
    CHECK(graph_error(g) == ERR_USAGE);
    CHECK(strstr(err_message(), "add: f32 [3, 4] and f32 [4, 3]: equal shapes expected"));
    graph_free(g);
    store_free(store);
}

TEST(elementwise, casts_round_trip_and_carry_gradients)
{
    Args args = {.c = 19};
    OpCase c = {.build = build_cast, .args = &args, .n_tokens = 5, .n_roundings = 1, .magnitude = MAGNITUDE_ELEMENT};
    op_check_fast(&c);
}

static Node *build_tail(OpCheck *c)
{
    return gelu_tanh(check_graph(c), add(check_graph(c), tokens(c, "a", 1.0), fill(check_graph(c), check_dtype(c), shape_2(check_n_tokens(c), 50), 0, -4.0)));
}

/* Goal: gelu keeps its relative precision where it is nearly zero, although 1 + tanh would not. The exponent reaches 40 there: as
 * many units in the last place. */
TEST(elementwise, gelu_is_precise_in_its_tail)
{
    Args args = {.c = 50};
    OpCase c = {.build = build_tail, .args = &args, .n_tokens = 20, .n_roundings = 300, .n_half_roundings = 60, .magnitude = MAGNITUDE_ELEMENT};
    op_check_fast(&c);
}

static float activate(Node *(*record)(Graph *g, Node *x), float x)
{
    Store *store = store_new();
    Graph *g = graph_new(store);
    Program *program;
    graph_output(g, "y", record(g, graph_input(g, "x", DTYPE_F32, shape_1(1), 0)));
    float y = -7.0f;
    if (CHECK_OK(graph_compile(&program, g, &(CompileOptions){BACKEND_CPU})) && CHECK_OK(program_bind(program))) {
        *(float *)program_input(program, "x")->data = x;
        program_run_all(program);
        y = *(const float *)program_output(program, "y")->data;
        program_free(program);
    }
    graph_free(g);
    store_free(store);
    return y;
}

TEST(elementwise, activations_at_their_ends)
{
    CHECK(activate(relu, -3.0f) == 0.0f && activate(relu, 2.5f) == 2.5f && isnan(activate(relu, NAN)));
    CHECK(activate(gelu_erf, 0.0f) == 0.0f && activate(gelu_erf, 50.0f) == 50.0f && activate(gelu_erf, -50.0f) == 0.0f);
    CHECK_CLOSE(activate(gelu_erf, 1.0f), 0.84134474606854, 1e-7);
    CHECK_CLOSE(activate(gelu_erf, -5.0f), -5 * 2.866515718791939e-7, 1e-11);
    CHECK(isnan(activate(gelu_erf, NAN)));
}
