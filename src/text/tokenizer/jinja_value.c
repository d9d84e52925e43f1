/* jinja_value.c - the values of a template: made, compared, printed as Python prints them, read from JSON and written as JSON. */
#include "text/tokenizer/jinja_internal.h"
#include "text/unicode/utf8.h"
#include "base/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

Err jinja_fail(Run *run, Err code, const char *format, ...)
{
    char message[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return err_set(code, "%s:%d: %s", run->template->name, run->line, message);
}

Err builder_put(Run *run, Builder *out, const char *bytes, const uint8_t *data, size_t n)
{
    if (out->n + n > JINJA_BYTES_MAX)
        return jinja_fail(run, ERR_MEMORY, "a text of more than %d bytes", JINJA_BYTES_MAX);
    if (out->n + n + 1 > out->capacity) {
        size_t capacity = (out->n + n + 1) * 2;
        char *more = arena_alloc(run->arena, capacity);
        uint8_t *more_data = arena_alloc(run->arena, capacity);
        if (out->n) {
            memcpy(more, out->bytes, out->n);
            memcpy(more_data, out->data, out->n);
        }
        out->bytes = more;
        out->data = more_data;
        out->capacity = capacity;
    }
    run->steps += (int64_t)(n / 16);
    if (n)
        memcpy(out->bytes + out->n, bytes, n);
    if (n && data)
        memcpy(out->data + out->n, data, n);
    else
        memset(out->data + out->n, 0, n);
    out->n += n;
    out->bytes[out->n] = '\0';
    return OK;
}

Err builder_put_text(Run *run, Builder *out, const char *text)
{
    return builder_put(run, out, text, NULL, strlen(text));
}

Value builder_value(Run *run, Builder *out)
{
    if (!out->bytes)
        builder_put(run, out, "", NULL, 0);
    return (Value){.kind = VALUE_STRING, .bytes = out->bytes, .data = out->data, .n_bytes = out->n};
}

Value value_string(Run *run, const char *text)
{
    Builder out = {0};
    builder_put_text(run, &out, text);
    return builder_value(run, &out);
}

Value value_slice(Value string, size_t begin, size_t end)
{
    string.bytes += begin;
    string.data += begin;
    string.n_bytes = end - begin;
    return string;
}

Value value_int(int64_t number)
{
    return (Value){.kind = VALUE_INT, .number = number};
}

Value value_float(double number)
{
    return (Value){.kind = VALUE_FLOAT, .real = number};
}

Value value_bool(bool truth)
{
    return (Value){.kind = VALUE_BOOL, .number = truth};
}

Value value_list(Run *run, bool is_tuple)
{
    JinjaList *list = ARENA_ARRAY(run->arena, JinjaList, 1);
    *list = (JinjaList){0};
    return (Value){.kind = VALUE_LIST, .list = list, .is_tuple = is_tuple};
}

Value value_dict(Run *run)
{
    JinjaDict *dict = ARENA_ARRAY(run->arena, JinjaDict, 1);
    *dict = (JinjaDict){0};
    return (Value){.kind = VALUE_DICT, .dict = dict};
}

static void grow(Run *run, Value **items, size_t n, size_t capacity)
{
    Value *more = ARENA_ARRAY(run->arena, Value, capacity);
    if (n)
        memcpy(more, *items, n * sizeof *more);
    *items = more;
}

void list_push(Run *run, JinjaList *list, Value value)
{
    if (list->n == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 8;
        grow(run, &list->items, list->n, list->capacity);
    }
    list->items[list->n++] = value;
    run->steps++;
}

const Value *dict_find(const JinjaDict *dict, const char *key, size_t n)
{
    for (size_t i = 0; i < dict->n; i++)
        if (dict->keys[i].kind == VALUE_STRING && dict->keys[i].n_bytes == n && memcmp(dict->keys[i].bytes, key, n) == 0)
            return &dict->values[i];
    return NULL;
}

void dict_put(Run *run, JinjaDict *dict, Value key, Value value)
{
    for (size_t i = 0; i < dict->n; i++)
        if (value_equal(dict->keys[i], key)) {
            dict->values[i] = value;
            return;
        }
    if (dict->n == dict->capacity) {
        size_t capacity = dict->capacity ? dict->capacity * 2 : 8;
        grow(run, &dict->keys, dict->n, capacity);
        grow(run, &dict->values, dict->n, capacity);
        dict->capacity = capacity;
    }
    dict->keys[dict->n] = key;
    dict->values[dict->n++] = value;
}

bool value_is_text(Value value, const char *text)
{
    return value.kind == VALUE_STRING && value.n_bytes == strlen(text) && memcmp(value.bytes, text, value.n_bytes) == 0;
}

bool value_is_number(Value value)
{
    return value.kind == VALUE_INT || value.kind == VALUE_FLOAT || value.kind == VALUE_BOOL;
}

double value_number(Value value)
{
    return value.kind == VALUE_FLOAT ? value.real : (double)value.number;
}

bool value_truth(Value value)
{
    switch (value.kind) {
    case VALUE_UNDEFINED:
    case VALUE_NONE: return false;
    case VALUE_BOOL:
    case VALUE_INT: return value.number != 0;
    case VALUE_FLOAT: return value.real != 0.0;
    case VALUE_STRING: return value.n_bytes > 0;
    case VALUE_LIST: return value.list->n > 0;
    case VALUE_DICT: return value.dict->is_namespace || value.dict->n > 0;
    case VALUE_MACRO:
    case VALUE_METHOD: break;
    }
    return true;
}

static bool deep_equal(Value a, Value b, int depth)
{
    if (depth > 64)
        return false;
    if (value_is_number(a) && value_is_number(b))
        return a.kind == VALUE_FLOAT || b.kind == VALUE_FLOAT ? value_number(a) == value_number(b) : a.number == b.number;
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case VALUE_STRING: return a.n_bytes == b.n_bytes && memcmp(a.bytes, b.bytes, a.n_bytes) == 0;
    case VALUE_LIST: {
        bool same = a.list->n == b.list->n && a.is_tuple == b.is_tuple;
        for (size_t i = 0; same && i < a.list->n; i++)
            same = deep_equal(a.list->items[i], b.list->items[i], depth + 1);
        return same;
    }
    case VALUE_DICT: {
        bool same = a.dict->n == b.dict->n;
        for (size_t i = 0; same && i < a.dict->n; i++) {
            size_t k = 0;
            while (k < b.dict->n && !deep_equal(a.dict->keys[i], b.dict->keys[k], depth + 1))
                k++;
            same = k < b.dict->n && deep_equal(a.dict->values[i], b.dict->values[k], depth + 1);
        }
        return same;
    }
    default: return true;
    }
}

