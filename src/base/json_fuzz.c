/* json_fuzz.c - any bytes: no crash, no hang; and what the reader accepts, the writer writes so that it reads the same. */
#include "base/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static Err copy_value(JsonReader *r, JsonWriter *w, Arena *arena)
{
    JsonText text;
    bool truth;
    double real;
    size_t n;
    const char *value;
    switch (json_peek(r)) {
    case JSON_NULL: json_write_null(w); return json_null(r);
    case JSON_BOOL:
        TRY(json_bool(r, &truth));
        json_write_bool(w, truth);
        return OK;
    case JSON_NUMBER:
        TRY(json_double(r, &real));
        json_write_double(w, real);
        return OK;
    case JSON_STRING:
        TRY(json_string(r, arena, &value, &n));
        json_write_string_bytes(w, value, n);
        return OK;
    case JSON_ARRAY:
        TRY(json_array_begin(r));
        json_write_array_begin(w);
        while (json_array_next(r))
            TRY(copy_value(r, w, arena));
        json_write_array_end(w);
        return r->err;
    case JSON_OBJECT:
        TRY(json_object_begin(r));
        json_write_object_begin(w);
        while (json_object_next(r, &text)) {
            const char *key = json_text_value(text, arena, &n);
            assert(n != strlen(key) || json_text_is(text, key));
            json_write_key(w, key);
            TRY(copy_value(r, w, arena));
        }
        json_write_object_end(w);
        return r->err;
    default: return json_skip(r);
    }
}

/* Reads and writes anew; NULL when the bytes are not JSON. */
static JsonWriter *copy(const char *bytes, size_t n_bytes, Arena *arena)
{
    JsonReader r;
    JsonWriter *w = json_writer_new(0);
    json_reader_init(&r, "fuzz", bytes, n_bytes);
    Err err = copy_value(&r, w, arena);
    if (err == OK)
        err = json_reader_end(&r);
    JsonReader skipper;
    json_reader_init(&skipper, "fuzz", bytes, n_bytes);
    json_skip(&skipper);
    assert((json_reader_end(&skipper) == OK) == (err == OK));
    if (err == OK)
        return w;
    json_writer_free(w);
    return NULL;
}

static void read_wrongly(const char *bytes, size_t n_bytes)
{
    JsonReader r;
    int64_t whole;
    json_reader_init(&r, "fuzz", bytes, n_bytes);
    if (json_peek(&r) == JSON_ARRAY && json_array_begin(&r) == OK)
        while (json_array_next(&r))
            json_int(&r, &whole);
    json_reader_end(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    Arena *arena = arena_new();
    read_wrongly((const char *)bytes, n_bytes);
    JsonWriter *once = copy((const char *)bytes, n_bytes, arena);
    if (once) {
        size_t n_once, n_twice;
        const char *text = json_writer_text(once, &n_once);
        JsonWriter *twice = copy(text, n_once, arena);
        assert(twice);
        const char *again = json_writer_text(twice, &n_twice);
        assert(n_once == n_twice && memcmp(text, again, n_once) == 0);
        json_writer_free(twice);
        json_writer_free(once);
    }
    arena_free(arena);
    return 0;
}
