/* run_report.h - a run as one page for people: curves, samples, memory, the forecast beside the outcome, incidents, the recipe. */
#ifndef STUDY_TRACK_RUN_REPORT_H
#define STUDY_TRACK_RUN_REPORT_H

#include "study/track/run_record.h"

/* Writes the page (base/page.h). `korean`: the language it opens in. */
Err run_report_write(const RunRecord *record, const char *path, bool korean);

#endif
