/* gemm_test.c - the matrix product against its two judges: the plain one in double, and the contract about bits. */
#include "base/test.h"
#include "engine/op/gemm_case.h"
#include "engine/op/gemm_kernels.h"
#include "engine/tensor/tensor.h"

#include <omp.h>
#include <stdlib.h>

static const CpuLevel levels[] = {CPU_PORTABLE, CPU_AVX2, CPU_AVX512, CPU_AVX512_BF16};

/* Runs the checks at each level this CPU has. */
static void at_each_level(void (*check)(Arena *arena))
{
    Arena *arena = arena_new();
    for (int i = 0; i < 4 && levels[i] <= cpu_level_best(); i++) {
        cpu_level_set(levels[i]);
        arena_reset(arena);
        check(arena);
    }
    cpu_level_reset();
    arena_free(arena);
}

static void run(Arena *arena, const Gemm *g)
{
    gemm_run(g, arena_alloc(arena, gemm_workspace_bytes(g)));
}

static double c_value(const Gemm *g, int64_t row, int64_t column)
{
    int64_t at = row * g->c_row_stride + column;
    Tensor one = tensor_contiguous(g->c_dtype, shape_1(1), (char *)g->c + at * dtype_bytes(g->c_dtype));
    return tensor_get(&one, 0);
}

static size_t c_bytes(const Gemm *g)
{
    return (size_t)(g->m * g->c_row_stride * dtype_bytes(g->c_dtype));
}

/* A copy of the product with a C of its own, of the same content. */
static Gemm with_own_c(Arena *arena, const Gemm *g)
{
    Gemm copy = *g;
    copy.c = memcpy(arena_alloc(arena, c_bytes(g)), g->c, c_bytes(g));
    return copy;
}

/* ---- nearness ---- */

/* The largest error of C against the plain product, as a share of what rounding allows; 1 is the most. */
static double worst_share(Arena *arena, Gemm *g)
{
    double *want = ARENA_ARRAY(arena, double, g->m * g->n), *magnitude = ARENA_ARRAY(arena, double, g->m * g->n);
    gemm_ref(g, want, magnitude);
    Gemm before = with_own_c(arena, g);
    run(arena, g);
    double bound = gemm_error_bound(g), worst = 0.0;
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < g->n; j++) {
            double allowed = bound * magnitude[i * g->n + j] + (g->c_dtype == DTYPE_F16 ? 0x1p-25 : 1e-37);  /* half a subnormal */
            worst = fmax(worst, fabs(c_value(g, i, j) - want[i * g->n + j]) / allowed);
        }
        for (int64_t j = g->n; j < g->c_row_stride; j++)  /* between the rows nothing is written */
            CHECK(c_value(g, i, j) == c_value(&before, i, j));
    }
    return worst;
}

static double worst_nearness;

static void check_nearness(Arena *arena)
{
    static const int64_t shapes[][3] = {
        {1, 1, 1},    {1, 31, 17},  {2, 33, 1},    {3, 16, 384},  {13, 97, 385}, {14, 32, 64},   {15, 64, 31},  {28, 65, 769},
        {29, 31, 33}, {37, 128, 7}, {64, 40, 400}, {101, 5, 513}, {5, 300, 40},  {170, 270, 40}, {33, 1, 1000}, {0, 3, 4},
        {4, 0, 3},    {4, 3, 0},    {40, 3, 0},   {29, 9, 4300}};
    static const DType dtypes[][3] = {{DTYPE_F32, DTYPE_F32, DTYPE_F32},  {DTYPE_BF16, DTYPE_BF16, DTYPE_F32},
                                      {DTYPE_BF16, DTYPE_F32, DTYPE_F32}, {DTYPE_F32, DTYPE_BF16, DTYPE_BF16},
                                      {DTYPE_BF16, DTYPE_BF16, DTYPE_BF16}, {DTYPE_F16, DTYPE_F16, DTYPE_F16},
                                      {DTYPE_F16, DTYPE_F32, DTYPE_F32},   {DTYPE_F16, DTYPE_F16, DTYPE_F32}};
    int at = 0;
    double worst = 0.0;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (int lays = 0; lays < 9; lays++, at++) {
            const DType *dtype = dtypes[at % 8];
            arena_reset(arena);
            Gemm g = gemm_case(arena, shapes[s][0], shapes[s][1], shapes[s][2], dtype[0], dtype[1], dtype[2],
                               (Lay)(lays % 3), (Lay)(lays / 3));
            g.accumulate = at & 1;
            g.bias = at & 2 ? gemm_case_values(arena, DTYPE_F32, g.n, 4) : NULL;
            g.k_leaf = at % 7 == 0 ? 32 : at % 11 == 0 ? 600 : 0;
            double share = worst_share(arena, &g);
            worst = fmax(worst, share);
            if (!CHECK(share <= 1.0))
                test_note("m %d n %d k %d, case %d", (int)g.m, (int)g.n, (int)g.k, at);
        }
    worst_nearness = worst;
    test_note("%s: largest error is %.3f of its bound", cpu_level_name(cpu_level()), worst);
}

