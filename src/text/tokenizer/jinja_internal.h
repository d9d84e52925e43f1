/* jinja_internal.h - nodes and values, shared by parser, evaluator and the library of filters. */
#ifndef TEXT_JINJA_INTERNAL_H
#define TEXT_JINJA_INTERNAL_H

#include "text/tokenizer/jinja.h"

typedef enum {
    NODE_TEXT, NODE_OUTPUT, NODE_IF, NODE_FOR, NODE_SET, NODE_SET_BLOCK, NODE_MACRO, NODE_BLOCK, NODE_BREAK, NODE_CONTINUE,
    NODE_STRING, NODE_INT, NODE_FLOAT, NODE_NAME, NODE_TRUE, NODE_FALSE, NODE_NONE, NODE_LIST, NODE_DICT,
    NODE_ATTRIBUTE, NODE_ITEM, NODE_SLICE, NODE_CALL, NODE_FILTER, NODE_TEST, NODE_TERNARY, NODE_AND, NODE_OR, NODE_NOT, NODE_NEGATE, NODE_BINARY,
    NODE_COMPARE, NODE_KEYWORD,
} NodeKind;

/* OUTPUT a | IF a: condition, list: body, b: else | FOR list: names, a: iterable, b: condition, c: body (BLOCK), d: else | SET list: targets, a: value |
 * MACRO text: name, list: NAME or KEYWORD parameters, a: body | ATTRIBUTE a, text | ITEM a, b | SLICE a, b:c:d | CALL a, list: arguments | FILTER a,
 * text, list | TEST a, text, list, negated in `number` | TERNARY b if a else c | BINARY and COMPARE a text b | KEYWORD text = a. */
typedef struct Node {
    NodeKind kind;
    int line;
    struct Node *a, *b, *c, *d;
    struct Node **list;
    size_t n, capacity;
    const char *text;
    size_t n_text;
    int64_t number;
    double real;
} Node;

struct JinjaTemplate {
    Arena *arena;
    const char *name;
    Node *root;  /* BLOCK */
};

typedef enum { VALUE_UNDEFINED, VALUE_NONE, VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_STRING, VALUE_LIST, VALUE_DICT, VALUE_MACRO, VALUE_METHOD } JinjaKind;
typedef struct JinjaList JinjaList;
typedef struct JinjaDict JinjaDict;
typedef struct Value {
    JinjaKind kind;
    bool is_tuple;
    int64_t number;      /* BOOL, INT */
    double real;
    const char *bytes;   /* STRING; METHOD: its name */
    const uint8_t *data;
    size_t n_bytes;
    JinjaList *list;
    JinjaDict *dict;
    const Node *macro;
    const struct Value *self;  /* METHOD */
} Value;
struct JinjaList {
    Value *items;
    size_t n, capacity;
};
struct JinjaDict {
    Value *keys, *values;
    size_t n, capacity;
    bool is_namespace;
};

typedef struct Scope {
    struct Scope *parent;
    const char **names;
    size_t *n_names;
    Value *values;
    size_t n, capacity;
    const JinjaList *items;  /* of a loop: what `loop` speaks of */
    size_t at;
} Scope;

typedef struct {
    const JinjaTemplate *template;
    Arena *arena;
    Scope *globals, *scope;
    int64_t steps;  /* nodes visited, and a part of the bytes and items copied: so memory is bounded too */
    int depth, line;
    int64_t now;
    enum { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE } flow;
} Run;

/* A text being built. */
typedef struct {
    char *bytes;
    uint8_t *data;
    size_t n, capacity;
} Builder;
Err builder_put(Run *run, Builder *out, const char *bytes, const uint8_t *data, size_t n);  /* data NULL: the template's own */
Err builder_put_text(Run *run, Builder *out, const char *text);
Value builder_value(Run *run, Builder *out);

Err jinja_fail(Run *run, Err code, const char *format, ...) __attribute__((format(printf, 3, 4)));

Value value_string(Run *run, const char *text);  /* the template's own; the bytes are copied */
Value value_slice(Value string, size_t begin, size_t end);
Value value_int(int64_t number);
Value value_float(double number);
Value value_bool(bool truth);
Value value_list(Run *run, bool is_tuple);
Value value_dict(Run *run);
void list_push(Run *run, JinjaList *list, Value value);
void dict_put(Run *run, JinjaDict *dict, Value key, Value value);
const Value *dict_find(const JinjaDict *dict, const char *key, size_t n);
bool value_is_text(Value value, const char *text);
bool value_truth(Value value);
bool value_equal(Value a, Value b);
int value_order(Value a, Value b, bool *comparable);
double value_number(Value value);
bool value_is_number(Value value);
/* As Python's str(); inside lists and dicts as repr(). */
Err value_print(Run *run, Builder *out, Value value, bool repr);
Err value_json(Run *run, Builder *out, Value value, int indent, int level);
/* Items of a list, keys of a dict, characters of a string. */
Err value_iterate(Run *run, Value value, JinjaList *out);
/* From JSON, as data. `role`: the text is a message's role. */
Err value_from_json(Run *run, const char *json, size_t n, Value *out);

/* Operators (jinja_operators.c). A node of them has the operator in its text. */
Err value_item(Run *run, Value value, Value index, Value *out);                /* value[index]; undefined where there is none */
Err value_part(Run *run, Value value, const Value part[3], Value *out);        /* value[start:stop:step]; undefined: left out */
Err value_compare(Run *run, const Node *node, Value a, Value b, Value *out);   /* == != < <= > >= in, not in */
Err value_binary(Run *run, const Node *node, Value a, Value b, Value *out);    /* ~ + - * / // % */
Err value_arithmetic(Run *run, char operation, bool floors, Value a, Value b, Value *out);

/* Arguments of a call: by place, then by name. */
typedef struct {
    Value *items;
    size_t n;
    const char **names;
    size_t *n_name_bytes;
    Value *named;
    size_t n_named;
} Arguments;
const Value *argument(const Arguments *arguments, size_t place, const char *name);  /* NULL when absent */

Err jinja_filter(Run *run, const char *name, Value value, const Arguments *arguments, Value *out);
Err jinja_test(Run *run, const char *name, Value value, const Arguments *arguments, bool *out);
Err jinja_method(Run *run, Value self, const char *name, const Arguments *arguments, Value *out);
Err jinja_function(Run *run, const char *name, const Arguments *arguments, Value *out);
Err jinja_attribute(Run *run, Value value, const char *name, size_t n, Value *out);

#endif
