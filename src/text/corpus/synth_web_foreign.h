/* synth_web_foreign.h - short articles in languages that the small world does not speak, for telling languages apart. */
#ifndef CORPUS_SYNTH_WEB_FOREIGN_H
#define CORPUS_SYNTH_WEB_FOREIGN_H

#include "base/arena.h"
#include "text/corpus/synth_world.h"

/* Some ten sentences, a paragraph a line. *language is "ja", "zh", "de", "fr", "es" or "ru". */
const char *synth_foreign_text(Arena *arena, Dice *dice, const char **language, const char **title);

#endif