/* Goal: |C - C_ref| <= gamma * (|A| |B| + |C0| + |bias|) for every shape, layout, dtype and option, and nothing beside C is
 * written. Method: awkward shapes (ones, primes, tails, edges of blocks, nothing), every layout; gamma from gemm_error_bound. */
TEST(gemm, stays_within_the_rounding_bound)
{
    at_each_level(check_nearness);
    CHECK(worst_nearness > 1e-4);  /* the bound is not so loose that it says nothing */
}

/* ---- bits ---- */

/* The contract of gemm.h, element by element. */
static float contract_value(const Gemm *g, int64_t row, int64_t column)
{
    bool fused = cpu_level() != CPU_PORTABLE;
    int64_t block = g->k_leaf ? g->k_leaf : GEMM_K_BLOCK;
    const float *a = (const float *)g->a + row * g->a_row_stride, *b = (const float *)g->b + column * g->b_col_stride;
    float c = g->accumulate ? ((const float *)g->c)[row * g->c_row_stride + column] : 0.0f;
    for (int64_t first = 0; first < g->k; first += block) {
        float sum = 0.0f;
        for (int64_t k = first; k < first + block && k < g->k; k++) {
            float x = a[k * g->a_col_stride], y = b[k * g->b_row_stride];
            float product = x * y;
            sum = fused ? fmaf(x, y, sum) : sum + product;
        }
        c += sum;
    }
    return g->bias ? c + g->bias[column] : c;
}

static void check_contract(Arena *arena)
{
    for (int at = 0; at < 18; at++) {
        arena_reset(arena);
        Gemm g = gemm_case(arena, at % 2 ? 17 : 33, 37, at % 7 ? 801 : 1024, DTYPE_F32, DTYPE_F32, DTYPE_F32, (Lay)(at % 3), (Lay)(at / 3 % 3));
        g.accumulate = at % 4 > 1;
        g.bias = at % 5 > 2 ? gemm_case_values(arena, DTYPE_F32, g.n, 4) : NULL;
        g.k_leaf = at % 6 == 4 ? 100 : at % 6 == 1 ? 700 : 0;
        Gemm fast = with_own_c(arena, &g);
        run(arena, &fast);
        int n_wrong = 0;
        for (int64_t i = 0; i < g.m; i++)
            for (int64_t j = 0; j < g.n; j++)
                n_wrong += (float)c_value(&fast, i, j) != contract_value(&g, i, j);
        CHECK_EQUAL(n_wrong, 0);
    }
}

/* Goal: every element is made in exactly the order that gemm.h states. */
TEST(gemm, follows_its_contract_to_the_bit)
{
    at_each_level(check_contract);
}

/* Takes rows [first, first + n) of a product. */
static Gemm rows_of(Arena *arena, const Gemm *g, int64_t first, int64_t n)
{
    Gemm part = *g;
    part.m = n;
    part.a = (const char *)g->a + first * g->a_row_stride * dtype_bytes(g->a_dtype);
    part.c = arena_alloc(arena, (size_t)(n * g->c_row_stride * dtype_bytes(g->c_dtype)));
    return part;
}

static bool equals_rows(const Gemm *part, const Gemm *whole, int64_t first)
{
    size_t row_bytes = (size_t)(whole->n * dtype_bytes(whole->c_dtype)), step = (size_t)(whole->c_row_stride * dtype_bytes(whole->c_dtype));
    for (int64_t i = 0; i < part->m; i++)
        if (memcmp((char *)part->c + (size_t)i * step, (char *)whole->c + (size_t)(first + i) * step, row_bytes) != 0)
            return false;
    return true;
}