bool value_equal(Value a, Value b)
{
    return deep_equal(a, b, 0);
}

int value_order(Value a, Value b, bool *comparable)
{
    *comparable = true;
    if (value_is_number(a) && value_is_number(b))
        return (value_number(a) > value_number(b)) - (value_number(a) < value_number(b));
    *comparable = a.kind == VALUE_STRING && b.kind == VALUE_STRING;
    if (!*comparable)
        return 0;
    int order = memcmp(a.bytes, b.bytes, a.n_bytes < b.n_bytes ? a.n_bytes : b.n_bytes);
    return order ? order : (a.n_bytes > b.n_bytes) - (a.n_bytes < b.n_bytes);
}

static Err print_float(Run *run, Builder *out, double number)
{
    char text[64];
    if (isinf(number) || isnan(number))
        return builder_put_text(run, out, isnan(number) ? "nan" : number > 0 ? "inf" : "-inf");
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        double back;
        if (sscanf(text, "%lf", &back) == 1 && back == number)
            break;
    }
    TRY(builder_put_text(run, out, text));
    return strpbrk(text, ".e") ? OK : builder_put_text(run, out, ".0");
}

/* 'text', with the other quote when it holds the first alone. */
static Err print_quoted(Run *run, Builder *out, Value value)
{
    bool has_single = memchr(value.bytes, '\'', value.n_bytes), has_double = memchr(value.bytes, '"', value.n_bytes);
    const char *quote = has_single && !has_double ? "\"" : "'";
    TRY(builder_put_text(run, out, quote));
    for (size_t i = 0; i < value.n_bytes; i++) {
        char c = value.bytes[i];
        const char *escape = c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : c == '\\' ? "\\\\" : c == quote[0] ? "\\'" : NULL;
        char hex[8];
        if (!escape && ((unsigned char)c < 0x20 || c == 0x7F)) {
            snprintf(hex, sizeof hex, "\\x%02x", (unsigned char)c);
            escape = hex;
        }
        TRY(escape ? builder_put_text(run, out, escape) : builder_put(run, out, &value.bytes[i], &value.data[i], 1));
    }
    return builder_put_text(run, out, quote);
}

