/* korean.h - where Korean words are cut by rule, as regular expressions: they stand in tokenizer.json as they are, and every program that
 * reads it cuts alike.
 *
 * An eojeol is what stands between spaces: a stem with its particles (josa) or endings (eomi). A vocabulary that may merge across the
 * seam learns the frequent whole words; one that may not learns stems and particles apart. Both are offered, neither is imposed.
 *
 * The rule for a seam: a listed particle or ending that ends a run of Hangul, the longest that fits, behind at least two syllables of stem when
 * it has one syllable itself and behind at least one otherwise. It knows no dictionary, so it errs: 고양이 is cut before 이. Against the
 * morphemes of the Universal Dependencies treebanks (tests/korean_gold_test.c) 89 of 100 cuts are where people marked a seam, and of the seams it
 * finds 74 (GSD) to 79 (KAIST) of 100; 86 where a particle ends the word.
 *
 * Expressions name composed syllables. Decomposed text (NFD) is composed first by a tokenizer trained with `nfc`, and else not cut. Compatibility
 * jamo (ㅋㅋ, ㅠㅠ) are letters of their own: NFC leaves them as they are, and no particle holds one. */
#ifndef TEXT_KOREAN_H
#define TEXT_KOREAN_H

#include "base/arena.h"

#include <stddef.h>

/* White-space words, each with the space before it. */
const char *korean_eojeol_pattern(void);
/* Matches the particle or ending at the end of each run of Hangul. In `arena`. */
const char *korean_particle_pattern(Arena *arena);
/* The rule itself, on one run of Hangul syllables: bytes of the stem; n when nothing is cut off. */
size_t korean_stem_bytes(const char *word, size_t n);

#endif
