/* curve_log.c - the points of a curve, out of log.jsonl. */
#include "cli/curve.h"

#include "base/file.h"
#include "base/json.h"

#include <math.h>
#include <string.h>

/* One line; members that it does not have stay NAN. */
static Err read_line(JsonReader *r, double *step, double *loss, double *val_loss)
{
    JsonText key;
    *step = *loss = *val_loss = NAN;
    TRY(json_object_begin(r));
    while (json_object_next(r, &key)) {
        double *value = json_text_is(key, "step") ? step : json_text_is(key, "loss") ? loss : json_text_is(key, "val_loss") ? val_loss : NULL;
        if (value && json_peek(r) == JSON_NUMBER)
            TRY(json_double(r, value));
        else
            TRY(json_skip(r));
    }
    return json_reader_end(r);
}

static void add_point(CurveSeries *series, double *x, double *y, double step, double value)
{
    if (!isfinite(step) || !isfinite(value))
        return;
    x[series->n] = step;
    y[series->n++] = value;
}

Err curve_read_log(CurveSeries series[2], Arena *arena, const char *path)
{
    const char *bytes;
    size_t n_bytes;
    TRY(file_read(&bytes, &n_bytes, arena, path));
    int64_t n_lines = 0;
    for (size_t i = 0; i < n_bytes; i++)
        n_lines += bytes[i] == '\n';
    double *points[4];
    for (int i = 0; i < 4; i++)
        points[i] = ARENA_ARRAY(arena, double, n_lines);
    series[0] = (CurveSeries){.name = "train", .x = points[0], .y = points[1]};
    series[1] = (CurveSeries){.name = "validation", .x = points[2], .y = points[3]};

    const char *at = bytes;
    for (int64_t line = 1; line <= n_lines; line++) {
        const char *end = memchr(at, '\n', n_bytes - (size_t)(at - bytes));
        JsonReader r;
        double step, loss, val_loss;
        json_reader_init(&r, path, at, (size_t)(end - at));
        r.first_line = line;
        TRY(read_line(&r, &step, &loss, &val_loss));
        add_point(&series[0], points[0], points[1], step, loss);
        add_point(&series[1], points[2], points[3], step, val_loss);
        at = end + 1;
    }
    return OK;
}
