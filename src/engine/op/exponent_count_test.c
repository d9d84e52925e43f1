/* exponent_count_test.c - bins of all fp16 numbers, and the same counts on all kernels. */
#include "base/test.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"

enum { ALL = 65536 };

static void check_counts(DType dtype, Backend backend)
{
    Store *store = store_new();
    store_add_state(store, "counts", STATE_OTHER, DTYPE_I64, shape_1(EXPONENT_BINS));
    Graph *g = graph_new(store);
    exponent_count(g, graph_state(g, "counts"), graph_input(g, "x", dtype, shape_1(ALL), 0));
    Program *p;
    REQUIRE_OK(graph_compile(&p, g, &(CompileOptions){backend}));
    REQUIRE_OK(store_allocate(store));
    REQUIRE_OK(program_bind(p));
    Tensor *x = program_input(p, "x");
    for (int i = 0; i < ALL; i++)  /* every fp16 number there is */
        tensor_set(x, i, (double)f32_from_f16((uint16_t)i));
    program_run_all(p);
    program_run_all(p);  /* counts add up */
    const int64_t *counts = store_state_tensor(store, 0).data;
    CHECK_EQUAL(counts[0], 2 * 2);                                    /* two zeros */
    CHECK_EQUAL(counts[EXPONENT_BINS - 1], 2 * 2 * 1024);             /* two infinities and the NaN */
    for (int e = EXPONENT_MIN; e <= EXPONENT_MAX; e++)                /* subnormal 2^-24: one of each sign, 2^-23: two, ... */
        CHECK_EQUAL(counts[1 + e - EXPONENT_MIN], 2 * 2 * (e < -14 ? 1 << (e - EXPONENT_MIN) : 1024));
    program_free(p);
    graph_free(g);
    store_free(store);
}

TEST(exponent_count, counts_every_number_of_fp16)
{
    check_counts(DTYPE_F16, BACKEND_CPU);
    check_counts(DTYPE_F16, BACKEND_REFERENCE);
    check_counts(DTYPE_F32, BACKEND_CPU);
}
