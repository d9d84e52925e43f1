/* chart_bars.c - lying bars, one row a category, and standing ones over an axis of numbers. */
#include "base/chart_internal.h"

#include "base/log.h"

#include <assert.h>
#include <math.h>

/* ---- lying ---- */

enum { BAR_HEIGHT = 16, ROW_GAP = 12, LETTER_WIDTH = 7, VALUE_WIDTH = 84 };

typedef struct {
    const BarChart *chart;
    double left, row_height, height, width;
    Axis axis;
    bool korean;
    Arena *arena;
} Bars;

static double bar_value(const BarChart *chart, int row, int s)
{
    double value = chart->values[row * chart->n_series + s];
    return fabs(value) <= 1e150 ? value : 0;  /* as everywhere: what lies beyond is not drawn */
}

/* Room for the longest name, at most a third of the drawing. */
static double name_width(const BarChart *chart, double width)
{
    int n = 4;
    for (int i = 0; i < chart->n_rows; i++)
        for (int korean = 0; korean < 2; korean++) {
            int columns = text_columns(phrase_text(chart->rows[i], korean));
            n = columns > n ? columns : n;
        }
    return fmin(n * LETTER_WIDTH + 14, width * 0.36);
}

static Bars bars_new(const BarChart *chart, bool korean, Arena *arena)
{
    Bars b = {.chart = chart, .width = chart->wide ? 1080 : 530, .korean = korean, .arena = arena};
    Extent extent = EXTENT_EMPTY;
    extent_add(&extent, 0);
    for (int row = 0; row < chart->n_rows; row++) {
        double sum = 0;
        for (int s = 0; s < chart->n_series; s++) {
            sum += bar_value(chart, row, s);
            extent_add(&extent, chart->stacked ? sum : bar_value(chart, row, s));
        }
    }
    if (extent.max <= 0)
        extent.max = 1;
    b.left = name_width(chart, b.width);
    b.row_height = ROW_GAP + BAR_HEIGHT * (chart->stacked ? 1 : chart->n_series);
    b.height = chart->n_rows * b.row_height + ROW_GAP;
    b.axis = axis_new(extent, false, false, chart->kind, b.left, b.width - VALUE_WIDTH, 5);
    return b;
}

static void put_bar(FILE *out, const Bars *b, int row, int s, double from, double value, double y)
{
    double x0 = axis_place(&b->axis, from), x1 = axis_place(&b->axis, from + value);
    fprintf(out, "<rect class=\"bar s%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"2\"><title>", s, x0, y, fmax(0.6, x1 - x0),
            BAR_HEIGHT - 2);
    markup_text(out, phrase_text(b->chart->rows[row], b->korean));
    if (b->chart->n_series > 1) {
        fputs(", ", out);
        markup_text(out, phrase_text(b->chart->series[s], b->korean));
    }
    fprintf(out, ": %s</title></rect>\n", value_text(b->arena, b->chart->kind, value));
}

static void put_value(FILE *out, const Bars *b, double value, double y)
{
    fprintf(out, "<text class=\"value\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", axis_place(&b->axis, value) + 7, y + BAR_HEIGHT - 4,
            value_text(b->arena, b->chart->kind, value));
}

static void put_row(FILE *out, const Bars *b, int row)
{
    double top = ROW_GAP + row * b->row_height, sum = 0;
    fprintf(out, "<text class=\"tick end\" x=\"%.1f\" y=\"%.1f\">", b->left - 10, top + (b->row_height - ROW_GAP) / 2 + 4);
    markup_phrase(out, "tspan", b->chart->rows[row]);
    fputs("</text>\n", out);
    for (int s = 0; s < b->chart->n_series; s++) {
        double value = bar_value(b->chart, row, s), y = b->chart->stacked ? top : top + s * BAR_HEIGHT;
        if (!isfinite(b->chart->values[row * b->chart->n_series + s]))
            continue;
        if (value > 0)
            put_bar(out, b, row, s, b->chart->stacked ? sum : 0, value, y);
        if (!b->chart->stacked)
            put_value(out, b, value, y);
        sum += value;
    }
    if (b->chart->stacked)
        put_value(out, b, sum, top);
}

void chart_bars(FILE *out, const BarChart *chart, bool korean)
{
    assert(chart->n_series >= 1 && chart->n_series <= CHART_SERIES_MAX);
    Arena *arena = arena_new();
    Bars b = bars_new(chart, korean, arena);
    svg_begin(out, b.width, b.height, phrase_text(chart->title, korean));
    fprintf(out, "<path class=\"axis\" d=\"M%.1f %dV%.1f\"/>\n", b.left, ROW_GAP / 2, b.height - ROW_GAP / 2);
    for (int row = 0; row < chart->n_rows; row++)
        put_row(out, &b, row);
    svg_end(out);
    arena_free(arena);
}

/* ---- standing ---- */

static void put_bin(FILE *out, const Histogram *chart, const Axis *x, const Axis *y, const Field *field, int i, bool korean, Arena *arena)
{
    if (!(chart->counts[i] > 0) || !axis_has(x, chart->edges[i]))
        return;
    double left = axis_place(x, chart->edges[i]), right = axis_place(x, chart->edges[i + 1]), top = axis_place(y, chart->counts[i]);
    fprintf(out, "<rect class=\"bar s0\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>", left, fmin(top, field->bottom - 0.6),
            fmax(0.6, right - left - 0.8), fmax(0.6, field->bottom - top));
    fprintf(out, "%s – %s: %s ", value_text(arena, chart->x_kind, chart->edges[i]), value_text(arena, chart->x_kind, chart->edges[i + 1]),
            value_text(arena, VALUE_INTEGER, chart->counts[i]));
    markup_text(out, phrase_text(chart->y_name, korean));
    fputs("</title></rect>\n", out);
}

void chart_histogram(FILE *out, const Histogram *chart, bool korean)
{
    Arena *arena = arena_new();
    Field field = field_new(chart->wide, true);
    Extent x = EXTENT_EMPTY, y = EXTENT_EMPTY;
    for (int i = 0; i < chart->n_bins; i++) {
        extent_add(&x, chart->edges[i]);
        extent_add(&x, chart->edges[i + 1]);
        if (!chart->y_log || chart->counts[i] > 0)
            extent_add(&y, chart->counts[i]);
    }
    if (!chart->y_log)
        extent_add(&y, 0);
    else if (y.min <= y.max)
        extent_add(&y, y.min / 2);  /* the smallest count has a height too */
    Axis x_axis = axis_new(x, chart->x_log, false, chart->x_kind, field.left, field.right, chart->wide ? 10 : 5);
    Axis y_axis = axis_new(y, chart->y_log, true, VALUE_INTEGER, field.bottom, field.top, 5);
    svg_begin(out, field.width, field.height, phrase_text(chart->title, korean));
    field_frame(out, &field, &x_axis, &y_axis, chart->x_name, chart->y_name);
    for (int i = 0; i < chart->n_bins; i++)
        put_bin(out, chart, &x_axis, &y_axis, &field, i, korean, arena);
    svg_end(out);
    arena_free(arena);
}
