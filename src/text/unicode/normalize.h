/* normalize.h - Unicode normalisation forms (UAX #15), by ICU.
 *
 * Ill-formed bytes are carried through unchanged and end a stretch: what stands before and behind them is normalised by itself. So
 * normalising never fails, and text that is already in the form comes back byte for byte, whatever else it holds.
 * Hangul: NFC composes L V T jamo to syllables, NFD takes syllables apart (one syllable of 3 bytes becomes 6 or 9 bytes), NFKC also
 * turns compatibility jamo (U+3131) into conjoining ones (U+1100), which no longer round-trips. */
#ifndef TEXT_NORMALIZE_H
#define TEXT_NORMALIZE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { NORMALIZE_NFC, NORMALIZE_NFD, NORMALIZE_NFKC, NORMALIZE_NFKD } NormalForm;

/* The text in `form`: the input pointer itself when nothing changes, else a copy in `arena` (NUL added). */
const char *normalize(Arena *arena, NormalForm form, const char *text, size_t n_bytes, size_t *n_out_bytes);
/* Also says where the bytes came from: (*source)[i] is the offset in `text` of the character that output byte i stems from,
 * (*source)[*n_out_bytes] = n_bytes. Characters that compose or reorder share the offset of the first of their group. */
const char *normalize_mapped(Arena *arena, NormalForm form, const char *text, size_t n_bytes, size_t *n_out_bytes,
                             uint32_t **source);
/* Does this character never change, whatever stands beside it, nor anything beside it because of it? */
bool normalize_is_inert(NormalForm form, uint32_t c);
bool normalize_is(NormalForm form, const char *text, size_t n_bytes);

#endif
