/* json.h - a pull reader and a writer of JSON text (RFC 8259).
 *
 * The reader walks a buffer once and allocates only what the caller keeps; numbers stay text until asked for, strings may
 * hold any code point including lone surrogates (kept as WTF-8: tokenizer files contain them). Bytes from 0x80 on are handed on as
 * they stand: whether they are UTF-8 is the caller's question. A byte order mark at the start is skipped. Depth is capped at 512.
 * Use it for JSONL, tokenizer.json, safetensors headers and config files alike.
 *
 *     JsonReader r;
 *     json_reader_init(&r, "config.json", bytes, n_bytes);
 *     TRY(json_object_begin(&r));
 *     JsonText key;
 *     while (json_object_next(&r, &key))
 *         if (json_text_is(key, "n_layer"))  TRY(json_int(&r, &config->n_layer));
 *         else                               TRY(json_skip(&r));
 *     TRY(json_reader_end(&r));
 *
 * The first error sticks: every later call returns it, `next` returns false; messages are "name:line:column: what". */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT, JSON_INVALID } JsonKind;

/* A string as it stands between its quotes, escapes not yet resolved; borrowed from the buffer. */
typedef struct {
    const char *raw;
    size_t n_raw_bytes;
    bool has_escape;
} JsonText;

enum { JSON_DEPTH_MAX = 512 };

typedef struct {
    const char *name;  /* for messages */
    const char *start, *at, *end;
    int64_t first_line;  /* the buffer's first line in its file: 1, unless a reader of JSONL sets it after init */
    int depth;
    bool first[JSON_DEPTH_MAX];  /* per depth: no member or element read yet */
    Err err;
} JsonReader;

void json_reader_init(JsonReader *reader, const char *name, const char *bytes, size_t n_bytes);
JsonKind json_peek(JsonReader *reader);  /* kind of the value that comes next */

Err json_object_begin(JsonReader *reader);
bool json_object_next(JsonReader *reader, JsonText *key);  /* false at the closing brace, which it eats, or on an error */
Err json_array_begin(JsonReader *reader);
bool json_array_next(JsonReader *reader);

Err json_null(JsonReader *reader);
Err json_bool(JsonReader *reader, bool *value);
Err json_int(JsonReader *reader, int64_t *value);     /* ERR_FORMAT for a fraction or beyond 64 bits; 3.0 and 1e3 are integers */
Err json_double(JsonReader *reader, double *value);   /* also NaN, Infinity, -Infinity, which Python writes; 1e999 is infinity */
Err json_text(JsonReader *reader, JsonText *text);
Err json_string(JsonReader *reader, Arena *arena, const char **value, size_t *n_bytes);  /* unescaped, NUL added; n_bytes may be NULL */
Err json_skip(JsonReader *reader);                    /* any value */
/* The raw bytes of the next value, skipped: for keeping what we do not interpret. */
Err json_raw(JsonReader *reader, const char **bytes, size_t *n_bytes);
Err json_reader_end(JsonReader *reader);              /* only white space may follow; returns the sticky error otherwise */
/* Raises an error at the present position, for a value that is JSON but not what the file should hold. */
Err json_fail(JsonReader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool json_text_is(JsonText text, const char *plain);  /* escapes resolved before comparing */
/* Unescapes into `arena`, NUL added. */
const char *json_text_value(JsonText text, Arena *arena, size_t *n_bytes);

/* Writer: builds text in a growing buffer; commas and colons are its business. Doubles are written as the shortest text that reads back
 * equal, whole ones as "3.0"; NaN and infinities as null. Keys out of place or a second value at the top meet an assert. */
typedef struct JsonWriter JsonWriter;
JsonWriter *json_writer_new(int indent);  /* 0: one line; 2: pretty */
void json_writer_free(JsonWriter *writer);
void json_write_object_begin(JsonWriter *writer);
void json_write_object_end(JsonWriter *writer);
void json_write_array_begin(JsonWriter *writer);
void json_write_array_end(JsonWriter *writer);
void json_write_key(JsonWriter *writer, const char *key);
void json_write_string(JsonWriter *writer, const char *text);
void json_write_string_bytes(JsonWriter *writer, const char *bytes, size_t n_bytes);  /* ill-formed UTF-8 as U+FFFD, lone surrogates as \\udXXX */
void json_write_int(JsonWriter *writer, int64_t value);
void json_write_double(JsonWriter *writer, double value);
void json_write_bool(JsonWriter *writer, bool value);
void json_write_null(JsonWriter *writer);
void json_write_raw(JsonWriter *writer, const char *json, size_t n_bytes);
/* Key and value in one, for records. */
void json_field_string(JsonWriter *writer, const char *key, const char *value);  /* NULL becomes null */
void json_field_int(JsonWriter *writer, const char *key, int64_t value);
void json_field_double(JsonWriter *writer, const char *key, double value);
void json_field_bool(JsonWriter *writer, const char *key, bool value);
/* The text so far, NUL added; borrowed until the next write. */
const char *json_writer_text(const JsonWriter *writer, size_t *n_bytes);

#endif
