/* fuse_test.c - what is joined, what is not, and that no bit changes. */
#include "engine/pass/fuse.h"

#include "base/cpu_level.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "base/test.h"
#include "engine/graph/op_info.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/op/packed_weight.h"
#include "engine/pass/autocast.h"
#include "engine/pass/differentiate.h"

enum { N_PARAMS = 7 };

typedef struct {
    int64_t n_tokens, width, d_ff;
    DType compute;
    WeightLayout layout;
    Backend backend;
    bool fuses, root_mean_square, wide_residual;
    int threads;
} Case;

typedef struct {
    Store *store;
    Graph *g;
    Program *program;
    int n_joined;
} Block;

static Shape weight_shape(const Case *c, int64_t in, int64_t out)
{
    return c->layout == WEIGHT_OUT_IN ? shape_2(out, in) : shape_2(in, out);
}

/* h + w_out(gelu(w_a norm(h))) + w_b norm(h) with h = w_in x: an activation whose input its gradient reads too, and two residuals. Backward, the
 * activation's gradient follows a linear, and so does the sum of what norm(h) receives; what h receives is the norm's gradient and the residual's. With a
 * wide residual h is x + w_in x, which is f32 also where products are bf16: then w_in receives that sum rounded. */
static void block_record(Block *block, const Case *c)
{
    static const char *const names[] = {"gain", "bias", "w_a", "b_a", "w_b", "w_out", "w_in"};
    int64_t C = c->width, F = c->d_ff;
    Shape shapes[N_PARAMS] = {shape_1(C), shape_1(C), weight_shape(c, C, F), shape_1(F), weight_shape(c, C, C), weight_shape(c, F, C),
                              weight_shape(c, C, C)};
    DType dtype = c->compute == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32;
    *block = (Block){.store = store_new()};
    store_add_bucket(block->store, &(BucketSpec){.name = "all", .dtype = dtype, .trainable = true});
    for (int i = 0; i < N_PARAMS; i++)
        store_add_param(block->store, 0, names[i], shapes[i]);
    Graph *g = block->g = graph_new(block->store);
    graph_set_fusion(g, c->fuses);
    graph_set_grad_leaf(g, 16);
    Node *p[N_PARAMS];
    for (int i = 0; i < N_PARAMS; i++)
        p[i] = graph_param(g, names[i]);
    Node *x = graph_input(g, "x", dtype, shape_2(c->n_tokens, C), graph_bound(g, "n_tokens", c->n_tokens));
    Node *h = linear(g, x, p[6], NULL, c->layout);
    h = c->wide_residual ? add(g, x, h) : h;
    Node *normed = c->root_mean_square ? rmsnorm(g, h, p[0], 1e-5, 0.0) : layernorm(g, h, p[0], p[1], 1e-5);
    Node *a = gelu_tanh(g, linear(g, normed, p[2], p[3], c->layout));
    Node *y = add(g, h, linear(g, a, p[5], NULL, c->layout));
    y = add(g, y, linear(g, normed, p[4], NULL, c->layout));
    Node *loss = sum(g, mul(g, y, y));
    graph_output(g, "y", y);
    graph_output(g, "loss", loss);
    if (c->compute == DTYPE_BF16)
        pass_autocast(g, DTYPE_BF16);
    pass_differentiate(g, loss);
    block->n_joined = pass_fuse(g);
}

