/* linear_packed_test.c - packed weights give linear's bits, or those of their codes; rows do not depend on their neighbours; errors are bounded. */
#include "base/file.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "base/test.h"
#include "engine/graph/program.h"
#include "engine/op/packed_weight.h"

#include <stdlib.h>

/* K crosses blocks of 384, of 768 where pairs are multiplied, and groups of 32, M panels of 64, of which one row takes four at a time and what is left of
 * a thread's share; both end inside one. */
enum { K = 815, M = 277, M_LINES = 288, N = 139, ROWS = 29 /* that run, if nothing else is said: pieces of work have up to 132 */ };

typedef struct {
    Store *store;
    Graph *g;
    Program *program;
    PackedSpec spec;
    WeightLayout layout;
    DType dtype;
} Case;

static float number(uint64_t stream, int64_t i)
{
    Philox random = philox(1, stream, 0, (uint64_t)i);
    float a, b;
    philox_normal(random.word[0], random.word[1], &a, &b);
    return a;
}

static void fill_numbers(Tensor t, uint64_t stream)
{
    for (int64_t i = 0; i < tensor_count(&t); i++)
        tensor_set(&t, i, (double)f32_from_bf16(bf16_from_f32(number(stream, i) * (i % 7 == 0 ? 3.0f : 1.0f))));
}

/* Outputs "plain" by linear, "packed" by linear_packed. */
static bool open_case_of(Case *c, int64_t n_out, PackedFormat format, DType dtype, WeightLayout layout, Backend backend)
{
    *c = (Case){.store = store_new(), .spec = {.n_in = K, .n_out = n_out, .format = (int32_t)format}, .layout = layout, .dtype = dtype};
    bool out_in = layout == WEIGHT_OUT_IN;
    store_add_state(c->store, "w", STATE_OTHER, dtype, out_in ? shape_2(n_out, K) : shape_2(K, n_out));
    store_add_state(c->store, "packed", STATE_COPY, DTYPE_U8, shape_1(packed_bytes(&c->spec)));
    c->g = graph_new(c->store);
    int bound = graph_bound(c->g, "n", N);
    Node *x = graph_input(c->g, "x", dtype, shape_2(N, K), bound), *bias = graph_input(c->g, "bias", DTYPE_F32, shape_1(n_out), 0);
    graph_output(c->g, "plain", linear(c->g, x, graph_state(c->g, "w"), bias, layout));
    graph_output(c->g, "packed", linear_packed(c->g, x, graph_state(c->g, "packed"), bias, &c->spec));
    if (!CHECK_OK(store_allocate(c->store)) || !CHECK_OK(graph_compile(&c->program, c->g, &(CompileOptions){backend})) ||
        !CHECK_OK(program_bind(c->program)))
        return false;
    fill_numbers(store_state_tensor(c->store, store_find_state(c->store, "w")), 1);
    fill_numbers(*program_input(c->program, "x"), 2);
    fill_numbers(*program_input(c->program, "bias"), 3);
    Tensor w = store_state_tensor(c->store, store_find_state(c->store, "w"));
    packed_fill(store_state_tensor(c->store, store_find_state(c->store, "packed")).data, &c->spec, &w, layout);
    program_set_bound(c->program, "n", ROWS);
    program_run_all(c->program);
    return true;
}

static bool open_case(Case *c, PackedFormat format, DType dtype, WeightLayout layout, Backend backend)
{
    return open_case_of(c, M, format, dtype, layout, backend);
}

static void close_case(Case *c)
{
    program_free(c->program);
    graph_free(c->g);
    store_free(c->store);
}

static const void *packed_data(const Case *c)
{
    return store_state_tensor(c->store, store_find_state(c->store, "packed")).data;
}

static double stored_weight(const Case *c, int64_t k, int64_t m)
{
    Tensor w = store_state_tensor(c->store, store_find_state(c->store, "w"));
    return tensor_get(&w, c->layout == WEIGHT_OUT_IN ? m * K + k : k * M + m);
}

/* Goal: packing numbers whole changes no bit, in either layout, at any level: at the highest two bf16 operands have an instruction of their own. */
TEST(linear_packed, whole_numbers_give_the_bits_of_linear)
{
    for (int format = PACKED_F32; format <= PACKED_BF16; format++)
        for (int layout = WEIGHT_OUT_IN; layout <= WEIGHT_IN_OUT; layout++)
            for (CpuLevel level = CPU_PORTABLE; level <= cpu_level_best(); level++) {
                Case c;
                cpu_level_set(level);
                REQUIRE(open_case(&c, (PackedFormat)format, format == PACKED_F32 ? DTYPE_F32 : DTYPE_BF16, (WeightLayout)layout, BACKEND_CPU));
                const Tensor *plain = program_output(c.program, "plain"), *packed = program_output(c.program, "packed");
                CHECK(memcmp(plain->data, packed->data, tensor_bytes(plain)) == 0);
                for (int64_t k = 0; k < K; k += 5)
                    CHECK(packed_weight(packed_data(&c), &c.spec, k, k % M) == stored_weight(&c, k, k % M));
                close_case(&c);
            }
    cpu_level_reset();
}

