/* spool_test.c - what is added comes back: records of no bytes, of many, and larger than the buffer, in memory or in a file. */
#include "text/corpus/spool.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>

/* Lengths of all residues of 8, now and then as long as several buffers. */
static size_t length_of(int i)
{
    return i % 97 == 96 ? 300000 + (size_t)i : (size_t)(i * 37 % 1000);
}

static void fill(char *bytes, int i)
{
    for (size_t k = 0; k < length_of(i); k++)
        bytes[k] = (char)((size_t)i + k * 31);
}

static void check_reading(Spool *spool, Arena *arena, int n)
{
    const void *bytes;
    size_t n_bytes;
    Err err;
    int i = 0;
    CHECK(spool_rewind(spool) == OK);
    for (; spool_next(spool, &bytes, &n_bytes, &err); i++) {
        char *expected = arena_alloc(arena, length_of(i) + 1);
        fill(expected, i);
        CHECK((uintptr_t)bytes % 8 == 0 && n_bytes == length_of(i) && memcmp(bytes, expected, n_bytes) == 0);
        arena_reset(arena);
    }
    CHECK(err == OK && i == n);
}

TEST(spool, records_come_back_as_often_as_they_are_read)
{
    const int ns[] = {0, 1, 50, 400};  /* none, some that fit into the buffer, many that do not */
    for (int k = 0; k < 4; k++) {
        Arena *arena = arena_new();
        Spool *spool;
        int64_t n_bytes = 0;
        REQUIRE_OK(spool_new(&spool, test_dir()));
        for (int i = 0; i < ns[k]; i++) {
            char *record = arena_alloc(arena, length_of(i) + 1);
            fill(record, i);
            CHECK(spool_add(spool, record, length_of(i)) == OK);
            n_bytes += (int64_t)length_of(i);
            arena_reset(arena);
        }
        CHECK(spool_n(spool) == ns[k] && spool_n_bytes(spool) == n_bytes);
        check_reading(spool, arena, ns[k]);
        check_reading(spool, arena, ns[k]);
        spool_free(spool);
        arena_free(arena);
    }
}
