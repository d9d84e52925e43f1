/* The engine is tested with operators of its own: it knows none by name. */
#include "base/test.h"
#include "engine/graph/memory_plan.h"
#include "engine/graph/op_info.h"
#include "engine/graph/program.h"

static void like_first(Infer *infer)
{
    infer_like(infer, 0, 0);
}

static void plus_kernel(const KernelCall *call)
{
    for (int64_t i = 0; i < tensor_count(&call->out[0]); i++)
        tensor_set(&call->out[0], i, tensor_get(&call->in[0], i) + tensor_get(&call->in[1], i));
}

static const OpInfo op_plus = {.name = "plus", .axes = "n,n->n", .flags = OP_PURE, .infer = like_first,
                               .reference = plus_kernel, .cpu = OP_KERNEL_AT_ALL_LEVELS(plus_kernel)};

static Node *plus(Graph *g, Node *a, Node *b)
{
    return graph_call(g, &op_plus, (Node *[]){a, b}, 2, NULL, 0);
}

static void into_infer(Infer *infer)
{
    infer_like(infer, 0, 0);
    infer->out[0].alias = 0;
    infer->out[0].writes = true;
    infer->workspace_bytes = 1000;
}

static void into_kernel(const KernelCall *call)
{
    memset(call->workspace, 0xff, 1000);
    plus_kernel(&(KernelCall){.in = call->in, .n_in = 2, .out = call->out, .n_out = 1});
}

static const OpInfo op_into = {.name = "into", .axes = "n,n->n", .flags = OP_WRITES_STATE, .infer = into_infer,
                               .reference = into_kernel, .cpu = OP_KERNEL_AT_ALL_LEVELS(into_kernel)};

static Node *into(Graph *g, Node *state, Node *x)
{
    return graph_call(g, &op_into, (Node *[]){state, x}, 2, NULL, 0);
}

static void half_infer(Infer *infer)
{
    const Node *x = infer->in[0];
    infer->n_out = 2;
    for (int o = 0; o < 2; o++) {
        infer_like(infer, o, 0);
        infer->out[o].alias = 0;
        infer->out[o].shape.dim[1] /= 2;
        infer->out[o].offset = o * infer->out[o].shape.dim[1];
        infer->out[o].stride[0] = x->stride[0];
        infer->out[o].stride[1] = 1;
    }
}

static const OpInfo op_halves = {.name = "halves", .axes = "nc->nc", .flags = OP_VIEW, .infer = half_infer};

static const CompileOptions on_cpu = {BACKEND_CPU};

static void set_all(Tensor *tensor, double first, double step)
{
    for (int64_t i = 0; i < tensor_count(tensor); i++)
        tensor_set(tensor, i, first + step * (double)i);
}

/* Goal: values, windows, dead calls and live sizes come out right. Method: (x + x) cut in halves and added, at two sizes. */
TEST(graph, a_program_computes_windows_and_follows_its_bound)
{
    Store *store = store_new();
    Graph *g = graph_new(store);
    Node *x = graph_input(g, "x", DTYPE_F32, shape_2(5, 4), graph_bound(g, "n", 5));
    Node *twice = plus(g, x, x);
    plus(g, twice, twice);  /* dead */
    Node *left = graph_call(g, &op_halves, &twice, 1, NULL, 0);
    Node *y = plus(g, left, node_sibling(left, 1));
    graph_output(g, "y", y);
    Program *p;
    REQUIRE_OK(graph_compile(&p, g, &on_cpu));
    CHECK_EQUAL(program_plan(p)->n_calls, 3);
    REQUIRE_OK(program_bind(p));
    set_all(program_input(p, "x"), 1, 1);
    program_run_all(p);
    const Tensor *out = program_output(p, "y");
    CHECK_EQUAL(tensor_count(out), 10);
    CHECK_CLOSE(tensor_get(out, 3), 2 * (6 + 8), 0);  /* row 1: 5 6 7 8 */
    program_set_bound(p, "n", 2);
    tensor_set(program_input(p, "x"), 0, 10);
    program_run_all(p);
    CHECK_EQUAL(tensor_count(out), 4);
    CHECK_CLOSE(tensor_get(out, 0), 2 * (10 + 3), 0);
    program_free(p);
    graph_free(g);
    store_free(store);
}

/* Goal: state is read and written in the order of recording, also when the last value is not used by anybody. */
TEST(graph, state_is_written_in_the_order_of_recording)
{
    Store *store = store_new();
    int bucket = store_add_bucket(store, &(BucketSpec){"all", DTYPE_F32, true, true});
    store_add_param(store, bucket, "w", shape_1(3));
    store_add_param(store, bucket, "v", shape_1(2));
    CHECK_EQUAL(store_param(store, 1)->offset, 32);
    Graph *g = graph_new(store);
    Node *w = graph_param(g, "w");
    CHECK(graph_param(g, "w") == w);
    Node *before = plus(g, w, w);
    Node *after = into(g, w, before);
    into(g, w, w);
    graph_output(g, "before", before);
    CHECK_EQUAL(node_state_root(after), node_state_root(w));
    Program *p;
    REQUIRE_OK(graph_compile(&p, g, &on_cpu));
    REQUIRE_OK(store_allocate(store));
    REQUIRE_OK(program_bind(p));
    Tensor values = store_param_tensor(store, 0, NULL);
    set_all(&values, 1, 1);
    program_run_all(p);
    CHECK_CLOSE(tensor_get(program_output(p, "before"), 2), 6, 0);
    CHECK_CLOSE(tensor_get(&values, 2), 18, 0);  /* (3 + 6) doubled */
    CHECK_EQUAL(program_plan(p)->workspace_bytes, 1000);
    program_free(p);
    graph_free(g);
    store_free(store);
}

