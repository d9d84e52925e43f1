/* inspect_test.c - the program from outside: exit codes, and the values that `inspect` writes. */
#include "base/arena.h"
#include "base/test.h"
#include "engine/tensor/safetensors.h"

#include <stdlib.h>
#include <sys/wait.h>

/* Runs the built program with these arguments, output into "out" of the test's folder. Returns the exit code. */
static int run_program(Arena *arena, const char *arguments)
{
    const char *command = arena_printf(arena, "%s %s > %s/out 2> %s/err", JIKJI_BINARY, arguments, test_dir(), test_dir());
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static double distance_to_golden(const char *got_path, const char *got_name, const char *want_path, const char *want_name, int64_t n_rows)
{
    Safetensors *got_file, *want_file;
    const SafeTensor *got, *want;
    double delta = 0, norm = 0, g[2048], w[2048];
    if (!CHECK_OK(safetensors_open(&got_file, got_path)) || !CHECK_OK(safetensors_open(&want_file, want_path)))
        return NAN;
    if (CHECK_OK(safetensors_find(&got, got_file, got_name)) && CHECK_OK(safetensors_find(&want, want_file, want_name))) {
        const int64_t n = got->n_elements;
        CHECK(n_rows == 0 || got->dim[0] == n_rows);
        if (CHECK(n <= 2048 && n <= want->n_elements) && CHECK_OK(safetensors_read_range(got, 0, n, DTYPE_F64, g)) &&
            CHECK_OK(safetensors_read_range(want, 0, n, DTYPE_F64, w)))
            for (int64_t i = 0; i < n; i++) {
                delta += (g[i] - w[i]) * (g[i] - w[i]);
                norm += w[i] * w[i];
            }
    }
    safetensors_close(got_file);
    safetensors_close(want_file);
    return sqrt(delta / norm);
}

/* Goal: the values in the files are those of PyTorch. Method: the first sequence of the goldens, on every way to compute. */
TEST(inspect, logits_are_pytorchs)
{
    static const char *const ways[] = {"", "--dtype f64", "--backend reference"};
    Arena *arena = arena_new();
    const char *dir = arena_strdup(arena, test_source_path("tests/golden/models/llama-tied"));
    const char *expected = arena_printf(arena, "%s/expected.safetensors", dir);
    Safetensors *file;
    const SafeTensor *ids;
    int32_t id[13];
    REQUIRE_OK(safetensors_open(&file, expected));
    REQUIRE_OK(safetensors_find(&ids, file, "ids"));
    REQUIRE_OK(safetensors_read_range(ids, 0, 13, DTYPE_I32, id));
    safetensors_close(file);
    const char *list = arena_printf(arena, "%d", id[0]);
    for (int i = 1; i < 13; i++)
        list = arena_printf(arena, "%s,%d", list, id[i]);
    const char *out = arena_printf(arena, "%s/logits.safetensors", test_dir());
    for (int w = 0; w < 3; w++) {
        CHECK_EQUAL(run_program(arena, arena_printf(arena, "inspect logits %s --ids %s --out %s %s", dir, list, out, ways[w])), 0);
        CHECK(distance_to_golden(out, "logits", expected, "logits", 13) <= (w == 1 ? 1e-13 : 2e-6));
    }
    arena_free(arena);
}

TEST(inspect, exit_codes_tell_usage_from_failure)
{
    Arena *arena = arena_new();
    const char *dir = arena_strdup(arena, test_source_path("tests/golden/models/gpt2-tied"));
    CHECK_EQUAL(run_program(arena, ""), 0);
    CHECK_EQUAL(run_program(arena, "--help"), 0);
    CHECK_EQUAL(run_program(arena, "inspekt"), 2);
    CHECK_EQUAL(run_program(arena, "inspect"), 0);
    CHECK_EQUAL(run_program(arena, "inspect nothing"), 2);
    CHECK_EQUAL(run_program(arena, "inspect params --help"), 0);
    CHECK_EQUAL(run_program(arena, "inspect params"), 2);
    CHECK_EQUAL(run_program(arena, "inspect params /nowhere"), 1);
    CHECK_EQUAL(run_program(arena, arena_printf(arena, "inspect params %s --jsn", dir)), 2);
    CHECK_EQUAL(run_program(arena, arena_printf(arena, "inspect params %s --json", dir)), 0);
    CHECK_EQUAL(run_program(arena, arena_printf(arena, "inspect graph %s --tokens 0", dir)), 2);
    CHECK_EQUAL(run_program(arena, arena_printf(arena, "inspect graph %s --tokens 7 --memory", dir)), 0);
    CHECK_EQUAL(run_program(arena, arena_printf(arena, "inspect logits %s --ids 1,99 --out x", dir)), 2);
    CHECK_EQUAL(run_program(arena, arena_printf(arena, "inspect logits %s --ids 1,,2 --out x", dir)), 2);
    CHECK_EQUAL(run_program(arena, arena_printf(arena, "inspect logits %s --ids 1", dir)), 2);
    CHECK_EQUAL(run_program(arena, arena_printf(arena, "inspect logits %s --ids 1 --out /nowhere/x", dir)), 1);
    CHECK_EQUAL(run_program(arena, arena_printf(arena, "inspect grads %s --ids 1,2 --labels 3 --out x", dir)), 2);
    CHECK_EQUAL(run_program(arena, arena_printf(arena, "inspect checkpoint %s", dir)), 0);
    arena_free(arena);
}

TEST(inspect, a_full_disk_behind_stdout_is_an_error)
{
    Arena *arena = arena_new();
    int status = system(arena_printf(arena, "%s help > /dev/full 2> /dev/null", JIKJI_BINARY));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    arena_free(arena);
}
