/* cache_write_test.c - rows land in their slots, rounded to the cache's dtype, and reads recorded later see them. */
#include "base/test.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"

/* Method: 3 of 4 planned tokens into scattered slots of a cache that holds -1 everywhere; x is a window of a wider matrix. */
static void check_write(DType cache_dtype, DType x_dtype, Backend backend)
{
    Store *store = store_new();
    store_add_state(store, "cache", STATE_CACHE, cache_dtype, shape_3(2, 9, 20));
    Graph *g = graph_new(store);
    int bound = graph_bound(g, "n_tokens", 4);
    Node *wide = graph_input(g, "wide", x_dtype, shape_2(4, 60), bound), *slots = graph_input(g, "slots", DTYPE_I32, shape_1(4), bound);
    Node *x = view(g, split(g, wide, (int64_t[]){40, 20}, 2), shape_3(4, 2, 20));
    Node *cache = cache_write(g, graph_state(g, "cache"), x, slots);
    graph_output(g, "twice", scale(g, cache, 2.0));
    Program *program;
    REQUIRE_OK(graph_compile(&program, g, &(CompileOptions){backend}));
    REQUIRE_OK(store_allocate(store));
    REQUIRE_OK(program_bind(program));
    Tensor state = store_state_tensor(store, store_find_state(store, "cache"));
    for (int64_t i = 0; i < 360; i++)
        tensor_set(&state, i, -1.0);
    for (int64_t i = 0; i < 240; i++)
        tensor_set(program_input(program, "wide"), i, 1.0 + (double)i / 512.0);
    memcpy(program_input(program, "slots")->data, (int32_t[]){7, 0, 4, 99}, 4 * sizeof(int32_t));
    program_set_bound(program, "n_tokens", 3);
    program_run_all(program);
    for (int64_t slot = 0; slot < 9; slot++) {
        int64_t n = slot == 7 ? 0 : slot == 0 ? 1 : slot == 4 ? 2 : -1;
        for (int64_t i = 0; i < 40; i++) {
            float want = n < 0 ? -1.0f : 1.0f + (float)(n * 60 + i) / 512.0f;
            if (n >= 0 && (x_dtype == DTYPE_BF16 || cache_dtype == DTYPE_BF16))
                want = f32_from_bf16(bf16_from_f32(want));
            if (n >= 0 && cache_dtype == DTYPE_F16)
                want = f32_from_f16(f16_from_f32(want));
            CHECK(tensor_get(&state, (i / 20 * 9 + slot) * 20 + i % 20) == (double)want);
            CHECK(tensor_get(program_output(program, "twice"), slot * 40 + i) == 2.0 * (double)want);
        }
    }
    program_free(program);
    graph_free(g);
    store_free(store);
}

TEST(cache_write, rows_land_in_their_slots)
{
    for (Backend backend = BACKEND_REFERENCE; backend <= BACKEND_CPU; backend++) {
        check_write(DTYPE_F32, DTYPE_F32, backend);
        check_write(DTYPE_BF16, DTYPE_F32, backend);
        check_write(DTYPE_BF16, DTYPE_BF16, backend);
        check_write(DTYPE_F32, DTYPE_BF16, backend);
        check_write(DTYPE_F16, DTYPE_F32, backend);
    }
}

TEST(cache_write, wrong_shapes_are_named)
{
    Store *store = store_new();
    store_add_state(store, "cache", STATE_CACHE, DTYPE_F32, shape_3(2, 9, 20));
    Graph *g = graph_new(store);
    cache_write(g, graph_state(g, "cache"), graph_input(g, "x", DTYPE_F32, shape_3(4, 2, 21), 0), graph_input(g, "s", DTYPE_I32, shape_1(4), 0));
    CHECK(graph_error(g) == ERR_USAGE);
    CHECK_STRING(err_message(), "cache_write: the cache is f32 [2, 9, 20], x is f32 [4, 2, 21]: the same heads expected");
    graph_free(g);
    store_free(store);
}
