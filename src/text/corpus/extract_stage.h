/* extract_stage.h - the stage `extract`: pages of archives, of .html files or of a field become their main text. */
#ifndef CORPUS_EXTRACT_STAGE_H
#define CORPUS_EXTRACT_STAGE_H

#include "text/corpus/stage.h"

typedef struct {
    int64_t chars_min;  /* main text shorter than this is dropped: rule "extract.chars_min" */
} ExtractOptions;
ExtractOptions extract_options_default(void);  /* 1 */

/* Borrows the options. */
Stage extract_stage(const ExtractOptions *options);

#endif
