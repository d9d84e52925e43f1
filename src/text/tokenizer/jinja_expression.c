/* jinja_expression.c - expressions, from the loosest binding (a if b else c) to the tightest (names, literals, what follows them). */
#include "text/tokenizer/jinja_parser.h"

#include <stdlib.h>
#include <string.h>

void jinja_skip_blanks(Parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
        p->line += *p->at++ == '\n';
}

bool jinja_take(Parser *p, const char *symbol)
{
    jinja_skip_blanks(p);
    size_t n = strlen(symbol);
    if ((size_t)(p->end - p->at) < n || memcmp(p->at, symbol, n) != 0)
        return false;
    p->at += n;
    return true;
}

static bool is_name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static size_t name_length(Parser *p)
{
    jinja_skip_blanks(p);
    size_t n = 0;
    while (p->at + n < p->end && is_name_char(p->at[n], n == 0))
        n++;
    return n;
}

bool jinja_take_word(Parser *p, const char *word)
{
    size_t n = name_length(p);
    if (n != strlen(word) || memcmp(p->at, word, n) != 0)
        return false;
    p->at += n;
    return true;
}

Err jinja_take_name(Parser *p, const char **text, size_t *n)
{
    *n = name_length(p);
    *text = p->at;
    if (*n == 0)
        return jinja_parser_fail(p, ERR_FORMAT, "expected a name, found \"%.*s\"", (int)(p->end - p->at < 20 ? p->end - p->at : 20), p->at);
    p->at += *n;
    return OK;
}

static Err expect(Parser *p, const char *symbol)
{
    if (jinja_take(p, symbol))
        return OK;
    return jinja_parser_fail(p, ERR_FORMAT, "expected %s, found \"%.*s\"", symbol, (int)(p->end - p->at < 20 ? p->end - p->at : 20), p->at);
}

/* '...' or "...", with Python's escapes. */
static Err read_string(Parser *p, Node **out)
{
    char quote = *p->at++;
    const char *begin = p->at;
    char *text = arena_alloc(p->template->arena, (size_t)(p->end - begin) + 1);
    size_t n = 0;
    while (p->at < p->end && *p->at != quote) {
        char c = *p->at++;
        p->line += c == '\n';
        if (c == '\\' && p->at < p->end) {
            static const char from[] = "ntrfvab0\\'\"", to[] = "\n\t\r\f\v\a\b\0\\'\"";
            char escaped = *p->at++;
            const char *which = escaped ? strchr(from, escaped) : NULL;
            if (which)
                c = to[which - from];
            else if (escaped == 'x' || escaped == 'u' || escaped == 'U')
                return jinja_parser_fail(p, ERR_UNSUPPORTED, "escape \\%c in a string", escaped);
            else if (escaped != '\n')
                p->at--;  /* an unknown escape stands for itself, as in Python */
            else
                continue;
        }
        text[n++] = c;
    }
    if (p->at >= p->end)
        return jinja_parser_fail(p, ERR_FORMAT, "a string without its end");
    p->at++;
    *out = jinja_node(p, NODE_STRING);
    (*out)->text = text;
    (*out)->n_text = n;
    return OK;
}

static Err read_number(Parser *p, Node **out)
{
    char digits[64];
    size_t n = 0;
    bool real = false;
    while (p->at < p->end && n + 1 < sizeof digits && ((*p->at >= '0' && *p->at <= '9') || (*p->at == '.' && !real && p->at + 1 < p->end && p->at[1] >= '0' && p->at[1] <= '9'))) {
        real |= *p->at == '.';
        digits[n++] = *p->at++;
    }
    digits[n] = '\0';
    *out = jinja_node(p, real ? NODE_FLOAT : NODE_INT);
    (*out)->number = strtoll(digits, NULL, 10);
    (*out)->real = strtod(digits, NULL);
    return OK;
}

