/* page_test.c - pages and charts: whatever bytes and values come, the markup is well formed and says what it was given. */
#include "base/page.h"

#include "base/file.h"
#include "base/test.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- a judge of markup ---- */

static bool is_void_tag(const char *name, size_t n)
{
    static const char *const names[] = {"meta", "input", "!DOCTYPE"};
    for (int i = 0; i < 3; i++)
        if (strlen(names[i]) == n && memcmp(names[i], name, n) == 0)
            return true;
    return false;
}

/* True when tags nest, attributes are quoted, and no bare & stands in text. Says where it fails. */
static bool is_well_formed(const char *text)
{
    const char *open[64];
    size_t n_open[64];
    int depth = 0;
    for (const char *p = text; *p;) {
        if (*p == '&' && !strchr(p + 1, ';'))
            return false;
        if (*p != '<') {
            p++;
            continue;
        }
        bool closes = p[1] == '/';
        const char *name = p + 1 + closes;
        size_t n = strcspn(name, " />\n");
        bool quoted = false;
        for (p = name; *p && (quoted || *p != '>'); p++) {
            if (*p == '"')
                quoted = !quoted;
            else if (!quoted && *p == '<')
                return false;
        }
        if (!*p || quoted)
            return false;
        bool alone = p[-1] == '/' || is_void_tag(name, n);
        p++;
        if (closes && (depth == 0 || n_open[depth - 1] != n || memcmp(open[depth - 1], name, n) != 0))
            return false;
        if (closes) {
            depth--;
        } else if (!alone) {
            if (depth == 64)
                return false;
            open[depth] = name;
            n_open[depth++] = n;
        }
    }
    return depth == 0;
}

static const char *saved(Arena *arena, Page *page)
{
    const char *path = arena_printf(arena, "%s/page.html", test_dir()), *text = "";
    CHECK_OK(page_save(page, path));
    CHECK_OK(file_read(&text, &(size_t){0}, arena, path));
    return text;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
        n++;
    return n;
}

TEST(page, the_judge_of_markup_can_fail)
{
    CHECK(is_well_formed("<a href=\"x > y\">b<br/></a>"));
    CHECK(!is_well_formed("<a><b></a></b>"));
    CHECK(!is_well_formed("<a>"));
    CHECK(!is_well_formed("<a href=\"x>"));
    CHECK(!is_well_formed("<p>1 < 2</p>"));
}

/* ---- escaping ---- */

static const char *escaped(Arena *arena, const char *bytes, size_t n_bytes)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    markup_bytes(out, bytes, n_bytes);
    fclose(out);
    const char *copy = arena_strndup(arena, text, n);
    free(text);
    return copy;
}

/* Goal: no text can leave its element. Method: the five signs, ill-formed UTF-8 by maximal subparts, surrogates, controls. */
TEST(markup, escapes_signs_and_replaces_what_no_page_may_hold)
{
    Arena *arena = arena_new();
    CHECK_STRING(escaped(arena, "a<b>&\"c\"", 8), "a&lt;b&gt;&amp;&quot;c&quot;");
    CHECK_STRING(escaped(arena, "직지\tx\n", 9), "직지\tx\n");
    CHECK_STRING(escaped(arena, "\xEC\xA7", 2), "\xEF\xBF\xBD");
    CHECK_STRING(escaped(arena, "\xFF<\xC3", 3), "\xEF\xBF\xBD&lt;\xEF\xBF\xBD");
    CHECK_STRING(escaped(arena, "\xED\xA0\x80", 3), "\xEF\xBF\xBD");
    CHECK_STRING(escaped(arena, "a\0b\x1B\r\n", 6), "a\xEF\xBF\xBD" "b\xEF\xBF\xBD\n");
    arena_free(arena);
}

TEST(page, holds_both_languages_and_opens_in_the_asked_one)
{
    Arena *arena = arena_new();
    Page *page = page_new(PHRASE("A run", "학습 기록"), PHRASE_SAME("x<y>"), true);
    page_section(page, PHRASE("Curves", "곡선"));
    page_section(page, PHRASE("Samples", "견본"));
    const char *text = saved(arena, page);
    CHECK(is_well_formed(text));
    CHECK(strstr(text, "<html lang=\"ko\">") && strstr(text, "<title>학습 기록</title>") && strstr(text, "id=\"in-ko\" aria-label=\"한국어\" checked"));
    CHECK(strstr(text, "<span lang=\"en\">Curves</span><span lang=\"ko\">곡선</span>"));
    CHECK(strstr(text, "<a href=\"#s2\">") && strstr(text, "<h2 id=\"s2\">"));
    CHECK(strstr(text, "x&lt;y&gt;") && !strstr(text, "x<y>"));
    page_free(page);
    arena_free(arena);
}

