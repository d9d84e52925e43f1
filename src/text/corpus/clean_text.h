/* clean_text.h - the same text in one spelling.
 *
 *   mojibake   UTF-8 that was once read as windows-1252 ("ì•ˆë…•" for 안녕) is put right, when most of the text's
 *              characters that could be such bytes fit
 *   nfc        Unicode normal form C: Hangul stays, or becomes, syllables
 *   controls   control characters, zero-width spaces, joiners outside of scripts that need them, byte-order marks and soft hyphens go
 *   spaces     every white space but the line break becomes a blank, runs of blanks become one, none stay at a line's end; at most one empty
 *              line stands between paragraphs, none at the ends of the text. Indentation of lines is kept when `keep_indents`
 *   quotes     curly quotes, primes and low quotes become ' and "; off by default: it cannot be undone
 * Cleaning twice changes nothing more. */
#ifndef CORPUS_CLEAN_TEXT_H
#define CORPUS_CLEAN_TEXT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    bool mojibake, nfc, controls, spaces, quotes, keep_indents;
} CleanOptions;
CleanOptions clean_options_default(void);  /* all but quotes and keep_indents */

/* Well-formed UTF-8 in and out; the input itself when nothing changes. */
const char *clean_text(Arena *arena, const CleanOptions *options, const char *text, size_t n_bytes, size_t *n_out_bytes);

#endif
