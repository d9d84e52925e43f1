/* extract.c - finds where the article is and takes its blocks. */
#include "text/corpus/extract.h"

#include "text/corpus/charset.h"
#include "text/corpus/extract_blocks.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What a block adds to the worth of the elements it stands in, in characters. Running text counts whole; a short line, a line of links, a
 * list item cost something, so that an element which holds the article and a menu is worth less than the article alone. */
static int block_worth(const TextBlock *block)
{
    int n_plain = block->n_chars - block->n_link_chars;
    bool ends_sentence = block->n_bytes > 0 && strchr(".!?\"':;)", block->text[block->n_bytes - 1]) != NULL;
    unsigned char last = (unsigned char)block->text[block->n_bytes - 1];
    ends_sentence = ends_sentence || last >= 0x80;
    if (block->is_code)
        return n_plain;
    if (block->is_heading)
        return 0;
    if (2 * block->n_link_chars > block->n_chars)
        return -60;
    if (n_plain < 40 && !ends_sentence)
        return -30;
    if (n_plain < 80)
        return ends_sentence ? n_plain : 0;
    return n_plain;
}

/* In the order of the page, children after parents: of equals the innermost first one is taken. */
static void find_best(HtmlNode *node, HtmlNode **best, int64_t *best_worth)
{
    static const int64_t quarters[] = {4, 5, 12};
    int64_t worth = node->worth * quarters[extract_article_mark(node)] / 4;
    bool inside_best = node->parent == *best;
    if (worth > *best_worth || (worth == *best_worth && inside_best)) {
        *best = node;
        *best_worth = worth;
    }
    for (HtmlNode *child = node->first; child; child = child->next)
        if (child->tag != HTML_TEXT)
            find_best(child, best, best_worth);
}

static HtmlNode *best_container(const TextBlocks *blocks, HtmlNode *root)
{
    for (int i = 0; i < blocks->n; i++) {
        int worth = block_worth(&blocks->blocks[i]);
        for (HtmlNode *node = blocks->blocks[i].container; node; node = node->parent)
            node->worth += worth;
    }
    HtmlNode *best = root;
    int64_t best_worth = 0;
    find_best(root, &best, &best_worth);
    return best;
}

static bool node_contains(const HtmlNode *outer, const HtmlNode *node)
{
    for (; node; node = node->parent)
        if (node == outer)
            return true;
    return false;
}

/* Lines that pages put between paragraphs. */
static bool is_interruption(const TextBlock *block)
{
    static const char *const openings[] = {"read more", "read also", "related:", "see also", "advertisement", "share this", "click here", "sign up",
                                           "subscribe", "also read", "more:", "photo:", "image:", "follow us", "watch:", "listen:", "copyright",
                                           "무단전재", "관련기사", "저작권자", "getty images", "more from", "read next", "recommended", "story continues"};
    if (block->n_chars > 120)
        return false;
    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++)
        if (strncasecmp(block->text, openings[i], strlen(openings[i])) == 0)
            return true;
    return false;
}

static bool block_is_content(const TextBlock *block)
{
    if (block->is_title || is_interruption(block))
        return false;
    if (block->is_code)
        return true;
    return 2 * block->n_link_chars <= block->n_chars || (block->is_item && block->n_chars > 80);
}

/* A heading is kept when text follows it before the next heading of the container ends. */
static bool heading_leads(const TextBlocks *blocks, int i, const HtmlNode *best)
{
    for (int k = i + 1; k < blocks->n; k++) {
        const TextBlock *block = &blocks->blocks[k];
        if (!node_contains(best, block->container))
            return false;
        if (block->is_heading)
            continue;
        return block_is_content(block);
    }
    return false;
}

static void text_append(char **text, size_t *n, size_t *room, const char *bytes, size_t n_bytes)
{
    if (*n + n_bytes + 1 > *room) {
        *room = 2 * (*n + n_bytes) + 4096;
        *text = mem_realloc(*text, *room);
    }
    memcpy(*text + *n, bytes, n_bytes);
    *n += n_bytes;
    (*text)[*n] = '\0';
}

ExtractedText extract_html(Arena *arena, const char *html, size_t n_bytes, const char *charset)
{
    CharsetText decoded = charset_decode(arena, html, n_bytes, charset, html_meta_charset(arena, html, n_bytes));
    HtmlPage page = html_parse(arena, decoded.text, decoded.n_bytes);
    ExtractedText result = {.text = "", .title = page.title, .language = page.language, .charset = decoded.charset, .n_bad_bytes = decoded.n_bad};
    TextBlocks blocks = extract_blocks(arena, page.root);
    const HtmlNode *best = best_container(&blocks, page.root);
    char *text = NULL;
    size_t n = 0, room = 0;
    for (int i = 0; i < blocks.n; i++) {
        const TextBlock *block = &blocks.blocks[i];
        if (!node_contains(best, block->container) || !block_is_content(block) || (block->is_heading && !heading_leads(&blocks, i, best)))
            continue;
        if (n > 0)
            text_append(&text, &n, &room, "\n", 1);
        if (block->is_item && block->container->tag == HTML_LI)
            text_append(&text, &n, &room, "- ", 2);
        text_append(&text, &n, &room, block->text, block->n_bytes);
    }
    if (n > 0) {
        result.text = arena_strndup(arena, text, n);
        result.n_bytes = n;
    }
    free(text);
    return result;
}