/* Goal: rows that are whole lines, and so many that they go past the caches, have the bits of linear, on any number of threads; the last panel, which ends
 * early, does not go there. */
TEST(linear_packed, rows_that_go_past_the_caches_have_the_bits_of_linear)
{
    int n_threads_before = parallel_threads();
    for (int format = PACKED_F32; format <= PACKED_BF16; format++)
        for (int threads = 1; threads <= 3; threads++) {
            Case c;
            REQUIRE(open_case_of(&c, M_LINES, (PackedFormat)format, format == PACKED_F32 ? DTYPE_F32 : DTYPE_BF16, WEIGHT_OUT_IN, BACKEND_CPU));
            parallel_set_threads(threads);
            program_set_bound(c.program, "n", N);
            program_run_all(c.program);
            const Tensor *plain = program_output(c.program, "plain"), *packed = program_output(c.program, "packed");
            CHECK(memcmp(plain->data, packed->data, tensor_bytes(plain)) == 0);
            close_case(&c);
        }
    parallel_set_threads(n_threads_before);
}

/* Goal: fast kernels compute what the codes say of weights and of rounded inputs. Method: the plain kernel in double; an element is some 14 exact group
 * sums, scaled, so far below 50 roundings of 2^-24 of the sum of magnitudes, which is below 600 here. */
TEST(linear_packed, fast_kernels_agree_with_the_codes)
{
    for (int format = PACKED_INT8; format <= PACKED_INT4; format++) {
        Case plain;
        REQUIRE(open_case(&plain, (PackedFormat)format, DTYPE_F32, WEIGHT_OUT_IN, BACKEND_REFERENCE));
        for (CpuLevel level = CPU_PORTABLE; level <= cpu_level_best(); level++) {
            Case fast;
            double worst = 0;
            cpu_level_set(level);
            REQUIRE(open_case(&fast, (PackedFormat)format, DTYPE_F32, WEIGHT_IN_OUT, BACKEND_CPU));
            const Tensor *want = program_output(plain.program, "packed"), *got = program_output(fast.program, "packed");
            CHECK(tensor_count(want) == tensor_count(got));
            close_case(&fast);
            REQUIRE(open_case(&fast, (PackedFormat)format, DTYPE_F32, WEIGHT_OUT_IN, BACKEND_CPU));
            got = program_output(fast.program, "packed");
            for (int64_t i = 0; i < tensor_count(want); i++)
                worst = fmax(worst, fabs(tensor_get(want, i) - tensor_get(got, i)));
            CHECK(worst < 50 * 0x1p-24 * 600 && worst > 0);
            close_case(&fast);
        }
        cpu_level_reset();
        close_case(&plain);
    }
}

/* Goal: what is no number stays none, and only in its row; a row too small to be rounded gives the bias. */
TEST(linear_packed, inputs_that_are_not_finite_spoil_their_own_row)
{
    for (int format = PACKED_INT8; format <= PACKED_INT4; format++)
        for (int bad = 0; bad < 2; bad++) {
            Case c;
            REQUIRE(open_case(&c, (PackedFormat)format, DTYPE_F32, WEIGHT_OUT_IN, BACKEND_CPU));
            Tensor *x = program_input(c.program, "x");
            tensor_set(x, 1 * K + K - 1, bad ? (double)NAN : (double)-INFINITY);
            for (int64_t k = 0; k < K; k++)
                tensor_set(x, 2 * K + k, 1e-40);
            Tensor before = *program_output(c.program, "packed");
            double row_0 = tensor_get(&before, 7), row_3 = tensor_get(&before, 3 * M + 7);
            program_run_all(c.program);
            const Tensor *y = program_output(c.program, "packed"), *bias = program_input(c.program, "bias");
            CHECK(isnan(tensor_get(y, 1 * M)) && isnan(tensor_get(y, 1 * M + M - 1)));
            CHECK(tensor_get(y, 2 * M + 5) == tensor_get(bias, 5));
            CHECK(tensor_get(y, 7) == row_0 && tensor_get(y, 3 * M + 7) == row_3);
            close_case(&c);
        }
}

