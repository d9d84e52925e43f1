/* html.c - SAX events of libxml2 become our small tree. */
#include "text/corpus/html.h"

#include "base/arena_limit.h"

#include <ctype.h>
#include <libxml/HTMLparser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 200, NODES_MAX = 2000000, CHUNK_BYTES = 1 << 15, TITLE_BYTES_MAX = 1000 };

/* In the order of HtmlTag from HTML_A on: sorted, so a name is found by bisection. */
static const char *const tag_names[] = {
    "a", "abbr", "article", "aside", "b", "blockquote", "body", "br", "button", "code", "dd", "details", "div", "dl", "dt", "em",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "i", "iframe", "img",
    "input", "label", "li", "link", "main", "meta", "nav", "object", "ol", "p", "pre", "section", "select", "span", "strong", "summary",
    "table", "tbody", "td", "textarea", "th", "thead", "title", "tr", "u", "ul", "video",
};
_Static_assert(sizeof tag_names / sizeof tag_names[0] == N_HTML_TAGS - HTML_A, "a name for each tag");

static HtmlTag tag_of(const char *name)
{
    int low = 0, high = N_HTML_TAGS - HTML_A - 1;
    while (low <= high) {
        int middle = (low + high) / 2, order = strcmp(name, tag_names[middle]);
        if (order == 0)
            return (HtmlTag)(HTML_A + middle);
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    return HTML_OTHER;
}

bool html_is_block(HtmlTag tag)
{
    switch (tag) {
    case HTML_TEXT: case HTML_OTHER: case HTML_A: case HTML_ABBR: case HTML_B: case HTML_CODE: case HTML_EM: case HTML_I: case HTML_IMG:
    case HTML_LABEL: case HTML_SPAN: case HTML_STRONG: case HTML_U: case HTML_BR: case HTML_INPUT: case HTML_BUTTON:
        return false;
    default:
        return true;
    }
}

typedef struct {
    Arena *arena;
    HtmlPage page;
    HtmlNode *open[DEPTH_MAX];
    int depth;       /* of open[]; elements below are counted in n_deeper */
    int n_deeper;
    int n_ignored;   /* open elements whose content is never kept: script, style, ... */
    bool in_title;
    char title[TITLE_BYTES_MAX + 1];
    size_t n_title;
} Builder;

static bool is_ignored(const char *name)
{
    static const char *const names[] = {"script", "style", "noscript", "template", "svg", "math", "canvas", "audio", "map"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static HtmlNode *builder_add(Builder *b, HtmlTag tag)
{
    if (b->page.n_nodes >= NODES_MAX) {
        b->page.is_cut = true;
        return NULL;
    }
    HtmlNode *node = ARENA_NEW(b->arena, HtmlNode), *parent = b->open[b->depth - 1];
    node->tag = tag;
    node->class_id = node->itemprop = node->text = "";
    node->parent = parent;
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    b->page.n_nodes++;
    return node;
}

static const char *lower(Arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);
    for (char *at = copy; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return copy;
}

static bool style_hides(const char *style)
{
    const char *at = strcasestr(style, "display");
    if (at) {
        at += strlen("display");
        at += strspn(at, " :");
        if (strncasecmp(at, "none", 4) == 0)
            return true;
    }
    at = strcasestr(style, "visibility");
    return at && strcasestr(at, "hidden") != NULL;
}

static void node_take_attribute(Builder *b, HtmlNode *node, const char *name, const char *value)
{
    if (strcmp(name, "class") == 0 || strcmp(name, "id") == 0 || strcmp(name, "role") == 0) {
        const char *text = lower(b->arena, value);
        node->class_id = node->class_id[0] ? arena_printf(b->arena, "%s %s", node->class_id, text) : text;
    } else if (strcmp(name, "itemprop") == 0) {
        node->itemprop = lower(b->arena, value);
    } else if (strcmp(name, "hidden") == 0 || (strcmp(name, "aria-hidden") == 0 && strcasecmp(value, "true") == 0) ||
               (strcmp(name, "style") == 0 && style_hides(value))) {
        node->is_hidden = true;
    } else if (strcmp(name, "lang") == 0 && node->tag == HTML_HTML) {
        b->page.language = lower(b->arena, value);
    }
}

static void on_start(void *context, const xmlChar *xml_name, const xmlChar **attributes)
{
    Builder *b = context;
    const char *name = (const char *)xml_name;
    if (b->n_ignored > 0 || is_ignored(name)) {
        b->n_ignored++;
        return;
    }
    HtmlTag tag = tag_of(name);
    b->in_title = b->in_title || (tag == HTML_TITLE && b->n_title == 0);
    HtmlNode *node = b->depth < DEPTH_MAX ? builder_add(b, tag) : NULL;
    if (!node) {
        b->n_deeper++;
        return;
    }
    for (; attributes && attributes[0]; attributes += 2)
        node_take_attribute(b, node, (const char *)attributes[0], attributes[1] ? (const char *)attributes[1] : "");
    b->open[b->depth++] = node;
}

static void on_end(void *context, const xmlChar *name)
{
    Builder *b = context;
    if (b->n_ignored > 0)
        b->n_ignored--;
    else if (b->n_deeper > 0)
        b->n_deeper--;
    else if (b->depth > 1)
        b->depth--;
    if (strcmp((const char *)name, "title") == 0)
        b->in_title = false;
}

static void on_text(void *context, const xmlChar *text, int n)
{
    Builder *b = context;
    if (b->n_ignored > 0 || n <= 0)
        return;
    if (b->in_title) {
        size_t room = TITLE_BYTES_MAX - b->n_title, take = (size_t)n < room ? (size_t)n : room;
        memcpy(b->title + b->n_title, text, take);
        b->n_title += take;
        return;
    }
    HtmlNode *node = builder_add(b, HTML_TEXT);
    if (!node)
        return;
    node->text = arena_strndup(b->arena, (const char *)text, (size_t)n);
    node->n_bytes = (size_t)n;
}

static void on_error(void *context, const char *message, ...)
{
    (void)context;
    (void)message;
}

static const char *trimmed(Arena *arena, const char *text, size_t n)
{
    while (n > 0 && isspace((unsigned char)*text))
        text++, n--;
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    return arena_strndup(arena, text, n);
}

HtmlPage html_parse(Arena *arena, const char *utf8, size_t n_bytes)
{
    Builder *b = mem_alloc(sizeof *b);
    b->arena = arena;
    b->page.root = ARENA_NEW(arena, HtmlNode);
    b->page.root->tag = HTML_OTHER;
    b->page.root->class_id = b->page.root->itemprop = b->page.root->text = "";
    b->page.title = b->page.language = "";
    b->open[b->depth++] = b->page.root;

    htmlSAXHandler sax = {.startElement = on_start, .endElement = on_end, .characters = on_text, .cdataBlock = on_text,
                          .ignorableWhitespace = on_text, .error = on_error, .warning = on_error};
    htmlParserCtxtPtr parser = htmlCreatePushParserCtxt(&sax, b, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    if (parser) {
        htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
        for (size_t at = 0; at < n_bytes && !arena_is_spent(arena); at += CHUNK_BYTES) {
            size_t n = n_bytes - at < CHUNK_BYTES ? n_bytes - at : CHUNK_BYTES;
            htmlParseChunk(parser, utf8 + at, (int)n, 0);
        }
        htmlParseChunk(parser, NULL, 0, 1);
        htmlFreeParserCtxt(parser);
    }
    HtmlPage page = b->page;
    page.title = trimmed(arena, b->title, b->n_title);
    free(b);
    return page;
}

const char *html_meta_charset(Arena *arena, const char *bytes, size_t n_bytes)
{
    size_t n = n_bytes < 4096 ? n_bytes : 4096;
    char *head = (char *)(uintptr_t)lower(arena, arena_strndup(arena, bytes, n));
    for (char *meta = strstr(head, "<meta"); meta; meta = strstr(meta + 1, "<meta")) {
        char *end = strchr(meta, '>'), *charset = strstr(meta, "charset");
        if (!charset || (end && charset > end))
            continue;
        charset += strlen("charset");
        charset += strspn(charset, " =\"'");
        return arena_strndup(arena, charset, strcspn(charset, " \"';,>/"));
    }
    return "";
}