/* a, b, name=c up to the closing parenthesis. */
static Err read_arguments(Parser *p, Node *node)
{
    while (!jinja_take(p, ")")) {
        Node *value;
        const char *before = p->at;
        int line = p->line;
        size_t n = name_length(p);
        Node *keyword = NULL;
        if (n) {
            const char *name = p->at;
            p->at += n;
            jinja_skip_blanks(p);
            if (p->at < p->end && *p->at == '=' && !(p->at + 1 < p->end && p->at[1] == '=')) {
                p->at++;
                keyword = jinja_node(p, NODE_KEYWORD);
                keyword->text = name;
                keyword->n_text = n;
            } else {
                p->at = before;
                p->line = line;
            }
        }
        TRY(jinja_expression(p, &value));
        if (keyword) {
            keyword->a = value;
            value = keyword;
        }
        jinja_push(p, node, value);
        if (!jinja_take(p, ",")) {
            TRY(expect(p, ")"));
            break;
        }
    }
    return OK;
}

static Err read_list(Parser *p, Node **out, const char *closer)
{
    *out = jinja_node(p, NODE_LIST);
    while (!jinja_take(p, closer)) {
        Node *item;
        TRY(jinja_expression(p, &item));
        jinja_push(p, *out, item);
        if (!jinja_take(p, ","))
            return expect(p, closer);
    }
    return OK;
}

static Err read_dict(Parser *p, Node **out)
{
    *out = jinja_node(p, NODE_DICT);
    while (!jinja_take(p, "}")) {
        Node *key, *value;
        TRY(jinja_expression(p, &key));
        TRY(expect(p, ":"));
        TRY(jinja_expression(p, &value));
        jinja_push(p, *out, key);
        jinja_push(p, *out, value);
        if (!jinja_take(p, ","))
            return expect(p, "}");
    }
    return OK;
}

static Err read_parenthesis(Parser *p, Node **out)
{
    if (jinja_take(p, ")")) {
        *out = jinja_node(p, NODE_LIST);
        (*out)->number = 1;
        return OK;
    }
    TRY(jinja_expression_list(p, out));
    return expect(p, ")");
}

static Err read_primary(Parser *p, Node **out)
{
    static const struct {
        const char *word;
        NodeKind kind;
    } constants[] = {{"true", NODE_TRUE}, {"True", NODE_TRUE}, {"false", NODE_FALSE}, {"False", NODE_FALSE}, {"none", NODE_NONE}, {"None", NODE_NONE}};
    jinja_skip_blanks(p);
    if (p->at >= p->end)
        return jinja_parser_fail(p, ERR_FORMAT, "expected a value, found the end");
    if (*p->at == '"' || *p->at == '\'') {
        TRY(read_string(p, out));
        for (jinja_skip_blanks(p); p->at < p->end && (*p->at == '"' || *p->at == '\''); jinja_skip_blanks(p)) {  /* "a" "b" is one string */
            Node *more;
            TRY(read_string(p, &more));
            char *joined = arena_alloc(p->template->arena, (*out)->n_text + more->n_text + 1);
            memcpy(joined, (*out)->text, (*out)->n_text);
            memcpy(joined + (*out)->n_text, more->text, more->n_text);
            (*out)->text = joined;
            (*out)->n_text += more->n_text;
        }
        return OK;
    }
    if (*p->at >= '0' && *p->at <= '9')
        return read_number(p, out);
    if (jinja_take(p, "["))
        return read_list(p, out, "]");
    if (jinja_take(p, "{"))
        return read_dict(p, out);
    if (jinja_take(p, "("))
        return read_parenthesis(p, out);
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (jinja_take_word(p, constants[i].word)) {
            *out = jinja_node(p, constants[i].kind);
            return OK;
        }
    *out = jinja_node(p, NODE_NAME);
    return jinja_take_name(p, &(*out)->text, &(*out)->n_text);
}

