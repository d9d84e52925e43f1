/* adamw_test.c - the step against PyTorch's and the formula; the norm of gradients and what it clips. */
#include "base/cpu_level.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "base/test.h"
#include "engine/graph/program.h"
#include "engine/op/op.h"
#include "engine/tensor/safetensors.h"

/* A bucket of n parameters with its update: norm, factor, AdamW. */
typedef struct {
    Store *store;
    Graph *g;
    Program *program;
    Tensor p, grad, m, v;
    float *scalars;
} Bench;

static bool bench_open(Bench *b, DType dtype, DType sums, int64_t n, const AdamwOptions *options, Backend backend)
{
    *b = (Bench){.store = store_new()};
    store_add_bucket(b->store, &(BucketSpec){.name = "decay", .dtype = dtype, .trainable = true, .decay = true});
    store_add_param(b->store, 0, "w", shape_1(n));
    store_add_slab(b->store, 0, "grad", STATE_GRAD, sums);
    store_add_slab(b->store, 0, "m", STATE_MOMENT, sums);
    store_add_slab(b->store, 0, "v", STATE_MOMENT, sums);
    b->g = graph_new(b->store);
    graph_set_segment(b->g, SEGMENT_UPDATE);
    Node *scalars = graph_input(b->g, "scalars", DTYPE_F32, shape_1(N_STEP_SCALARS), 0);
    Node *grad = graph_state(b->g, "decay.grad");
    Node *norm = grad_norm(b->g, &grad, 1, scalars);
    graph_output(b->g, "norm", norm);
    adamw(b->g, graph_state(b->g, "decay.param"), grad, graph_state(b->g, "decay.m"), graph_state(b->g, "decay.v"), scalars, norm, options);
    if (!CHECK_OK(graph_compile(&b->program, b->g, &(CompileOptions){backend})) || !CHECK_OK(store_allocate(b->store)) ||
        !CHECK_OK(program_bind(b->program)))
        return false;
    b->p = store_param_tensor(b->store, 0, NULL);
    b->grad = store_param_tensor(b->store, 0, "grad");
    b->m = store_param_tensor(b->store, 0, "m");
    b->v = store_param_tensor(b->store, 0, "v");
    b->scalars = program_input(b->program, "scalars")->data;
    return true;
}

static void bench_close(Bench *b)
{
    program_free(b->program);
    graph_free(b->g);
    store_free(b->store);
}

static void bench_step(Bench *b, int step, double lr, double inv_targets, double max)
{
    b->scalars[SCALAR_LR] = (float)lr;
    b->scalars[SCALAR_STEP] = (float)step;
    b->scalars[SCALAR_INV_TARGETS] = (float)inv_targets;
    b->scalars[SCALAR_GRAD_NORM_MAX] = (float)max;
    program_run(b->program, SEGMENT_UPDATE);
}

static double random_value(const char *what, int64_t i)
{
    float a, b;
    Philox r = philox(7, philox_stream(what), 0, (uint64_t)i);
    philox_normal(r.word[0], r.word[1], &a, &b);
    return f32_from_bf16(bf16_from_f32(a));
}

/* Calls check() on the reference and on the fast kernels of every level. */
static void on_all_kernels(void (*check)(Backend backend))
{
    check(BACKEND_REFERENCE);
    for (CpuLevel level = CPU_PORTABLE; level <= cpu_level_best(); level++) {
        cpu_level_set(level);
        check(BACKEND_CPU);
    }
    cpu_level_reset();
}

/* ---- AdamW ---- */

enum { GOLDEN_STEPS = 5, GOLDEN_COUNT = 101 };
static const AdamwOptions golden_options = {.beta1 = 0.875, .beta2 = 0.96875, .eps = 0x1p-27, .weight_decay = 0.125};
static const double GOLDEN_LR = 0x1p-10;

static bool golden_read(Safetensors *file, const char *name, Shape shape, float *into)
{
    const SafeTensor *tensor;
    Tensor t = tensor_contiguous(DTYPE_F32, shape, into);
    return CHECK_OK(safetensors_find(&tensor, file, name)) && CHECK_OK(safetensors_read(tensor, &t));
}

