/* embedding_test.c - rows of tables, and sums of gradients by id. */
#include "base/test.h"
#include "engine/op/op.h"
#include "engine/op/op_check.h"

typedef struct {
    int64_t v, c;
} Args;

static Node *build_embedding(OpCheck *c)
{
    const Args *args = check_args(c);
    return embedding(check_graph(c), check_value(c, "table", shape_2(args->v, args->c), 1.0), check_ids(c, "ids", args->v));
}

/* Two uses of one table: each has a gradient state of its own. */
static Node *build_tied(OpCheck *c)
{
    const Args *args = check_args(c);
    Node *table = check_value(c, "table", shape_2(args->v, args->c), 1.0);
    Node *x = embedding(check_graph(c), table, check_ids(c, "ids", args->v));
    return linear(check_graph(c), x, table, NULL, WEIGHT_OUT_IN);
}

TEST(embedding, derivatives_match_central_differences)
{
    Args args = {11, 5};
    OpCase c = {.build = build_embedding, .args = &args, .n_tokens = 37};
    CHECK(op_gradcheck(&c, 1.0) < 1e-6);
    c.build = build_tied;
    CHECK(op_gradcheck(&c, 1.0) < 1e-6);
}

/* A row of the table collects at most all tokens. */
TEST(embedding, fast_kernels_are_near_the_reference)
{
    Args args[] = {{11, 5}, {300, 131}, {1, 64}};
    for (int i = 0; i < 3; i++) {
        OpCase c = {.build = build_embedding, .args = &args[i], .n_tokens = 601, .n_roundings = 602};
        op_check_fast(&c);
    }
}

TEST(embedding, gradients_do_not_show_the_cut_into_micro_batches)
{
    Args args = {11, 70};
    OpCase c = {.build = build_embedding, .args = &args};
    op_check_micro(&c, 20);
    c.build = build_tied;
    op_check_micro(&c, 20);
}

static int32_t last_of_three(const void *args, int64_t i)
{
    (void)args;
    return (int32_t)(3 * i + 2);
}

static Node *build_gather(OpCheck *c)
{
    Node *x = check_input(c, "x", shape_2(12, 21), 1.0);
    return gather_rows(check_graph(c), x, check_i32(c, "index", shape_1(4), last_of_three));
}

TEST(embedding, gathered_rows_are_the_rows)
{
    OpCase c = {.build = build_gather, .n_tokens = 12, .n_roundings = 1, .magnitude = MAGNITUDE_ELEMENT};
    op_check_fast(&c);
}