static Err print_list(Run *run, Builder *out, Value value)
{
    TRY(builder_put_text(run, out, value.is_tuple ? "(" : "["));
    for (size_t i = 0; i < value.list->n; i++) {
        if (i)
            TRY(builder_put_text(run, out, ", "));
        TRY(value_print(run, out, value.list->items[i], true));
    }
    return builder_put_text(run, out, value.is_tuple ? (value.list->n == 1 ? ",)" : ")") : "]");
}

static Err print_dict(Run *run, Builder *out, Value value)
{
    TRY(builder_put_text(run, out, "{"));
    for (size_t i = 0; i < value.dict->n; i++) {
        if (i)
            TRY(builder_put_text(run, out, ", "));
        TRY(value_print(run, out, value.dict->keys[i], true));
        TRY(builder_put_text(run, out, ": "));
        TRY(value_print(run, out, value.dict->values[i], true));
    }
    return builder_put_text(run, out, "}");
}

static Err deeper(Run *run)
{
    return ++run->depth > 200 ? jinja_fail(run, ERR_FORMAT, "values nested too deeply") : OK;
}

Err value_print(Run *run, Builder *out, Value value, bool repr)
{
    char number[32];
    Err err;
    switch (value.kind) {
    case VALUE_UNDEFINED: return repr ? builder_put_text(run, out, "Undefined") : OK;
    case VALUE_NONE: return builder_put_text(run, out, "None");
    case VALUE_BOOL: return builder_put_text(run, out, value.number ? "True" : "False");
    case VALUE_INT: snprintf(number, sizeof number, "%lld", (long long)value.number); return builder_put_text(run, out, number);
    case VALUE_FLOAT: return print_float(run, out, value.real);
    case VALUE_STRING: return repr ? print_quoted(run, out, value) : builder_put(run, out, value.bytes, value.data, value.n_bytes);
    case VALUE_LIST:
    case VALUE_DICT:
        TRY(deeper(run));
        err = value.kind == VALUE_LIST ? print_list(run, out, value) : print_dict(run, out, value);
        run->depth--;
        return err;
    case VALUE_MACRO:
    case VALUE_METHOD: break;
    }
    return jinja_fail(run, ERR_FORMAT, "a function cannot be printed");
}

static Err json_string_of(Run *run, Builder *out, Value value)
{
    TRY(builder_put_text(run, out, "\""));
    for (size_t i = 0; i < value.n_bytes; i++) {
        unsigned char c = (unsigned char)value.bytes[i];
        const char *escape = c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : c == '\b' ? "\\b" : c == '\f' ? "\\f" : NULL;
        char hex[8];
        if (!escape && c < 0x20) {
            snprintf(hex, sizeof hex, "\\u%04x", c);
            escape = hex;
        }
        TRY(escape ? builder_put_text(run, out, escape) : builder_put(run, out, &value.bytes[i], &value.data[i], 1));
    }
    return builder_put_text(run, out, "\"");
}

/* A line break and the indent, or nothing when all is one line. */
static Err json_break(Run *run, Builder *out, int indent, int level)
{
    if (indent < 0)
        return OK;
    TRY(builder_put_text(run, out, "\n"));
    for (int i = 0; i < indent * level; i++)
        TRY(builder_put_text(run, out, " "));
    return OK;
}

static Err json_items(Run *run, Builder *out, Value value, int indent, int level)
{
    bool is_list = value.kind == VALUE_LIST;
    size_t n = is_list ? value.list->n : value.dict->n;
    TRY(builder_put_text(run, out, is_list ? "[" : "{"));
    for (size_t i = 0; i < n; i++) {
        if (i)
            TRY(builder_put_text(run, out, indent < 0 ? ", " : ","));
        TRY(json_break(run, out, indent, level + 1));
        if (!is_list) {
            Builder key = {0};
            TRY(value_print(run, &key, value.dict->keys[i], false));
            TRY(json_string_of(run, out, builder_value(run, &key)));
            TRY(builder_put_text(run, out, ": "));
        }
        TRY(value_json(run, out, is_list ? value.list->items[i] : value.dict->values[i], indent, level + 1));
    }
    if (n)
        TRY(json_break(run, out, indent, level));
    return builder_put_text(run, out, is_list ? "]" : "}");
}