/* Goal: a row's bits are its own: at any number of rows, on any number of threads. */
TEST(linear_packed, rows_do_not_depend_on_neighbours_or_threads)
{
    int n_threads_before = parallel_threads();
    for (int format = PACKED_F32; format < N_PACKED_FORMATS; format++) {
        Case c;
        REQUIRE(open_case(&c, (PackedFormat)format, format == PACKED_BF16 ? DTYPE_BF16 : DTYPE_F32, WEIGHT_OUT_IN, BACKEND_CPU));
        program_set_bound(c.program, "n", N);
        program_run_all(c.program);
        size_t row = tensor_bytes(program_output(c.program, "packed")) / N;
        char *whole = mem_alloc(N * row);
        memcpy(whole, program_output(c.program, "packed")->data, N * row);
        for (int i = 0; i <= N; i += i < 8 ? 1 : 43) {
            int n = i > 0 ? i : 1;  /* one row on one thread and on two: five panels, or two and three */
            parallel_set_threads(1 + i % 4);
            program_set_bound(c.program, "n", n);
            program_run_all(c.program);
            CHECK(memcmp(whole, program_output(c.program, "packed")->data, (size_t)n * row) == 0);
        }
        free(whole);
        close_case(&c);
    }
    parallel_set_threads(n_threads_before);
}

/* Goal: a code is the nearest there is. int8: half a step, a step being largest / 127 of its group, and what fp16 makes of the step; int4: the
 * largest weight may fall short by the share that the best scale gives away, so the mean square is what is bounded: a step is at most largest / 8
 * and rounding is even, so 1 / 12 of its square, and less for a scale that was chosen for it. */
TEST(linear_packed, codes_are_near)
{
    Case c;
    REQUIRE(open_case(&c, PACKED_INT8, DTYPE_F32, WEIGHT_IN_OUT, BACKEND_CPU));
    for (int64_t m = 0; m < M; m += 3)
        for (int64_t first = 0; first < K; first += PACKED_GROUP) {
            int64_t end = first + PACKED_GROUP < K ? first + PACKED_GROUP : K;
            double largest = 0;
            for (int64_t k = first; k < end; k++)
                largest = fmax(largest, fabs(stored_weight(&c, k, m)));
            for (int64_t k = first; k < end; k++)
                CHECK(fabs(packed_weight(packed_data(&c), &c.spec, k, m) - stored_weight(&c, k, m)) <= largest * (0.5 / 127 + 0x1p-11));
        }
    close_case(&c);
    double error = 0, bound = 0;
    REQUIRE(open_case(&c, PACKED_INT4, DTYPE_F32, WEIGHT_IN_OUT, BACKEND_CPU));
    for (int64_t m = 0; m < M; m++)
        for (int64_t first = 0; first + PACKED_GROUP <= K; first += PACKED_GROUP) {
            double largest = 0;
            for (int64_t k = first; k < first + PACKED_GROUP; k++) {
                double off = packed_weight(packed_data(&c), &c.spec, k, m) - stored_weight(&c, k, m);
                error += off * off;
                largest = fmax(largest, fabs(stored_weight(&c, k, m)));
            }
            bound += PACKED_GROUP * largest * largest / (8 * 8 * 12);
        }
    CHECK(error < bound && error > 0);
    close_case(&c);
}

/* Goal: extremes. Zeros stay zeros, weights beyond fp16's range stay finite, tiny ones do not become NaN. */
TEST(linear_packed, extremes_stay_finite)
{
    static const float sizes[] = {0.0f, 1e-30f, 1e-7f, 1e30f, 3e38f};
    for (int format = PACKED_INT8; format <= PACKED_INT4; format++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            float w[2 * PACKED_GROUP];
            PackedSpec spec = {.n_in = PACKED_GROUP, .n_out = 2, .format = format};
            for (int k = 0; k < 2 * PACKED_GROUP; k++)
                w[k] = k % 2 ? sizes[i] : -sizes[i];
            Tensor t = {.dtype = DTYPE_F32, .shape = shape_2(2, PACKED_GROUP), .data = w, .stride = {PACKED_GROUP, 1}};
            void *packed = mem_alloc((size_t)packed_bytes(&spec));
            packed_fill(packed, &spec, &t, WEIGHT_OUT_IN);
            for (int k = 0; k < PACKED_GROUP; k++) {
                double value = packed_weight(packed, &spec, k, 1);
                CHECK(isfinite(value) && fabs(value) <= 1.01 * (double)sizes[i] + 1e-6);
            }
            free(packed);
        }
}
