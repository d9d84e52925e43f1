/* stage_chain.h - one document through a row of stages, and the record that is written of it. Private to stage.c and the build. */
#ifndef CORPUS_STAGE_CHAIN_H
#define CORPUS_STAGE_CHAIN_H

#include "text/corpus/stage.h"

/* What one stage did to the document. */
typedef struct {
    size_t n_bytes_in, n_bytes_out;
    bool changed, passed_by;
    StageResult result;
} StageStep;

/* What one document may take; 0 is no limit. The arena has the limit too (arena_limit.h): long work stops when it is spent, and what it gave is dropped. */
typedef struct {
    double seconds;        /* rule "limit.seconds" */
    int64_t memory_bytes;  /* of the arena; rule "limit.memory" */
} StageLimits;

/* Leads the document through `work` of the stages until one drops it; it becomes what they made of it. Returns how many steps were taken. The
 * last one's result has the drop, if there is one. `limits` may be NULL. */
int stage_chain_apply(const Stage *stages, int n_stages, const StageLimits *limits, Arena *arena, StageDocument *document, StageStep *steps);

/* One JSON object: the fields of the record that no tag replaces (or an id), the text, the drop, the tags. `field` is where the text came from. */
const char *stage_record_json(Arena *arena, const StageDocument *document, const char *field, const char *dropped_by, const StageResult *drop,
                              size_t *n_bytes);

void stage_count_rule(StageRuleCount counts[STAGE_RULES_MAX], int *n, const char *rule, int64_t by);
void stage_report_step(StageReport *report, const char *stage, const StageStep *step);

#endif
