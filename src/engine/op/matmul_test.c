/* matmul_test.c - products of two activations, transposed in all four ways. */
#include "base/test.h"
#include "engine/graph/op_info.h"
#include "engine/op/op.h"
#include "engine/op/op_check.h"

typedef struct {
    int64_t n, k, m;
    bool transpose_a, transpose_b;
} Args;

static Node *build_matmul(OpCheck *c)
{
    const Args *s = check_args(c);
    Node *a = check_value(c, "a", s->transpose_a ? shape_2(s->k, s->n) : shape_2(s->n, s->k), 1.0);
    Node *b = check_value(c, "b", s->transpose_b ? shape_2(s->m, s->k) : shape_2(s->k, s->m), 1.0);
    return matmul(check_graph(c), a, b, s->transpose_a, s->transpose_b);
}

TEST(matmul, derivatives_match_central_differences)
{
    for (int i = 0; i < 4; i++) {
        Args args = {3, 5, 7, i & 1, i & 2};
        OpCase c = {.build = build_matmul, .args = &args, .n_tokens = 1};
        CHECK(op_gradcheck(&c, 1.0) < 1e-6);
    }
}

TEST(matmul, fast_products_are_near_the_reference)
{
    for (int i = 0; i < 4; i++) {
        Args args = {37, 61, 45, i & 1, i & 2};
        OpCase c = {.build = build_matmul, .args = &args, .n_tokens = 1, .n_roundings = 61 + 2};
        op_check_fast(&c);
    }
}

TEST(matmul, mistakes_and_costs_are_told)
{
    Store *store = store_new();
    Graph *g = graph_new(store);
    Node *a = graph_input(g, "a", DTYPE_F32, shape_2(3, 5), 0), *b = graph_input(g, "b", DTYPE_BF16, shape_2(7, 5), 0);
    Node *y = matmul(g, a, b, false, true);
    Cost cost = {0};
    y->call->op->cost(y->call, &cost);
    CHECK_CLOSE(cost.matmul_flops, 2.0 * 3 * 5 * 7, 1e-9);
    CHECK_EQUAL(node_dtype(y), DTYPE_F32);
    matmul(g, a, b, false, false);
    CHECK(graph_error(g) == ERR_USAGE);
    CHECK(strstr(err_message(), "a is f32 [3, 5], b is bf16 [7, 5]: the inner sizes differ"));
    graph_free(g);
    store_free(store);
}
