/* extract.h - the main text of a web page.
 *
 * The page becomes a tree (html.h) and the tree a list of blocks: paragraphs, headings, list items, rows, code. Navigation, adverts,
 * comments of others, share buttons and the like are left out by element and by the words in their class and id. Each block that
 * remains is worth its text without links, or costs something when it is short or mostly links; the element whose blocks are worth
 * most is where the article is, unless the page names it (articleBody). Its blocks are the text, one paragraph a line. */
#ifndef CORPUS_EXTRACT_H
#define CORPUS_EXTRACT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *text;      /* UTF-8 in the arena, paragraphs divided by a line break; "" when there is no main text */
    size_t n_bytes;
    const char *title, *language;  /* as the page says; "" */
    const char *charset;
    int64_t n_bad_bytes;   /* of the encoding */
} ExtractedText;

/* `charset` is what HTTP says, lower case, or "". Never fails. */
ExtractedText extract_html(Arena *arena, const char *html, size_t n_bytes, const char *charset);

#endif
