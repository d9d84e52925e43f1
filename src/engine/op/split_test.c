/* split_test.c - windows and copies, and which of them cost something. */
#include "base/test.h"
#include "engine/graph/op_info.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/op/op_check.h"

/* q, k, v of one product, used differently; one part of a second split is not used at all. */
static Node *build_split(OpCheck *c)
{
    Graph *g = check_graph(c);
    int64_t n = check_n_tokens(c);
    Node *x = check_tokens(c, "x", shape_2(n, 42), 1.0);
    Node *a = split(g, x, (int64_t[]){12, 20, 10}, 3), *b = node_sibling(a, 1);
    Node *b_left = split(g, b, (int64_t[]){10, 10}, 2);
    Node *heads = view(g, a, shape_3(n, 3, 4));
    Node *joined = concat(g, (Node *[]){node_sibling(a, 2), view(g, heads, shape_2(n, 12)), b_left}, 3);
    return mul(g, joined, check_input(c, "factor", shape_2(n, 32), 1.0));
}

TEST(split, windows_and_copies_have_right_derivatives)
{
    OpCase c = {.build = build_split, .n_tokens = 7};
    CHECK(op_gradcheck(&c, 1.0) < 1e-6);
}

TEST(split, fast_kernels_are_near_the_reference)
{
    OpCase c = {.build = build_split, .n_tokens = 67, .n_roundings = 4, .n_half_roundings = 3, .magnitude = MAGNITUDE_ELEMENT};
    op_check_fast(&c);
}

TEST(split, rows_do_not_show_how_many_there_are)
{
    OpCase c = {.build = build_split};
    op_check_micro(&c, 5);
}

/* Goal: a window costs nothing where it can lie in place, and a copy where it cannot. */
TEST(split, views_copy_only_what_must_be_copied)
{
    Store *store = store_new();
    Graph *g = graph_new(store);
    Node *x = graph_input(g, "x", DTYPE_F32, shape_2(6, 24), graph_bound(g, "n", 6));
    Node *part = node_sibling(split(g, x, (int64_t[]){8, 16}, 2), 1);
    Node *heads = view(g, part, shape_3(6, 4, 4));
    CHECK(heads->alias == part);
    CHECK_EQUAL(heads->stride[0], 24);
    CHECK_EQUAL(heads->stride[1], 4);
    CHECK_EQUAL(node_bound(heads), node_bound(x));
    Node *y = graph_input(g, "y", DTYPE_F32, shape_2(6, 24), 0);
    Node *flat = view(g, split(g, y, (int64_t[]){8, 16}, 2), shape_1(48));
    CHECK(flat->alias && flat->alias->alias == NULL);
    CHECK_STRING(flat->alias->call->op->name, "cast");
    CHECK_OK(graph_error(g));
    view(g, x, shape_1(6 * 24));
    CHECK(graph_error(g) == ERR_USAGE);
    CHECK(strstr(err_message(), "bound"));
    graph_free(g);
    store_free(store);
}
