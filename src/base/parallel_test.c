/* parallel_test.c - the same bits at any number of threads. */
#include "base/parallel.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdlib.h>
#include <unistd.h>

static void mark(void *context, int64_t piece)
{
    ((int *)context)[piece]++;
}

TEST(parallel, for_calls_each_piece_once)
{
    int seen[1000] = {0};
    int n_threads = parallel_threads();
    for (int n = 1; n <= 4; n++) {
        parallel_set_threads(n);
        CHECK_EQUAL(parallel_threads(), n);
        parallel_for(1000, mark, seen);
    }
    parallel_set_threads(n_threads);
    for (int i = 0; i < 1000; i++)
        CHECK_EQUAL(seen[i], 4);
    parallel_for(0, mark, NULL);
}

static void note_thread(void *context, int64_t piece)
{
    ((int *)context)[piece] = parallel_thread_index();
    usleep(500);
}

TEST(parallel, pieces_are_shared_among_the_threads)
{
    int index[64];
    int n_threads = parallel_threads();
    parallel_set_threads(3);
    parallel_for(64, note_thread, index);
    parallel_set_threads(n_threads);
    int n_pieces[3] = {0};
    for (int i = 0; i < 64; i++) {
        REQUIRE(index[i] >= 0 && index[i] < 3);
        n_pieces[index[i]]++;
    }
    CHECK(n_pieces[0] < 64 && n_pieces[1] < 64 && n_pieces[2] < 64);
}

/* Goal: right sums, bit-equal at 1 to 4 threads, at lengths around blocks (4096) and rounds (1024 blocks).
 * Oracle: long double from the left. Values of mixed sign and size make any other order visible. */
TEST(parallel, sums_are_right_and_bit_equal_at_any_thread_count)
{
    enum { N_MAX = 4096 * 1024 + 4099 };
    float *x = malloc(sizeof *x * N_MAX);
    for (int64_t i = 0; i < N_MAX; i++) {
        Philox block = philox(1, 2, 0, (uint64_t)i);
        x[i] = (philox_uniform(block.word[0]) - 0.5f) * ldexpf(1.0f, (int)(block.word[1] % 40) - 20);
    }
    const int64_t lengths[] = {0, 1, 7, 8, 9, 4095, 4096, 4097, 100003, 4096 * 1024, N_MAX};
    int n_threads = parallel_threads();
    for (int k = 0; k < 11; k++) {
        long double exact = 0.0L, exact_squares = 0.0L, size = 0.0L;
        for (int64_t i = 0; i < lengths[k]; i++) {
            exact += x[i];
            exact_squares += (long double)x[i] * x[i];
            size += fabsf(x[i]);
        }
        double sum[5], squares[5];
        for (int n = 1; n <= 4; n++) {
            parallel_set_threads(n);
            sum[n] = parallel_sum_f32(x, lengths[k]);
            squares[n] = parallel_sum_squares_f32(x, lengths[k]);
            CHECK(memcmp(&sum[n], &sum[1], sizeof(double)) == 0);
            CHECK(memcmp(&squares[n], &squares[1], sizeof(double)) == 0);
        }
        CHECK_CLOSE(sum[1], (double)exact, 1e-13 * (double)size);
        CHECK_CLOSE(squares[1], (double)exact_squares, 1e-13 * (double)exact_squares);
    }
    parallel_set_threads(n_threads);
    free(x);
}
