/* large_test.c - arrays that grow keep what they hold. */
#include "base/large.h"
#include "base/test.h"

#include <stdint.h>

TEST(large, a_grown_array_keeps_its_values_and_is_zero_behind_them)
{
    size_t n = 0;
    uint32_t *values = NULL;
    for (size_t grown = 1000; grown < 3000000; grown = grown * 3 + 1) {
        values = mem_grow(values, n * sizeof *values, grown * sizeof *values);
        size_t n_kept = 0, n_zero = 0;
        for (size_t i = 0; i < grown; i++)
            *(i < n ? &n_kept : &n_zero) += values[i] == (i < n ? (uint32_t)i + 7 : 0);
        CHECK_EQUAL(n_kept, n);
        CHECK_EQUAL(n_zero, grown - n);
        for (size_t i = n; i < grown; i++)
            values[i] = (uint32_t)i + 7;
        n = grown;
    }
    mem_release_grown(values, n * sizeof *values);
    mem_release_grown(NULL, 0);
}
