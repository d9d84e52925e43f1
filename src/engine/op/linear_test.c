/* linear_test.c - products, their three derivatives, and what a mistake is told. */
#include "base/test.h"
#include "engine/graph/op_info.h"
#include "engine/op/op.h"
#include "engine/op/op_check.h"

typedef struct {
    int64_t k, m;
    WeightLayout layout;
    bool bias;
} Args;

static Node *build_linear(OpCheck *c)
{
    const Args *a = check_args(c);
    Node *x = check_tokens(c, "x", shape_2(check_n_tokens(c), a->k), 1.0);
    Node *w = check_value(c, "w", a->layout == WEIGHT_OUT_IN ? shape_2(a->m, a->k) : shape_2(a->k, a->m), 0.3);
    Node *bias = a->bias ? check_value_f32(c, "bias", shape_1(a->m), 1.0) : NULL;
    return linear(check_graph(c), x, w, bias, a->layout);
}

/* Goal: all three derivatives, both layouts. Method: central differences at awkward sizes. */
TEST(linear, derivatives_match_central_differences)
{
    int64_t sizes[][3] = {{1, 1, 1}, {3, 5, 7}, {17, 33, 2}};
    for (int s = 0; s < 3; s++)
        for (int layout = 0; layout < 2; layout++)
            for (double scale = 1e-3; scale < 1e4; scale *= 1e3) {
                Args args = {sizes[s][1], sizes[s][2], (WeightLayout)layout, s != 1};
                OpCase c = {.build = build_linear, .args = &args, .n_tokens = sizes[s][0]};
                CHECK(op_gradcheck(&c, scale) < 1e-6);
            }
}

/* A gradient of x meets M additions, of w and bias N, y meets K, and each a last one. */
TEST(linear, fast_products_are_near_the_reference)
{
    Args args[] = {{67, 45, WEIGHT_OUT_IN, true}, {67, 45, WEIGHT_IN_OUT, true}, {1, 1, WEIGHT_OUT_IN, true}, {128, 64, WEIGHT_IN_OUT, false}};
    for (int i = 0; i < 4; i++) {
        OpCase c = {.build = build_linear, .args = &args[i], .n_tokens = 131, .n_roundings = 131 + 2};
        op_check_fast(&c);
    }
}

TEST(linear, gradients_do_not_show_the_cut_into_micro_batches)
{
    for (int layout = 0; layout < 2; layout++) {
        Args args = {67, 45, (WeightLayout)layout, true};
        OpCase c = {.build = build_linear, .args = &args};
        op_check_micro(&c, 13);
    }
}

static Err shape_mistake(Shape x, Shape w, Shape bias)
{
    Store *store = store_new();
    Graph *g = graph_new(store);
    linear(g, graph_input(g, "x", DTYPE_F32, x, 0), graph_input(g, "w", DTYPE_F32, w, 0), graph_input(g, "b", DTYPE_F32, bias, 0),
           WEIGHT_OUT_IN);
    Err err = graph_error(g);
    graph_free(g);
    store_free(store);
    return err;
}

TEST(linear, wrong_shapes_are_told_by_name)
{
    CHECK(shape_mistake(shape_2(64, 128), shape_2(512, 127), shape_1(512)) == ERR_USAGE);
    CHECK(strstr(err_message(), "linear: x is f32 [64, 128], w is f32 [512, 127]"));
    CHECK(shape_mistake(shape_2(64, 128), shape_2(512, 128), shape_1(511)) == ERR_USAGE);
    CHECK(strstr(err_message(), "bias is f32 [511]: [512] expected"));
    CHECK(shape_mistake(shape_3(64, 1, 128), shape_2(512, 128), shape_1(512)) == ERR_USAGE);
    CHECK(shape_mistake(shape_2(64, 128), shape_2(512, 128), shape_1(512)) == OK);
}

/* Goal: 2NKM operations forward, twice that backward: what plan and simulate add up. */
TEST(linear, costs_two_operations_a_multiply_add)
{
    Store *store = store_new();
    Graph *g = graph_new(store);
    Node *y = linear(g, graph_input(g, "x", DTYPE_BF16, shape_2(64, 128), 0), graph_input(g, "w", DTYPE_BF16, shape_2(512, 128), 0), NULL,
                     WEIGHT_OUT_IN);
    Cost cost = {0};
    y->call->op->cost(y->call, &cost);
    CHECK_CLOSE(cost.matmul_flops, 2.0 * 64 * 128 * 512, 0.0);
    graph_free(g);
    store_free(store);
}
