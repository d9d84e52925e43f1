/* gemm_help_test.c - threads that are done help those that are not: nobody waits for a slow one longer than for a piece. */
#include "base/test.h"
#include "engine/op/gemm_case.h"

#include <omp.h>
#include <stdatomic.h>
#include <time.h>

enum { HELP_M = 1024, HELP_N = 384, HELP_TILE_COLUMNS = 64 /* at least, of a thread that is not helped */, HELP_THREADS = 2, HELP_SLOW = 1 };

typedef struct {
    atomic_uchar finished[HELP_M][HELP_N];
    atomic_llong n_by[HELP_THREADS];  /* elements that each thread finished */
} Finished;

/* One thread sleeps for each part that it made. */
static void count_part(const void *context, int64_t row, int64_t n_rows, int64_t column, int64_t n_columns)
{
    Finished *f = (Finished *)context;
    for (int64_t r = row; r < row + n_rows; r++)
        for (int64_t c = column; c < column + n_columns; c++)
            atomic_fetch_add(&f->finished[r][c], 1);
    atomic_fetch_add(&f->n_by[omp_get_thread_num()], n_rows * n_columns);
    if (omp_get_thread_num() == HELP_SLOW)
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
}

static bool all_once(const Finished *f)
{
    for (int64_t r = 0; r < HELP_M; r++)
        for (int64_t c = 0; c < HELP_N; c++)
            if (f->finished[r][c] != 1)
                return false;
    return true;
}

static void check_product(Arena *arena, int64_t k, DType a)
{
    Gemm g = gemm_case(arena, HELP_M, HELP_N, k, a, DTYPE_F32, DTYPE_F32, LAY_ROWS, LAY_COLUMNS);
    size_t c_bytes = (size_t)(g.m * g.c_row_stride) * sizeof(float);
    Gemm shared = g;
    shared.c = memcpy(arena_alloc(arena, c_bytes), g.c, c_bytes);
    Finished *f = memset(arena_alloc(arena, sizeof *f), 0, sizeof *f);
    void *workspace = arena_alloc(arena, gemm_workspace_bytes(&g));
    gemm_run_serial(&g, workspace);
    shared.finish = count_part, shared.finish_context = f;
    int before = omp_get_max_threads();
    omp_set_num_threads(HELP_THREADS);
    gemm_run(&shared, workspace);
    omp_set_num_threads(before);
    CHECK(memcmp(g.c, shared.c, c_bytes) == 0);
    CHECK(all_once(f));
    CHECK(f->n_by[HELP_SLOW] < HELP_M * HELP_TILE_COLUMNS);
}

/* Goal: a slow thread is helped: it makes a few pieces only, each element is finished once, and no bit tells. */
TEST(gemm_help, slow_threads_are_helped)
{
    Arena *arena = arena_new();
    check_product(arena, 700, DTYPE_F32);   /* columns of C are a thread's own */
    check_product(arena, 2048, DTYPE_F32);  /* and for several ranges of K, between which it packs */
    arena_free(arena);
}
