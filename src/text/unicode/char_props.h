/* char_props.h - properties of single characters that tokenizers ask for, by ICU. Everything is false for UTF8_ILL_FORMED.
 *
 * "Unicode 8" and "9" mark the properties that Hugging Face's tokenizers 0.23 takes from tables of those versions. */
#ifndef TEXT_CHAR_PROPS_H
#define TEXT_CHAR_PROPS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool char_is_space(uint32_t c);        /* White_Space */
bool char_is_number(uint32_t c);       /* N */
bool char_is_mark(uint32_t c);         /* M, Unicode 9 */
bool char_is_nonspacing(uint32_t c);   /* Mn, Unicode 8 */
bool char_is_punctuation(uint32_t c);  /* P of Unicode 8, and all ASCII punctuation */
bool char_is_control(uint32_t c);      /* Cc Cf Co, Unicode 8 */
bool char_is_private(uint32_t c);      /* Co */
bool char_is_word(uint32_t c);         /* \w: Alphabetic M Nd Pc Join_Control */
uint32_t char_lower(uint32_t c);       /* simple mapping */

int char_combining_class(uint32_t c);  /* 0: it is never reordered */
bool char_is_letter(uint32_t c);       /* L */
bool char_is_digit(uint32_t c);        /* Nd */

/* The script property (UAX #24) as ICU numbers it (UScriptCode), 0 common, 1 inherited; its name in ISO 15924 ("Latn"), NULL for no script. */
enum { SCRIPT_COMMON = 0, SCRIPT_INHERITED = 1, SCRIPT_BOPOMOFO = 5, SCRIPT_HAN = 17, SCRIPT_HANGUL = 18, SCRIPT_HIRAGANA = 20, SCRIPT_KATAKANA = 22, SCRIPT_LATIN = 25 };
int char_script(uint32_t c);
const char *char_script_name(int script);

/* Ends of the grapheme clusters (UAX #29) of a text, in `arena`; the last is n_bytes. */
size_t *grapheme_ends(Arena *arena, const char *text, size_t n_bytes, size_t *n_clusters);

#endif
