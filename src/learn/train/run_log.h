/* run_log.h - <run>/log.jsonl: one JSON object a line, what happened in a run.
 *
 *     {"step":1,"loss":4.17,"lr":0.001,"grad_norm":1.2,"tokens":768,"seconds":0.05}
 *     {"step":250,"val_loss":2.4,"perplexity":11.0,"bits_per_byte":3.5}
 *     {"step":300,"event":"bad_step","grad_norm":null}
 *
 *     {"step":210,"rollbacks":1,"loss":2.9,...}
 *
 * After a rollback steps are counted from an earlier one on again; their lines say how many rollbacks there were, and the older ones stay.
 *
 * Lines are appended whole. A resumed run first drops the lines after its checkpoint, so that its log is that of a run which never stopped, but for seconds. */
#ifndef LEARN_TRAIN_RUN_LOG_H
#define LEARN_TRAIN_RUN_LOG_H

#include "base/err.h"
#include "base/json.h"

typedef struct RunLog RunLog;

/* Opens for appending after last_step of a run with n_rollbacks; drops the lines after it, and a line cut short by a kill. last_step -1 starts anew. */
Err run_log_open(RunLog **out, const char *path, int64_t last_step, int64_t n_rollbacks);
/* Lines begun from now on stand after so many rollbacks. */
void run_log_set_rollbacks(RunLog *log, int64_t n_rollbacks);
/* A new line's writer, with its object begun and "step" written. End it with run_log_end. */
JsonWriter *run_log_begin(RunLog *log, int64_t step);
Err run_log_end(RunLog *log);
/* fsync: what a checkpoint promises is on disk. */
Err run_log_sync(RunLog *log);
void run_log_close(RunLog *log);  /* NULL is fine */

#endif