/* [b], [b:c], [b:c:d] */
static Err read_item(Parser *p, Node **out)
{
    Node *node = jinja_node(p, NODE_ITEM);
    node->a = *out;
    *out = node;
    Node **parts[] = {&node->b, &node->c, &node->d};
    for (int i = 0; i < 3; i++) {
        jinja_skip_blanks(p);
        if (p->at < p->end && *p->at != ':' && *p->at != ']')
            TRY(jinja_expression(p, parts[i]));
        if (i < 2 && jinja_take(p, ":"))
            node->kind = NODE_SLICE;
        else
            break;
    }
    if (node->kind == NODE_ITEM && !node->b)
        return jinja_parser_fail(p, ERR_FORMAT, "expected an index");
    return expect(p, "]");
}

static Err read_postfix(Parser *p, Node **out)
{
    TRY(read_primary(p, out));
    for (;;) {
        if (jinja_take(p, ".")) {
            Node *node = jinja_node(p, NODE_ATTRIBUTE);
            node->a = *out;
            *out = node;
            TRY(jinja_take_name(p, &node->text, &node->n_text));
        } else if (jinja_take(p, "[")) {
            TRY(read_item(p, out));
        } else if (jinja_take(p, "(")) {
            Node *node = jinja_node(p, NODE_CALL);
            node->a = *out;
            *out = node;
            TRY(read_arguments(p, node));
        } else
            return OK;
    }
}

/* Filters bind tighter than operators; tests too. */
static Err read_filters(Parser *p, Node **out)
{
    while (jinja_take(p, "|")) {
        Node *node = jinja_node(p, NODE_FILTER);
        node->a = *out;
        *out = node;
        TRY(jinja_take_name(p, &node->text, &node->n_text));
        if (jinja_take(p, "("))
            TRY(read_arguments(p, node));
    }
    return OK;
}

static Err read_unary(Parser *p, Node **out)
{
    jinja_skip_blanks(p);
    bool negates = p->at + 1 < p->end && *p->at == '-' && p->at[1] != '%' && p->at[1] != '}';
    if (negates && jinja_take(p, "-")) {
        Node *node = jinja_node(p, NODE_NEGATE);
        if (++p->depth > JINJA_DEPTH_MAX)
            return jinja_parser_fail(p, ERR_FORMAT, "nested too deeply");
        TRY(read_unary(p, &node->a));
        p->depth--;
        *out = node;
        return OK;
    }
    TRY(read_postfix(p, out));
    return read_filters(p, out);
}

/* "is" and "is not", with at most one argument without parentheses ("is divisibleby 3"). */
static Err read_tests(Parser *p, Node **out)
{
    while (jinja_take_word(p, "is")) {
        Node *node = jinja_node(p, NODE_TEST);
        node->a = *out;
        *out = node;
        node->number = jinja_take_word(p, "not");
        TRY(jinja_take_name(p, &node->text, &node->n_text));
        if (jinja_take(p, "(")) {
            TRY(read_arguments(p, node));
            continue;
        }
        jinja_skip_blanks(p);
        bool literal = p->at < p->end && (*p->at == '"' || *p->at == '\'' || (*p->at >= '0' && *p->at <= '9'));
        if (literal) {
            Node *argument;
            TRY(read_primary(p, &argument));
            jinja_push(p, node, argument);
        }
    }
    return OK;
}

/* Left-associative operators, a level a row; longer symbols first. */
static const char *const levels[][5] = {{"+", "-", NULL}, {"~", NULL}, {"//", "/", "%", "*", NULL}};
enum { N_LEVELS = sizeof levels / sizeof levels[0] };

static bool take_operator(Parser *p, const char *symbol)
{
    jinja_skip_blanks(p);
    size_t n = strlen(symbol), left = (size_t)(p->end - p->at);
    if (left < n || memcmp(p->at, symbol, n) != 0)
        return false;
    char next = left > n ? p->at[n] : 0;
    bool closes = ((symbol[0] == '-' || symbol[0] == '+') && (next == '%' || next == '}')) || (symbol[0] == '%' && next == '}') || (symbol[0] == '*' && next == '*');
    if (closes)
        return false;
    p->at += n;
    return true;
}

