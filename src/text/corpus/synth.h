/* synth.h - stories of a small world, told in Korean and English: text without end, for a model's first lesson.
 *
 * The seed makes a village: people with names, ages, trades and tastes, houses, a market, a library. For every document a piece of
 * it is simulated: who is where, who holds what, what lies in which box, who saw it happen. The telling comes afterwards and may
 * only say what happened, so a document never contradicts itself and the questions at its end have one right answer. Documents are
 * stories (with questions), conversations, letters, portraits, sums and orderings, 500 to 1500 bytes each.
 *
 * Korean picks particles by the last sound (은/는, 이/가, 을/를, 과/와, 으로/로), keeps one level of speech in a document and
 * honours the old; English keeps articles, plurals, tense and pronouns straight. All text is NFC.
 *
 * Document k is a pure function of (seed, languages, k). */
#ifndef CORPUS_SYNTH_H
#define CORPUS_SYNTH_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

typedef enum { SYNTH_KO = 1, SYNTH_EN = 2, SYNTH_PARALLEL = 4 } SynthLanguages;  /* a set: which kinds of document appear */

typedef struct {
    uint64_t seed;
    int languages;  /* SynthLanguages; 0 means all three */
} SynthOptions;

typedef struct {
    const char *text;  /* in the arena, NUL added, ends without a line break */
    size_t n_bytes;
    int language;      /* one of SynthLanguages; parallel: Korean, a blank line, English */
    const char *kind;  /* "story", "conversation", "letter", "portrait", "sums", "order" */
} SynthDocument;

SynthDocument synth_document(const SynthOptions *options, uint64_t k, Arena *arena);

#endif
