/* chart.h - drawings in SVG that stand by themselves in a page: lines, points, bars, histograms.
 *
 * A chart is data; page.h puts it into a page with its caption, legend and numbers. Axes are labelled, ticks lie at 1, 2 or 5 times a power
 * of ten (powers of ten on a logarithmic axis), values appear on hover through <title>, colours come from the page's
 * style sheet (light and dark) and never carry a meaning alone: series also differ in stroke and are named in the legend.
 *
 *     ChartSeries series[] = {{.name = PHRASE("train", "학습"), .x = step, .y = loss, .n = n}};
 *     page_lines(page, &(LineChart){.title = PHRASE("Loss", "손실"), .x_name = PHRASE("step", "스텝"),
 *                                   .y_name = PHRASE("nats per token", "토큰당 nat"), .series = series, .n_series = 1}); */
#ifndef BASE_CHART_H
#define BASE_CHART_H

#include "base/arena.h"
#include "base/err.h"
#include "base/markup.h"

#include <stdbool.h>
#include <stdint.h>

/* How a value is written: on an axis, on hover, at a bar's end. */
typedef enum {
    VALUE_NUMBER,   /* 2.345, 3e-4, 12.3 k */
    VALUE_INTEGER,  /* 12,345 */
    VALUE_BYTES,    /* 1.23 GB */
    VALUE_PERCENT,  /* of a share: 0.5 is 50 % */
    VALUE_SECONDS,  /* 1:02:03 */
} ValueKind;
const char *value_text(Arena *arena, ValueKind kind, double value);

typedef enum { SERIES_LINE, SERIES_LINE_DOTS, SERIES_DOTS } SeriesMark;

enum { CHART_SERIES_MAX = 6 };
typedef struct {
    Phrase name;
    SeriesMark mark;
    bool faint;            /* drawn light, behind: raw values under their mean */
    const double *x, *y;   /* [n]; x does not fall, but for SERIES_DOTS; a value that is not finite, or not above 0 on a log axis, is left out */
    const char *const *labels;  /* NULL or [n], for SERIES_DOTS: what each dot is, shown before its values on hover */
    int64_t n;
} ChartSeries;

/* A vertical line across the field: an incident, a boundary. */
typedef struct {
    double x;
    Phrase name;
} ChartEvent;

typedef struct {
    Phrase title, note;    /* note: a line under the title, or nothing */
    Phrase x_name, y_name; /* with the unit */
    ValueKind x_kind, y_kind;
    bool x_log, y_log;     /* both: log-log */
    bool y_from_zero;
    bool wide;             /* the whole width of the page */
    const ChartSeries *series;
    int n_series;          /* <= CHART_SERIES_MAX */
    const ChartEvent *events;
    int n_events;
} LineChart;

/* Lying bars, one row a category, in the given order. */
typedef struct {
    Phrase title, note, value_name;
    ValueKind kind;
    bool stacked;          /* the series of a row one behind the other; else one below the other */
    bool wide;
    const Phrase *rows;    /* [n_rows] */
    int n_rows;
    const Phrase *series;  /* [n_series]; one series needs no name */
    int n_series;          /* <= CHART_SERIES_MAX */
    const double *values;  /* [n_rows][n_series], >= 0; not finite: nothing is drawn */
} BarChart;

/* Standing bars over an axis of numbers. */
typedef struct {
    Phrase title, note, x_name, y_name;
    ValueKind x_kind;
    bool x_log, y_log;     /* x_log: edges above 0; y_log: a count of 0 has no bar */
    bool wide;
    const double *edges;   /* [n_bins + 1], rising */
    const double *counts;  /* [n_bins], >= 0 */
    int n_bins;
} Histogram;

/* One <svg>. `korean`: the language of hover texts and of the description for screen readers. */
void chart_lines(FILE *out, const LineChart *chart, bool korean);
void chart_bars(FILE *out, const BarChart *chart, bool korean);
void chart_histogram(FILE *out, const Histogram *chart, bool korean);

/* Bars as an SVG file that stands alone, in English: colours and a legend inside. ERR_IO. */
Err chart_bars_save(const BarChart *chart, const char *path);

#endif