/* Goal: a value that a later call computes anyway replaces the forward one for all readers, moves them to its segment, and drops the first call. */
TEST(graph, a_superseded_call_is_dropped_and_its_readers_wait)
{
    Store *store = store_new();
    Graph *g = graph_new(store);
    Node *x = graph_input(g, "x", DTYPE_F32, shape_1(2), 0);
    Node *loss = plus(g, x, x);
    Node *report = plus(g, loss, x);
    graph_output(g, "report", report);
    graph_output(g, "loss", loss);
    graph_set_segment(g, SEGMENT_BACKWARD);
    Node *better = plus(g, plus(g, x, x), x);
    graph_supersede(g, loss, better);
    Program *p;
    REQUIRE_OK(graph_compile(&p, g, &on_cpu));
    CHECK_EQUAL(program_plan(p)->n_calls, 3);
    CHECK_CLOSE(program_plan(p)->cost[SEGMENT_FORWARD].bytes_read, 0, 0);
    REQUIRE_OK(program_bind(p));
    set_all(program_input(p, "x"), 1, 1);
    program_run(p, SEGMENT_FORWARD);
    program_run(p, SEGMENT_BACKWARD);
    CHECK_CLOSE(tensor_get(program_output(p, "loss"), 1), 6, 0);
    CHECK_CLOSE(tensor_get(program_output(p, "report"), 1), 8, 0);
    program_free(p);
    graph_free(g);
    store_free(store);
}

TEST(graph, the_first_mistake_is_reported_by_name)
{
    Store *store = store_new();
    Graph *g = graph_new(store);
    graph_push_scope(g, "h.%d", 3);
    Node *w = graph_param(g, "missing.weight");
    Node *y = plus(g, w, w);
    CHECK(node_sibling(y, 0) == y);
    graph_pop_scope(g);
    graph_fail(g, "a second one");
    Program *p;
    CHECK_EQUAL(graph_compile(&p, g, &on_cpu), ERR_USAGE);
    CHECK_STRING(err_message(), "no parameter is called missing.weight");
    graph_free(g);
    store_free(store);
}

/* Goal: buffers that live at the same time never overlap, and the slab is no larger than their sum. Method: 400 random lives, all pairs. */
TEST(graph, planned_buffers_never_overlap_while_they_live)
{
    enum { N = 400 };
    Buffer buffers[N];
    uint64_t random = 88172645463325252ull;
    int64_t sum = 0;
    for (int i = 0; i < N; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        int first = (int)(random % 300);
        buffers[i] = (Buffer){.n_bytes = (int64_t)(random >> 20) % 5000, .first = first, .last = first + (int)(random >> 40) % 60};
        sum += (buffers[i].n_bytes + 63) / 64 * 64;
    }
    int64_t slab_bytes = memory_plan(buffers, N);
    CHECK(slab_bytes > 0 && slab_bytes < sum / 2);
    for (int i = 0; i < N; i++) {
        CHECK(buffers[i].offset % 64 == 0 && buffers[i].offset + buffers[i].n_bytes <= slab_bytes);
        for (int j = 0; j < i; j++) {
            bool together = buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last;
            bool apart = buffers[i].offset + buffers[i].n_bytes <= buffers[j].offset ||
                         buffers[j].offset + buffers[j].n_bytes <= buffers[i].offset;
            if (together && !apart)
                CHECK(!"two live buffers overlap");
        }
    }
}

/* Goal: a buffer lies where one of its size lay, as long as the slab is no larger for it. */
TEST(graph, buffers_of_one_size_share_a_place)
{
    /* The small one of call 3 fits below, into the place of the large one, but lies where a small one lay. */
    Buffer buffers[] = {{.n_bytes = 4096, .first = 0, .last = 1}, {.n_bytes = 1024, .first = 0, .last = 2}, {.n_bytes = 1024, .first = 3, .last = 4}};
    CHECK(memory_plan(buffers, 3) == 5120);
    CHECK(buffers[1].offset == 4096 && buffers[2].offset == 4096);
    /* Unless the slab grew for it, here to 3392: then all take the lowest places. */
    Buffer tight[] = {{.n_bytes = 1536}, {.n_bytes = 1024}, {.n_bytes = 768}, {.n_bytes = 1024, .first = 1, .last = 1},
                      {.n_bytes = 960, .first = 1, .last = 1}, {.n_bytes = 832, .first = 1, .last = 1}};
    CHECK(memory_plan(tight, 6) == 3328);
    CHECK(tight[3].offset == 0);
}
