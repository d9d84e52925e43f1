/* synth_internal.h - what a document will tell, before it is told: for synth.c and its tests. */
#ifndef CORPUS_SYNTH_INTERNAL_H
#define CORPUS_SYNTH_INTERNAL_H

#include "text/corpus/synth.h"
#include "text/corpus/synth_tell.h"

typedef struct {
    int language, kind;  /* kind 0: story */
    Story story;         /* stories and letters */
    Question questions[QUESTIONS_MAX];
    int n_questions;
} SynthPlan;

SynthPlan synth_plan(const SynthOptions *options, uint64_t k);

#endif
