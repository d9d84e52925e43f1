#include "base/parallel.h"

#include <assert.h>
#include <omp.h>
#include <sched.h>

int parallel_threads(void)
{
    return omp_get_max_threads();
}

void parallel_set_threads(int n_threads)
{
    assert(n_threads >= 1);
    omp_set_num_threads(n_threads);
}

int parallel_thread_index(void)
{
    return omp_get_thread_num();
}

enum { PAUSES_MAX = 2000 };

void parallel_pause(int n)
{
    if (n >= PAUSES_MAX)
        sched_yield();
#if defined(__x86_64__)
    else
        __builtin_ia32_pause();
#endif
}

void parallel_for(int64_t n_pieces, void (*body)(void *context, int64_t piece), void *context)
{
#pragma omp parallel for schedule(dynamic, 1) if (n_pieces > 1)
    for (int64_t piece = 0; piece < n_pieces; piece++)
        body(context, piece);
}

/* A block is 4096 values in 8 interleaved lanes, so that the additions of one lane need not wait for each other. */
enum { BLOCK = 4096, N_LANES = 8, BLOCKS_A_ROUND = 1024 };

typedef struct {
    const float *values;
    int64_t n;
    double partial[BLOCKS_A_ROUND];
} Sum;

static int64_t block_length(const Sum *sum, int64_t block)
{
    int64_t left = sum->n - block * BLOCK;
    return left < BLOCK ? left : BLOCK;
}

static double add_lanes(const double *lane)
{
    double total = 0.0;
    for (int l = 0; l < N_LANES; l++)
        total += lane[l];
    return total;
}

static void sum_block(void *context, int64_t block)
{
    Sum *sum = context;
    const float *x = sum->values + block * BLOCK;
    int64_t n = block_length(sum, block), i = 0;
    double lane[N_LANES] = {0};
    for (; i + N_LANES <= n; i += N_LANES)
        for (int l = 0; l < N_LANES; l++)
            lane[l] += (double)x[i + l];
    for (int l = 0; i < n; i++, l++)
        lane[l] += (double)x[i];
    sum->partial[block] = add_lanes(lane);
}

static void sum_squares_block(void *context, int64_t block)
{
    Sum *sum = context;
    const float *x = sum->values + block * BLOCK;
    int64_t n = block_length(sum, block), i = 0;
    double lane[N_LANES] = {0};
    for (; i + N_LANES <= n; i += N_LANES)
        for (int l = 0; l < N_LANES; l++)
            lane[l] += (double)x[i + l] * (double)x[i + l];
    for (int l = 0; i < n; i++, l++)
        lane[l] += (double)x[i] * (double)x[i];
    sum->partial[block] = add_lanes(lane);
}

/* Rounds of 1024 blocks, so the partial sums need no memory from the heap; the order is that of one long row of blocks. */
static double sum_blocks(const float *values, int64_t n, void (*body)(void *context, int64_t block))
{
    const int64_t round_length = (int64_t)BLOCKS_A_ROUND * BLOCK;
    double total = 0.0;
    for (int64_t start = 0; start < n; start += round_length) {
        Sum sum = {.values = values + start, .n = n - start < round_length ? n - start : round_length};
        int64_t n_blocks = (sum.n + BLOCK - 1) / BLOCK;
        parallel_for(n_blocks, body, &sum);
        for (int64_t block = 0; block < n_blocks; block++)
            total += sum.partial[block];
    }
    return total;
}

double parallel_sum_f32(const float *values, int64_t n)
{
    return sum_blocks(values, n, sum_block);
}

double parallel_sum_squares_f32(const float *values, int64_t n)
{
    return sum_blocks(values, n, sum_squares_block);
}
