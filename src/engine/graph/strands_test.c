/* strands_test.c - operators of its own: row by row, summing, of sequences; some of their calls dawdle. */
#include "base/parallel.h"
#include "base/test.h"
#include "engine/graph/op_info.h"
#include "engine/graph/program.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LEAF = 4, N_LEAVES = 12, N_TOKENS = LEAF * N_LEAVES, N_ROUNDS = 8, SUM_WIDTH = 3 };

static atomic_int n_kernels;  /* run since set to zero */

/* Now these, now those strands are late. */
static void dawdle(const KernelCall *call)
{
    int n = atomic_fetch_add(&n_kernels, 1);
    if ((n * 7 + call->first_row) % 5 == 0)
        usleep(300);
}

/* y [n, width]: each number made of the row's first and last; the workspace holds a row. */
static void spread_infer(Infer *infer)
{
    infer_like(infer, 0, 0);
    infer->out[0].shape.dim[1] = *(const int64_t *)infer->attr;
    infer->workspace_bytes = sizeof(double) * (size_t)infer->out[0].shape.dim[1];
}

static void spread_kernel(const KernelCall *call)
{
    const Tensor *x = &call->in[0], *y = &call->out[0];
    int64_t width = tensor_dim(x, 1), to = tensor_dim(y, 1);
    double *row = call->workspace;
    dawdle(call);
    for (int64_t n = 0; n < tensor_dim(x, 0); n++) {
        for (int64_t i = 0; i < to; i++)
            row[i] = 0.5 * tensor_get(x, n * width) + 0.25 * tensor_get(x, n * width + width - 1) + (double)i;
        for (int64_t i = 0; i < to; i++)
            tensor_set(y, n * to + i, row[i]);
    }
}

static const OpInfo op_spread = {.name = "spread", .axes = "nc->nd", .flags = OP_PURE | OP_ROWS, .infer = spread_infer,
                                 .reference = spread_kernel, .cpu = OP_KERNEL_AT_ALL_LEVELS(spread_kernel)};

/* total = 0.5 total + the sum of a leaf, leaf after leaf: every exchange would show. Output 1, where a second is asked for, is x, row by row. */
static void gather_infer(Infer *infer)
{
    infer_like(infer, 0, 0);
    infer->out[0].alias = 0;
    infer->out[0].writes = true;
    infer->n_out = (int)*(const int64_t *)infer->attr;
    infer_like(infer, 1, 1);
    infer->workspace_bytes = sizeof(double) * N_LEAVES * SUM_WIDTH;
}

static void gather_kernel(const KernelCall *call)
{
    const Tensor *x = &call->in[1], *total = &call->out[0];
    int64_t width = tensor_dim(x, 1);
    double *sum = call->workspace;
    for (int64_t n = 0; n < tensor_dim(x, 0); n += LEAF)
        for (int64_t i = 0; i < SUM_WIDTH; i++, sum++) {
            if (call->part != LEAVES_ADDED) {
                *sum = 0;
                for (int64_t k = n; k < n + LEAF && k < tensor_dim(x, 0); k++)
                    *sum += tensor_get(x, k * width + i % width);
            }
            if (call->part != LEAVES_MADE)
                tensor_set(total, i, 0.5 * tensor_get(total, i) + *sum);
        }
    if (call->part == LEAVES_ADDED)
        return;
    dawdle(call);
    for (int64_t i = 0; call->n_out > 1 && i < tensor_count(x); i++)
        tensor_set(&call->out[1], i, tensor_get(x, i));
}

static const OpInfo op_gather = {.name = "gather", .axes = "s,nc->s,nc", .flags = OP_WRITES_STATE | OP_LEAVES, .infer = gather_infer,
                                 .reference = gather_kernel, .cpu = OP_KERNEL_AT_ALL_LEVELS(gather_kernel)};

static const OpInfo op_gather_apart = {.name = "gather_apart", .axes = "s,nc->s,nc", .flags = OP_WRITES_STATE | OP_LEAVES | OP_LEAVES_APART,
                                       .infer = gather_infer, .reference = gather_kernel, .cpu = OP_KERNEL_AT_ALL_LEVELS(gather_kernel)};

/* The same, late where a table says so. The attribute is a LateAttr. */
typedef struct {
    int64_t n_out, index;
} LateAttr;

