/* stage_kinds.h - every stage of the corpus. A new one adds its line here and in the table of stage_kinds.c. */
#ifndef CORPUS_STAGE_KINDS_H
#define CORPUS_STAGE_KINDS_H

#include "text/corpus/stage.h"

extern const StageKind extract_stage_kind;  /* extract_stage.c */
extern const StageKind clean_stage_kind;    /* clean_stage.c, "normalize" */
extern const StageKind langid_stage_kind;   /* langid_stage.c */
extern const StageKind quality_stage_kind;  /* quality_stage.c */
extern const StageKind patterns_stage_kind; /* patterns_stage.c */
extern const StageKind c4_stage_kind;       /* c4_stage.c */
extern const StageKind words_stage_kind;    /* words_stage.c */
extern const StageKind perplexity_stage_kind;  /* perplexity_stage.c */
extern const StageKind dedup_stage_kind;    /* dedup_stage.c */
extern const StageKind parts_stage_kind;    /* parts_stage.c */
extern const StageKind pii_stage_kind;      /* pii_stage.c */

#endif
