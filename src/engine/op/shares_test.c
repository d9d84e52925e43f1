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
            for (int64_t first, count; (count = shares_take(&shares, 1 + n % 3, &first)) > 0;)
                for (int64_t i = first; i < first + count; i++) {
#pragma omp atomic
                    taken[i]++;
                }
            for (int i = 0; i < PIECES; i++)
                CHECK(taken[i] == (i < n));
        }
    parallel_set_threads(was);
}

/* Goal: a thread alone meets pieces in their order, which is a stream of memory; several at a time of its own share, then one by one. */
TEST(shares, keep_neighbours_in_order)
{
    const int was = parallel_threads();
    parallel_set_threads(4);
    Shares shares = shares_of(10);
    int64_t first = -1;
    for (int64_t i = 0; i < 10; i++)
        CHECK(shares_take(&shares, 1, &first) == 1 && first == i);
    CHECK(shares_take(&shares, 1, &first) == 0);
    shares = shares_of(14);  /* 0 .. 2, 3 .. 6, 7 .. 9, 10 .. 13 */
    CHECK(shares_take(&shares, 2, &first) == 2 && first == 0);
    CHECK(shares_take(&shares, 2, &first) == 1 && first == 2);
    for (int64_t i = 3; i < 14; i++)
        CHECK(shares_take(&shares, 2, &first) == 1 && first == i);
    CHECK(shares_take(&shares, 2, &first) == 0);
    parallel_set_threads(was);
}

/* Goal: half of what is left at a time ends, and leaves nothing out. */
TEST(shares, halves_are_the_whole)
{
    Shares shares = shares_of(37);
    int64_t n_own = shares.share[0].end, next = 0, first = -1;
    while (next < n_own) {
        int64_t half = shares_half(&shares), n = shares_take(&shares, half, &first);
        CHECK(half == (n_own - next < 2 ? 1 : (n_own - next) / 2) && n == half && first == next);
        next += n;
    }
    CHECK(next == n_own && shares_half(&shares) == 1);
}
