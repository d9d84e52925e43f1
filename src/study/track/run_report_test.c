/* run_report_test.c - what a page shows of a run. */
#include "study/track/run_report.h"

#include "base/file.h"
#include "base/test.h"

TEST(run_report, a_curve_of_one_value_shows_it)
{
    Arena *arena = arena_new();
    const char *dir = test_dir(), *page = "";
    const char *path = arena_printf(arena, "%s/report.html", dir), *log = "{\"step\":7,\"grad_norm\":0.25}\n";
    RunRecord record;
    REQUIRE_OK(file_write(arena_printf(arena, "%s/log.jsonl", dir), log, strlen(log)));
    REQUIRE_OK(run_record_read(&record, arena, dir));
    REQUIRE_OK(run_report_write(&record, path, false));
    REQUIRE_OK(file_read(&page, &(size_t){0}, arena, path));
    CHECK(strstr(page, "<title>step 7, Gradient norm, before clipping 0.25</title></circle>"));
    arena_free(arena);
}
