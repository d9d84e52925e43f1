/* char_table.c - see char_table.h. */
#include "text/tokenizer/char_table.h"

#include <assert.h>
#include <stdlib.h>

enum { PAGE_CHARS = 1 << CHAR_PAGE_BITS };

static void add_page(CharTable *table)
{
    table->values = mem_realloc(table->values, (table->n_pages + 1) * PAGE_CHARS * sizeof *table->values);
    for (size_t i = 0; i < PAGE_CHARS; i++)
        table->values[table->n_pages * PAGE_CHARS + i] = table->missing;
    table->n_pages++;
}

void char_table_init(CharTable *table, uint32_t missing)
{
    *table = (CharTable){.missing = missing};
    add_page(table);
}

void char_table_release(CharTable *table)
{
    free(table->values);
    *table = (CharTable){0};
}

void char_table_put(CharTable *table, uint32_t code_point, uint32_t value)
{
    assert(code_point <= UNICODE_MAX);
    uint16_t *page = &table->page_of[code_point >> CHAR_PAGE_BITS];
    if (*page == 0) {
        *page = (uint16_t)table->n_pages;
        add_page(table);
    }
    table->values[(size_t)*page * PAGE_CHARS + code_point % PAGE_CHARS] = value;
}

void char_table_share(CharTable *table, uint32_t code_point, uint32_t like)
{
    assert(char_table_is_bare(table, code_point) && !char_table_is_bare(table, like));
    table->page_of[code_point >> CHAR_PAGE_BITS] = table->page_of[like >> CHAR_PAGE_BITS];
}
