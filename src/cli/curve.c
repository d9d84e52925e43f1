/* curve.c - dots into a raster, axes round it. */
#include "cli/curve.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct {
    double min, max, tick;  /* tick: distance of labelled values, 1, 2 or 5 times a power of ten */
} Axis;

typedef struct {
    const CurveOptions *options;
    Axis x, y;
    int n_columns, n_rows;      /* of the field inside the axes, in characters */
    int dots_x, dots_y;         /* of a character */
    unsigned char *dots;        /* [n_rows][n_columns]: bit 4 * dx + dy */
    char *marks;                /* the same: 0, or the number of the series */
    int gutter;                 /* columns of y labels */
} Drawing;

static const char *const marks_utf8[CURVE_SERIES_MAX] = {"⠒", "●", "◆", "▲"};
static const char marks_ascii[CURVE_SERIES_MAX] = {'.', 'o', '#', '^'};

/* ---- axes ---- */

static double nice_tick(double span, int n_ticks_max)
{
    double raw = span / n_ticks_max, power = pow(10, floor(log10(raw)));
    double factor = raw / power;
    return power * (factor <= 1.0 ? 1 : factor <= 2.0 ? 2 : factor <= 5.0 ? 5 : 10);
}

static Axis axis_over(double min, double max, int n_ticks_max)
{
    if (max - min < 1e-9 * fmax(1.0, fabs(max))) {
        min -= 0.5;
        max += 0.5;
    }
    return (Axis){min, max, nice_tick(max - min, n_ticks_max > 1 ? n_ticks_max : 1)};
}

static const char *tick_text(Arena *arena, const Axis *axis, double value)
{
    int n_decimals = (int)fmax(0.0, -floor(log10(axis->tick) + 1e-9));
    return arena_printf(arena, "%.*f", n_decimals, fabs(value) < axis->tick / 2 ? 0.0 : value);
}

static bool extent(const CurveSeries *series, int n_series, Axis *x, Axis *y)
{
    *x = *y = (Axis){INFINITY, -INFINITY, 0};
    for (int s = 0; s < n_series; s++)
        for (int64_t i = 0; i < series[s].n; i++) {
            if (!isfinite(series[s].y[i]))
                continue;
            x->min = fmin(x->min, series[s].x[i]);
            x->max = fmax(x->max, series[s].x[i]);
            y->min = fmin(y->min, series[s].y[i]);
            y->max = fmax(y->max, series[s].y[i]);
        }
    return x->max >= x->min;
}

/* ---- the field ---- */

/* Where a value lies among n dots. */
static int place(const Axis *axis, double value, int n)
{
    int at = (int)lround((value - axis->min) / (axis->max - axis->min) * (n - 1));
    return at < 0 ? 0 : at >= n ? n - 1 : at;
}

static void put_dot(Drawing *d, int x, int y)  /* y from the bottom */
{
    int row = d->n_rows - 1 - y / d->dots_y, column = x / d->dots_x;
    int dx = x % d->dots_x, dy = d->dots_y - 1 - y % d->dots_y;
    d->dots[row * d->n_columns + column] |= (unsigned char)(1 << (4 * dx + dy));
}

static void put_line(Drawing *d, int x0, int y0, int x1, int y1)
{
    int n = abs(x1 - x0) > abs(y1 - y0) ? abs(x1 - x0) : abs(y1 - y0);
    for (int i = 0; i <= n; i++)
        put_dot(d, n ? x0 + (int)lround((double)(x1 - x0) * i / n) : x0, n ? y0 + (int)lround((double)(y1 - y0) * i / n) : y0);
}

/* Values that fall on one column of dots are drawn as their mean; columns are joined. */
static void draw_line(Drawing *d, const CurveSeries *series)
{
    int width = d->n_columns * d->dots_x, height = d->n_rows * d->dots_y;
    int last_x = -1, last_y = 0;
    for (int64_t i = 0; i < series->n;) {
        int x = place(&d->x, series->x[i], width);
        double sum = 0;
        int64_t n = 0;
        for (; i < series->n && place(&d->x, series->x[i], width) == x; i++)
            if (isfinite(series->y[i])) {
                sum += series->y[i];
                n++;
            }
        if (n == 0)
            continue;
        int y = place(&d->y, sum / (double)n, height);
        put_line(d, last_x < 0 ? x : last_x, last_x < 0 ? y : last_y, x, y);
        last_x = x;
        last_y = y;
    }
}

static void draw_marks(Drawing *d, const CurveSeries *series, int index)
{
    for (int64_t i = 0; i < series->n; i++)
        if (isfinite(series->y[i])) {
            int row = d->n_rows - 1 - place(&d->y, series->y[i], d->n_rows);
            d->marks[row * d->n_columns + place(&d->x, series->x[i], d->n_columns)] = (char)index;
        }
}

/* ---- text ---- */

/* A braille character: U+2800 and a bit a dot; dots 1 2 3 7 go down its left side, 4 5 6 8 down its right. */
static void write_braille(FILE *out, unsigned char dots)
{
    static const unsigned char bits[8] = {0x01, 0x02, 0x04, 0x40, 0x08, 0x10, 0x20, 0x80};
    unsigned pattern = 0;
    for (int i = 0; i < 8; i++)
        if (dots >> i & 1)
            pattern |= bits[i];
    fprintf(out, "\xE2%c%c", 0xA0 | (int)(pattern >> 6), 0x80 | (int)(pattern & 63));
}

