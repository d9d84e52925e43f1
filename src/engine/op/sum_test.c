/* sum_test.c - the sum of all elements and its derivative. */
#include "base/test.h"
#include "engine/op/op.h"
#include "engine/op/op_check.h"

static Node *build_sum(OpCheck *c)
{
    Node *x = check_tokens(c, "x", shape_2(check_n_tokens(c), 35), 1.0);
    Node *part = split(check_graph(c), x, (int64_t[]){30, 5}, 2);
    return add(check_graph(c), sum(check_graph(c), x), sum(check_graph(c), part));
}

TEST(sum, derivative_matches_central_differences)
{
    OpCase c = {.build = build_sum, .n_tokens = 3};
    CHECK(op_gradcheck(&c, 1.0) < 1e-6);
}

/* Sums are in double; f32 rounds at the end, and once more in the addition. */
TEST(sum, fast_kernel_is_near_the_reference)
{
    OpCase c = {.build = build_sum, .n_tokens = 600, .n_roundings = 4};
    op_check_fast(&c);
}
