/* state_test.c - writes to states, on all kernels. */
#include "base/test.h"
#include "base/cpu_level.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"

enum { N = 20011 };

/* Goal: filling, adding and storing reach a state, each rounded once, in program order. */
static void check_states(Backend backend)
{
    Store *store = store_new();
    store_add_state(store, "f", STATE_OTHER, DTYPE_F32, shape_1(N));
    store_add_state(store, "h", STATE_OTHER, DTYPE_BF16, shape_1(N));
    store_add_state(store, "i", STATE_OTHER, DTYPE_I32, shape_1(N));
    Graph *g = graph_new(store);
    Node *x = graph_input(g, "x", DTYPE_F32, shape_1(N), 0);
    Node *f = state_fill(g, graph_state(g, "f"), 0.25);
    f = state_add(g, f, x);
    f = state_add(g, f, fill(g, DTYPE_BF16, shape_1(N), 0, -3.0));
    state_store(g, graph_state(g, "h"), f);
    state_fill(g, graph_state(g, "i"), -7.0);
    Program *p;
    REQUIRE_OK(graph_compile(&p, g, &(CompileOptions){backend}));
    REQUIRE_OK(store_allocate(store));
    REQUIRE_OK(program_bind(p));
    float *in = program_input(p, "x")->data;
    for (int i = 0; i < N; i++)
        in[i] = 0.001f * (float)i;
    program_run_all(p);
    int n_wrong = 0;
    for (int i = 0; i < N; i++) {
        float want = 0.25f + in[i] + -3.0f;
        n_wrong += ((const float *)store_state_tensor(store, 0).data)[i] != want;
        n_wrong += ((const uint16_t *)store_state_tensor(store, 1).data)[i] != bf16_from_f32(want);
        n_wrong += ((const int32_t *)store_state_tensor(store, 2).data)[i] != -7;
    }
    CHECK_EQUAL(n_wrong, 0);
    program_free(p);
    graph_free(g);
    store_free(store);
}

TEST(state, writes_reach_the_state_and_round_once)
{
    check_states(BACKEND_REFERENCE);
    for (CpuLevel level = CPU_PORTABLE; level <= cpu_level_best(); level++) {
        cpu_level_set(level);
        check_states(BACKEND_CPU);
    }
    cpu_level_reset();
}
