/* chart_lines.c - lines and points over two axes, and the values under the pointer. */
#include "base/chart_internal.h"

#include <assert.h>
#include <math.h>

enum { N_STRIPS_MAX = 90 };  /* places under the pointer that know their values */

typedef struct {
    const LineChart *chart;
    Field field;
    Axis x, y;
    bool korean;
    Arena *arena;
} Drawing;

static bool is_drawn(const Drawing *d, const ChartSeries *s, int64_t i)
{
    return axis_has(&d->x, s->x[i]) && axis_has(&d->y, s->y[i]);
}

static Drawing drawing_new(const LineChart *chart, bool korean, Arena *arena)
{
    Drawing d = {.chart = chart, .field = field_new(chart->wide, true), .korean = korean, .arena = arena};
    Extent x = EXTENT_EMPTY, y = EXTENT_EMPTY;
    for (int s = 0; s < chart->n_series; s++)
        for (int64_t i = 0; i < chart->series[s].n; i++) {
            double at = chart->series[s].x[i], value = chart->series[s].y[i];
            if (!value_is_drawn(at, chart->x_log) || !value_is_drawn(value, chart->y_log))
                continue;
            extent_add(&x, at);
            extent_add(&y, value);
        }
    for (int i = 0; i < chart->n_events; i++)
        if (value_is_drawn(chart->events[i].x, chart->x_log))
            extent_add(&x, chart->events[i].x);
    if (chart->y_from_zero && !chart->y_log && y.min <= y.max)
        extent_add(&y, 0);
    d.x = axis_new(x, chart->x_log, false, chart->x_kind, d.field.left, d.field.right, chart->wide ? 10 : 5);
    d.y = axis_new(y, chart->y_log, true, chart->y_kind, d.field.bottom, d.field.top, 5);
    return d;
}

/* ---- lines ---- */

/* Dots or a light stroke tell a line apart already: it needs no dashes. */
const char *series_class(const ChartSeries *series)
{
    return series->faint ? " faint plain" : series->mark == SERIES_LINE_DOTS ? " plain" : "";
}

/* Values that fall on one column of pixels are drawn as their mean: a line never has more points than the eye can part. */
static void put_line(FILE *out, const Drawing *d, const ChartSeries *s, int index)
{
    char command = 'M';
    fprintf(out, "<path class=\"line s%d%s\" d=\"", index, series_class(s));
    for (int64_t i = 0; i < s->n;) {
        if (!is_drawn(d, s, i)) {
            i++;
            continue;
        }
        double column = floor(axis_place(&d->x, s->x[i])), sum_x = 0, sum_y = 0;
        int n = 0;
        for (; i < s->n && is_drawn(d, s, i) && floor(axis_place(&d->x, s->x[i])) <= column; i++, n++) {
            sum_x += axis_place(&d->x, s->x[i]);
            sum_y += axis_place(&d->y, s->y[i]);
        }
        fprintf(out, "%c%.1f %.1f", command, sum_x / n, sum_y / n);
        command = 'L';
    }
    fputs("\"/>\n", out);
}

/* "step 500: 2.345", or the dot's own label and both values. */
static void put_dot_title(FILE *out, const Drawing *d, const ChartSeries *s, int64_t i)
{
    fputs("<title>", out);
    if (s->labels) {
        markup_text(out, s->labels[i]);
        fputs(": ", out);
    }
    markup_text(out, phrase_text(d->chart->x_name, d->korean));
    fprintf(out, " %s, ", value_text(d->arena, d->chart->x_kind, s->x[i]));
    markup_text(out, phrase_text(s->name, d->korean));
    fprintf(out, " %s</title>", value_text(d->arena, d->chart->y_kind, s->y[i]));
}

static void put_dots(FILE *out, const Drawing *d, const ChartSeries *s, int index)
{
    for (int64_t i = 0; i < s->n; i++) {
        if (!is_drawn(d, s, i))
            continue;
        fprintf(out, "<circle class=\"dot s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\">", index, axis_place(&d->x, s->x[i]), axis_place(&d->y, s->y[i]));
        put_dot_title(out, d, s, i);
        fputs("</circle>\n", out);
    }
}

static void put_series(FILE *out, const Drawing *d, bool faint)
{
    for (int s = 0; s < d->chart->n_series; s++) {
        const ChartSeries *series = &d->chart->series[s];
        if (series->faint != faint)
            continue;
        if (series->mark != SERIES_DOTS)
            put_line(out, d, series, s);
        if (series->mark == SERIES_DOTS)
            put_dots(out, d, series, s);
    }
}