static Err read_level(Parser *p, int level, Node **out)
{
    if (level == N_LEVELS) {
        TRY(read_unary(p, out));
        return read_tests(p, out);
    }
    TRY(read_level(p, level + 1, out));
    for (int i = 0; levels[level][i];) {
        if (!take_operator(p, levels[level][i])) {
            i++;
            continue;
        }
        Node *node = jinja_node(p, NODE_BINARY);
        node->text = levels[level][i];
        node->a = *out;
        *out = node;
        TRY(read_level(p, level + 1, &node->b));
        i = 0;
    }
    return OK;
}

/* a < b <= c is (a < b) and (b <= c). */
static Err read_compare(Parser *p, Node **out)
{
    static const char *const symbols[] = {"==", "!=", "<=", ">=", "<", ">", NULL};
    TRY(read_level(p, 0, out));
    Node *left = *out, *chain = NULL;
    for (;;) {
        const char *symbol = NULL;
        for (int i = 0; symbols[i] && !symbol; i++)
            if (jinja_take(p, symbols[i]))
                symbol = symbols[i];
        const char *before = p->at;
        if (!symbol && jinja_take_word(p, "in"))
            symbol = "in";
        if (!symbol && jinja_take_word(p, "not")) {
            if (jinja_take_word(p, "in"))
                symbol = "not in";
            else
                p->at = before;
        }
        if (!symbol)
            return OK;
        Node *node = jinja_node(p, NODE_COMPARE);
        node->text = symbol;
        node->a = left;
        TRY(read_level(p, 0, &node->b));
        left = node->b;
        if (chain) {
            Node *both = jinja_node(p, NODE_AND);
            both->a = chain;
            both->b = node;
            node = both;
        }
        *out = chain = node;
    }
}

static Err read_not(Parser *p, Node **out)
{
    if (!jinja_take_word(p, "not"))
        return read_compare(p, out);
    Node *node = *out = jinja_node(p, NODE_NOT);
    if (++p->depth > JINJA_DEPTH_MAX)
        return jinja_parser_fail(p, ERR_FORMAT, "nested too deeply");
    TRY(read_not(p, &node->a));
    p->depth--;
    return OK;
}

static Err read_logic(Parser *p, Node **out, bool is_or)
{
    TRY(is_or ? read_logic(p, out, false) : read_not(p, out));
    while (jinja_take_word(p, is_or ? "or" : "and")) {
        Node *node = jinja_node(p, is_or ? NODE_OR : NODE_AND);
        node->a = *out;
        *out = node;
        TRY(is_or ? read_logic(p, &node->b, false) : read_not(p, &node->b));
    }
    return OK;
}

Err jinja_expression_without_if(Parser *p, Node **out)
{
    if (++p->depth > JINJA_DEPTH_MAX)
        return jinja_parser_fail(p, ERR_FORMAT, "nested too deeply");
    TRY(read_logic(p, out, true));
    p->depth--;
    return OK;
}

Err jinja_expression(Parser *p, Node **out)
{
    TRY(jinja_expression_without_if(p, out));
    while (jinja_take_word(p, "if")) {
        Node *node = jinja_node(p, NODE_TERNARY);
        node->b = *out;
        *out = node;
        TRY(jinja_expression_without_if(p, &node->a));
        if (jinja_take_word(p, "else")) {
            if (++p->depth > JINJA_DEPTH_MAX)
                return jinja_parser_fail(p, ERR_FORMAT, "nested too deeply");
            TRY(jinja_expression(p, &node->c));
            p->depth--;
        }
    }
    return OK;
}

Err jinja_expression_list(Parser *p, Node **out)
{
    TRY(jinja_expression(p, out));
    if (!jinja_take(p, ","))
        return OK;
    Node *tuple = jinja_node(p, NODE_LIST);
    tuple->number = 1;
    jinja_push(p, tuple, *out);
    *out = tuple;
    do {
        jinja_skip_blanks(p);
        if (p->at >= p->end || *p->at == ')' || *p->at == '%' || *p->at == '}' || *p->at == '-')
            break;
        Node *item;
        TRY(jinja_expression(p, &item));
        jinja_push(p, tuple, item);
    } while (jinja_take(p, ","));
    return OK;
}
