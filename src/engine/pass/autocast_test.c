/* autocast_test.c - what is narrowed, what stays f32, and that gradients find their way home. */
#include "engine/pass/autocast.h"

#include "base/philox.h"
#include "base/test.h"
#include "engine/graph/op_info.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/pass/differentiate.h"

enum { N = 40, C = 24, F = 56 };

typedef struct {
    Store *store;
    Graph *g;
    Node *a, *b, *y;  /* two products of one value, and the residual sum */
    Program *program;
} Block;

static const char *const param_names[] = {"gain", "bias", "w_a", "b_a", "w_b", "w_out"};
enum { N_PARAMS = 6 };

/* x + w_out(gelu(w_a norm(x)) * w_b norm(x)) */
static void block_record(Block *block, DType dtype)
{
    Shape shapes[N_PARAMS] = {shape_1(C), shape_1(C), shape_2(F, C), shape_1(F), shape_2(C, F), shape_2(C, F)};
    *block = (Block){.store = store_new()};
    store_add_bucket(block->store, &(BucketSpec){.name = "all", .dtype = dtype, .trainable = true});
    for (int i = 0; i < N_PARAMS; i++)
        store_add_param(block->store, 0, param_names[i], shapes[i]);
    Graph *g = block->g = graph_new(block->store);
    Node *p[N_PARAMS];
    for (int i = 0; i < N_PARAMS; i++)
        p[i] = graph_param(g, param_names[i]);
    Node *x = graph_input(g, "x", dtype, shape_2(N, C), graph_bound(g, "n_tokens", N));
    Node *normed = layernorm(g, x, p[0], p[1], 1e-5);
    block->a = linear(g, normed, p[2], p[3], WEIGHT_OUT_IN);
    block->b = linear(g, normed, p[4], NULL, WEIGHT_IN_OUT);
    block->y = add(g, x, linear(g, mul(g, gelu_tanh(g, block->a), block->b), p[5], NULL, WEIGHT_OUT_IN));
}

/* The loss, its gradients, copies filled as the update segment would; a run. */
static bool block_run(Block *block, Backend backend)
{
    Graph *g = block->g;
    Node *loss = sum(g, mul(g, block->y, block->y));
    graph_output(g, "loss", loss);
    pass_differentiate(g, loss);
    graph_set_segment(g, SEGMENT_UPDATE);
    for (int i = 0; i < N_PARAMS; i++) {
        Arena *arena = arena_new();
        if (store_find_state(block->store, arena_printf(arena, "%s:bf16", param_names[i])) >= 0)
            state_store(g, graph_param_copy(g, param_names[i], DTYPE_BF16), graph_param(g, param_names[i]));
        arena_free(arena);
    }
    if (!CHECK_OK(graph_compile(&block->program, g, &(CompileOptions){backend})) || !CHECK_OK(store_allocate(block->store)) ||
        !CHECK_OK(program_bind(block->program)))
        return false;
    uint64_t k = 0;
    for (int i = 0; i <= N_PARAMS; i++) {
        Tensor t = i < N_PARAMS ? store_param_tensor(block->store, i, NULL) : *program_input(block->program, "x");
        for (int64_t j = 0; j < tensor_count(&t); j++) {
            float first, second;
            Philox r = philox(3, 0, 0, k++);
            philox_normal(r.word[0], r.word[1], &first, &second);
            tensor_set(&t, j, f32_from_bf16(bf16_from_f32(0.5f * first)));
        }
    }
    CHECK_EQUAL(tensor_dim(program_input(block->program, "x"), 0), N);
    program_run(block->program, SEGMENT_UPDATE);
    program_run(block->program, SEGMENT_FORWARD);
    program_run(block->program, SEGMENT_BACKWARD);
    return true;
}

static void block_close(Block *block)
{
    program_free(block->program);
    graph_free(block->g);
    store_free(block->store);
}

static int count_casts(Graph *g)
{
    int n = 0;
    for (int i = 0; i < graph_n_calls(g); i++)
        n += strcmp(graph_call_at(g, i)->op->name, "cast") == 0;
    return n;
}

