/* extract_blocks.c - walks the tree and joins inline text to blocks. */
#include "text/corpus/extract_blocks.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Words of class and id that say "not the article". A word ends in * when others may follow. */
static const char *const boilerplate_words[] = {
    "ad", "ads", "advert*", "adbox", "adslot", "adsense", "banner", "breadcrumb*", "byline", "caption", "captions", "comment", "comments", "commentlist",
    "cookie*", "copyright", "credits", "disqus*", "dropdown", "footer", "footnote*", "gallery", "hidden", "infobox", "login", "masthead", "menu",
    "modal", "nav", "navbar", "navigation", "newsletter*", "outbrain*", "overlay", "pager", "pagination", "paywall", "popup", "popular", "promo*",
    "rating*", "recirc*", "recommend*", "register", "related*", "respond", "share*", "sharing*", "shares", "sidebar*", "signup", "skip", "social*",
    "sponsor*", "subscribe*", "subscription*", "taboola*", "tags", "taglist", "teaser*", "toolbar", "tooltip", "trending*", "widget*", "reply", "댓글",
    "button", "btn", "search", "topbar", "carousel", "slideshow", "readmore", "timestamp", "dateline", "printfriendly", "screen-reader-text",
};

/* A class or id is cut into words at everything that is neither letter nor digit. */
static bool has_word(const char *class_id, const char *const *words, size_t n_words)
{
    for (const char *at = class_id; *at;) {
        size_t n = 0;
        while (isalnum((unsigned char)at[n]) || (unsigned char)at[n] >= 0x80)
            n++;
        for (size_t i = 0; i < n_words && n > 0; i++) {
            size_t m = strlen(words[i]);
            bool open = words[i][m - 1] == '*';
            m -= open;
            if (n >= m && (open || n == m) && strncmp(at, words[i], m) == 0)
                return true;
        }
        at += n;
        while (*at && !isalnum((unsigned char)*at) && (unsigned char)*at < 0x80)
            at++;
    }
    return false;
}

#define HAS_WORD(text, words) has_word((text), (words), sizeof(words) / sizeof((words)[0]))

/* A word in a class is a hint; that an element holds much of the page's running text outweighs it. */
static bool is_boilerplate(const HtmlNode *node, int64_t n_long_bytes_of_page)
{
    bool holds_much = 2 * node->n_long_bytes > n_long_bytes_of_page;
    if (node->is_hidden && !holds_much)
        return true;
    switch (node->tag) {
    case HTML_HTML: case HTML_BODY: case HTML_MAIN: case HTML_ARTICLE: case HTML_TEXT:
        return false;
    case HTML_BUTTON: case HTML_FIGCAPTION: case HTML_FOOTER: case HTML_HEAD: case HTML_IFRAME: case HTML_INPUT: case HTML_LABEL:
    case HTML_NAV: case HTML_OBJECT: case HTML_SELECT: case HTML_TEXTAREA: case HTML_VIDEO:
        return true;
    case HTML_ASIDE: case HTML_FORM:  /* some pages are one form */
        return !holds_much;
    default:
        return !holds_much && node->class_id[0] && HAS_WORD(node->class_id, boilerplate_words);
    }
}

int extract_article_mark(const HtmlNode *node)
{
    static const char *const names[] = {"articlebody", "article-body", "article__body", "article_body", "article-content", "article__content",
                                        "articlecontent", "post-content", "postcontent", "entry-content", "story-body", "storybody", "story-content",
                                        "article-text", "article_content", "post-body", "post__content", "body-content", "newsct_article", "article_view",
                                        "content__article-body", "articletext", "story__body", "news_body", "view_content", "board_view"};
    if (strstr(node->itemprop, "articlebody"))
        return 2;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strstr(node->class_id, names[i]))
            return 1;
    return 0;
}

typedef struct {
    Arena *arena;
    TextBlock *blocks;
    int n, room;
    char *text;  /* of the present block */
    size_t n_text, text_room;
    int n_link_bytes;
    int link_depth, pre_depth;
    int64_t n_long_bytes;  /* of the page */
    bool after_space, after_break;
} Walker;

static void walker_put(Walker *w, const char *bytes, size_t n)
{
    if (w->n_text + n + 1 > w->text_room) {
        w->text_room = 2 * (w->n_text + n) + 1024;
        w->text = mem_realloc(w->text, w->text_room);
    }
    memcpy(w->text + w->n_text, bytes, n);
    w->n_text += n;
    if (w->link_depth > 0)
        w->n_link_bytes += (int)n;
}

static int count_chars(const char *text, size_t n)
{
    int n_chars = 0;
    for (size_t i = 0; i < n; i++)
        n_chars += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n_chars;
}

static bool inside(const HtmlNode *node, HtmlTag tag, int depth_max)
{
    for (; node && depth_max > 0; node = node->parent, depth_max--)
        if (node->tag == tag)
            return true;
    return false;
}

