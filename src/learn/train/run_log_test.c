/* run_log_test.c - appending and cutting back. */
#include "base/test.h"

#include "base/arena.h"
#include "base/file.h"
#include "learn/train/run_log.h"

#include <stdio.h>

static void add_line(RunLog *log, int64_t step, double loss)
{
    JsonWriter *json = run_log_begin(log, step);
    json_field_double(json, "loss", loss);
    CHECK_OK(run_log_end(log));
}

/* Goal: a resumed log is that of a run that never stopped. Method: four lines and half of a fifth, as a kill leaves them; resume at step 2. */
TEST(run_log, resuming_drops_what_lies_after_the_checkpoint_and_half_lines)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/log.jsonl", test_dir());
    RunLog *log;
    REQUIRE_OK(run_log_open(&log, path, -1, 0));
    for (int step = 1; step <= 4; step++)
        add_line(log, step, 0.5 * step);
    run_log_close(log);
    FILE *cut = fopen(path, "a");
    fputs("{\"step\":5,\"lo", cut);
    fclose(cut);

    REQUIRE_OK(run_log_open(&log, path, 4, 0));  /* only the half line goes */
    add_line(log, 5, 2.5);
    run_log_close(log);
    REQUIRE_OK(run_log_open(&log, path, 2, 0));
    add_line(log, 3, 9);
    run_log_close(log);

    const char *bytes;
    size_t n_bytes;
    REQUIRE_OK(file_read(&bytes, &n_bytes, arena, path));
    CHECK_STRING(bytes, "{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":1.0}\n{\"step\":3,\"loss\":9.0}\n");
    arena_free(arena);
}

/* Goal: what happened before a rollback stays, what came after the checkpoint goes. Method: steps 1 to 4, back to 2, steps 3 and 4 again; resumed at 3 of
 * the second time, then at 3 of the first. */
TEST(run_log, lines_before_a_rollback_stay)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/log.jsonl", test_dir()), *bytes;
    RunLog *log;
    REQUIRE_OK(run_log_open(&log, path, -1, 0));
    for (int step = 1; step <= 4; step++)
        add_line(log, step, step);
    run_log_set_rollbacks(log, 1);
    add_line(log, 3, 30);
    add_line(log, 4, 40);
    run_log_close(log);

    REQUIRE_OK(run_log_open(&log, path, 3, 1));
    run_log_close(log);
    REQUIRE_OK(file_read(&bytes, &(size_t){0}, arena, path));
    CHECK_STRING(bytes, "{\"step\":1,\"loss\":1.0}\n{\"step\":2,\"loss\":2.0}\n{\"step\":3,\"loss\":3.0}\n{\"step\":4,\"loss\":4.0}\n"
                        "{\"step\":3,\"rollbacks\":1,\"loss\":30.0}\n");
    REQUIRE_OK(run_log_open(&log, path, 3, 0));
    run_log_close(log);
    REQUIRE_OK(file_read(&bytes, &(size_t){0}, arena, path));
    CHECK_STRING(bytes, "{\"step\":1,\"loss\":1.0}\n{\"step\":2,\"loss\":2.0}\n{\"step\":3,\"loss\":3.0}\n");
    arena_free(arena);
}
