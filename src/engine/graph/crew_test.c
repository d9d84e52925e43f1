/* crew_test.c - operators of its own: shared, copied, for one thread, by heads; some of their calls dawdle. */
#include "base/parallel.h"
#include "base/test.h"
#include "engine/graph/op_info.h"
#include "engine/graph/program.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { N_TOKENS = 4, WIDTH = 12, N_HEADS = 3, N_ROUNDS = 6 };

static atomic_int n_kernels, n_asked;  /* run, and asked what they read, since set to zero */
static const void *place[8];           /* where each thread had the last small value */

/* Now these, now those threads are late. */
static void dawdle(void)
{
    if (atomic_fetch_add(&n_kernels, 1) * 7 % 5 == 0)
        usleep(200);
}

static int64_t begin_of(const KernelCall *call, int64_t n, int more)
{
    return call->n_shares > 0 ? n * (call->share + more) / call->n_shares : more * n;
}

static void like_x(Infer *infer)
{
    infer_like(infer, 0, 0);
}

/* Numbers [begin, end) of each row of y: of the whole row of x. */
static void mix(const KernelCall *call, int64_t begin, int64_t end)
{
    const Tensor *x = &call->in[0], *y = &call->out[0];
    dawdle();
    for (int64_t n = 0; n < tensor_dim(x, 0); n++)
        for (int64_t i = begin; i < end; i++) {
            double sum = 0.5 * tensor_get(x, n * WIDTH + i);
            for (int64_t k = 0; k < WIDTH; k++)
                sum += 0.01 * (double)((i + 2 * k) % 7) * tensor_get(x, n * WIDTH + k);
            tensor_set(y, n * WIDTH + i, sum);
        }
}

static void product_kernel(const KernelCall *call)
{
    mix(call, begin_of(call, WIDTH, 0), begin_of(call, WIDTH, 1));
}

static void whole_kernel(const KernelCall *call)
{
    mix(call, 0, WIDTH);
}

static void small_kernel(const KernelCall *call)
{
    place[parallel_thread_index()] = call->out[0].data;
    mix(call, 0, WIDTH);
}

/* As much workspace as makes it no call to be copied. */
static void one_kernel(const KernelCall *call)
{
    memset(call->workspace, 1, 64);
    mix(call, 0, WIDTH);
}

static void product_cost(const Call *call, Cost *cost)
{
    (void)call;
    cost->matmul_flops += 2.0 * WIDTH * WIDTH;
}

static bool always(const Call *call)
{
    (void)call;
    return true;
}

/* The input, which is memory as good as any. */
static const void *reads_x(const KernelCall *call, int64_t *n_bytes)
{
    CHECK(call->share >= 0 && call->share < call->n_shares);
    atomic_fetch_add(&n_asked, 1);
    *n_bytes = WIDTH * 4;
    return call->in[0].data;
}

static void workspace_infer(Infer *infer)
{
    infer_like(infer, 0, 0);
    infer->workspace_bytes = 64;
}

/* Heads [begin, end) of a state [heads, width] become half of what they are, and x. */
static void keep_infer(Infer *infer)
{
    infer_like(infer, 0, 0);
    infer->out[0].alias = 0;
    infer->out[0].writes = true;
}

static void keep_kernel(const KernelCall *call)
{
    const Tensor *x = &call->in[1], *state = &call->out[0];
    dawdle();
    for (int64_t h = begin_of(call, N_HEADS, 0); h < begin_of(call, N_HEADS, 1); h++)
        for (int64_t i = 0; i < WIDTH; i++)
            tensor_set(state, h * WIDTH + i, 0.5 * tensor_get(state, h * WIDTH + i) + tensor_get(x, i) + (double)h);
}

