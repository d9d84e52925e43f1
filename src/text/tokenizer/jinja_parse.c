/* jinja_parse.c - a template's text into nodes: the cutting into text and tags, and the statements. Expressions are in jinja_expression.c. */
#include "text/tokenizer/jinja_parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

Err jinja_parser_fail(Parser *p, Err code, const char *format, ...)
{
    char message[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return err_set(code, "%s:%d: %s", p->template->name, p->line, message);
}

Node *jinja_node(Parser *p, NodeKind kind)
{
    Node *node = ARENA_ARRAY(p->template->arena, Node, 1);
    memset(node, 0, sizeof *node);
    node->kind = kind;
    node->line = p->line;
    return node;
}

void jinja_push(Parser *p, Node *parent, Node *child)
{
    if (parent->n == parent->capacity) {
        size_t capacity = parent->capacity ? parent->capacity * 2 : 4;
        Node **list = ARENA_ARRAY(p->template->arena, Node *, capacity);
        if (parent->n)
            memcpy(list, parent->list, parent->n * sizeof *list);
        parent->list = list;
        parent->capacity = capacity;
    }
    parent->list[parent->n++] = child;
}

static bool starts(const Parser *p, const char *at, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(p->end - at) >= n && memcmp(at, text, n) == 0;
}

/* Text up to the next tag, with the white space that tags take away from it. */
static void read_text(Parser *p, Node *block)
{
    const char *begin = p->at, *at = p->at;
    while (at < p->end && !starts(p, at, "{{") && !starts(p, at, "{%") && !starts(p, at, "{#"))
        at++;
    const char *stop = at;
    bool tag = at < p->end;
    if (tag && at + 2 < p->end && at[2] == '-') {
        while (stop > begin && strchr(" \t\r\n", stop[-1]))
            stop--;
    } else if (tag && at[1] != '{' && !(at + 2 < p->end && at[2] == '+')) {  /* lstrip_blocks: blanks between the line's start and the tag */
        const char *blank = stop;
        while (blank > begin && (blank[-1] == ' ' || blank[-1] == '\t'))
            blank--;
        if (blank > begin ? blank[-1] == '\n' : p->at_line_start)
            stop = blank;
    }
    if (stop > begin) {
        Node *text = jinja_node(p, NODE_TEXT);
        text->text = begin;
        text->n_text = (size_t)(stop - begin);
        jinja_push(p, block, text);
    }
    for (const char *c = begin; c < at; c++)
        p->line += *c == '\n';
    if (at > begin)
        p->at_line_start = at[-1] == '\n';
    p->at = at;
}

/* Behind a tag: all white space after "-", else the first line break after a block or comment (trim_blocks). */
static void after_tag(Parser *p, char sign, bool trims)
{
    if (sign == '-') {
        while (p->at < p->end && strchr(" \t\r\n", *p->at) && *p->at)
            p->line += *p->at++ == '\n';
        p->at_line_start = false;
        return;
    }
    p->at_line_start = false;
    if (trims && sign != '+' && p->at < p->end && *p->at == '\n') {
        p->at++;
        p->line++;
        p->at_line_start = true;
    }
}

/* The end of a tag: "-%}", "+%}" or "%}" of the given closer. */
static Err close_tag(Parser *p, const char *closer)
{
    jinja_skip_blanks(p);
    char sign = p->at < p->end && (*p->at == '-' || *p->at == '+') ? *p->at : 0;
    const char *at = p->at + (sign != 0);
    if (!starts(p, at, closer))
        return jinja_parser_fail(p, ERR_FORMAT, "expected %s, found \"%.*s\"", closer, (int)(p->end - p->at < 20 ? p->end - p->at : 20), p->at);
    p->at = at + 2;
    after_tag(p, sign, closer[0] == '%');
    return OK;
}

static Err skip_comment(Parser *p)
{
    const char *at = memmem(p->at, (size_t)(p->end - p->at), "#}", 2);
    if (!at)
        return jinja_parser_fail(p, ERR_FORMAT, "a comment without its end");
    for (const char *c = p->at; c < at; c++)
        p->line += *c == '\n';
    char sign = at[-1] == '-' || at[-1] == '+' ? at[-1] : 0;
    p->at = at + 2;
    after_tag(p, sign, true);
    return OK;
}

static void open_tag(Parser *p)
{
    p->at += 2;
    if (p->at < p->end && (*p->at == '-' || *p->at == '+'))
        p->at++;
}

/* Statements until a tag whose first word is in `until` ("else", "endif" ...), which is left behind as *word, its inside unread. */
static Err read_body(Parser *p, const char *const *until, Node **body, const char **word);

static Err end_body(Parser *p, Node **body, const char *end)
{
    const char *until[] = {end, NULL}, *word;
    TRY(close_tag(p, "%}"));
    TRY(read_body(p, until, body, &word));
    return close_tag(p, "%}");
}

static Err read_if(Parser *p, Node **out)
{
    static const char *const until[] = {"elif", "else", "endif", NULL};
    const char *word;
    Node *first = jinja_node(p, NODE_IF), *branch = first;
    *out = first;
    TRY(jinja_expression(p, &branch->a));
    for (;;) {
        TRY(close_tag(p, "%}"));
        TRY(read_body(p, until, &branch->c, &word));
        if (strcmp(word, "elif") == 0) {
            Node *next = jinja_node(p, NODE_IF);
            TRY(jinja_expression(p, &next->a));
            branch->b = next;
            branch = next;
        } else if (strcmp(word, "else") == 0) {
            return end_body(p, &branch->b, "endif");
        } else
            return close_tag(p, "%}");
    }
}

/* a, b */
static Err read_names(Parser *p, Node *node)
{
    bool parenthesis = jinja_take(p, "(");
    do {
        Node *name = jinja_node(p, NODE_NAME);
        TRY(jinja_take_name(p, &name->text, &name->n_text));
        jinja_push(p, node, name);
    } while (jinja_take(p, ","));
    return parenthesis && !jinja_take(p, ")") ? jinja_parser_fail(p, ERR_FORMAT, "expected )") : OK;
}

static Err read_for(Parser *p, Node **out)
{
    static const char *const until[] = {"else", "endfor", NULL};
    const char *word;
    Node *node = *out = jinja_node(p, NODE_FOR);
    TRY(read_names(p, node));
    if (!jinja_take_word(p, "in"))
        return jinja_parser_fail(p, ERR_FORMAT, "expected in");
    TRY(jinja_expression_without_if(p, &node->a));
    if (jinja_take_word(p, "if"))
        TRY(jinja_expression(p, &node->b));
    if (jinja_take_word(p, "recursive"))
        return jinja_parser_fail(p, ERR_UNSUPPORTED, "recursive loops are not supported");
    TRY(close_tag(p, "%}"));
    TRY(read_body(p, until, &node->c, &word));
    return strcmp(word, "else") == 0 ? end_body(p, &node->d, "endfor") : close_tag(p, "%}");
}

static Err read_set(Parser *p, Node **out)
{
    Node *node = *out = jinja_node(p, NODE_SET);
    do {
        Node *target = jinja_node(p, NODE_NAME);
        TRY(jinja_take_name(p, &target->text, &target->n_text));
        if (jinja_take(p, ".")) {
            Node *attribute = jinja_node(p, NODE_ATTRIBUTE);
            attribute->a = target;
            TRY(jinja_take_name(p, &attribute->text, &attribute->n_text));
            target = attribute;
        }
        jinja_push(p, node, target);
    } while (jinja_take(p, ","));
    if (!jinja_take(p, "=")) {
        node->kind = NODE_SET_BLOCK;
        return end_body(p, &node->a, "endset");
    }
    TRY(jinja_expression_list(p, &node->a));
    return close_tag(p, "%}");
}

static Err read_macro(Parser *p, Node **out)
{
    Node *node = *out = jinja_node(p, NODE_MACRO);
    TRY(jinja_take_name(p, &node->text, &node->n_text));
    if (!jinja_take(p, "("))
        return jinja_parser_fail(p, ERR_FORMAT, "expected ( after the name of a macro");
    while (!jinja_take(p, ")")) {
        Node *parameter = jinja_node(p, NODE_KEYWORD);
        TRY(jinja_take_name(p, &parameter->text, &parameter->n_text));
        if (jinja_take(p, "="))
            TRY(jinja_expression(p, &parameter->a));
        jinja_push(p, node, parameter);
        if (!jinja_take(p, ",") && p->at < p->end && *p->at != ')')
            return jinja_parser_fail(p, ERR_FORMAT, "expected , or )");
    }
    return end_body(p, &node->a, "endmacro");
}

static Err read_raw(Parser *p, Node **out)
{
    TRY(close_tag(p, "%}"));
    const char *at = p->at;
    for (; at < p->end; at++) {
        if (!starts(p, at, "{%"))
            continue;
        const char *word = at + 2 + (at + 2 < p->end && at[2] == '-');
        while (word < p->end && *word == ' ')
            word++;
        if (starts(p, word, "endraw"))
            break;
    }
    if (at >= p->end)
        return jinja_parser_fail(p, ERR_FORMAT, "raw without endraw");
    *out = jinja_node(p, NODE_TEXT);
    (*out)->text = p->at;
    (*out)->n_text = (size_t)(at - p->at);
    p->at = at;
    open_tag(p);
    jinja_take_word(p, "endraw");
    return close_tag(p, "%}");
}

static Err read_statement(Parser *p, const char *word, Node **out)
{
    if (strcmp(word, "if") == 0)
        return read_if(p, out);
    if (strcmp(word, "for") == 0)
        return read_for(p, out);
    if (strcmp(word, "set") == 0)
        return read_set(p, out);
    if (strcmp(word, "macro") == 0)
        return read_macro(p, out);
    if (strcmp(word, "raw") == 0)
        return read_raw(p, out);
    if (strcmp(word, "generation") == 0)
        return end_body(p, out, "endgeneration");
    if (strcmp(word, "break") == 0 || strcmp(word, "continue") == 0) {
        *out = jinja_node(p, word[0] == 'b' ? NODE_BREAK : NODE_CONTINUE);
        return close_tag(p, "%}");
    }
    return jinja_parser_fail(p, ERR_UNSUPPORTED, "statement \"%.40s\" is not known", word);
}

static Err read_tag(Parser *p, const char *const *until, Node *block, const char **word)
{
    const char *name;
    size_t n;
    open_tag(p);
    TRY(jinja_take_name(p, &name, &n));
    char *copy = arena_strndup(p->template->arena, name, n);
    for (int i = 0; until[i]; i++)
        if (strcmp(until[i], copy) == 0) {
            *word = copy;
            return OK;
        }
    Node *statement;
    TRY(read_statement(p, copy, &statement));
    jinja_push(p, block, statement);
    return OK;
}

static Err read_body(Parser *p, const char *const *until, Node **body, const char **word)
{
    Node *block = *body = jinja_node(p, NODE_BLOCK);
    if (++p->depth > JINJA_DEPTH_MAX)
        return jinja_parser_fail(p, ERR_FORMAT, "nested too deeply");
    *word = NULL;
    while (!*word) {
        read_text(p, block);
        if (p->at >= p->end) {
            if (until[0])
                return jinja_parser_fail(p, ERR_FORMAT, "expected {%% %s %%}, found the end", until[0]);
            break;
        }
        if (p->at[1] == '#') {
            TRY(skip_comment(p));
        } else if (p->at[1] == '{') {
            Node *output = jinja_node(p, NODE_OUTPUT);
            open_tag(p);
            TRY(jinja_expression_list(p, &output->a));
            TRY(close_tag(p, "}}"));
            jinja_push(p, block, output);
        } else
            TRY(read_tag(p, until, block, word));
    }
    p->depth--;
    return OK;
}

Err jinja_parse(JinjaTemplate **out, const char *name, const char *source, size_t n_bytes)
{
    static const char *const until[] = {NULL};
    Arena *arena = arena_new();
    JinjaTemplate *template = ARENA_ARRAY(arena, JinjaTemplate, 1);
    const char *word;
    if (n_bytes && source[n_bytes - 1] == '\n')  /* keep_trailing_newline is off */
        n_bytes--;
    char *text = arena_strndup(arena, source, n_bytes);
    *template = (JinjaTemplate){arena, arena_strndup(arena, name, strlen(name)), NULL};
    Parser parser = {.template = template, .at = text, .end = text + n_bytes, .line = 1, .at_line_start = true};
    Err err = memchr(text, 0, n_bytes) ? err_set(ERR_FORMAT, "%s: a NUL in the template", name) : read_body(&parser, until, &template->root, &word);
    if (err == OK)
        *out = template;
    else
        arena_free(arena);
    return err;
}

void jinja_free(JinjaTemplate *template)
{
    if (template)
        arena_free(template->arena);
}