static void late_kernel(const KernelCall *call)
{
    static const struct {
        int64_t strand, index;
        int milliseconds;
    } late[] = {{0, 0, 5}, {1, 8, 40}, {0, 6, 120}};
    const int64_t strand = call->first_row / (N_TOKENS / 3), index = ((const LateAttr *)call->attr)->index;
    for (size_t i = 0; i < sizeof late / sizeof *late && call->part != LEAVES_ADDED; i++)
        if (late[i].strand == strand && late[i].index == index)
            usleep(1000 * (useconds_t)late[i].milliseconds);
    gather_kernel(call);
}

static const OpInfo op_late = {.name = "late", .axes = "s,nc->s,nc", .flags = OP_WRITES_STATE | OP_LEAVES | OP_LEAVES_APART, .infer = gather_infer,
                               .reference = late_kernel, .cpu = OP_KERNEL_AT_ALL_LEVELS(late_kernel)};

/* Each row becomes the first of its sequence, which ids [n] tells by its number. */
static void first_infer(Infer *infer)
{
    infer_like(infer, 0, 0);
}

static void first_kernel(const KernelCall *call)
{
    const Tensor *x = &call->in[0];
    int64_t width = tensor_dim(x, 1);
    const int32_t *first = call->in[1].data;
    dawdle(call);
    for (int64_t n = 0; n < tensor_dim(x, 0); n++)
        for (int64_t i = 0; i < width; i++)
            tensor_set(&call->out[0], n * width + i, tensor_get(x, (first[n] - call->first_row) * width + i) + tensor_get(x, n * width + i));
}

static bool first_parts_at(const KernelCall *call, int64_t row)
{
    return ((const int32_t *)call->in[1].data)[row] == row;
}

static const OpInfo op_first = {.name = "first", .axes = "N~c,n~->n~c", .flags = OP_PURE | OP_ROWS, .infer = first_infer, .parts_at = first_parts_at,
                                .reference = first_kernel, .cpu = OP_KERNEL_AT_ALL_LEVELS(first_kernel)};

typedef struct {
    Store *store;
    Graph *g;
    Program *program;
} Chain;

static Node *spread(Graph *g, Node *x, int64_t width)
{
    return graph_call(g, &op_spread, &x, 1, &width, sizeof width);
}

/* To total `index`. */
static Node *gather(Graph *g, int index, Node *x, int64_t n_out)
{
    char name[16];
    snprintf(name, sizeof name, "total%d", index);
    Node *sum = graph_call(g, index % 4 < 2 ? &op_gather : &op_gather_apart, (Node *[]){graph_param(g, name), x}, 2, &n_out, sizeof n_out);
    return n_out > 1 ? node_sibling(sum, 1) : x;
}

/* Rows grow wide and narrow, so that buffers of other widths lie where narrow ones lay; sums in between, with rows to go on from and without. One total
 * is added to twice: a group cannot hold both. */
static void record_chain(Graph *g, Node *x, Node *first)
{
    static const int64_t widths[] = {40, 3, 17, 64};
    for (int i = 0; i < N_ROUNDS; i++) {
        x = spread(g, x, widths[i % 4]);
        gather(g, i < N_ROUNDS - 1 ? 3 * i : 3 * i - 1, x, 1);
        gather(g, 3 * i + 1, x, 1);
        x = gather(g, 3 * i + 2, spread(g, x, widths[(i + 1) % 4]), 2);
        x = i % 2 ? graph_call(g, &op_first, (Node *[]){x, first}, 2, NULL, 0) : spread(g, x, 2);
    }
    graph_output(g, "y", x);
}

/* Sums alone. */
static void record_late(Graph *g, Node *x, Node *first)
{
    (void)first;
    for (int64_t i = 0; i < 3 * N_ROUNDS; i++) {
        char name[16];
        snprintf(name, sizeof name, "total%d", (int)i);
        graph_call(g, &op_late, (Node *[]){graph_param(g, name), x}, 2, &(LateAttr){1, i}, sizeof(LateAttr));
    }
    graph_output(g, "y", spread(g, x, 2));
}

static bool chain_open(Chain *c, bool in_strands, void (*record)(Graph *g, Node *x, Node *first))
{
    *c = (Chain){.store = store_new()};
    store_add_bucket(c->store, &(BucketSpec){.name = "all", .dtype = DTYPE_F32});
    for (int i = 0; i < 3 * N_ROUNDS; i++) {
        char name[16];
        snprintf(name, sizeof name, "total%d", i);
        store_add_param(c->store, 0, name, shape_1(SUM_WIDTH));
    }
    Graph *g = c->g = graph_new(c->store);
    graph_set_grad_leaf(g, LEAF);
    graph_set_strands(g, in_strands);
    int bound = graph_bound(g, "n", N_TOKENS);
    Node *first = graph_input(g, "first", DTYPE_I32, shape_1(N_TOKENS), bound);
    Node *x = graph_input(g, "x", DTYPE_F32, shape_2(N_TOKENS, 5), bound);
    record(g, x, first);
    return CHECK_OK(graph_compile(&c->program, g, &(CompileOptions){BACKEND_CPU})) && CHECK_OK(store_allocate(c->store)) &&
           CHECK_OK(program_bind(c->program));
}