/* A head's part of each row of x, and what the state has of that head. */
static void recall_kernel(const KernelCall *call)
{
    const Tensor *x = &call->in[0], *state = &call->in[1], *y = &call->out[0];
    const int64_t width = WIDTH / N_HEADS;
    dawdle();
    for (int64_t h = begin_of(call, N_HEADS, 0); h < begin_of(call, N_HEADS, 1); h++)
        for (int64_t n = 0; n < tensor_dim(x, 0); n++)
            for (int64_t i = h * width; i < (h + 1) * width; i++) {
                double sum = tensor_get(x, n * WIDTH + i);
                for (int64_t k = 0; k < WIDTH; k++)
                    sum += 0.1 * tensor_get(state, h * WIDTH + k);
                tensor_set(y, n * WIDTH + i, sum);
            }
}

#define OP(kernel_, ...) .reference = kernel_, .cpu = OP_KERNEL_AT_ALL_LEVELS(kernel_), __VA_ARGS__
static const OpInfo op_product = {OP(product_kernel, .name = "product", .axes = "nc->nc", .flags = OP_PURE, .infer = like_x, .cost = product_cost,
                                     .shares = always, .share_reads = reads_x)};
static const OpInfo op_lonely = {OP(whole_kernel, .name = "lonely", .axes = "nc->nc", .flags = OP_PURE, .infer = like_x, .cost = product_cost)};
static const OpInfo op_small = {OP(small_kernel, .name = "small", .axes = "nc->nc", .flags = OP_PURE, .infer = like_x)};
static const OpInfo op_one = {OP(one_kernel, .name = "one", .axes = "nc->nc", .flags = OP_PURE, .infer = workspace_infer)};
static const OpInfo op_keep = {OP(keep_kernel, .name = "keep", .axes = "hc,nc->hc", .flags = OP_WRITES_STATE | OP_HEADS, .infer = keep_infer, .shares = always)};
static const OpInfo op_keep_alone = {OP(keep_kernel, .name = "keep_alone", .axes = "hc,nc->hc", .flags = OP_WRITES_STATE, .infer = keep_infer)};
static const OpInfo op_recall = {OP(recall_kernel, .name = "recall", .axes = "nc,hc->nc", .flags = OP_PURE | OP_HEADS, .infer = like_x, .shares = always)};
static const OpInfo op_recall_small = {OP(recall_kernel, .name = "recall_small", .axes = "nc,hc->nc", .flags = OP_PURE, .infer = like_x)};

typedef struct {
    Store *store;
    Graph *g;
    Program *program;
} Line;

static Node *then(Graph *g, const OpInfo *op, Node *x)
{
    return graph_call(g, op, &x, 1, NULL, 0);
}

/* Each kind of call after each other: values that two threads are at, states that are written while another thread may read them. */
static bool line_open(Line *l, const OpInfo *last)
{
    *l = (Line){.store = store_new()};
    store_add_bucket(l->store, &(BucketSpec){.name = "all", .dtype = DTYPE_F32});
    store_add_param(l->store, 0, "heads", shape_2(N_HEADS, WIDTH));
    store_add_param(l->store, 0, "other", shape_2(N_HEADS, WIDTH));
    Graph *g = l->g = graph_new(l->store);
    int bound = graph_bound(g, "n", N_TOKENS);
    Node *x = graph_input(g, "x", DTYPE_F32, shape_2(N_TOKENS, WIDTH), bound), *heads = graph_param(g, "heads"), *other = graph_param(g, "other");
    for (int i = 0; i < N_ROUNDS; i++) {
        x = then(g, &op_product, then(g, &op_small, then(g, &op_small, x)));
        heads = graph_call(g, &op_keep, (Node *[]){heads, x}, 2, NULL, 0);
        x = graph_call(g, &op_recall, (Node *[]){x, heads}, 2, NULL, 0);
        x = then(g, &op_product, then(g, &op_product, x));
        x = then(g, i % 2 ? &op_one : &op_small, x);
        x = then(g, &op_one, then(g, &op_one, x));
        other = graph_call(g, &op_keep_alone, (Node *[]){other, x}, 2, NULL, 0);
        x = graph_call(g, &op_recall_small, (Node *[]){x, other}, 2, NULL, 0);
        other = graph_call(g, &op_keep_alone, (Node *[]){other, x}, 2, NULL, 0);
    }
    graph_output(g, "y", then(g, last, x));
    return CHECK_OK(graph_compile(&l->program, g, &(CompileOptions){BACKEND_CPU})) && CHECK_OK(store_allocate(l->store)) &&
           CHECK_OK(program_bind(l->program));
}

