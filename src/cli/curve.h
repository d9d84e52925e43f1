/* curve.h - a run's losses drawn in the terminal.
 *
 *     loss, nats a token   ⠒ train   ● validation
 *     8 ┤⡇
 *       │⠱⡀
 *     6 ┤ ⠑⢄●
 *       │   ⠉⠒⠤⣀⣀●⣀⣀⣀⣀⣀●
 *       └┬────────┬────────
 *        0       500   step
 *
 * The first series is a line, of braille dots (two by four a character) or, where the terminal knows no UTF-8, of full stops; the
 * others are marks. Values that are not finite are left out. */
#ifndef CLI_CURVE_H
#define CLI_CURVE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *name;
    const double *x, *y;  /* x does not fall */
    int64_t n;
} CurveSeries;

typedef struct {
    int n_columns, n_rows;  /* of the whole drawing, labels included; n_columns >= 24, n_rows >= 6 */
    bool ascii;
    const char *title, *x_name;
} CurveOptions;

enum { CURVE_SERIES_MAX = 4 };
/* Lines, each ended, in `arena`. Says so when there is nothing to draw. */
const char *curve_draw(const CurveSeries *series, int n_series, const CurveOptions *options, Arena *arena);

/* The series "train" and "validation" of a run's log.jsonl: "loss" and "val_loss" by "step". Arrays live in `arena`. */
Err curve_read_log(CurveSeries series[2], Arena *arena, const char *path);

/* Whether the locale's character set is UTF-8, by LC_ALL, LC_CTYPE, LANG; and the terminal's width, within 40 .. 100; 72 when stdout is no
 * terminal. */
bool curve_terminal_is_utf8(void);
int curve_terminal_columns(void);

#endif
