/* log.h - what a person reads on stderr: messages, and one live line of progress.
 *
 * The live line is drawn only on a terminal; elsewhere progress says one full line now and then (every 30 s), or nothing when quiet.
 * stdout belongs to results. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { LOG_QUIET, LOG_NORMAL, LOG_DEBUG } LogLevel;
void log_set_level(LogLevel level);
LogLevel log_level(void);
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));   /* "warning: ..." */
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A job with a known amount of work: "shards  [=====>    ] 52 %  31.2 MB/s  0:12 left  extra". */
typedef struct Progress Progress;
Progress *progress_new(const char *what, int64_t total, const char *unit);  /* unit "B" prints kB/MB/GB; total 0: unknown */
void progress_set(Progress *progress, int64_t done);
void progress_note(Progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));  /* the extra text */
void progress_free(Progress *progress);  /* ends the line; NULL is fine */

double clock_seconds(void);  /* monotonic */

/* "1.23 GB" (GB = 10^9 bytes), "1:02:03", "12.3 M": live in `arena`. */
const char *format_bytes(Arena *arena, double n_bytes);
const char *format_seconds(Arena *arena, double seconds);
const char *format_count(Arena *arena, double count);
/* Columns a UTF-8 text takes on a terminal: East Asian wide characters count 2 (UAX #11), combining marks 0. */
int text_columns(const char *utf8);

/* Ctrl-C and SIGTERM set a flag instead of ending the process; long loops ask for it. A second Ctrl-C ends at once with 130. */
void interrupt_install(void);
bool interrupt_requested(void);

#endif
