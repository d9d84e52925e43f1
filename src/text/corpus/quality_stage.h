/* quality_stage.h - the stage `quality`: drops by the first rule that a document breaks, tags all figures that its rules read. */
#ifndef CORPUS_QUALITY_STAGE_H
#define CORPUS_QUALITY_STAGE_H

#include "text/corpus/quality.h"
#include "text/corpus/stage.h"

/* Borrows the rules. */
Stage quality_stage(const QualityRules *rules);

#endif
