/* chart.c - values as text, axes, and the frame of a field. */
#include "base/chart_internal.h"

#include "base/log.h"

#include <math.h>
#include <string.h>

/* ---- values ---- */

static const char *integer_text(Arena *arena, double value)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%.0f", fabs(value)), n_out = 0;
    char *text = arena_alloc(arena, (size_t)n * 2 + 2);
    if (value < 0)
        text[n_out++] = '-';
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            text[n_out++] = ',';
        text[n_out++] = digits[i];
    }
    return text;
}

/* "3e-5" for "3e-05". */
static const char *scientific_text(Arena *arena, double value)
{
    char *text = arena_printf(arena, "%.3g", value), *e = strchr(text, 'e');
    if (e && e[1] == '-' && e[2] == '0')
        memmove(e + 2, e + 3, strlen(e + 3) + 1);
    return text;
}

const char *value_text(Arena *arena, ValueKind kind, double value)
{
    if (!isfinite(value))
        return "–";
    double size = fabs(value);
    switch (kind) {
    case VALUE_INTEGER: return size < 1e15 ? integer_text(arena, value) : format_count(arena, value);
    case VALUE_BYTES: return format_bytes(arena, value);
    case VALUE_PERCENT: return arena_printf(arena, "%.3g %%", size < 1e-12 ? 0.0 : 100 * value);  /* an axis from 0 may begin a rounding below */
    case VALUE_SECONDS: return size < 60 ? arena_printf(arena, "%.3g s", value) : format_seconds(arena, value);
    case VALUE_NUMBER: break;
    }
    if (size == 0)
        return "0";
    return size >= 1e4 ? format_count(arena, value) : size < 1e-2 ? scientific_text(arena, value) : arena_printf(arena, "%.4g", value);
}

/* ---- axes ---- */

#define VALUE_MAX 1e150  /* no span of drawn values overflows */

void extent_add(Extent *extent, double value)
{
    if (!(fabs(value) <= VALUE_MAX))
        return;
    if (extent->min > extent->max) {
        extent->min = extent->max = value;
        return;
    }
    extent->min = fmin(extent->min, value);
    extent->max = fmax(extent->max, value);
}

static double nice_tick(double span, int n_ticks)
{
    double raw = span / n_ticks, power = pow(10, floor(log10(raw))), factor = raw / power;
    return power * (factor <= 1.0 ? 1 : factor <= 2.0 ? 2 : factor <= 5.0 ? 5 : 10);
}

static void make_linear(Axis *axis, bool round_ends, int n_ticks)
{
    double span = axis->max - axis->min, size = fmax(fabs(axis->min), fabs(axis->max));
    if (span <= 1e-9 * size || span == 0) {  /* one value: it stands in the middle */
        double half = size > 0 ? 0.5 * size : 0.5;
        axis->min -= half;
        axis->max += half;
    }
    axis->tick = nice_tick(axis->max - axis->min, n_ticks);
    if (axis->kind == VALUE_INTEGER)
        axis->tick = fmax(1.0, axis->tick);
    if (round_ends) {
        axis->min = floor(axis->min / axis->tick + 1e-9) * axis->tick;
        axis->max = ceil(axis->max / axis->tick - 1e-9) * axis->tick;
    }
}

static void make_log(Axis *axis, bool round_ends, int n_ticks)
{
    double low = log10(axis->min), high = log10(axis->max);
    if (high - low < 1e-9) {
        low -= 0.5;
        high += 0.5;
    }
    axis->tick = high - low <= 1.5 ? 0 : fmax(1.0, ceil((high - low) / n_ticks));
    if (round_ends && axis->tick > 0) {
        low = floor(low + 1e-9);
        high = ceil(high - 1e-9);
    }
    axis->min = pow(10, low);
    axis->max = pow(10, high);
}

Axis axis_new(Extent extent, bool is_log, bool round_ends, ValueKind kind, double from, double to, int n_ticks)
{
    bool is_empty = extent.min > extent.max;
    Axis axis = {.min = is_empty ? 0 : extent.min, .max = is_empty ? 1 : extent.max, .from = from, .to = to,
                 .is_log = is_log && !is_empty && extent.min > 0, .kind = kind};
    if (axis.is_log)
        make_log(&axis, round_ends, n_ticks);
    else
        make_linear(&axis, round_ends, n_ticks);
    return axis;
}

bool value_is_drawn(double value, bool is_log)
{
    return fabs(value) <= VALUE_MAX && (!is_log || value >= 1 / VALUE_MAX);
}

bool axis_has(const Axis *axis, double value)
{
    return value_is_drawn(value, axis->is_log);
}

