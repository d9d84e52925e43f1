/* curve_log.c - the points of a curve, out of log.jsonl. */
#include "cli/curve.h"

#include "study/track/run_record.h"

static CurveSeries curve_of(const RunSeries *series, const char *name)
{
    return (CurveSeries){.name = name, .x = series->step, .y = series->value, .n = series->n};
}

Err curve_read_log(CurveSeries series[2], Arena *arena, const char *path)
{
    RunRecord record;
    TRY(run_log_read(&record, arena, path));
    series[0] = curve_of(&record.series[RUN_LOSS], "train");
    series[1] = curve_of(&record.series[RUN_VAL_LOSS], "validation");
    return OK;
}
