/* fuzz_replay_test.c - every fuzzer's seeds, and so everything fuzzing has found, run once in each test run. CMakeLists.txt names
 * the entry point of x_fuzz.c "x_fuzz" here and lists them all as FUZZERS. */
#include "base/file.h"
#include "base/test.h"

#include <stdint.h>
#include <stdlib.h>

#define X(name) int name(const uint8_t *bytes, size_t n_bytes);
FUZZERS
#undef X

static const struct {
    const char *name;
    int (*run)(const uint8_t *bytes, size_t n_bytes);
} fuzzers[] = {
#define X(name) {#name, name},
    FUZZERS
#undef X
};

static void replay(Arena *arena, int k, const char *path)
{
    const char *bytes;
    size_t n_bytes;
    REQUIRE_OK(file_read(&bytes, &n_bytes, arena, path));
    void *own = mem_alloc(n_bytes);  /* its own block, so that ASan sees a read past the end */
    memcpy(own, bytes, n_bytes);
    CHECK(fuzzers[k].run(own, n_bytes) == 0);
    free(own);
}

TEST(fuzz, seeds_and_finds_pass)
{
    Arena *arena = arena_new();
    for (size_t k = 0; k < sizeof fuzzers / sizeof fuzzers[0]; k++) {
        CHECK(fuzzers[k].run((const uint8_t *)"", 0) == 0);
        const char *dir = arena_strdup(arena, test_source_path(arena_printf(arena, "tests/fuzz/%s", fuzzers[k].name)));
        char **names;
        int n_names;
        if (!file_is_dir(dir))
            continue;
        REQUIRE_OK(file_list_dir(&names, &n_names, arena, dir));
        for (int i = 0; i < n_names; i++)
            replay(arena, (int)k, arena_printf(arena, "%s/%s", dir, names[i]));
    }
    arena_free(arena);
}