/* Goal: nothing is fetched and nothing is run, whatever the page shows. */
TEST(page, asks_nothing_of_a_network_and_runs_no_script)
{
    Arena *arena = arena_new();
    Page *page = page_new(PHRASE_SAME("t"), PHRASE_SAME("s"), false);
    double x[] = {1, 2}, y[] = {3, 4};
    ChartSeries series = {.name = PHRASE_SAME("a"), .x = x, .y = y, .n = 2};
    page_lines(page, &(LineChart){.title = PHRASE_SAME("c"), .series = &series, .n_series = 1});
    page_sample(page, PHRASE_SAME("s"), "<script>alert(1)</script>", 25);
    const char *text = saved(arena, page);
    CHECK(is_well_formed(text));
    static const char *const never[] = {"<script", "http:", "https:", "url(", "@import", "<link", " src=", " onload="};
    for (int i = 0; i < 8; i++)
        CHECK(!strstr(text, never[i]));
    page_free(page);
    arena_free(arena);
}

TEST(page, tables_figures_and_folds_nest)
{
    Arena *arena = arena_new();
    Page *page = page_new(PHRASE_SAME("t"), (Phrase){NULL, NULL}, false);
    PageFigure figures[] = {{PHRASE("loss", "손실"), "1.234", {NULL, NULL}}, {PHRASE_SAME("n"), "3 & 4", PHRASE_SAME("note")}};
    Phrase columns[] = {PHRASE_SAME("k"), PHRASE_SAME("v")}, cells[] = {PHRASE_SAME("a"), PHRASE_SAME("1"), PHRASE_SAME("b"), PHRASE("two", "둘")};
    page_figures(page, figures, 2);
    page_fold_begin(page, PHRASE_SAME("more"));
    page_table(page, &(PageTable){.columns = columns, .n_columns = 2, .cells = cells, .n_rows = 2});
    page_fold_end(page);
    const char *text = saved(arena, page);
    CHECK(is_well_formed(text));
    CHECK_EQUAL(count(text, "<tr>"), 3);
    CHECK_EQUAL(count(text, "<th scope=\"row\">"), 2);
    CHECK(strstr(text, "3 &amp; 4"));
    page_free(page);
    arena_free(arena);
}

/* ---- charts ---- */

static const char *lines_text(Arena *arena, const LineChart *chart)
{
    char *text = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&text, &n_bytes);
    chart_lines(out, chart, false);
    fclose(out);
    const char *copy = arena_strndup(arena, text, n_bytes);
    free(text);
    return copy;
}

/* Goal: hostile values neither crash nor reach the drawing. Method: nothing, one point, equal points, NaN, infinities, huge and tiny spans, both scales. */
TEST(chart, any_values_give_finite_well_formed_drawings)
{
    Arena *arena = arena_new();
    double x[] = {0, 1, 2, 3, 4, 5, 6, 7};
    double sets[7][8] = {{1, 1, 1, 1, 1, 1, 1, 1}, {NAN, INFINITY, -INFINITY, NAN, NAN, NAN, NAN, NAN}, {0, 0, 0, 0, 0, 0, 0, 0},
                        {1e-300, 1e300, 1, -1, 0, 5, NAN, 2}, {-3, -2, -1, 0, 1, 2, 3, 4}, {1e-9, 2e-9, 3e-9, 1e-9, 1, 1, 1, 1}, {1e308, -1e308, 1, 2, 3, 1e200, 5e-324, 4}};
    for (int set = 0; set < 7; set++)
        for (int variant = 0; variant < 8; variant++)
            for (int n = 0; n <= 8; n += variant & 1 ? 1 : 8) {
                ChartSeries series = {.name = PHRASE_SAME("<a>"), .x = x, .y = sets[set], .n = n, .mark = (SeriesMark)(variant % 3)};
                LineChart chart = {.title = PHRASE_SAME("t"), .series = &series, .n_series = 1, .x_log = variant & 2, .y_log = variant & 4};
                const char *text = lines_text(arena, &chart);
                CHECK(is_well_formed(text));
                CHECK(!strstr(text, "nan") && !strstr(text, "inf") && !strstr(text, "<a>"));
            }
    arena_free(arena);
}

