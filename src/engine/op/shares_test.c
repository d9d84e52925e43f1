/* shares_test.c - every piece once, whoever takes it. */
#include "base/parallel.h"
#include "base/test.h"
#include "engine/op/shares.h"

/* Goal: no piece is lost or taken twice, whether there are fewer pieces than threads, fewer threads than shares, or a thread that never comes.
 * Method: count them, shared out for 1, 2, 3 and 70 threads and taken by a team of two. */
TEST(shares, hand_out_every_piece_once)
{
    enum { PIECES = 211 };
    const int threads[] = {1, 2, 3, 70}, was = parallel_threads();
    for (int t = 0; t < 4; t++)
        for (int n = 0; n <= PIECES; n += n < 3 ? 1 : 104) {
            int taken[PIECES] = {0};
            parallel_set_threads(threads[t]);
            Shares shares = shares_of(n);
#pragma omp parallel num_threads(2)
            for (int64_t piece; shares_take(&shares, &piece);) {
#pragma omp atomic
                taken[piece]++;
            }
            for (int i = 0; i < PIECES; i++)
                CHECK(taken[i] == (i < n));
        }
    parallel_set_threads(was);
}

/* Goal: a thread alone meets pieces in their order, which is a stream of memory. */
TEST(shares, keep_neighbours_in_order)
{
    const int was = parallel_threads();
    parallel_set_threads(4);
    Shares shares = shares_of(10);
    int64_t piece = -1;
    for (int64_t i = 0; i < 10; i++)
        CHECK(shares_take(&shares, &piece) && piece == i);
    CHECK(!shares_take(&shares, &piece));
    parallel_set_threads(was);
}