static bool block_run(Block *block, const Case *c)
{
    block_record(block, c);
    if (!CHECK_OK(graph_compile(&block->program, block->g, &(CompileOptions){c->backend})) || !CHECK_OK(store_allocate(block->store)) ||
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
    for (int s = 0; c->compute == DTYPE_BF16 && s < store_n_states(block->store); s++) {  /* narrow copies of the weights */
        const char *name = store_state(block->store, s)->name, *colon = strchr(name, ':');
        char param[32] = "";
        if (!colon)
            continue;
        memcpy(param, name, (size_t)(colon - name));
        Tensor to = store_state_tensor(block->store, s), from = store_param_tensor(block->store, store_find_param(block->store, param), NULL);
        for (int64_t j = 0; j < tensor_count(&to); j++)
            tensor_set(&to, j, tensor_get(&from, j));
    }
    int before = parallel_threads();
    parallel_set_threads(c->threads);
    program_run(block->program, SEGMENT_FORWARD);
    program_run(block->program, SEGMENT_BACKWARD);
    parallel_set_threads(before);
    return true;
}

static void block_close(Block *block)
{
    program_free(block->program);
    graph_free(block->g);
    store_free(block->store);
}

static bool same_bytes(const Tensor *a, const Tensor *b)
{
    return a->dtype == b->dtype && memcmp(a->data, b->data, (size_t)(tensor_count(a) * dtype_bytes(a->dtype))) == 0;
}

static bool same_results(Block *a, Block *b)
{
    bool same = same_bytes(program_output(a->program, "y"), program_output(b->program, "y"));
    for (int i = 0; i < N_PARAMS; i++) {
        Tensor of_a = store_param_tensor(a->store, i, "grad"), of_b = store_param_tensor(b->store, i, "grad");
        same = same && same_bytes(&of_a, &of_b);
    }
    return same;
}

/* One case with the pass and without it. */
static void check_same_bits(Case c, int n_joined)
{
    Block plain, fused;
    Case apart = c;
    apart.threads = 1;
    c.fuses = true;
    if (!CHECK(block_run(&plain, &apart) && block_run(&fused, &c)))
        return;
    CHECK_EQUAL(plain.n_joined, 0);
    CHECK_EQUAL(fused.n_joined, n_joined);
    CHECK(same_results(&plain, &fused));
    const Tensor *y = program_output(plain.program, "y");
    CHECK(fabs(tensor_get(y, 0)) > 0);
    block_close(&plain);
    block_close(&fused);
}

/* Goal: joined calls give the bits of calls apart. Method: tokens and widths on both sides of every cut that products make, both layouts, any
 * number of threads. */
TEST(fuse, joined_calls_give_the_bits_of_calls_apart)
{
    const int64_t sizes[][3] = {{1, 24, 56}, {7, 33, 65}, {48, 64, 160}, {131, 96, 448}, {700, 32, 1000}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int layout = 0; layout < 2; layout++)
            for (int threads = 1; threads <= 3; threads++)
                check_same_bits((Case){.n_tokens = sizes[s][0], .width = sizes[s][1], .d_ff = sizes[s][2], .compute = DTYPE_F32, .threads = threads,
                                       .layout = layout ? WEIGHT_IN_OUT : WEIGHT_OUT_IN, .backend = BACKEND_CPU}, 6);
}

TEST(fuse, joined_calls_give_the_bits_of_calls_apart_in_bf16)
{
    for (int layout = 0; layout < 2; layout++)
        check_same_bits((Case){.n_tokens = 131, .width = 96, .d_ff = 448, .compute = DTYPE_BF16, .threads = 2,
                               .layout = layout ? WEIGHT_IN_OUT : WEIGHT_OUT_IN, .backend = BACKEND_CPU}, 6);
}

TEST(fuse, joined_calls_give_the_bits_of_calls_apart_on_the_reference)
{
    check_same_bits((Case){.n_tokens = 7, .width = 24, .d_ff = 56, .compute = DTYPE_F64, .threads = 1, .backend = BACKEND_REFERENCE}, 6);
}

static int count_calls(Graph *g, const char *op)
{
    int n = 0;
    for (int c = 0; c < graph_n_calls(g); c++)
        n += strcmp(graph_call_at(g, c)->op->name, op) == 0;
    return n;
}

/* Goal: an activation of f32 keeps its slope for its gradient; one of f64, whose slope would be an f64 too but whose gradient no fast kernel makes, does not. */
TEST(fuse, an_activation_keeps_its_slope)
{
    const DType dtypes[] = {DTYPE_F32, DTYPE_F64};
    for (int d = 0; d < 2; d++) {
        Store *store = store_new();
        store_add_bucket(store, &(BucketSpec){.name = "all", .dtype = dtypes[d], .trainable = true});
        store_add_param(store, 0, "x", shape_2(3, 5));
        Graph *g = graph_new(store);
        Node *loss = sum(g, gelu_tanh(g, graph_param(g, "x")));
        graph_output(g, "loss", loss);
        pass_differentiate(g, loss);
        int n_products = count_calls(g, "mul");
        pass_fuse(g);
        CHECK_EQUAL(count_calls(g, "gelu_tanh_slope"), d == 0);
        CHECK_EQUAL(count_calls(g, "mul"), n_products + (d == 0));
        CHECK_OK(graph_error(g));
        graph_free(g);
        store_free(store);
    }
}

/* Goal: the gradient of a norm joins the residual's as an addition apart would, in every dtype, for both norms. */
TEST(fuse, gradients_of_norms_join_residuals_with_the_bits_of_an_addition)
{
    const struct {
        DType dtype;
        Backend backend;
    } ways[] = {{DTYPE_F32, BACKEND_CPU}, {DTYPE_BF16, BACKEND_CPU}, {DTYPE_F32, BACKEND_REFERENCE}, {DTYPE_F64, BACKEND_REFERENCE}};
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
        for (int rms = 0; rms < 2; rms++)
            check_same_bits((Case){.n_tokens = ways[w].backend == BACKEND_CPU ? 391 : 5, .width = 72, .d_ff = 40, .compute = ways[w].dtype, .threads = 2,
                                   .root_mean_square = rms, .backend = ways[w].backend}, 6);
}

/* Goal: products get a residual's gradient rounded by the norm whose gradient made it, in the bits of a cast, for both norms. */
TEST(fuse, gradients_of_norms_are_rounded_for_products_with_the_bits_of_a_cast)
{
    for (int rms = 0; rms < 2; rms++)
        for (int reference = 0; reference < 2; reference++)
            check_same_bits((Case){.n_tokens = reference ? 5 : 391, .width = 72, .d_ff = 40, .compute = DTYPE_BF16, .threads = 2, .wide_residual = true,
                                   .root_mean_square = rms, .backend = reference ? BACKEND_REFERENCE : BACKEND_CPU}, 5);
}

/* What a linear makes cannot be kept beside a call that reads it twice over: y + gelu(y) would wait for itself. */
TEST(fuse, leaves_a_value_alone_that_reaches_its_reader_by_two_ways)
{
    Store *store = store_new();
    store_add_bucket(store, &(BucketSpec){.name = "all", .dtype = DTYPE_F32, .trainable = true});
    store_add_param(store, 0, "w", shape_2(8, 8));
    Graph *g = graph_new(store);
    Node *y = linear(g, graph_input(g, "x", DTYPE_F32, shape_2(4, 8), 0), graph_param(g, "w"), NULL, WEIGHT_OUT_IN);
    graph_output(g, "z", add(g, y, gelu_tanh(g, y)));
    graph_output(g, "twice", add(g, y, y));
    CHECK_EQUAL(pass_fuse(g), 1);  /* the activation, which keeps y */
    Program *program = NULL;
    CHECK_OK(graph_compile(&program, g, &(CompileOptions){BACKEND_CPU}));
    program_free(program);
    graph_free(g);
    store_free(store);
}

/* ---- packed weights ---- */

enum { PACKED_K = 96, PACKED_M = 400 /* whole lines; the last of seven panels ends early */, PACKED_ROWS = 139 };

typedef struct {
    Store *store;
    Graph *g;
    Program *program;
} PackedBlock;

/* z = x' + gelu(x W + b) W2 with x' = x cut to the outputs: two linears that something follows; a third is read twice, and stays apart. */
static bool packed_open(PackedBlock *b, PackedFormat format, Backend backend, bool fuses)
{
    const PackedSpec spec = {.n_in = PACKED_K, .n_out = PACKED_M, .format = (int32_t)format};
    *b = (PackedBlock){.store = store_new()};
    store_add_state(b->store, "w", STATE_OTHER, DTYPE_F32, shape_2(PACKED_M, PACKED_K));
    store_add_state(b->store, "packed", STATE_COPY, DTYPE_U8, shape_1(packed_bytes(&spec)));
    Graph *g = b->g = graph_new(b->store);
    graph_set_fusion(g, fuses);
    int bound = graph_bound(g, "n", PACKED_ROWS);
    Node *x = graph_input(g, "x", DTYPE_F32, shape_2(PACKED_ROWS, PACKED_K), bound), *bias = graph_input(g, "bias", DTYPE_F32, shape_1(PACKED_M), 0);
    Node *h = graph_input(g, "h", DTYPE_F32, shape_2(PACKED_ROWS, PACKED_M), bound), *packed = graph_state(g, "packed");
    graph_output(g, "active", gelu_tanh(g, linear_packed(g, x, packed, bias, &spec)));
    graph_output(g, "added", add(g, h, linear_packed(g, x, packed, NULL, &spec)));
    Node *twice = linear_packed(g, x, packed, bias, &spec);
    graph_output(g, "twice", add(g, gelu_tanh(g, twice), twice));
    CHECK_EQUAL(pass_fuse(g), fuses ? 2 : 0);
    if (!CHECK_OK(graph_compile(&b->program, g, &(CompileOptions){backend})) || !CHECK_OK(store_allocate(b->store)) || !CHECK_OK(program_bind(b->program)))
        return false;
    Tensor w = store_state_tensor(b->store, 0), *const inputs[] = {program_input(b->program, "x"), program_input(b->program, "bias"), program_input(b->program, "h"), &w};
    for (int t = 0; t < 4; t++)
        for (int64_t i = 0; i < tensor_count(inputs[t]); i++)
            tensor_set(inputs[t], i, (double)((i * 37 + t * 11) % 101 - 50) / 64.0);
    packed_fill(store_state_tensor(b->store, 1).data, &spec, &w, WEIGHT_OUT_IN);
    return true;
}

static void packed_run(PackedBlock *b, int64_t n_rows, int threads)
{
    int before = parallel_threads();
    parallel_set_threads(threads);
    program_set_bound(b->program, "n", n_rows);
    program_run_all(b->program);
    parallel_set_threads(before);
}

static void packed_close(PackedBlock *b)
{
    program_free(b->program);
    graph_free(b->g);
    store_free(b->store);
}

/* Goal: what follows a linear over a packed weight may join it, too. Method: rows on both sides of tiles and pieces of work, any number of threads. */
TEST(fuse, joined_calls_over_packed_weights_give_the_bits_of_calls_apart)
{
    static const char *const outputs[] = {"active", "added", "twice"};
    for (int format = PACKED_F32; format <= PACKED_INT8; format++)
        for (CpuLevel level = CPU_PORTABLE; level <= cpu_level_best() && format != PACKED_BF16; level++) {
            PackedBlock apart, joined;
            cpu_level_set(level);
            REQUIRE(packed_open(&apart, (PackedFormat)format, BACKEND_CPU, false) && packed_open(&joined, (PackedFormat)format, BACKEND_CPU, true));
            for (int64_t n = 1; n <= PACKED_ROWS; n = n == 1 ? 7 : n == 7 ? PACKED_ROWS : PACKED_ROWS + 1) {
                packed_run(&apart, n, 1);
                for (int threads = 1; threads <= 3; threads++) {
                    packed_run(&joined, n, threads);
                    for (int o = 0; o < 3; o++)
                        CHECK(same_bytes(program_output(apart.program, outputs[o]), program_output(joined.program, outputs[o])));
                }
            }
            packed_close(&apart);
            packed_close(&joined);
        }
    cpu_level_reset();
}

TEST(fuse, joined_calls_over_packed_weights_give_the_bits_of_calls_apart_on_the_reference)
{
    PackedBlock apart, joined;
    REQUIRE(packed_open(&apart, PACKED_INT8, BACKEND_REFERENCE, false) && packed_open(&joined, PACKED_INT8, BACKEND_REFERENCE, true));
    packed_run(&apart, 3, 1);
    packed_run(&joined, 3, 1);
    CHECK(same_bytes(program_output(apart.program, "active"), program_output(joined.program, "active")));
    CHECK(same_bytes(program_output(apart.program, "added"), program_output(joined.program, "added")));
    packed_close(&apart);
    packed_close(&joined);
}