static void write_row(const Drawing *d, FILE *out, int row)
{
    int n_columns = d->n_columns;
    while (n_columns > 0 && !d->dots[row * d->n_columns + n_columns - 1] && !d->marks[row * d->n_columns + n_columns - 1])
        n_columns--;  /* no blanks at the end of a line */
    for (int c = 0; c < n_columns; c++) {
        int at = row * d->n_columns + c, mark = d->marks[at];
        if (mark)
            d->options->ascii ? fputc(marks_ascii[mark], out) : fputs(marks_utf8[mark], out);
        else if (!d->dots[at])
            fputc(' ', out);
        else if (d->options->ascii)
            fputc(marks_ascii[0], out);
        else
            write_braille(out, d->dots[at]);
    }
    fputc('\n', out);
}

/* The labelled value whose place is this row, NAN if there is none. */
static double tick_of_row(const Drawing *d, int row)
{
    for (double v = ceil(d->y.min / d->y.tick) * d->y.tick; v <= d->y.max + 1e-9 * d->y.tick; v += d->y.tick)
        if (d->n_rows - 1 - place(&d->y, v, d->n_rows) == row)
            return v;
    return NAN;
}

static void write_field(const Drawing *d, FILE *out, Arena *arena)
{
    bool ascii = d->options->ascii;
    for (int row = 0; row < d->n_rows; row++) {
        double tick = tick_of_row(d, row);
        if (isnan(tick))
            fprintf(out, "%*s %s", d->gutter, "", ascii ? "|" : "│");
        else
            fprintf(out, "%*s %s", d->gutter, tick_text(arena, &d->y, tick), ascii ? "+" : "┤");
        write_row(d, out, row);
    }
}

static void write_x_axis(const Drawing *d, FILE *out, Arena *arena)
{
    bool ascii = d->options->ascii;
    char *labels = arena_alloc(arena, (size_t)d->n_columns + 32);
    memset(labels, ' ', (size_t)d->n_columns + 31);
    int end = 0;  /* of the labels so far */
    fprintf(out, "%*s %s", d->gutter, "", ascii ? "+" : "└");
    char *is_tick = arena_alloc(arena, (size_t)d->n_columns);
    for (double v = ceil(d->x.min / d->x.tick) * d->x.tick; v <= d->x.max + 1e-9 * d->x.tick; v += d->x.tick) {
        int at = place(&d->x, v, d->n_columns);
        const char *text = tick_text(arena, &d->x, v);
        int begin = at - ((int)strlen(text) - 1) / 2;
        begin = begin < 0 ? 0 : begin;
        if (end > 0 && begin < end + 2)
            continue;
        is_tick[at] = 1;
        memcpy(labels + begin, text, strlen(text));
        end = begin + (int)strlen(text);
    }
    for (int c = 0; c < d->n_columns; c++)
        fputs(is_tick[c] ? (ascii ? "+" : "┬") : ascii ? "-" : "─", out);
    labels[end] = '\0';
    fprintf(out, "\n%*s  %s  %s\n", d->gutter, "", labels, d->options->x_name);
}

static void write_title(const Drawing *d, FILE *out, const CurveSeries *series, int n_series)
{
    fputs(d->options->title, out);
    for (int s = 0; s < n_series; s++)
        if (series[s].n > 0 && d->options->ascii)
            fprintf(out, "   %c %s", marks_ascii[s], series[s].name);
        else if (series[s].n > 0)
            fprintf(out, "   %s %s", marks_utf8[s], series[s].name);
    fputc('\n', out);
}

static int gutter_of(const Drawing *d, Arena *arena)
{
    int widest = 0;
    for (int row = 0; row < d->n_rows; row++) {
        double tick = tick_of_row(d, row);
        int n = isnan(tick) ? 0 : (int)strlen(tick_text(arena, &d->y, tick));
        widest = n > widest ? n : widest;
    }
    return widest;
}

const char *curve_draw(const CurveSeries *series, int n_series, const CurveOptions *options, Arena *arena)
{
    enum { LABEL_COLUMNS = 12, AXIS_ROWS = 3 };
    assert(n_series <= CURVE_SERIES_MAX && options->n_columns >= 24 && options->n_rows >= 6);
    Drawing d = {.options = options, .dots_x = options->ascii ? 1 : 2, .dots_y = options->ascii ? 1 : 4};
    if (!extent(series, n_series, &d.x, &d.y))
        return arena_printf(arena, "%s: nothing to draw yet\n", options->title);
    d.n_rows = options->n_rows - AXIS_ROWS;
    d.y = axis_over(d.y.min, d.y.max, d.n_rows / 2);
    d.gutter = gutter_of(&d, arena);
    d.n_columns = options->n_columns - d.gutter - (int)strlen(options->x_name) - 6;
    if (d.x.min > 0 && d.x.min < 0.1 * d.x.max)
        d.x.min = 0;
    d.x = axis_over(d.x.min, d.x.max, d.n_columns / LABEL_COLUMNS);
    d.x.tick = fmax(d.x.tick, 1.0);  /* there is no half step */
    d.dots = arena_alloc(arena, (size_t)(d.n_rows * d.n_columns));
    d.marks = arena_alloc(arena, (size_t)(d.n_rows * d.n_columns));
    draw_line(&d, &series[0]);
    for (int s = 1; s < n_series; s++)
        draw_marks(&d, &series[s], s);

    char *text = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&text, &n_bytes);
    write_title(&d, out, series, n_series);
    write_field(&d, out, arena);
    write_x_axis(&d, out, arena);
    fclose(out);
    const char *copy = arena_strndup(arena, text, n_bytes);
    free(text);
    return copy;
}

bool curve_terminal_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && value[0])
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

int curve_terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 72;
    return size.ws_col < 40 ? 40 : size.ws_col > 100 ? 100 : size.ws_col;
}
