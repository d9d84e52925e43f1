/* char_class.h - what a split pattern asks of a character: letter (and which case), mark, number, white space.
 *
 * The general category comes from ICU 72 (Unicode 15.0), cut back by the age of a character for version 14 and extended for
 * version 16 by the letters, marks and numbers that 15.1 and 16.0 added. White space is the property White_Space (PropList.txt). */
#ifndef TEXT_CHAR_CLASS_H
#define TEXT_CHAR_CLASS_H

#include "text/unicode/utf8.h"

enum {
    CHAR_UPPER = 1,    /* Lu Lt */
    CHAR_LOWER = 2,    /* Ll */
    CHAR_LETTER = 4,   /* Lm Lo */
    CHAR_MARK = 8,     /* M */
    CHAR_NUMBER = 16,  /* N */
    CHAR_SPACE = 32,   /* White_Space */
    CHAR_NEWLINE = 64, /* \r \n, beside CHAR_SPACE */
    CHAR_ANY_LETTER = CHAR_UPPER | CHAR_LOWER | CHAR_LETTER,
};

enum { CHAR_CLASS_BLOCK = 128, CHAR_CLASS_N_BLOCKS = (UNICODE_MAX + 1) / CHAR_CLASS_BLOCK };
typedef struct {
    uint16_t block[CHAR_CLASS_N_BLOCKS];  /* equal blocks are kept once */
    uint8_t *classes;
} CharClasses;

void char_classes_init(CharClasses *table, int unicode_version);
void char_classes_release(CharClasses *table);

/* 0 for everything that is none of these, UTF8_ILL_FORMED included. */
static inline uint8_t char_class(const CharClasses *table, uint32_t c)
{
    return c > UNICODE_MAX ? 0 : table->classes[table->block[c / CHAR_CLASS_BLOCK] * CHAR_CLASS_BLOCK + c % CHAR_CLASS_BLOCK];
}

#endif
