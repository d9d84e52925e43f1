/* run_record.h - a run's folder, read back: what train wrote into recipe.yaml, log.jsonl, forecast.json and outcome.json. */
#ifndef STUDY_TRACK_RUN_RECORD_H
#define STUDY_TRACK_RUN_RECORD_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* The numbers that lines of a log may hold. */
typedef enum { RUN_LOSS, RUN_LR, RUN_GRAD_NORM, RUN_TOKENS, RUN_SECONDS, RUN_VAL_LOSS, RUN_BITS_PER_BYTE, N_RUN_SERIES } RunSeriesKind;

typedef struct {
    int64_t n;
    double *step, *value;  /* [n], steps rise; finite. What a rollback undid is not there */
} RunSeries;

typedef struct {
    int64_t step;
    const char *text;
} RunSample;

typedef struct {
    int64_t step;
    const char *event;  /* "bad_step", "spike", "rollback" */
    const char *what;   /* in words; "" when the record has none */
    const char *line;   /* the whole record */
} RunIncident;

/* A number of a JSON object, nested names joined by dots: "memory.gradients". */
typedef struct {
    const char *name;
    double value;
} RunNumber;

typedef struct {
    int n;
    RunNumber *number;
} RunNumbers;

typedef struct {
    const char *name;    /* of the folder */
    const char *recipe;  /* its text; "" when there is none */
    RunSeries series[N_RUN_SERIES];
    int64_t n_samples, n_incidents;
    RunSample *samples;
    RunIncident *incidents;
    const char *gradients;  /* the last record that counts the exponents of gradients; NULL: none */
    RunNumbers forecast, outcome;  /* n 0: not written, as by a run that goes on */
} RunRecord;

/* The log alone. ERR_FORMAT names file, line and column; a last line that a kill cut short is passed over. */
Err run_log_read(RunRecord *record, Arena *arena, const char *path);
/* The whole folder; only the log must be there. */
Err run_record_read(RunRecord *record, Arena *arena, const char *dir);
/* NaN when there is none. */
double run_number(const RunNumbers *numbers, const char *name);

#endif