static void line_close(Line *l)
{
    program_free(l->program);
    graph_free(l->g);
    store_free(l->store);
}

/* Runs n tokens; *hash: of what came out and what the states hold. Returns how many kernels were called. */
static int line_run(Line *l, int64_t n, int n_threads, double *sum)
{
    int before = parallel_threads();
    Tensor *x = program_input(l->program, "x"), state = store_state_tensor(l->store, 0);
    program_set_bound(l->program, "n", n);
    for (int64_t i = 0; i < N_TOKENS * WIDTH; i++)
        ((float *)x->data)[i] = (float)(i * 37 % 101);
    memset(state.data, 0, (size_t)(tensor_count(&state) * 4));
    atomic_store(&n_kernels, 0);
    atomic_store(&n_asked, 0);
    parallel_set_threads(n_threads);
    program_run_all(l->program);
    parallel_set_threads(before);
    const Tensor *y = program_output(l->program, "y");
    *sum = 0;
    for (int64_t i = 0; i < n * WIDTH; i++)
        *sum = 0.9 * *sum + tensor_get(y, i);
    for (int64_t i = 0; i < tensor_count(&state); i++)
        *sum = 0.9 * *sum + tensor_get(&state, i);
    return atomic_load(&n_kernels);
}

enum { SHARED = 5 * N_ROUNDS, COPIED = 3 * N_ROUNDS + N_ROUNDS / 2, ALONE = 4 * N_ROUNDS + N_ROUNDS / 2 };  /* and one product at the end */

/* Goal: one token by a crew, however late a thread is, has the numbers of calls one after the other; each thread makes its share of what is shared, all of what
 * is small, and one thread the rest; who waits before a product asks what it reads. Method: kernels are counted; two tokens, and one thread, have no crew. */
TEST(crew, one_token_has_the_bits_of_its_calls)
{
    Line l;
    REQUIRE(line_open(&l, &op_product));
    for (int repeat = 0; repeat < 4; repeat++)
        for (int n = 1; n <= 2; n++) {
            double want, sum;
            const int n_calls = line_run(&l, n, 1, &want);
            CHECK_EQUAL(n_calls, SHARED + 1 + COPIED + ALONE);
            for (int n_threads = 2; n_threads <= 5; n_threads++) {
                CHECK_EQUAL(line_run(&l, n, n_threads, &sum), n > 1 ? n_calls : n_threads * (SHARED + 1 + COPIED) + ALONE);
                CHECK(sum == want);
                CHECK((atomic_load(&n_asked) > 0) == (n == 1));
                for (int i = 1; i < n_threads && n == 1; i++)
                    CHECK((const char *)place[i] - (const char *)place[i - 1] >= WIDTH * 4);
            }
        }
    line_close(&l);
}

/* Goal: where a product cannot be shared, all threads go call by call: a crew would leave it to one. */
TEST(crew, leaves_a_product_that_cannot_be_shared_to_all)
{
    Line l;
    double want, sum;
    REQUIRE(line_open(&l, &op_lonely));
    const int n_calls = line_run(&l, 1, 1, &want);
    CHECK_EQUAL(line_run(&l, 1, 3, &sum), n_calls);
    CHECK(sum == want);
    line_close(&l);
}

static void hear(void *context, const CallTiming *timing)
{
    double *at = context;
    CHECK(timing->seconds >= 0 && timing->start >= at[1]);
    at[0]++;
    at[1] = timing->start + 0.5 * timing->seconds;
}

/* Goal: who listens hears every call of a crew once, in order, each from where it begins to where the next one does. */
TEST(crew, tells_what_each_call_takes)
{
    Line l;
    double sum, at[2] = {0};
    REQUIRE(line_open(&l, &op_product));
    program_listen(l.program, hear, at);
    line_run(&l, 1, 3, &sum);
    CHECK(at[0] == SHARED + 1 + COPIED + ALONE);
    line_close(&l);
}
