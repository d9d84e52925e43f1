/* hangul.c - syllables taken apart and put together. */
#include "text/unicode/hangul.h"

enum { LEAD_CHAR = 0x1100, VOWEL_CHAR = 0x1161, TAIL_CHAR = 0x11A8, FIRST_VOWEL = HANGUL_N_LEADS, FIRST_TAIL = HANGUL_N_LEADS + HANGUL_N_VOWELS };

int hangul_decompose(uint32_t syllable, int jamo[3])
{
    int index = (int)(syllable - HANGUL_FIRST), tail = index % (HANGUL_N_TAILS + 1);
    index /= HANGUL_N_TAILS + 1;
    jamo[0] = index / HANGUL_N_VOWELS;
    jamo[1] = FIRST_VOWEL + index % HANGUL_N_VOWELS;
    jamo[2] = FIRST_TAIL + tail - 1;
    return tail ? 3 : 2;
}

uint32_t hangul_jamo_char(int jamo)
{
    if (jamo < FIRST_VOWEL)
        return LEAD_CHAR + (uint32_t)jamo;
    return jamo < FIRST_TAIL ? VOWEL_CHAR + (uint32_t)(jamo - FIRST_VOWEL) : TAIL_CHAR + (uint32_t)(jamo - FIRST_TAIL);
}

int hangul_jamo_number(uint32_t c)
{
    if (c - LEAD_CHAR < HANGUL_N_LEADS)
        return (int)(c - LEAD_CHAR);
    if (c - VOWEL_CHAR < HANGUL_N_VOWELS)
        return FIRST_VOWEL + (int)(c - VOWEL_CHAR);
    return c - TAIL_CHAR < HANGUL_N_TAILS ? FIRST_TAIL + (int)(c - TAIL_CHAR) : -1;
}

uint32_t hangul_compose(int lead, int vowel, int tail)
{
    int index = (lead * HANGUL_N_VOWELS + vowel - FIRST_VOWEL) * (HANGUL_N_TAILS + 1) + (tail < 0 ? 0 : tail - FIRST_TAIL + 1);
    return HANGUL_FIRST + (uint32_t)index;
}
