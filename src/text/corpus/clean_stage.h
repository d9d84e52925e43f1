/* clean_stage.h - the stage `normalize`: every document in one spelling; what nothing is left of is dropped, rule "normalize.empty". */
#ifndef CORPUS_CLEAN_STAGE_H
#define CORPUS_CLEAN_STAGE_H

#include "text/corpus/clean_text.h"
#include "text/corpus/stage.h"

/* Borrows the options. */
Stage clean_stage(const CleanOptions *options);

#endif
