/* jinja_parser.h - what the two halves of the parser share. */
#ifndef TEXT_JINJA_PARSER_H
#define TEXT_JINJA_PARSER_H

#include "text/tokenizer/jinja_internal.h"

enum { JINJA_DEPTH_MAX = 100 };
typedef struct {
    JinjaTemplate *template;
    const char *at, *end;
    int line, depth;
    bool at_line_start;  /* nothing but blanks stands between the line's start and `at` */
} Parser;

Err jinja_parser_fail(Parser *p, Err code, const char *format, ...) __attribute__((format(printf, 3, 4)));
Node *jinja_node(Parser *p, NodeKind kind);
void jinja_push(Parser *p, Node *parent, Node *child);
void jinja_skip_blanks(Parser *p);
bool jinja_take(Parser *p, const char *symbol);       /* eats it when it comes next */
bool jinja_take_word(Parser *p, const char *word);
Err jinja_take_name(Parser *p, const char **text, size_t *n);
Err jinja_expression(Parser *p, Node **out);
Err jinja_expression_without_if(Parser *p, Node **out);  /* "for x in THIS if ..." */
Err jinja_expression_list(Parser *p, Node **out);     /* a, b is a tuple */

#endif
