/* synth_pii.h - invented personal data of every class, for tests and synthetic pages: well-formed, check digits right, nobody's. */
#ifndef CORPUS_SYNTH_PII_H
#define CORPUS_SYNTH_PII_H

#include "base/arena.h"
#include "text/corpus/pii.h"
#include "text/corpus/synth_world.h"

/* A value with the separators that people use. */
const char *synth_pii_value(Arena *arena, Dice *dice, PiiClass class);
/* A sentence or phrase that holds the value once: Korean, or English. */
const char *synth_pii_phrase(Arena *arena, Dice *dice, PiiClass class, const char *value, bool is_english);

#endif