TEST(autocast, products_are_narrow_and_the_rest_follows_or_stays)
{
    Block block;
    block_record(&block, DTYPE_F32);
    Node *old_input = block.a->call->in[0];
    graph_output(block.g, "normed", old_input);  /* so that somebody wants the norm in f32 */
    pass_autocast(block.g, DTYPE_BF16);
    REQUIRE_OK(graph_error(block.g));
    const Call *a = block.a->call, *b = block.b->call;
    CHECK_EQUAL(a->in[0]->dtype, DTYPE_BF16);
    CHECK(a->in[0] == b->in[0]);             /* one cast a value */
    CHECK(a->in[0]->call->in[0] == old_input);
    CHECK_EQUAL(old_input->dtype, DTYPE_F32); /* a norm keeps f32 */
    CHECK_STRING(a->in[1]->name, "w_a:bf16");
    CHECK_EQUAL(a->in[1]->param, store_find_param(block.store, "w_a"));
    CHECK_EQUAL(a->in[2]->dtype, DTYPE_F32);  /* a bias is added to f32 sums */
    CHECK_EQUAL(block.a->dtype, DTYPE_BF16);
    CHECK_EQUAL(block.y->call->in[1]->dtype, DTYPE_BF16);
    CHECK_EQUAL(block.y->dtype, DTYPE_F32);   /* the residual stream */
    CHECK_EQUAL(node_bound(block.y), 1);
    CHECK_EQUAL(count_casts(block.g), 1);
    CHECK(store_find_state(block.store, "gain:bf16") < 0);
    block_close(&block);
}

TEST(autocast, a_norm_that_products_alone_read_rounds_its_output_itself)
{
    Block block;
    block_record(&block, DTYPE_F32);
    Node *normed = block.a->call->in[0];
    pass_autocast(block.g, DTYPE_BF16);
    REQUIRE_OK(graph_error(block.g));
    CHECK(block.a->call->in[0] == normed && block.b->call->in[0] == normed);
    CHECK_EQUAL(normed->dtype, DTYPE_BF16);
    CHECK_EQUAL(node_sibling(normed, 1)->dtype, DTYPE_F32);  /* the mean */
    CHECK_EQUAL(normed->call->in[0]->dtype, DTYPE_F32);
    CHECK_EQUAL(count_casts(block.g), 0);
    block_close(&block);
}

/* A block's results with the norm rounding its output itself, or with a cast behind it, for somebody else reads the norm, too. */
static bool rounded_run(Block *block, bool is_read)
{
    block_record(block, DTYPE_F32);
    if (is_read)
        graph_output(block->g, "normed", block->a->call->in[0]);
    pass_autocast(block->g, DTYPE_BF16);
    return block_run(block, BACKEND_CPU);
}

/* Goal: who rounds shows in no bit of loss and gradients. */
TEST(autocast, a_norm_rounds_to_the_bits_of_a_cast)
{
    Block alone, read;
    REQUIRE(rounded_run(&alone, false) && rounded_run(&read, true));
    CHECK_EQUAL(count_casts(read.g) - count_casts(alone.g), 2);  /* one of them of the gradient */
    CHECK(tensor_get(program_output(alone.program, "loss"), 0) == tensor_get(program_output(read.program, "loss"), 0));
    for (int i = 0; i < N_PARAMS; i++) {
        Tensor a = store_param_tensor(alone.store, i, "grad"), b = store_param_tensor(read.store, i, "grad");
        CHECK(memcmp(a.data, b.data, tensor_bytes(&a)) == 0);
    }
    block_close(&alone);
    block_close(&read);
}

/* Goal: bf16 gradients arrive in the f32 gradients of the master weights. Method: against the same block in f64; a gradient passes some
 * ten bf16 roundings, 2^-8 each, against the largest of its array. */
TEST(autocast, gradients_reach_the_masters)
{
    Block narrow, exact;
    block_record(&narrow, DTYPE_F32);
    pass_autocast(narrow.g, DTYPE_BF16);
    block_record(&exact, DTYPE_F64);
    REQUIRE(block_run(&narrow, BACKEND_CPU) && block_run(&exact, BACKEND_REFERENCE));
    for (int i = 0; i < N_PARAMS; i++) {
        Tensor got = store_param_tensor(narrow.store, i, "grad"), want = store_param_tensor(exact.store, i, "grad");
        double largest = 0.0, worst = 0.0;
        for (int64_t j = 0; j < tensor_count(&want); j++) {
            largest = fmax(largest, fabs(tensor_get(&want, j)));
            worst = fmax(worst, fabs(tensor_get(&got, j) - tensor_get(&want, j)));
        }
        test_note("%s: error %.2g of the largest gradient", param_names[i], worst / largest);
        CHECK(largest > 0.1 && worst <= 10 * 0x1p-8 * largest);
        CHECK_EQUAL(got.dtype, DTYPE_F32);
    }
    block_close(&narrow);
    block_close(&exact);
}