static void chain_close(Chain *c)
{
    program_free(c->program);
    graph_free(c->g);
    store_free(c->store);
}

/* Runs n tokens in sequences of so many. */
static void chain_run(Chain *c, int64_t n, int64_t sequence, int n_threads)
{
    int before = parallel_threads();
    program_set_bound(c->program, "n", n);
    Tensor *x = program_input(c->program, "x"), total = store_state_tensor(c->store, 0);
    for (int64_t i = 0; i < tensor_count(x); i++)
        tensor_set(x, i, (double)(i * 37 % 101));
    for (int64_t i = 0; i < n; i++)
        ((int32_t *)program_input(c->program, "first")->data)[i] = (int32_t)(i - i % sequence);
    memset(total.data, 0, (size_t)(tensor_count(&total) * 4));
    atomic_store(&n_kernels, 0);
    parallel_set_threads(n_threads);
    program_run_all(c->program);
    parallel_set_threads(before);
}

static bool chain_equals(const Chain *a, const Chain *b)
{
    Tensor of_a = store_state_tensor(a->store, 0), of_b = store_state_tensor(b->store, 0);
    const Tensor *y_a = program_output(a->program, "y"), *y_b = program_output(b->program, "y");
    return memcmp(of_a.data, of_b.data, (size_t)(tensor_count(&of_a) * 4)) == 0 &&
           memcmp(y_a->data, y_b->data, (size_t)(tensor_count(y_a) * 4)) == 0;
}

/* Goal: calls that are run strand by strand, however late one is, make the bits of calls run one after the other, in as many strands as there are threads
 * if that shares leaves out evenly and no sequence is cut. Method: kernels counted; lengths and sequences that fit and that do not. */
TEST(strands, a_group_of_calls_has_the_bits_of_its_calls)
{
    static const struct {
        int64_t n, sequence;
        int n_threads, n_strands;
    } cases[] = {{N_TOKENS, LEAF, 1, 1},     {N_TOKENS, LEAF, 2, 2},     {N_TOKENS, LEAF, 3, 3},         {N_TOKENS, LEAF, 4, 4}, {N_TOKENS, LEAF, 5, 1},
                 {N_TOKENS, 2 * LEAF, 2, 2}, {N_TOKENS, 3 * LEAF, 3, 1}, {N_TOKENS, 4 * LEAF, 3, 3},     {N_TOKENS, N_TOKENS, 2, 1},
                 {5 * LEAF, LEAF, 2, 1},     {8 * LEAF, LEAF, 2, 2},     {N_TOKENS - 1, 2 * LEAF, 2, 2}, {1, LEAF, 2, 1}};
    Chain plain, chain;
    REQUIRE(chain_open(&plain, false, record_chain) && chain_open(&chain, true, record_chain));
    CHECK(program_plan(chain.program)->slab_bytes > program_plan(plain.program)->slab_bytes);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int repeat = 0; repeat < 3; repeat++) {
            chain_run(&plain, cases[i].n, cases[i].sequence, 1);
            int n_calls = atomic_load(&n_kernels);
            chain_run(&chain, cases[i].n, cases[i].sequence, cases[i].n_threads);
            CHECK_EQUAL(atomic_load(&n_kernels), n_calls * cases[i].n_strands);
            CHECK(chain_equals(&plain, &chain));
        }
    chain_close(&plain);
    chain_close(&chain);
}

/* Goal: strands that wait for each other's sums come to an end in any order of being late. Here strand 0 stays at call 6 while strand 1, which has added the
 * sums before it, is 16 calls ahead of what strand 2 has told: strand 2 must tell of each sum before it waits for the next. Method: an alarm ends a hang. */
TEST(strands, late_sums_are_told_one_by_one)
{
    Chain plain, chain;
    REQUIRE(chain_open(&plain, false, record_late) && chain_open(&chain, true, record_late));
    alarm(60);
    for (int repeat = 0; repeat < 3; repeat++) {
        chain_run(&plain, N_TOKENS, LEAF, 1);
        chain_run(&chain, N_TOKENS, LEAF, 3);
        CHECK(chain_equals(&plain, &chain));
    }
    alarm(0);
    chain_close(&plain);
    chain_close(&chain);
}
