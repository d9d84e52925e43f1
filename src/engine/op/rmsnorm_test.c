/* rmsnorm_test.c - rows of any axes, and the gradient of the gain. */
#include "base/test.h"
#include "engine/op/op.h"
#include "engine/op/op_check.h"

typedef struct {
    int64_t c;
    double offset;
} Args;

static Node *build_rmsnorm(OpCheck *c)
{
    const Args *args = check_args(c);
    Node *x = check_tokens(c, "x", shape_2(check_n_tokens(c), args->c), 1.0);
    Node *gain = check_value_f32(c, "gain", shape_1(args->c), 1.0);
    return rmsnorm(check_graph(c), x, gain, 1e-5, args->offset);
}

/* Normalises the heads of the middle third of x: rows in two axes, tokens 3C apart. */
static Node *build_heads(OpCheck *c)
{
    const Args *args = check_args(c);
    Node *x = check_tokens(c, "x", shape_2(check_n_tokens(c), 3 * 2 * args->c), 1.0);
    Node *parts = split(check_graph(c), x, (int64_t[]){2 * args->c, 2 * args->c, 2 * args->c}, 3);
    Node *heads = view(check_graph(c), node_sibling(parts, 1), shape_3(check_n_tokens(c), 2, args->c));
    Node *gain = check_value_f32(c, "gain", shape_1(args->c), 1.0);
    return rmsnorm(check_graph(c), heads, gain, 1e-5, args->offset);
}

/* Goal: the derivative is right everywhere, also where rows are tiny and eps dominates. Method: central differences in f64 at four
 * scales. Not with one element a row: it is 1 or -1 after any x, and a derivative of nearly 0 cannot be told from
 * noise. */
TEST(rmsnorm, derivatives_match_central_differences)
{
    int64_t widths[] = {2, 5, 33};
    for (int w = 0; w < 3; w++)
        for (double scale = 1e-3; scale < 1e4; scale *= 100.0) {
            Args args = {.c = widths[w]};
            OpCase c = {.build = build_rmsnorm, .args = &args, .n_tokens = 7};
            CHECK(op_gradcheck(&c, scale) < 1e-6);
            c.build = build_heads;
            CHECK(op_gradcheck(&c, scale) < 1e-6);
            args.offset = 1.0;
            CHECK(op_gradcheck(&c, scale) < 1e-6);
        }
}

/* Sums over C in lanes and over N tokens, ten operations around them; measured against the largest of a row. */
TEST(rmsnorm, fast_kernels_are_near_the_reference)
{
    int64_t widths[] = {5, 37, 256};
    for (int w = 0; w < 3; w++) {
        Args args = {.c = widths[w]};
        OpCase c = {.build = build_rmsnorm, .args = &args, .n_tokens = 133, .n_roundings = 133 + 20, .magnitude = MAGNITUDE_ROW};
        op_check_fast(&c);
        c.build = build_heads;
        op_check_fast(&c);
        args.offset = 1.0;
        op_check_fast(&c);
    }
}

TEST(rmsnorm, gradients_do_not_show_the_cut_into_micro_batches)
{
    Args args = {.c = 37};
    OpCase c = {.build = build_rmsnorm, .args = &args};
    op_check_micro(&c, 16);
    op_check_micro(&c, 100);
    c.build = build_heads;
    op_check_micro(&c, 50);
}