Err value_json(Run *run, Builder *out, Value value, int indent, int level)
{
    Err err;
    switch (value.kind) {
    case VALUE_NONE: return builder_put_text(run, out, "null");
    case VALUE_BOOL: return builder_put_text(run, out, value.number ? "true" : "false");
    case VALUE_INT:
    case VALUE_FLOAT: return value_print(run, out, value, false);
    case VALUE_STRING: return json_string_of(run, out, value);
    case VALUE_LIST:
    case VALUE_DICT:
        TRY(deeper(run));
        err = json_items(run, out, value, indent, level);
        run->depth--;
        return err;
    default: return jinja_fail(run, ERR_FORMAT, "tojson of a value that JSON does not have");
    }
}

Err value_iterate(Run *run, Value value, JinjaList *out)
{
    *out = (JinjaList){0};
    if (value.kind == VALUE_LIST)
        *out = *value.list;
    else if (value.kind == VALUE_DICT)
        *out = (JinjaList){value.dict->keys, value.dict->n, value.dict->n};
    else if (value.kind == VALUE_STRING) {
        for (size_t at = 0; at < value.n_bytes;) {
            uint32_t c;
            size_t length = (size_t)utf8_decode(&c, value.bytes + at, value.bytes + value.n_bytes);
            list_push(run, out, value_slice(value, at, at + length));
            at += length;
        }
    } else if (value.kind != VALUE_UNDEFINED)
        return jinja_fail(run, ERR_FORMAT, "a value that cannot be walked through");
    return OK;
}

/* Names of roles that templates build special tokens from. */
static bool is_usual_role(const char *text)
{
    static const char *const roles[] = {"system", "user", "assistant", "tool", "function", "developer", "model", "ipython", "observation", "environment"};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(roles[i], text) == 0)
            return true;
    return false;
}

static Err read_json(Run *run, JsonReader *r, bool is_role, Value *out);

static Err read_json_string(Run *run, const char *text, size_t n, bool is_role, Value *out)
{
    Builder builder = {0};
    TRY(builder_put(run, &builder, text, NULL, n));
    if (!(is_role && is_usual_role(text)))
        memset(builder.data, 1, n);
    *out = builder_value(run, &builder);
    return OK;
}

static Err read_json_object(Run *run, JsonReader *r, Value *out)
{
    JsonText key;
    *out = value_dict(run);
    TRY(json_object_begin(r));
    while (json_object_next(r, &key)) {
        size_t n;
        const char *name = json_text_value(key, run->arena, &n);
        Value value, name_value;
        TRY(read_json(run, r, strcmp(name, "role") == 0, &value));
        TRY(read_json_string(run, name, n, false, &name_value));
        dict_put(run, out->dict, name_value, value);
    }
    return r->err;
}

static Err read_json_number(JsonReader *r, Value *out)
{
    const char *raw;
    size_t n;
    JsonReader ahead = *r;
    TRY(json_raw(&ahead, &raw, &n));
    bool real = memchr(raw, '.', n) || memchr(raw, 'e', n) || memchr(raw, 'E', n) || memchr(raw, 'N', n) || memchr(raw, 'I', n);
    *out = (Value){.kind = real ? VALUE_FLOAT : VALUE_INT};
    return real ? json_double(r, &out->real) : json_int(r, &out->number);
}

static Err read_json(Run *run, JsonReader *r, bool is_role, Value *out)
{
    const char *text;
    size_t n;
    bool truth;
    *out = (Value){.kind = VALUE_NONE};
    switch (json_peek(r)) {
    case JSON_STRING:
        TRY(json_string(r, run->arena, &text, &n));
        return read_json_string(run, text, n, is_role, out);
    case JSON_NUMBER: return read_json_number(r, out);
    case JSON_BOOL:
        TRY(json_bool(r, &truth));
        *out = value_bool(truth);
        return OK;
    case JSON_OBJECT: return read_json_object(run, r, out);
    case JSON_ARRAY:
        *out = value_list(run, false);
        TRY(json_array_begin(r));
        while (json_array_next(r)) {
            Value item;
            TRY(read_json(run, r, false, &item));
            list_push(run, out->list, item);
        }
        return r->err;
    default: return json_null(r);
    }
}

Err value_from_json(Run *run, const char *json, size_t n, Value *out)
{
    JsonReader *r = ARENA_ARRAY(run->arena, JsonReader, 1);
    json_reader_init(r, run->template->name, json, n);
    TRY(read_json(run, r, false, out));
    return json_reader_end(r);
}