/* Each step rounds p a few times, and the update has a relative error of some units: both add up over the steps. */
static void check_against_pytorch(Backend backend)
{
    static float start[GOLDEN_COUNT], grad[GOLDEN_STEPS][GOLDEN_COUNT], after[GOLDEN_STEPS][GOLDEN_COUNT], m[GOLDEN_COUNT], v[GOLDEN_COUNT];
    Safetensors *file;
    REQUIRE_OK(safetensors_open(&file, test_source_path("tests/golden/adamw/adamw.safetensors")));
    Shape one = shape_1(GOLDEN_COUNT), all = shape_2(GOLDEN_STEPS, GOLDEN_COUNT);
    REQUIRE(golden_read(file, "start", one, start) && golden_read(file, "grad", all, grad[0]) &&
            golden_read(file, "after", all, after[0]) && golden_read(file, "m", one, m) && golden_read(file, "v", one, v));
    Bench b;
    REQUIRE(bench_open(&b, DTYPE_F32, DTYPE_F32, GOLDEN_COUNT, &golden_options, backend));
    memcpy(b.p.data, start, sizeof start);
    for (int step = 0; step < GOLDEN_STEPS; step++) {
        memcpy(b.grad.data, grad[step], sizeof grad[step]);
        bench_step(&b, step + 1, GOLDEN_LR, 0.125, 0.0);
        for (int i = 0; i < GOLDEN_COUNT; i++) {
            double tolerance = (step + 1) * (0x1p-23 * fabs((double)after[step][i]) + GOLDEN_LR * 0x1p-20);
            CHECK_CLOSE(tensor_get(&b.p, i), after[step][i], tolerance);
        }
    }
    for (int i = 0; i < GOLDEN_COUNT; i++) {
        double largest = 0.0;  /* of the gradients that m has seen */
        for (int step = 0; step < GOLDEN_STEPS; step++)
            largest = fmax(largest, fabs((double)grad[step][i]) / 8.0);
        CHECK_CLOSE(tensor_get(&b.m, i), m[i], 0x1p-22 * largest);
        CHECK_CLOSE(tensor_get(&b.v, i), v[i], 0x1p-20 * fabs((double)v[i]));
    }
    bench_close(&b);
    safetensors_close(file);
}

TEST(adamw, steps_like_pytorch)
{
    on_all_kernels(check_against_pytorch);
}

/* Goal: bf16 parameters round once a step, and tails are stepped like the rest. Method: against the reference in f64. */
TEST(adamw, is_near_the_reference_in_bf16)
{
    enum { N = 10007 };
    Bench fast, exact;
    REQUIRE(bench_open(&fast, DTYPE_BF16, DTYPE_F32, N, &golden_options, BACKEND_CPU));
    REQUIRE(bench_open(&exact, DTYPE_F64, DTYPE_F64, N, &golden_options, BACKEND_REFERENCE));
    for (int64_t i = 0; i < N; i++) {
        tensor_set(&fast.p, i, random_value("p", i)), tensor_set(&exact.p, i, random_value("p", i));
        tensor_set(&fast.grad, i, random_value("grad", i)), tensor_set(&exact.grad, i, random_value("grad", i));
    }
    bench_step(&fast, 1, 0.0625, 0.5, 3.0);
    bench_step(&exact, 1, 0.0625, 0.5, 3.0);
    double worst = 0.0;
    for (int64_t i = 0; i < N; i++) {
        double want = tensor_get(&exact.p, i);
        worst = fmax(worst, fabs(tensor_get(&fast.p, i) - want) / (fabs(want) * 0x1p-8 + 1e-6));
    }
    test_note("bf16: error %.2g of half a step", worst);
    CHECK(worst <= 1.0);
    bench_close(&fast);
    bench_close(&exact);
}

/* Goal: gradients that are not finite change nothing, and zeros stay zeros. */
static void check_guard(Backend backend)
{
    Bench b;
    REQUIRE(bench_open(&b, DTYPE_F32, DTYPE_F32, 50, &golden_options, backend));
    for (int64_t i = 0; i < 50; i++) {
        tensor_set(&b.p, i, i == 7 ? 0.0 : random_value("p", i));
        tensor_set(&b.grad, i, i == 7 ? 0.0 : random_value("grad", i));
    }
    bench_step(&b, 1, 0.125, 1.0, 1.0);
    CHECK(tensor_get(&b.p, 7) == 0.0 && tensor_get(&b.m, 7) == 0.0 && tensor_get(&b.v, 7) == 0.0);
    float before[50];
    memcpy(before, b.p.data, sizeof before);
    CHECK(tensor_get(&b.m, 8) != 0.0);
    double poison[] = {NAN, INFINITY, -INFINITY};
    for (int k = 0; k < 3; k++) {
        tensor_set(&b.grad, 49, poison[k]);
        bench_step(&b, 2, 0.125, 1.0, 1.0);
        CHECK(memcmp(before, b.p.data, sizeof before) == 0);
        CHECK(!isfinite(tensor_get(program_output(b.program, "norm"), 0)));
        CHECK(tensor_get(program_output(b.program, "norm"), 1) == 0.0);
    }
    bench_close(&b);
}

