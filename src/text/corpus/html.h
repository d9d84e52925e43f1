/* html.h - a web page as a tree of elements and texts, by libxml2's push parser (it closes what pages leave open).
 *
 * Only what extraction asks for is kept: element kinds, class and id and a few other attributes, text. Scripts, styles and comments never enter the
 * tree. Depth is capped (deeper elements join the one at the cap) and so is the number of nodes, so a hostile page costs memory and time
 * in proportion to its bytes. */
#ifndef CORPUS_HTML_H
#define CORPUS_HTML_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    HTML_TEXT, HTML_OTHER, HTML_A, HTML_ABBR, HTML_ARTICLE, HTML_ASIDE, HTML_B, HTML_BLOCKQUOTE, HTML_BODY, HTML_BR, HTML_BUTTON, HTML_CODE,
    HTML_DD, HTML_DETAILS, HTML_DIV, HTML_DL, HTML_DT, HTML_EM, HTML_FIGCAPTION, HTML_FIGURE, HTML_FOOTER, HTML_FORM, HTML_H1, HTML_H2,
    HTML_H3, HTML_H4, HTML_H5, HTML_H6, HTML_HEAD, HTML_HEADER, HTML_HR, HTML_HTML, HTML_I, HTML_IFRAME, HTML_IMG, HTML_INPUT, HTML_LABEL, HTML_LI,
    HTML_LINK, HTML_MAIN, HTML_META, HTML_NAV, HTML_OBJECT, HTML_OL, HTML_P, HTML_PRE, HTML_SECTION, HTML_SELECT, HTML_SPAN, HTML_STRONG,
    HTML_SUMMARY, HTML_TABLE, HTML_TBODY, HTML_TD, HTML_TEXTAREA, HTML_TH, HTML_THEAD, HTML_TITLE, HTML_TR, HTML_U, HTML_UL, HTML_VIDEO,
    N_HTML_TAGS
} HtmlTag;

typedef struct HtmlNode HtmlNode;
struct HtmlNode {
    HtmlTag tag;
    bool is_hidden;         /* hidden, aria-hidden, display:none */
    const char *class_id;   /* class, id and role in lower case with a space between; "" */
    const char *itemprop;   /* "" */
    const char *text;       /* HTML_TEXT: UTF-8, NUL added */
    size_t n_bytes;
    int64_t n_long_bytes;   /* scratch of extraction: bytes of long texts below */
    int64_t worth;          /* scratch of extraction: what the blocks below are worth */
    HtmlNode *parent, *first, *last, *next;
};

typedef struct {
    HtmlNode *root;      /* an HTML_OTHER that holds everything */
    const char *title;   /* of <title>, trimmed; "" */
    const char *language;  /* lang of <html>, lower case; "" */
    int64_t n_nodes;
    bool is_cut;         /* the node limit was met */
} HtmlPage;

/* UTF-8 bytes to a tree in `arena`. Never fails; a page that takes more than the arena's limit breaks off. */
HtmlPage html_parse(Arena *arena, const char *utf8, size_t n_bytes);
bool html_is_block(HtmlTag tag);
/* Does a text begin as a web page or a piece of one does? */
bool html_looks_like_page(const char *text, size_t n_bytes);
/* What <meta charset> or <meta http-equiv> in the first bytes says, lower case; "". */
const char *html_meta_charset(Arena *arena, const char *bytes, size_t n_bytes);

#endif
