/* run_report_internal.h - sections of a run's page that have a file of their own. */
#ifndef STUDY_TRACK_RUN_REPORT_INTERNAL_H
#define STUDY_TRACK_RUN_REPORT_INTERNAL_H

#include "base/page.h"
#include "study/track/run_record.h"

/* Nothing unless the run's log counted the exponents of fp16 gradients. */
void run_report_gradients(Page *page, const RunRecord *record, Arena *arena);

#endif
