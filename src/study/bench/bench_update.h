/* bench_update.h - the optimizer's step alone over a model's parameters, in turns with updating as many bytes in place.
 *
 * The two take turns because memory's rate changes while a step of seconds runs: who else uses it then disturbs both alike. */
#ifndef STUDY_BENCH_BENCH_UPDATE_H
#define STUDY_BENCH_BENCH_UPDATE_H

#include "base/err.h"
#include "learn/model/model.h"

enum { BENCH_UPDATE_ROUNDS = 9 };

typedef struct {
    double bytes;                       /* that one step reads and writes: weights, gradients (cleared on the way) and both moments */
    double step_rate, in_place_rate;    /* bytes a second, medians of the rounds */
    double share;                       /* of the step's rate in that of updating in place, the median of the pairs */
    double share_min, share_max;
} BenchUpdateReport;

/* Weights in f32. ERR_MEMORY: weights, gradients, moments, and as many bytes again for the probe; ERR_INTERRUPTED. */
Err bench_update(BenchUpdateReport *report, const ModelConfig *config);

#endif
