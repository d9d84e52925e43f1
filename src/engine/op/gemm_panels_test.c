/* gemm_panels_test.c - products whose B was laid out before: the bits of those that pack it themselves. */
#include "base/cpu_level.h"
#include "base/options.h"
#include "base/test.h"
#include "engine/op/gemm_case.h"

#include <omp.h>

static void *filled(Arena *arena, size_t n_bytes)
{
    return memset(arena_alloc(arena, n_bytes), 0xff, n_bytes);  /* NaN, should any of it be read */
}

/* C of the product, by so many threads: with B as it lies, or in panels. */
static void *product(Arena *arena, const Gemm *g, const void *panels, int n_threads)
{
    size_t c_bytes = (size_t)(g->m * g->c_row_stride * dtype_bytes(g->c_dtype));
    Gemm own = *g;
    own.c = memcpy(arena_alloc(arena, c_bytes), g->c, c_bytes);
    own.b_panels = panels;
    int before = omp_get_max_threads();
    omp_set_num_threads(n_threads);
    gemm_run(&own, filled(arena, gemm_workspace_bytes(g)));
    omp_set_num_threads(before);
    return own.c;
}

static void check_case(Arena *arena, int64_t n, int64_t k, DType operand, DType result, Lay lay_b)
{
    static const int64_t rows[] = {5, 29, 200, 1100};
    for (int r = 0; r < N_ELEMENTS(rows) && rows[r] * n * k < 50000000; r++) {
        Gemm g = gemm_case(arena, rows[r], n, k, operand, operand, result, LAY_ROWS, lay_b);
        g.bias = r & 1 ? gemm_case_values(arena, DTYPE_F32, n, 4) : NULL;
        g.accumulate = r & 2;
        void *panels = filled(arena, gemm_b_panels_bytes(n, k));
        gemm_pack_b(&g, panels);
        const void *plain = product(arena, &g, NULL, omp_get_max_threads());
        for (int n_threads = 1; n_threads <= 3; n_threads++)
            CHECK(memcmp(product(arena, &g, panels, n_threads), plain, (size_t)(g.m * g.c_row_stride * dtype_bytes(g.c_dtype))) == 0);
    }
}

static void check_cases(Arena *arena)
{
    static const struct {
        int64_t n, k;
    } shapes[] = {{65, 40}, {300, 768}, {33, 769}, {70, 1537}, {1300, 385}, {40, 3072}, {4000, 33}};
    int n_shapes = cpu_level() == CPU_PORTABLE ? 3 : N_ELEMENTS(shapes);
    for (int s = 0; s < n_shapes; s++)
        for (int lay = LAY_ROWS; lay <= LAY_COLUMNS; lay++) {
            arena_reset(arena);
            check_case(arena, shapes[s].n, shapes[s].k, DTYPE_F32, DTYPE_F32, (Lay)lay);
            check_case(arena, shapes[s].n, shapes[s].k, DTYPE_BF16, DTYPE_BF16, (Lay)lay);
            check_case(arena, shapes[s].n, shapes[s].k, DTYPE_F16, DTYPE_F32, (Lay)lay);
        }
}

/* Goal: panels spare packing and change no bit: any rows, layouts, dtypes, bias, accumulation, number of threads, at each CPU level. */
TEST(gemm_panels, change_no_bit)
{
    Arena *arena = arena_new();
    for (CpuLevel level = CPU_PORTABLE; level <= cpu_level_best(); level++) {
        cpu_level_set(level);
        check_cases(arena);
    }
    cpu_level_reset();
    arena_free(arena);
}
