/* external_sort_test.c - with and without runs, with many equal records, with more runs than buffers: the order is qsort's. */
#include "base/arena.h"
#include "base/philox.h"
#include "base/test.h"
#include "text/corpus/external_sort.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return x[0] != y[0] ? (x[0] < y[0] ? -1 : 1) : x[1] != y[1] ? (x[1] < y[1] ? -1 : 1) : 0;
}

static void check_sort(int64_t n, uint64_t n_values, int64_t memory_bytes, bool spills)
{
    uint64_t(*records)[2] = mem_alloc((size_t)n * sizeof *records + 1), got[2];
    ExternalSort *sort = external_sort_new(2, memory_bytes, test_dir());
    for (int64_t i = 0; i < n; i++) {
        records[i][0] = philox_below(1, 2, (uint64_t)i, n_values);
        records[i][1] = philox_below(1, 3, (uint64_t)i, 5);
        CHECK_OK(external_sort_add(sort, records[i]));
    }
    qsort(records, (size_t)n, sizeof *records, compare);
    CHECK((external_sort_n_runs(sort) > 0) == spills);
    for (int round = 0; round < 2; round++) {
        Err err;
        int64_t n_got = 0;
        CHECK_OK(external_sort_begin(sort));
        while (external_sort_next(sort, got, &err) && n_got < n) {
            if (got[0] != records[n_got][0] || got[1] != records[n_got][1])
                break;
            n_got++;
        }
        CHECK_OK(err);
        CHECK_EQUAL(n_got, n);
    }
    external_sort_free(sort);
    free(records);
}

TEST(external_sort, order_is_that_of_qsort_in_memory_and_out_of_it)
{
    check_sort(0, 10, 1 << 20, false);
    check_sort(1, 10, 1 << 20, false);
    check_sort(20000, UINT64_MAX, 1 << 20, false);
    check_sort(20000, 3, 1 << 20, false);
    check_sort(50000, UINT64_MAX, 100000, true);
    check_sort(50000, 7, 100000, true);
    check_sort(40001, UINT64_MAX, 1, true);  /* 40 runs of 1000, merged in two levels */
}
