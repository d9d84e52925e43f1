/* json_writer.c - JSON text into a growing buffer. */
#include "base/json_internal.h"

#include "base/scan.h"
#include "base/wtf8.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct JsonWriter {
    char *text;
    size_t n_bytes, capacity;
    int indent, depth;
    bool first[JSON_DEPTH_MAX + 1];  /* nothing written yet at this depth; 0 is the top */
    bool after_key;
};

JsonWriter *json_writer_new(int indent)
{
    JsonWriter *writer = mem_alloc(sizeof *writer);
    writer->capacity = 256;
    writer->text = mem_alloc(writer->capacity);
    writer->indent = indent;
    writer->first[0] = true;
    return writer;
}

void json_writer_free(JsonWriter *writer)
{
    if (!writer)
        return;
    free(writer->text);
    free(writer);
}

static void put(JsonWriter *writer, const char *bytes, size_t n_bytes)
{
    if (writer->capacity - writer->n_bytes <= n_bytes) {
        while (writer->capacity - writer->n_bytes <= n_bytes)
            writer->capacity *= 2;
        writer->text = mem_realloc(writer->text, writer->capacity);
    }
    memcpy(writer->text + writer->n_bytes, bytes, n_bytes);
    writer->n_bytes += n_bytes;
    writer->text[writer->n_bytes] = '\0';
}

static void put_text(JsonWriter *writer, const char *text)
{
    put(writer, text, strlen(text));
}

static void put_line_break(JsonWriter *writer)
{
    if (!writer->indent)
        return;
    put(writer, "\n", 1);
    for (int i = 0; i < writer->depth * writer->indent; i++)
        put(writer, " ", 1);
}

/* What stands before a key, or before a value that has none. */
static void separate(JsonWriter *writer)
{
    if (writer->after_key) {
        writer->after_key = false;
        return;
    }
    bool *first = &writer->first[writer->depth];
    assert(writer->depth > 0 || *first);  /* one value at the top */
    if (!*first)
        put(writer, ",", 1);
    *first = false;
    if (writer->depth > 0)
        put_line_break(writer);
}

static void begin(JsonWriter *writer, const char *opener)
{
    separate(writer);
    put_text(writer, opener);
    assert(writer->depth < JSON_DEPTH_MAX);
    writer->first[++writer->depth] = true;
}

static void end(JsonWriter *writer, const char *closer)
{
    assert(writer->depth > 0 && !writer->after_key);
    bool empty = writer->first[writer->depth--];
    if (!empty)
        put_line_break(writer);
    put_text(writer, closer);
}

void json_write_object_begin(JsonWriter *writer)
{
    begin(writer, "{");
}

void json_write_object_end(JsonWriter *writer)
{
    end(writer, "}");
}

void json_write_array_begin(JsonWriter *writer)
{
    begin(writer, "[");
}

void json_write_array_end(JsonWriter *writer)
{
    end(writer, "]");
}

static void put_escape(JsonWriter *writer, unsigned c)
{
    static const char short_names[] = "\bb\ff\nn\rr\tt\"\"\\\\", digits[] = "0123456789abcdef";
    char escape[] = {'\\', 'u', digits[c >> 12 & 15], digits[c >> 8 & 15], digits[c >> 4 & 15], digits[c & 15]};
    for (const char *name = short_names; *name; name += 2)
        if ((unsigned char)name[0] == c) {
            escape[1] = name[1];
            put(writer, escape, 2);
            return;
        }
    put(writer, escape, sizeof escape);
}

/* Writes the surrogate at *p, and moves behind it. High and low next to each other would be read back as one character: they
 * are written as that one, which is what WTF-8 calls for. */
static void put_surrogate(JsonWriter *writer, const unsigned char **p, const unsigned char *stop)
{
    const unsigned char *s = *p;
    unsigned c = 0xD000u | (s[1] & 63u) << 6 | (s[2] & 63u);
    *p += 3;
    if (c >= 0xDC00 || stop - s < 6 || s[3] != 0xED || s[4] < 0xB0 || wtf8_length(s + 3, 3) != 3) {
        put_escape(writer, c);
        return;
    }
    *p += 3;
    c = 0x10000 + ((c & 0x3FFu) << 10) + ((s[4] & 15u) << 6 | (s[5] & 63u));
    const unsigned char whole[4] = {(unsigned char)(0xF0 | c >> 18), (unsigned char)(0x80 | (c >> 12 & 63)),
                                    (unsigned char)(0x80 | (c >> 6 & 63)), (unsigned char)(0x80 | (c & 63))};
    put(writer, (const char *)whole, 4);
}