static void put_events(FILE *out, const Drawing *d)
{
    for (int i = 0; i < d->chart->n_events; i++) {
        const ChartEvent *event = &d->chart->events[i];
        if (!axis_has(&d->x, event->x))
            continue;
        fprintf(out, "<path class=\"event\" d=\"M%.1f %.1fV%.1f\"><title>", axis_place(&d->x, event->x), d->field.top, d->field.bottom);
        markup_text(out, phrase_text(event->name, d->korean));
        fputs("</title></path>\n", out);
    }
}

/* ---- under the pointer ---- */

typedef struct {
    double sum_x, sum_y[CHART_SERIES_MAX];
    int n_x, n[CHART_SERIES_MAX];
} Strip;

static int fill_strips(const Drawing *d, Strip strips[N_STRIPS_MAX])
{
    bool any = false;
    for (int s = 0; s < d->chart->n_series; s++) {
        const ChartSeries *series = &d->chart->series[s];
        for (int64_t i = 0; series->mark != SERIES_DOTS && i < series->n; i++) {
            if (!is_drawn(d, series, i))
                continue;
            double share = (axis_place(&d->x, series->x[i]) - d->x.from) / (d->x.to - d->x.from);
            int at = (int)fmin(N_STRIPS_MAX - 1, fmax(0, share * N_STRIPS_MAX));
            strips[at].sum_x += series->x[i];
            strips[at].n_x++;
            strips[at].sum_y[s] += series->y[i];
            strips[at].n[s]++;
            any = true;
        }
    }
    return any ? N_STRIPS_MAX : 0;
}

/* The values of a strip are means of what lies in it. */
static void put_strip(FILE *out, const Drawing *d, const Strip *strip, int index)
{
    double width = (d->x.to - d->x.from) / N_STRIPS_MAX, left = d->x.from + index * width, x = strip->sum_x / strip->n_x;
    bool whole = d->chart->x_kind == VALUE_INTEGER;
    fputs("<g class=\"hit\"><title>", out);
    markup_text(out, phrase_text(d->chart->x_name, d->korean));
    fprintf(out, " %s", value_text(d->arena, d->chart->x_kind, whole ? round(x) : x));
    for (int s = 0; s < d->chart->n_series; s++) {
        if (strip->n[s] == 0)
            continue;
        fputc('\n', out);
        markup_text(out, phrase_text(d->chart->series[s].name, d->korean));
        fprintf(out, " %s", value_text(d->arena, d->chart->y_kind, strip->sum_y[s] / strip->n[s]));
    }
    fprintf(out, "</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/><path d=\"M%.1f %.1fV%.1f\"/>", left, d->field.top, width,
            d->field.bottom - d->field.top, axis_place(&d->x, x), d->field.top, d->field.bottom);
    for (int s = 0; s < d->chart->n_series; s++)
        if (strip->n[s] > 0)
            fprintf(out, "<circle class=\"s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", s, axis_place(&d->x, x),
                    axis_place(&d->y, strip->sum_y[s] / strip->n[s]));
    fputs("</g>\n", out);
}

static void put_strips(FILE *out, const Drawing *d)
{
    Strip strips[N_STRIPS_MAX] = {0};
    int n = fill_strips(d, strips);
    for (int i = 0; i < n; i++)
        if (strips[i].n_x > 0)
            put_strip(out, d, &strips[i], i);
}

void chart_lines(FILE *out, const LineChart *chart, bool korean)
{
    assert(chart->n_series <= CHART_SERIES_MAX);
    Arena *arena = arena_new();
    Drawing d = drawing_new(chart, korean, arena);
    svg_begin(out, d.field.width, d.field.height, phrase_text(chart->title, korean));
    field_frame(out, &d.field, &d.x, &d.y, chart->x_name, chart->y_name);
    put_series(out, &d, true);
    put_series(out, &d, false);
    put_strips(out, &d);  /* below events and dots, which know better what they are */
    put_events(out, &d);
    for (int s = 0; s < chart->n_series; s++)
        if (chart->series[s].mark == SERIES_LINE_DOTS)
            put_dots(out, &d, &chart->series[s], s);
    svg_end(out);
    arena_free(arena);
}
