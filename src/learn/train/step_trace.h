/* step_trace.h - one step of training as a trace for people: https://ui.perfetto.dev and chrome://tracing open it.
 *
 * The file is JSON in the Trace Event Format (Google, 2016): complete events ("ph": "X", microseconds) that nest by time, step > segment > call,
 * with each call's operator, shape, bytes and FLOPs as arguments; and counters of the rates that they reached. */
#ifndef LEARN_TRAIN_STEP_TRACE_H
#define LEARN_TRAIN_STEP_TRACE_H

#include "engine/graph/program.h"

typedef struct StepTrace StepTrace;

/* `start`: the time that becomes 0, by clock_seconds. */
Err step_trace_open(StepTrace **out, const char *path, double start);
void step_trace_call(StepTrace *trace, const CallTiming *timing);
/* A slice around others: "step 5", "forward 0". */
void step_trace_slice(StepTrace *trace, const char *name, double start, double seconds);
/* Ends and commits the file; errors of all earlier writes come here. Frees. */
Err step_trace_close(StepTrace *trace);
void step_trace_abort(StepTrace *trace);  /* leaves no file; NULL is fine */

#endif