/* A row's bits at M = 1, 7, 37, 64, 256, as first and as last rows, against all rows at once; and at 1 to 4 threads. */
static void check_rows_and_threads(Arena *arena, int64_t n, int64_t k, DType dtype, DType c_dtype, Lay lay_b)
{
    static const int64_t counts[] = {1, 7, 37, 64, 256};
    arena_reset(arena);
    Gemm whole = gemm_case(arena, 300, n, k, dtype, dtype, c_dtype, LAY_ROWS, lay_b);
    int n_threads = omp_get_max_threads();
    omp_set_num_threads(1);
    run(arena, &whole);
    for (int t = 2; t <= 4; t++) {
        omp_set_num_threads(t);
        Gemm again = rows_of(arena, &whole, 0, whole.m);
        run(arena, &again);
        CHECK(equals_rows(&again, &whole, 0));
    }
    omp_set_num_threads(n_threads);
    for (int i = 0; i < 5; i++)
        for (int last = 0; last < 2; last++) {
            int64_t first = last ? whole.m - counts[i] : 0;
            Gemm part = rows_of(arena, &whole, first, counts[i]);
            run(arena, &part);
            if (!CHECK(equals_rows(&part, &whole, first)))
                test_note("n %d k %d, %d rows from %d", (int)n, (int)k, (int)counts[i], (int)first);
        }
}

static void check_small_models(Arena *arena)
{
    check_rows_and_threads(arena, 384, 128, DTYPE_F32, DTYPE_F32, LAY_COLUMNS);
    check_rows_and_threads(arena, 128, 512, DTYPE_F32, DTYPE_F32, LAY_ROWS);
    check_rows_and_threads(arena, 256, 1024, DTYPE_F32, DTYPE_F32, LAY_ROWS);  /* K in ranges, rows that meet in a cache set */
    check_rows_and_threads(arena, 65, 128, DTYPE_F32, DTYPE_F32, LAY_COLUMNS);
    check_rows_and_threads(arena, 101, 789, DTYPE_BF16, DTYPE_BF16, LAY_COLUMNS);
    check_rows_and_threads(arena, 77, 401, DTYPE_BF16, DTYPE_F32, LAY_SPREAD);
}

/* Goal: a row of C does not depend on how many rows came along, on where it lay, or on threads. */
TEST(gemm, rows_do_not_depend_on_company_or_threads)
{
    at_each_level(check_small_models);
}

static void check_models(Arena *arena)
{
    /* N x K of GPT-2 124M: attention, projection, both of the feed-forward, head; and of Llama 3.2 1B. */
    static const int64_t shapes[][2] = {{2304, 768},  {768, 768},   {3072, 768},  {768, 3072},   {50257, 768},
                                        {2048, 2048}, {512, 2048},  {8192, 2048}, {2048, 8192}};
    int n_shapes = cpu_level() == CPU_PORTABLE ? 2 : 9;
    for (int s = 0; s < n_shapes; s++)
        for (int lay = 0; lay < 2; lay++) {
            check_rows_and_threads(arena, shapes[s][0], shapes[s][1], DTYPE_F32, DTYPE_F32, (Lay)lay);
            check_rows_and_threads(arena, shapes[s][0], shapes[s][1], DTYPE_BF16, DTYPE_BF16, (Lay)lay);
        }
}

/* Goal: the same for every product of real models, W and W transposed, f32 and bf16. */
SLOW_TEST(gemm, rows_do_not_depend_on_company_or_threads_in_real_models)
{
    at_each_level(check_models);
}

static void check_leaves(Arena *arena)
{
    Gemm whole = gemm_case(arena, 45, 70, 4 * 512, DTYPE_F32, DTYPE_F32, DTYPE_F32, LAY_COLUMNS, LAY_ROWS);
    whole.k_leaf = 512;
    whole.accumulate = true;
    Gemm parts = with_own_c(arena, &whole);
    run(arena, &whole);
    for (int64_t leaf = 0; leaf < 4; leaf += 2) {
        Gemm part = parts;
        part.k = 2 * 512;
        part.a = (const float *)whole.a + leaf * 512 * whole.a_col_stride;
        part.b = (const float *)whole.b + leaf * 512 * whole.b_row_stride;
        run(arena, &part);
    }
    CHECK(equals_rows(&parts, &whole, 0));
}

/* Goal: gradients of two micro batches of whole leaves add up to those of one, bit for bit. */
TEST(gemm, leaves_add_up_to_the_whole)
{
    at_each_level(check_leaves);
}

/* One leaf after the other, on one thread. */
static void run_leaf_by_leaf(Arena *arena, const Gemm *whole)
{
    for (int64_t k = 0; k < whole->k; k += whole->k_leaf) {
        Gemm leaf = *whole;
        leaf.k = whole->k - k < whole->k_leaf ? whole->k - k : whole->k_leaf;
        leaf.a = (const char *)whole->a + k * whole->a_col_stride * dtype_bytes(whole->a_dtype);
        leaf.b = (const char *)whole->b + k * whole->b_row_stride * dtype_bytes(whole->b_dtype);
        omp_set_num_threads(1);
        run(arena, &leaf);
    }
}