double axis_place(const Axis *axis, double value)
{
    double share = axis->is_log ? (log10(value) - log10(axis->min)) / (log10(axis->max) - log10(axis->min))
                                : (value - axis->min) / (axis->max - axis->min);
    return axis->from + share * (axis->to - axis->from);
}

/* Values `tick` apart: on a linear axis, and on a log axis too short for decades. */
static int even_ticks(const Axis *axis, double tick, double ticks[AXIS_TICKS_MAX])
{
    int n = 0;
    for (double i = ceil(axis->min / tick - 1e-9); n < AXIS_TICKS_MAX && i * tick <= axis->max + 1e-9 * tick; i++)
        ticks[n++] = i * tick;
    return n;
}

/* 1, 2 and 5 of each decade, or whole decades `tick` apart. */
static int decade_ticks(const Axis *axis, double ticks[AXIS_TICKS_MAX])
{
    static const double steps[] = {1, 2, 5};
    int n = 0, n_steps = axis->tick > 0 ? 1 : 3, by = axis->tick > 0 ? (int)axis->tick : 1;
    int low = (int)floor(log10(axis->min) + 1e-9), high = (int)ceil(log10(axis->max) - 1e-9);
    for (int e = low; e <= high; e += by)
        for (int s = 0; s < n_steps; s++) {
            double value = steps[s] * pow(10, e);
            if (n < AXIS_TICKS_MAX && value >= axis->min * (1 - 1e-9) && value <= axis->max * (1 + 1e-9))
                ticks[n++] = value;
        }
    return n;
}

int axis_ticks(const Axis *axis, double ticks[AXIS_TICKS_MAX])
{
    if (!axis->is_log)
        return even_ticks(axis, axis->tick, ticks);
    if (axis->max < 5 * axis->min)
        return even_ticks(axis, nice_tick(axis->max - axis->min, 4), ticks);
    return decade_ticks(axis, ticks);
}

/* "10.0 k" says no more than "10 k" where values are round. */
const char *tick_text(Arena *arena, const Axis *axis, double value)
{
    bool is_long = axis->kind == VALUE_INTEGER && fabs(value) >= 1e5;
    char *text = arena_strdup(arena, value_text(arena, is_long ? VALUE_NUMBER : axis->kind, value));
    char *dot = strchr(text, '.'), *unit = strchr(text, ' ');
    if (!dot || !unit)
        return text;
    char *end = unit;
    while (end[-1] == '0')
        end--;
    memmove(end - (end[-1] == '.'), unit, strlen(unit) + 1);
    return text;
}

/* ---- the drawing ---- */

enum { GUTTER_LEFT = 62, GUTTER_BOTTOM = 44, GUTTER_TOP = 28, GUTTER_RIGHT = 18 };

Field field_new(bool wide, bool has_y_labels)
{
    Field field = {.width = wide ? 1080 : 530, .height = wide ? 306 : 276};
    field.left = has_y_labels ? GUTTER_LEFT : GUTTER_RIGHT;
    field.right = field.width - GUTTER_RIGHT;
    field.top = GUTTER_TOP;
    field.bottom = field.height - GUTTER_BOTTOM;
    return field;
}

void svg_begin(FILE *out, double width, double height, const char *description)
{
    fprintf(out, "<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"", width, height);
    markup_text(out, description);
    fputs("\">\n", out);
}

void svg_end(FILE *out)
{
    fputs("</svg>\n", out);
}

static void put_label(FILE *out, double x, double y, const char *class, const char *text)
{
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    markup_text(out, text);
    fputs("</text>\n", out);
}

static void put_name(FILE *out, double x, double y, const char *class, Phrase name)
{
    if (phrase_is_empty(name))
        return;
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    markup_phrase(out, "tspan", name);
    fputs("</text>\n", out);
}

void field_frame(FILE *out, const Field *field, const Axis *x, const Axis *y, Phrase x_name, Phrase y_name)
{
    Arena *arena = arena_new();
    double ticks[AXIS_TICKS_MAX];
    int n = axis_ticks(y, ticks);
    for (int i = 0; i < n; i++) {
        double at = axis_place(y, ticks[i]);
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", field->left, at, field->right);
        put_label(out, field->left - 9, at + 4, "tick end", tick_text(arena, y, ticks[i]));
    }
    n = axis_ticks(x, ticks);
    for (int i = 0; i < n; i++) {
        double at = axis_place(x, ticks[i]);
        fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1fv5\"/>\n", at, field->bottom);
        put_label(out, at, field->bottom + 19, "tick middle", tick_text(arena, x, ticks[i]));
    }
    fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>\n", field->left, field->bottom, field->right);
    put_name(out, field->right, field->height - 6, "name end", x_name);
    put_name(out, 2, 12, "name", y_name);
    arena_free(arena);
}
