/* chart_internal.h - axes and the field between them, shared by the charts of chart.h. */
#ifndef BASE_CHART_INTERNAL_H
#define BASE_CHART_INTERNAL_H

#include "base/chart.h"

/* Values onto a stretch of the drawing, from pixel `from` to pixel `to` (which may lie to the left of it, or above). */
typedef struct {
    double min, max, tick;  /* tick: distance of labelled values, or on a log axis the decades between them; 0 there: 1, 2, 5 a decade */
    double from, to;
    bool is_log;
    ValueKind kind;
} Axis;

typedef struct {
    double min, max;  /* min > max: nothing seen yet */
} Extent;
#define EXTENT_EMPTY ((Extent){1.0, 0.0})
void extent_add(Extent *extent, double value);  /* what is not finite, or beyond 1e150, is passed over: it is not drawn */

/* An axis over the extent; `round_ends` widens it to whole ticks. An empty extent gives 0 .. 1. */
Axis axis_new(Extent extent, bool is_log, bool round_ends, ValueKind kind, double from, double to, int n_ticks);
bool value_is_drawn(double value, bool is_log);  /* within 1e150; on a log axis also above 1e-150 */
bool axis_has(const Axis *axis, double value);  /* the same on this axis */
double axis_place(const Axis *axis, double value);
enum { AXIS_TICKS_MAX = 32 };
int axis_ticks(const Axis *axis, double ticks[AXIS_TICKS_MAX]);
const char *tick_text(Arena *arena, const Axis *axis, double value);

/* The rectangle inside the axes, in units of the drawing (about pixels). */
typedef struct {
    double width, height;              /* of the whole drawing */
    double left, right, top, bottom;
} Field;
Field field_new(bool wide, bool has_y_labels);

/* Classes of a line's stroke beside its colour, each with a blank before it. */
const char *series_class(const ChartSeries *series);
void svg_begin(FILE *out, double width, double height, const char *description);
void svg_end(FILE *out);
/* Grid lines, tick labels, axis names. */
void field_frame(FILE *out, const Field *field, const Axis *x, const Axis *y, Phrase x_name, Phrase y_name);

#endif