TEST(adamw, gradients_that_are_not_finite_change_nothing)
{
    on_all_kernels(check_guard);
}

/* Goal: clearing the gradient on the way changes no other bit, and happens also where the step is refused. */
static void check_clears(Backend backend)
{
    enum { N = 20011 };  /* several pieces, more than one thread's, and a tail */
    AdamwOptions clearing = golden_options;
    clearing.clear_grad = true;
    Bench keeps, clears;
    REQUIRE(bench_open(&keeps, DTYPE_F32, DTYPE_F32, N, &golden_options, backend));
    REQUIRE(bench_open(&clears, DTYPE_F32, DTYPE_F32, N, &clearing, backend));
    for (int step = 1; step <= 2; step++) {
        for (int64_t i = 0; i < N; i++) {
            tensor_set(&keeps.grad, i, random_value("grad", i)), tensor_set(&clears.grad, i, random_value("grad", i));
            tensor_set(&keeps.p, i, random_value("p", i)), tensor_set(&clears.p, i, random_value("p", i));
        }
        if (step == 2)
            tensor_set(&keeps.grad, 3, NAN), tensor_set(&clears.grad, 3, NAN);
        bench_step(&keeps, step, 0.125, 1.0, 1.0);
        bench_step(&clears, step, 0.125, 1.0, 1.0);
        CHECK(memcmp(keeps.p.data, clears.p.data, N * sizeof(float)) == 0 && memcmp(keeps.m.data, clears.m.data, N * sizeof(float)) == 0);
        CHECK(memcmp(keeps.v.data, clears.v.data, N * sizeof(float)) == 0);
        int64_t n_left = 0;
        for (int64_t i = 0; i < N; i++) {
            n_left += tensor_get(&clears.grad, i) != 0.0;
            CHECK(i == 3 || tensor_get(&keeps.grad, i) == random_value("grad", i));
        }
        CHECK_EQUAL(n_left, 0);
    }
    bench_close(&keeps);
    bench_close(&clears);
}

TEST(adamw, clears_the_gradient_if_asked)
{
    on_all_kernels(check_clears);
}

/* ---- the norm ---- */

enum { NORM_COUNT = 50021 };

static void check_norm(Backend backend)
{
    Bench b;
    REQUIRE(bench_open(&b, DTYPE_F32, DTYPE_F32, NORM_COUNT, &golden_options, backend));
    double squares = 0.0;
    for (int64_t i = 0; i < NORM_COUNT; i++) {
        double value = random_value("grad", i) * (i % 97 == 0 ? 1e25 : 1.0);  /* squares beyond f32 */
        tensor_set(&b.grad, i, value);
        squares += tensor_get(&b.grad, i) * tensor_get(&b.grad, i);
    }
    double norm = sqrt(squares) / 16.0, maxima[] = {0.0, 2.0 * norm, 0.25 * norm};
    double factors[] = {1.0 / 16.0, 1.0 / 16.0, 0.25 / 16.0};
    for (int k = 0; k < 3; k++) {
        float hash[4][2];
        for (int n_threads = 1; n_threads <= 4; n_threads++) {
            parallel_set_threads(n_threads);
            bench_step(&b, 1, 0.0, 1.0 / 16.0, maxima[k]);
            memcpy(hash[n_threads - 1], program_output(b.program, "norm")->data, 8);
            CHECK(memcmp(hash[0], hash[n_threads - 1], 8) == 0);
        }
        CHECK_CLOSE(hash[0][0], norm, 0x1p-23 * norm);
        CHECK_CLOSE(hash[0][1], factors[k], 0x1p-22 * factors[k]);
    }
    bench_close(&b);
}

TEST(adamw, the_norm_of_gradients_clips_above_the_maximum)
{
    int n_threads = parallel_threads();
    on_all_kernels(check_norm);
    parallel_set_threads(n_threads);
}
