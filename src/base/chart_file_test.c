/* chart_file_test.c - a drawing that stands alone. */
#include "base/chart.h"

#include "base/file.h"
#include "base/test.h"

#include <math.h>
#include <string.h>

/* Goal: the file is one SVG image that needs nothing else: it names its language, brings colours and legend, escapes names, and is valid also where a
 * value is missing. Method: what must be there, and as many elements closed as opened. */
TEST(chart_file, bars_stand_alone)
{
    const Phrase rows[] = {PHRASE_SAME("a < b"), PHRASE_SAME("c")}, series[] = {{"time", "시간"}, {"roof", "지붕"}};
    const double values[] = {0.5, 0.25, 1.5, NAN};
    const BarChart chart = {.title = PHRASE_SAME("t"), .kind = VALUE_PERCENT, .rows = rows, .n_rows = 2, .series = series, .n_series = 2, .values = values};
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/chart.svg", test_dir());
    REQUIRE_OK(chart_bars_save(&chart, path));
    const char *text;
    size_t n_bytes;
    REQUIRE_OK(file_read(&text, &n_bytes, arena, path));
    CHECK(strncmp(text, "<svg xmlns=\"http://www.w3.org/2000/svg\"", 39) == 0);
    CHECK(strstr(text, "<style>") && strstr(text, ">time</text>") && strstr(text, "a &lt; b") && !strstr(text, "시간") && !strstr(text, "nan"));
    int depth = 0, deepest = 0;
    for (const char *at = text; *at; at++) {
        depth += strncmp(at, "<svg", 4) == 0 ? 1 : strncmp(at, "</svg", 5) == 0 ? -1 : 0;
        deepest = depth > deepest ? depth : deepest;
    }
    CHECK_EQUAL(depth, 0);
    CHECK_EQUAL(deepest, 2);
    arena_free(arena);
}