static void check_weight_gradients(Arena *arena)
{
    /* M x N x K, leaf: A is the larger operand, B is, K in one range and in several, leaves that are short, even and odd. */
    static const int64_t shapes[][4] = {{420, 70, 600, 512}, {90, 500, 600, 512}, {300, 200, 1100, 512},
                                        {128, 384, 300, 64}, {530, 90, 200, 64}, {61, 70, 500, 33}};
    int n_threads = omp_get_max_threads();
    for (int s = 0; s < 6; s++)
        for (int half = 0; half < 2; half++) {
            arena_reset(arena);
            DType dtype = half ? DTYPE_BF16 : DTYPE_F32;
            Gemm g = gemm_case(arena, shapes[s][0], shapes[s][1], shapes[s][2], dtype, dtype, DTYPE_F32, LAY_COLUMNS, LAY_ROWS);
            g.k_leaf = shapes[s][3];
            g.accumulate = true;
            Gemm alone = with_own_c(arena, &g);
            run_leaf_by_leaf(arena, &alone);
            for (int t = 1; t <= 5; t++) {
                Gemm together = with_own_c(arena, &g);
                omp_set_num_threads(t);
                run(arena, &together);
                CHECK(equals_rows(&together, &alone, 0));
            }
        }
    omp_set_num_threads(n_threads);
}

/* Goal: threads that pack tiles for themselves do not write over each other's, nor does it show who packs. Method: gradients of weights, whose
 * operands must both be packed, at 1 to 5 threads against one that takes one leaf after the other. */
TEST(gemm, threads_do_not_show_in_gradients_of_weights)
{
    at_each_level(check_weight_gradients);
}

static void check_serial(Arena *arena)
{
    Gemm whole = gemm_case(arena, 50, 90, 400, DTYPE_F32, DTYPE_BF16, DTYPE_BF16, LAY_ROWS, LAY_COLUMNS);
    whole.accumulate = true;
    Gemm alone[4];
    void *workspace[4];
    for (int t = 0; t < 4; t++) {
        alone[t] = with_own_c(arena, &whole);
        workspace[t] = arena_alloc(arena, gemm_workspace_bytes(&whole));
    }
    run(arena, &whole);
#pragma omp parallel for num_threads(4)
    for (int t = 0; t < 4; t++)
        gemm_run_serial(&alone[t], workspace[t]);
    for (int t = 0; t < 4; t++)
        CHECK(equals_rows(&alone[t], &whole, 0));
}

TEST(gemm, one_thread_inside_a_parallel_region_gives_the_same_bits)
{
    at_each_level(check_serial);
}

/* ---- values beyond numbers ---- */

static void check_not_finite(Arena *arena)
{
    for (int few = 0; few < 2; few++) {
        Gemm g = gemm_case(arena, few ? 5 : 50, 40, 390, DTYPE_F32, DTYPE_F32, DTYPE_F32, LAY_ROWS, LAY_ROWS);
        ((float *)g.a)[1 * g.a_row_stride + 389] = NAN;
        ((float *)g.a)[2 * g.a_row_stride + 3] = INFINITY;
        ((float *)g.b)[5 * g.b_row_stride + 39] = -INFINITY;
        run(arena, &g);
        int n_wrong = 0;
        for (int64_t i = 0; i < g.m; i++)
            for (int64_t j = 0; j < g.n; j++) {
                double c = c_value(&g, i, j);
                bool wants_nan = i == 1, wants_infinity = i == 2 || j == 39;
                n_wrong += wants_nan ? !isnan(c) : wants_infinity ? isfinite(c) : !isfinite(c);
            }
        CHECK_EQUAL(n_wrong, 0);
    }
}

/* Goal: a NaN or infinity reaches exactly the elements it belongs to: padding multiplies nothing by zero. */
TEST(gemm, carries_nan_and_infinity_where_they_belong)
{
    at_each_level(check_not_finite);
}

/* Goal: a workspace for the most rows does for fewer, as the door promises. */
TEST(gemm, workspace_grows_with_rows)
{
    static const int64_t leaves[] = {0, 64, 512, 4096};
    for (int i = 0; i < 4; i++)
        for (int c = DTYPE_F32; c <= DTYPE_BF16; c++) {
            size_t before = 0;
            bool falls = false;
            for (int64_t m = 0; m < 5000; m++) {
                Gemm g = {.m = m, .n = 5000, .k = 3000, .c_dtype = (DType)c, .k_leaf = leaves[i]};
                size_t bytes = gemm_workspace_bytes(&g);
                falls |= bytes < before;
                before = bytes;
            }
            CHECK(!falls);
        }
}
