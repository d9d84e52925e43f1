/* extract_blocks.h - a page's tree as a list of blocks of text. Private to extraction. */
#ifndef CORPUS_EXTRACT_BLOCKS_H
#define CORPUS_EXTRACT_BLOCKS_H

#include "text/corpus/html.h"

typedef struct {
    HtmlNode *container;  /* the innermost block element */
    const char *text;           /* white space joined, trimmed */
    size_t n_bytes;
    int n_chars, n_link_chars;
    bool is_heading, is_title, is_item, is_code, is_row;
} TextBlock;

typedef struct {
    TextBlock *blocks;
    int n;
} TextBlocks;

/* Blocks below `node` in order, without what is not content. */
TextBlocks extract_blocks(Arena *arena, HtmlNode *node);
/* 2: the page says in so many words that here is the article's text; 1: a class or id hints at it; 0. */
int extract_article_mark(const HtmlNode *node);

#endif
