/* stage_source.h - documents and pages of all inputs, one after another. Private to stages. */
#ifndef CORPUS_STAGE_SOURCE_H
#define CORPUS_STAGE_SOURCE_H

#include "text/corpus/stage.h"

typedef struct StageSource StageSource;

Err stage_source_open(StageSource **out, const StageOptions *options, bool reads_pages);
void stage_source_free(StageSource *source);  /* NULL is fine */
/* From now on a file that is damaged or cut short counts as a broken record and is left behind at the damage; what came before was given. */
void stage_source_tolerate(StageSource *source);
/* False at the end or on an error. The document lives until the next call. */
bool stage_source_next(StageSource *source, StageDocument *document, Err *err);
/* Adds what was skipped so far to the report; call once, at the end. */
void stage_source_report(const StageSource *source, StageReport *report);
int64_t stage_source_total(const StageSource *source);  /* bytes of all files */
int64_t stage_source_done(const StageSource *source);

#endif
