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

/* Goal: a page of an fp16 run says why it failed: the event in words, the share that overflowed, the exponents; a measurement is no incident. */
TEST(run_report, overflow_is_shown_layer_by_layer)
{
    Arena *arena = arena_new();
    const char *dir = test_dir(), *page = "";
    const char *path = arena_printf(arena, "%s/report.html", dir);
    const char *log = "{\"step\":3,\"event\":\"overflow\",\"what\":\"the gradient norm is not finite\",\"loss_scale\":65536,\"layers\":[{\"layer\":0,"
                      "\"elements\":400,\"overflow\":100,\"subnormal\":20,\"zero\":4}],\"exponent_min\":-24,\"exponents\":[0,5,7]}\n"
                      "{\"step\":4,\"event\":\"gradients\",\"loss_scale\":32768,\"layers\":[{\"layer\":0,\"elements\":400,\"overflow\":0,"
                      "\"subnormal\":100,\"zero\":40}],\"exponent_min\":-24,\"exponents\":[1,2,3]}\n";
    RunRecord record;
    REQUIRE_OK(file_write(arena_printf(arena, "%s/log.jsonl", dir), log, strlen(log)));
    REQUIRE_OK(run_record_read(&record, arena, dir));
    CHECK_EQUAL(record.n_incidents, 1);
    CHECK_STRING(record.incidents[0].what, "the gradient norm is not finite");
    CHECK(record.gradients && strstr(record.gradients, "\"step\":4,"));
    REQUIRE_OK(run_report_write(&record, path, false));
    REQUIRE_OK(file_read(&page, &(size_t){0}, arena, path));
    CHECK(strstr(page, "Gradients in fp16") && strstr(page, "25 %") && strstr(page, "10 %") && strstr(page, "Exponents of gradients"));
    arena_free(arena);
}
