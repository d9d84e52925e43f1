/* char_table.h - a number for every character, two looks away: what an encoder wants to know of it before anything else. */
#ifndef TEXT_CHAR_TABLE_H
#define TEXT_CHAR_TABLE_H

#include "text/unicode/utf8.h"

#include <stdbool.h>

enum { CHAR_PAGE_BITS = 8, N_CHAR_PAGES = (UNICODE_MAX >> CHAR_PAGE_BITS) + 1 };
typedef struct {
    uint32_t *values;  /* pages of 256, the first for all that was never put */
    size_t n_pages;
    uint32_t missing;
    uint16_t page_of[N_CHAR_PAGES];
} CharTable;

/* Every character has the value `missing` until another is put. */
void char_table_init(CharTable *table, uint32_t missing);
void char_table_release(CharTable *table);
void char_table_put(CharTable *table, uint32_t code_point, uint32_t value);
/* Was none of the characters on this one's page put? */
static inline bool char_table_is_bare(const CharTable *table, uint32_t code_point)
{
    return table->page_of[code_point >> CHAR_PAGE_BITS] == 0;
}
/* The values of `like`'s page for a bare one's, too: of neither a character is put from then on. */
void char_table_share(CharTable *table, uint32_t code_point, uint32_t like);

static inline uint32_t char_table_get(const CharTable *table, uint32_t code_point)
{
    return table->values[(size_t)table->page_of[code_point >> CHAR_PAGE_BITS] << CHAR_PAGE_BITS | (code_point & ((1u << CHAR_PAGE_BITS) - 1))];
}

/* The value of the character at text[*at], at < n, and *at moved behind it; `missing` for an ill-formed subpart. */
static inline uint32_t char_table_read(const CharTable *table, const char *text, size_t *at, size_t n)
{
    uint32_t c;
    *at += (size_t)utf8_decode_quick(&c, text + *at, text + n);
    if (c == UTF8_ILL_FORMED)
        return table->missing;
    return char_table_get(table, c);
}

#endif
