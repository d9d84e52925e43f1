/* curve_test.c - drawings of small data, to the character. */
#include "cli/curve.h"

#include "base/file.h"
#include "base/test.h"

#include <math.h>
#include <stdlib.h>

static const double ramp_x[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, ramp_y[] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
static const double mark_x[] = {0, 5, 10}, mark_y[] = {8, 6, 4};

static const char *draw(bool ascii, Arena *arena)
{
    CurveSeries series[] = {{"train", ramp_x, ramp_y, 11}, {"validation", mark_x, mark_y, 3}};
    CurveOptions options = {.n_columns = 30, .n_rows = 8, .ascii = ascii, .title = "loss", .x_name = "step"};
    return curve_draw(series, 2, &options, arena);
}

TEST(curve, draws_a_line_and_marks_in_ascii)
{
    Arena *arena = arena_new();
    CHECK_STRING(draw(true, arena),
                 "loss   . train   o validation\n"
                 "10 +...\n"
                 "   |o  ...\n"
                 " 5 +      ...o.      o\n"
                 "   |           ....\n"
                 " 0 +               ...\n"
                 "   ++----------------+\n"
                 "    0                10  step\n");
    arena_free(arena);
}

TEST(curve, draws_a_line_and_marks_in_braille)
{
    Arena *arena = arena_new();
    CHECK_STRING(draw(false, arena),
                 "loss   ⠒ train   ● validation\n"
                 "10 ┤⠑⠢⢄⡀\n"
                 "   │●  ⠈⠒⠤⣀\n"
                 " 5 ┤       ⠉⠒●⢄      ●\n"
                 "   │           ⠉⠒⠤⡀\n"
                 " 0 ┤              ⠈⠑⠢⢄\n"
                 "   └┬────────────────┬\n"
                 "    0                10  step\n");
    arena_free(arena);
}

/* Goal: a run that has one line in its log, or the same loss throughout, or a NaN, is drawn and not divided by zero. */
TEST(curve, draws_constant_and_non_finite_values)
{
    Arena *arena = arena_new();
    const double x[] = {1, 2, 3}, y[] = {2, NAN, 2};
    CurveSeries series = {"train", x, y, 3};
    CurveOptions options = {.n_columns = 24, .n_rows = 6, .ascii = true, .title = "loss", .x_name = "step"};
    const char *text = curve_draw(&series, 1, &options, arena);
    CHECK(strstr(text, "..") && !strstr(text, "nan"));
    series.n = 1;
    CHECK(strchr(curve_draw(&series, 1, &options, arena), '.'));
    series.n = 0;
    CHECK_STRING(curve_draw(&series, 1, &options, arena), "loss: nothing to draw yet\n");
    arena_free(arena);
}

TEST(curve, reads_losses_out_of_a_log)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/log.jsonl", test_dir());
    const char *log = "{\"step\":1,\"loss\":4.5,\"lr\":0.1}\n{\"step\":2,\"loss\":null,\"event\":\"bad_step\"}\n{\"step\":2,\"val_loss\":3.5}\n"
                      "{\"step\":3,\"sample\":\"loss\"}\n{\"step\":3,\"loss\":2.5}\n";
    CurveSeries series[2];
    REQUIRE_OK(file_write(path, log, strlen(log)));
    REQUIRE_OK(curve_read_log(series, arena, path));
    REQUIRE(series[0].n == 2 && series[1].n == 1);
    CHECK(series[0].x[1] == 3 && series[0].y[1] == 2.5 && series[1].x[0] == 2 && series[1].y[0] == 3.5);
    REQUIRE_OK(file_write(path, "{\"step\":1}\n{\"step\"\n", 20));
    CHECK(curve_read_log(series, arena, path) == ERR_FORMAT);
    CHECK(strstr(err_message(), "log.jsonl:2"));
    arena_free(arena);
}