TEST(chart, points_lie_where_the_axes_say)
{
    Arena *arena = arena_new();
    double x[] = {0, 100}, y[] = {0, 10};
    ChartSeries series = {.name = PHRASE_SAME("a"), .x = x, .y = y, .n = 2, .mark = SERIES_DOTS};
    const char *text = lines_text(arena, &(LineChart){.x_name = PHRASE_SAME("step"), .x_kind = VALUE_INTEGER, .series = &series, .n_series = 1});
    CHECK(strstr(text, "cx=\"62.0\" cy=\"232.0\""));   /* the field's lower left corner */
    CHECK(strstr(text, "cx=\"512.0\" cy=\"28.0\""));   /* and its upper right */
    CHECK(strstr(text, "<title>step 100, a 10</title>"));
    double decades_x[] = {1, 10, 100}, decades_y[] = {1, 2, 3};
    series = (ChartSeries){.name = PHRASE_SAME("a"), .x = decades_x, .y = decades_y, .n = 3, .mark = SERIES_DOTS};
    text = lines_text(arena, &(LineChart){.x_log = true, .series = &series, .n_series = 1});
    CHECK(strstr(text, "cx=\"287.0\""));  /* ten is the middle of 1 and 100 */
    arena_free(arena);
}

/* Goal: a long run makes a small picture. */
TEST(chart, a_line_of_a_million_values_has_no_more_points_than_pixels)
{
    enum { N = 1000000 };
    Arena *arena = arena_new();
    double *x = ARENA_ARRAY(arena, double, N), *y = ARENA_ARRAY(arena, double, N);
    for (int i = 0; i < N; i++) {
        x[i] = i;
        y[i] = i % 7;
    }
    ChartSeries series = {.name = PHRASE_SAME("a"), .x = x, .y = y, .n = N};
    const char *text = lines_text(arena, &(LineChart){.series = &series, .n_series = 1});
    CHECK(strlen(text) < 60000);
    CHECK(is_well_formed(text));
    arena_free(arena);
}

TEST(chart, values_are_written_short)
{
    Arena *arena = arena_new();
    CHECK_STRING(value_text(arena, VALUE_NUMBER, 0.00003), "3e-5");
    CHECK_STRING(value_text(arena, VALUE_NUMBER, 2.34567), "2.346");
    CHECK_STRING(value_text(arena, VALUE_NUMBER, 123456), "123 k");
    CHECK_STRING(value_text(arena, VALUE_INTEGER, 1234567), "1,234,567");
    CHECK_STRING(value_text(arena, VALUE_INTEGER, -12), "-12");
    CHECK_STRING(value_text(arena, VALUE_PERCENT, 0.125), "12.5 %");
    CHECK_STRING(value_text(arena, VALUE_NUMBER, NAN), "–");
    arena_free(arena);
}

/* Goal: bars and histograms hold their values, and survive nothing, NaN and zeros. */
TEST(chart, bars_and_histograms_say_their_values)
{
    Arena *arena = arena_new();
    Page *page = page_new(PHRASE_SAME("t"), PHRASE_SAME("s"), false);
    Phrase rows[] = {PHRASE("weights", "가중치"), PHRASE_SAME("empty")}, series[] = {PHRASE_SAME("plan"), PHRASE_SAME("run")};
    double values[] = {2e9, 1e9, NAN, 0}, edges[] = {0.1, 1, 10}, counts[] = {5, 0};
    for (int stacked = 0; stacked < 2; stacked++)
        page_bars(page, &(BarChart){.title = PHRASE_SAME("b"), .kind = VALUE_BYTES, .stacked = stacked, .rows = rows, .n_rows = 2, .series = series,
                                    .n_series = 2, .values = values});
    page_bars(page, &(BarChart){.title = PHRASE_SAME("none"), .series = series, .n_series = 1});
    for (int scale = 0; scale < 4; scale++)
        page_histogram(page, &(Histogram){.title = PHRASE_SAME("h"), .y_name = PHRASE_SAME("documents"), .x_log = scale & 1, .y_log = scale & 2,
                                          .edges = edges, .counts = counts, .n_bins = 2});
    const char *text = saved(arena, page);
    CHECK(is_well_formed(text));
    CHECK(!strstr(text, "nan") && !strstr(text, "inf"));
    CHECK_EQUAL(count(text, "<title>weights, plan: 2.00 GB</title>"), 2);
    CHECK_EQUAL(count(text, "<title>0.1 – 1: 5 documents</title>"), 4);
    page_free(page);
    arena_free(arena);
}