/* Ends the present block, which belongs to `container`. */
static void walker_flush(Walker *w, HtmlNode *container)
{
    while (w->n_text > 0 && isspace((unsigned char)w->text[w->n_text - 1]))
        w->n_text--;
    if (w->n_text > 0) {
        if (w->n == w->room) {
            w->room = 2 * w->room + 64;
            w->blocks = mem_realloc(w->blocks, (size_t)w->room * sizeof *w->blocks);
        }
        TextBlock *block = &w->blocks[w->n++];
        *block = (TextBlock){.container = container, .text = arena_strndup(w->arena, w->text, w->n_text), .n_bytes = w->n_text};
        block->n_chars = count_chars(w->text, w->n_text);
        int n_links = w->n_link_bytes;
        block->n_link_chars = (int)((int64_t)n_links * block->n_chars / (int64_t)w->n_text);
        HtmlTag tag = container->tag;
        block->is_title = tag == HTML_H1;
        block->is_heading = tag >= HTML_H1 && tag <= HTML_H6;
        block->is_item = tag == HTML_LI || tag == HTML_DD || tag == HTML_DT || inside(container, HTML_LI, 4);
        block->is_code = tag == HTML_PRE;
        block->is_row = tag == HTML_TR || tag == HTML_TD || tag == HTML_TH;
    }
    w->n_text = 0;
    w->n_link_bytes = 0;
    w->after_space = true;
    w->after_break = false;
}

static void walker_text(Walker *w, const HtmlNode *node)
{
    for (size_t i = 0; i < node->n_bytes; i++) {
        const char *at = node->text + i;
        bool nbsp = (unsigned char)at[0] == 0xC2 && (unsigned char)at[1] == 0xA0;
        if (w->pre_depth > 0 && *at != '\r') {
            walker_put(w, at, 1);
            continue;
        }
        if (isspace((unsigned char)*at) || nbsp) {
            if (!w->after_space)
                walker_put(w, " ", 1);
            w->after_space = true;
            i += nbsp;
        } else {
            size_t n = 1;
            while (i + n < node->n_bytes && !isspace((unsigned char)at[n]) && (unsigned char)at[n] != 0xC2)
                n++;
            walker_put(w, at, n);
            w->after_space = false;
            w->after_break = false;
            i += n - 1;
        }
    }
}

static void walk(Walker *w, HtmlNode *node, HtmlNode *container);

static void walk_children(Walker *w, HtmlNode *node, HtmlNode *container)
{
    for (HtmlNode *child = node->first; child; child = child->next)
        walk(w, child, container);
}

static void walk(Walker *w, HtmlNode *node, HtmlNode *container)
{
    if (node->tag == HTML_TEXT) {
        walker_text(w, node);
        return;
    }
    if (node->tag == HTML_BR) {
        if (w->after_break)
            walker_flush(w, container);  /* two breaks are a paragraph */
        else if (w->n_text > 0)
            walker_put(w, w->pre_depth ? "\n" : " ", 1);
        w->after_space = true;
        w->after_break = w->n_text > 0;
        return;
    }
    if (is_boilerplate(node, w->n_long_bytes))
        return;
    bool is_cell = node->tag == HTML_TD || node->tag == HTML_TH;
    bool is_block = html_is_block(node->tag) && !(is_cell && node->first && !node->first->next && node->first->tag == HTML_TEXT);
    if (is_block)
        walker_flush(w, container);
    else if (is_cell && w->n_text > 0)
        walker_put(w, " | ", 3), w->after_space = true;
    w->link_depth += node->tag == HTML_A;
    w->pre_depth += node->tag == HTML_PRE;
    walk_children(w, node, is_block ? node : container);
    if (is_block)
        walker_flush(w, node);
    w->link_depth -= node->tag == HTML_A;
    w->pre_depth -= node->tag == HTML_PRE;
}

enum { LONG_TEXT_BYTES = 60 };

static int64_t count_long_bytes(HtmlNode *node)
{
    if (node->tag == HTML_TEXT)
        return node->n_long_bytes = node->n_bytes >= LONG_TEXT_BYTES ? (int64_t)node->n_bytes : 0;
    for (HtmlNode *child = node->first; child; child = child->next)
        node->n_long_bytes += count_long_bytes(child);
    return node->n_long_bytes;
}

TextBlocks extract_blocks(Arena *arena, HtmlNode *node)
{
    Walker w = {.arena = arena, .after_space = true, .n_long_bytes = count_long_bytes(node)};
    walk_children(&w, node, node);
    walker_flush(&w, node);
    TextBlocks result = {.n = w.n};
    result.blocks = arena_alloc(arena, (size_t)w.n * sizeof *w.blocks);
    if (w.n > 0)
        memcpy(result.blocks, w.blocks, (size_t)w.n * sizeof *w.blocks);
    free(w.blocks);
    free(w.text);
    return result;
}
