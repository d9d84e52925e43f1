/* hangul.h - modern Hangul syllables and their jamo, by arithmetic (The Unicode Standard 15.0, section 3.12).
 *
 * A syllable U+AC00 ... U+D7A3 is a lead consonant (U+1100 ...), a vowel (U+1161 ...) and perhaps a tail (U+11A8 ...). Compatibility jamo
 * (U+3131 ..., what keyboards write for a letter alone) are other characters and take no part here. */
#ifndef TEXT_HANGUL_H
#define TEXT_HANGUL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HANGUL_FIRST = 0xAC00,
    HANGUL_N_LEADS = 19,
    HANGUL_N_VOWELS = 21,
    HANGUL_N_TAILS = 27,
    HANGUL_N_JAMO = HANGUL_N_LEADS + HANGUL_N_VOWELS + HANGUL_N_TAILS,
    HANGUL_N_SYLLABLES = HANGUL_N_LEADS * HANGUL_N_VOWELS * (HANGUL_N_TAILS + 1),
    HANGUL_SYLLABLE_BYTES = 3,  /* in UTF-8 */
};

static inline bool hangul_is_syllable(uint32_t c)
{
    return c - HANGUL_FIRST < HANGUL_N_SYLLABLES;
}
/* Jamo are numbered leads, vowels, tails: 0 to HANGUL_N_JAMO - 1. Writes two or three numbers and returns how many. */
int hangul_decompose(uint32_t syllable, int jamo[3]);
uint32_t hangul_jamo_char(int jamo);
/* The number of a conjoining jamo of modern Korean, -1 for any other character. */
int hangul_jamo_number(uint32_t code_point);
static inline bool hangul_is_lead(int jamo) { return jamo < HANGUL_N_LEADS; }
static inline bool hangul_is_tail(int jamo) { return jamo >= HANGUL_N_LEADS + HANGUL_N_VOWELS; }
/* The syllable of a lead, a vowel and a tail (-1: none). */
uint32_t hangul_compose(int lead, int vowel, int tail);

#endif
