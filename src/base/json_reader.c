/* json_reader.c - the pull reader of json.h: structure, strings and the errors' places. Numbers: json_number.c. */
#include "base/json_internal.h"

#include "base/scan.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void json_reader_init(JsonReader *reader, const char *name, const char *bytes, size_t n_bytes)
{
    reader->name = name;
    reader->start = reader->at = bytes;
    reader->end = bytes + n_bytes;
    reader->first_line = 1;
    reader->depth = 0;
    reader->err = OK;
    if (n_bytes >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        reader->at += 3;
}

/* Raises the error at `place`. The line and the column (in characters) are counted only now. */
static Err fail_at(JsonReader *reader, const char *place, const char *what)
{
    long long line = reader->first_line, column = 1;
    for (const char *p = reader->start; p < place; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*p & 0xC0) != 0x80) {
            column++;
        }
    }
    reader->err = err_set(ERR_FORMAT, "%s:%lld:%lld: %s", reader->name, line, column, what);
    return reader->err;
}

Err json_fail(JsonReader *reader, const char *format, ...)
{
    if (reader->err != OK)
        return reader->err;
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return fail_at(reader, reader->at, what);
}

static void skip_space(JsonReader *reader)
{
    const char *p = reader->at;
    while (p < reader->end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    reader->at = p;
}

/* The next byte that is not white space, or -1 at the end. */
static int peek_byte(JsonReader *reader)
{
    skip_space(reader);
    return reader->at < reader->end ? (unsigned char)*reader->at : -1;
}

JsonKind json_peek(JsonReader *reader)
{
    if (reader->err != OK)
        return JSON_INVALID;
    int byte = peek_byte(reader);
    switch (byte) {
    case 'n': return JSON_NULL;
    case 't': case 'f': return JSON_BOOL;
    case '"': return JSON_STRING;
    case '[': return JSON_ARRAY;
    case '{': return JSON_OBJECT;
    case '-': case 'N': case 'I': return JSON_NUMBER;
    default: return byte >= '0' && byte <= '9' ? JSON_NUMBER : JSON_INVALID;
    }
}

Err json_fail_expected(JsonReader *reader, const char *what)
{
    static const char *const found[] = {[JSON_NULL] = "null", [JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
                                        [JSON_STRING] = "a string", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object"};
    if (reader->err != OK)
        return reader->err;
    JsonKind kind = json_peek(reader);
    if (kind != JSON_INVALID)
        return json_fail(reader, "expected %s, found %s", what, found[kind]);
    int byte = peek_byte(reader);
    if (byte < 0)
        return json_fail(reader, "expected %s, found the end", what);
    if (byte < 0x20 || byte >= 0x7F)
        return json_fail(reader, "expected %s, found byte 0x%02X", what, byte);
    return json_fail(reader, "expected %s, found '%c'", what, byte);
}

static Err begin(JsonReader *reader, JsonKind kind, const char *what)
{
    if (json_peek(reader) != kind)
        return json_fail_expected(reader, what);
    if (reader->depth == JSON_DEPTH_MAX)
        return json_fail(reader, "nested deeper than %d", JSON_DEPTH_MAX);
    reader->at++;
    reader->first[reader->depth++] = true;
    return OK;
}

Err json_object_begin(JsonReader *reader)
{
    return begin(reader, JSON_OBJECT, "an object");
}

Err json_array_begin(JsonReader *reader)
{
    return begin(reader, JSON_ARRAY, "an array");
}

/* Steps to the next element or member: true when one follows. */
static bool next(JsonReader *reader, char closer, const char *expected)
{
    if (reader->err != OK)
        return false;
    assert(reader->depth > 0);
    bool *first = &reader->first[reader->depth - 1];
    int byte = peek_byte(reader);
    if (byte == closer) {
        reader->at++;
        reader->depth--;
        return false;
    }
    if (*first) {
        *first = false;
        return true;
    }
    if (byte != ',') {
        json_fail_expected(reader, expected);
        return false;
    }
    reader->at++;
    return true;
}

bool json_array_next(JsonReader *reader)
{
    return next(reader, ']', "',' or ']'");
}

bool json_object_next(JsonReader *reader, JsonText *key)
{
    if (!next(reader, '}', "',' or '}'"))
        return false;
    if (json_peek(reader) != JSON_STRING) {
        json_fail_expected(reader, "a key in double quotes");
        return false;
    }
    if (json_text(reader, key) != OK)
        return false;
    if (peek_byte(reader) != ':') {
        json_fail_expected(reader, "':'");
        return false;
    }
    reader->at++;
    return true;
}

bool json_eat_word(JsonReader *reader, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(reader->end - reader->at) < n || memcmp(reader->at, word, n) != 0)
        return false;
    reader->at += n;
    return true;
}

Err json_null(JsonReader *reader)
{
    if (json_peek(reader) == JSON_NULL && json_eat_word(reader, "null"))
        return OK;
    return json_fail_expected(reader, "null");
}

Err json_bool(JsonReader *reader, bool *value)
{
    if (json_peek(reader) == JSON_BOOL) {
        *value = *reader->at == 't';
        if (json_eat_word(reader, *value ? "true" : "false"))
            return OK;
        return json_fail(reader, "expected true or false");
    }
    return json_fail_expected(reader, "true or false");
}

static bool is_hex_4(const char *p, const char *end)
{
    for (int i = 0; i < 4; i++)
        if (p + i >= end || !((p[i] >= '0' && p[i] <= '9') || ((p[i] | 32) >= 'a' && (p[i] | 32) <= 'f')))
            return false;
    return true;
}

/* Does a backslash before it make an escape? */
static bool is_escape(char kind)
{
    switch (kind) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': case 'u':
        return true;
    default:
        return false;
    }
}

Err json_text(JsonReader *reader, JsonText *text)
{
    if (json_peek(reader) != JSON_STRING)
        return json_fail_expected(reader, "a string");
    const char *p = reader->at + 1, *end = reader->end;
    *text = (JsonText){.raw = p};
    for (;;) {
        if (p < end && *p != '\\')  /* escapes often come in rows */
            p += scan_json_plain(p, (size_t)(end - p));
        if (p >= end)
            return fail_at(reader, reader->at, "a string without its closing quote");
        if (*p == '"')
            break;
        if ((unsigned char)*p < 0x20)
            return fail_at(reader, p, "a control character inside a string");
        if (*p++ != '\\')
            continue;
        text->has_escape = true;
        char kind = p < end ? *p : '\0';
        if (!is_escape(kind) || (kind == 'u' && !is_hex_4(p + 1, end)))
            return fail_at(reader, p - 1, "an escape that JSON does not know");
        p += kind == 'u' ? 5 : 1;
    }
    text->n_raw_bytes = (size_t)(p - text->raw);
    reader->at = p + 1;
    return OK;
}

Err json_string(JsonReader *reader, Arena *arena, const char **value, size_t *n_bytes)
{
    JsonText text;
    TRY(json_text(reader, &text));
    size_t n;
    *value = json_text_value(text, arena, &n);
    if (n_bytes)
        *n_bytes = n;
    return OK;
}

Err json_skip(JsonReader *reader)
{
    JsonText text;
    bool truth;
    switch (json_peek(reader)) {
    case JSON_NULL: return json_null(reader);
    case JSON_BOOL: return json_bool(reader, &truth);
    case JSON_NUMBER: return json_skip_number(reader);
    case JSON_STRING: return json_text(reader, &text);
    case JSON_ARRAY:
        TRY(json_array_begin(reader));
        while (json_array_next(reader))
            TRY(json_skip(reader));  /* as deep as JSON_DEPTH_MAX at most */
        return reader->err;
    case JSON_OBJECT:
        TRY(json_object_begin(reader));
        while (json_object_next(reader, &text))
            TRY(json_skip(reader));
        return reader->err;
    default: return json_fail_expected(reader, "a value");
    }
}

Err json_raw(JsonReader *reader, const char **bytes, size_t *n_bytes)
{
    skip_space(reader);
    const char *start = reader->at;
    TRY(json_skip(reader));
    *bytes = start;
    *n_bytes = (size_t)(reader->at - start);
    return OK;
}

Err json_reader_end(JsonReader *reader)
{
    if (reader->err != OK)
        return reader->err;
    if (peek_byte(reader) >= 0)
        return json_fail_expected(reader, "the end");
    return OK;
}