/* Text that is UTF-8, as nearly all is. */
static void put_utf8(JsonWriter *writer, const char *bytes, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        size_t n_plain = scan_json_plain(bytes + i, n_bytes - i);
        put(writer, bytes + i, n_plain);
        i += n_plain;
        if (i < n_bytes)
            put_escape(writer, (unsigned char)bytes[i]);
    }
}

static void put_wtf8(JsonWriter *writer, const char *bytes, size_t n_bytes)
{
    const unsigned char *p = (const unsigned char *)bytes, *stop = p + n_bytes;
    while (p < stop) {
        const unsigned char *plain = p;
        int length = 0;
        while (p < stop && *p >= 0x20 && *p != '"' && *p != '\\') {
            length = wtf8_length(p, (size_t)(stop - p));
            if (length < 0 || wtf8_is_surrogate(p, length))
                break;
            p += length;
            length = 0;
        }
        put(writer, (const char *)plain, (size_t)(p - plain));
        if (p == stop)
            break;
        if (length < 0) {
            put_text(writer, "\xEF\xBF\xBD");
            p -= length;
        } else if (length == 3) {
            put_surrogate(writer, &p, stop);
        } else {
            put_escape(writer, *p++);
        }
    }
}

static void put_quoted(JsonWriter *writer, const char *bytes, size_t n_bytes)
{
    put(writer, "\"", 1);
    if (scan_is_utf8(bytes, n_bytes))
        put_utf8(writer, bytes, n_bytes);
    else
        put_wtf8(writer, bytes, n_bytes);
    put(writer, "\"", 1);
}

void json_write_key(JsonWriter *writer, const char *key)
{
    assert(writer->depth > 0 && !writer->after_key);
    separate(writer);
    put_quoted(writer, key, strlen(key));
    put_text(writer, writer->indent ? ": " : ":");
    writer->after_key = true;
}

void json_write_string_bytes(JsonWriter *writer, const char *bytes, size_t n_bytes)
{
    separate(writer);
    put_quoted(writer, bytes, n_bytes);
}

void json_write_string(JsonWriter *writer, const char *text)
{
    json_write_string_bytes(writer, text, strlen(text));
}

void json_write_raw(JsonWriter *writer, const char *json, size_t n_bytes)
{
    separate(writer);
    put(writer, json, n_bytes);
}

void json_write_int(JsonWriter *writer, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    json_write_raw(writer, text, strlen(text));
}

void json_write_double(JsonWriter *writer, double value)
{
    char text[JSON_DOUBLE_BYTES];
    if (!isfinite(value))
        json_write_null(writer);
    else
        json_write_raw(writer, text, json_double_text(text, value));
}

void json_write_bool(JsonWriter *writer, bool value)
{
    const char *text = value ? "true" : "false";
    json_write_raw(writer, text, strlen(text));
}

void json_write_null(JsonWriter *writer)
{
    json_write_raw(writer, "null", 4);
}

void json_field_string(JsonWriter *writer, const char *key, const char *value)
{
    json_write_key(writer, key);
    if (value)
        json_write_string(writer, value);
    else
        json_write_null(writer);
}

void json_field_int(JsonWriter *writer, const char *key, int64_t value)
{
    json_write_key(writer, key);
    json_write_int(writer, value);
}

void json_field_double(JsonWriter *writer, const char *key, double value)
{
    json_write_key(writer, key);
    json_write_double(writer, value);
}

void json_field_bool(JsonWriter *writer, const char *key, bool value)
{
    json_write_key(writer, key);
    json_write_bool(writer, value);
}

const char *json_writer_text(const JsonWriter *writer, size_t *n_bytes)
{
    if (n_bytes)
        *n_bytes = writer->n_bytes;
    return writer->text;
}
