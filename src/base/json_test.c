/* json_test.c - the reader agrees with Python's json module; the writer's text reads back equal; errors name their place. */
#include "base/file.h"
#include "base/json_internal.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

/* Spells the next value as tests/golden/make-json-cases.py does, into a growing text. */
typedef struct {
    char *text;
    size_t n;
} Spelling;

static void add(Spelling *s, const char *piece)
{
    size_t n = strlen(piece);
    s->text = mem_realloc(s->text, s->n + n + 1);
    memcpy(s->text + s->n, piece, n + 1);
    s->n += n;
}

static void add_string(Spelling *s, JsonText text)
{
    Arena *arena = arena_new();
    size_t n;
    const char *value = json_text_value(text, arena, &n);
    add(s, "s");
    for (size_t i = 0; i < n; i++)
        add(s, arena_printf(arena, "%02x", (unsigned char)value[i]));
    arena_free(arena);
}

static Err add_number(Spelling *s, JsonReader *r)
{
    const char *raw;
    size_t n;
    char text[64];
    TRY(json_raw(r, &raw, &n));
    JsonReader again;
    json_reader_init(&again, "number", raw, n);
    int64_t whole;
    double real;
    bool has_point = false;
    for (size_t i = 0; i < n; i++)
        has_point |= strchr(".eEN", raw[i]) != NULL;
    if (!has_point && json_int(&again, &whole) == OK) {
        snprintf(text, sizeof text, "i%lld", (long long)whole);
    } else {
        json_reader_init(&again, "number", raw, n);
        TRY(json_double(&again, &real));
        uint64_t bits;
        memcpy(&bits, &real, 8);
        snprintf(text, sizeof text, isnan(real) ? "dnan" : "d%016llx", (unsigned long long)bits);
    }
    add(s, text);
    return json_reader_end(&again);
}

static Err add_value(Spelling *s, JsonReader *r)
{
    JsonText text;
    bool truth;
    const char *separator = "";
    switch (json_peek(r)) {
    case JSON_NULL: add(s, "n"); return json_null(r);
    case JSON_BOOL:
        TRY(json_bool(r, &truth));
        add(s, truth ? "t" : "f");
        return OK;
    case JSON_NUMBER: return add_number(s, r);
    case JSON_STRING:
        TRY(json_text(r, &text));
        add_string(s, text);
        return OK;
    case JSON_ARRAY:
        TRY(json_array_begin(r));
        add(s, "[");
        for (; json_array_next(r); separator = ",") {
            add(s, separator);
            TRY(add_value(s, r));
        }
        add(s, "]");
        return r->err;
    case JSON_OBJECT:
        TRY(json_object_begin(r));
        add(s, "{");
        for (; json_object_next(r, &text); separator = ",") {
            add(s, separator);
            add_string(s, text);
            add(s, ":");
            TRY(add_value(s, r));
        }
        add(s, "}");
        return r->err;
    default: return json_skip(r);
    }
}

static size_t from_hex(char *bytes, const char *hex, size_t n_hex)
{
    for (size_t i = 0; i < n_hex / 2; i++)
        sscanf(hex + 2 * i, "%2hhx", (unsigned char *)bytes + i);
    return n_hex / 2;
}

static Err skip_all(const char *bytes, size_t n)
{
    JsonReader r;
    json_reader_init(&r, "case", bytes, n);
    TRY(json_skip(&r));
    return json_reader_end(&r);
}

/* Goal: what is JSON, and what it means, also for hostile text. Oracle: Python's json module (the golden file's maker says
 * where we differ on purpose). json_skip must agree with reading. */
TEST(json, reads_what_python_reads)
{
    Arena *arena = arena_new();
    const char *cases;
    size_t n_bytes;
    int n_accepted = 0, n_rejected = 0;
    REQUIRE_OK(file_read(&cases, &n_bytes, arena, test_source_path("tests/golden/json-cases.txt")));
    for (const char *line = cases, *end; (end = strchr(line, '\n')); line = end + 1) {
        const char *blank = memchr(line, ' ', (size_t)(end - line));
        char *bytes = mem_alloc((size_t)(blank - line) / 2);  /* its own block, so that ASan sees a read past the end */
        size_t n = from_hex(bytes, line, (size_t)(blank - line));
        const char *want = arena_strndup(arena, blank + 1, (size_t)(end - blank - 1));
        bool accept = strcmp(want, "reject") != 0;
        Spelling got = {mem_strdup(""), 0};
        JsonReader r;
        json_reader_init(&r, "case", bytes, n);
        bool accepted = add_value(&got, &r) == OK && json_reader_end(&r) == OK;
        if (accepted != accept || (accept && strcmp(got.text, want) != 0)) {
            CHECK_STRING(accepted ? got.text : "reject", want);
            printf("    for the text %.*s\n", (int)n, bytes);
        }
        if ((skip_all(bytes, n) == OK) != accept)
            CHECK(!"json_skip agrees");
        n_accepted += accept;
        n_rejected += !accept;
        free(got.text);
        free(bytes);
    }
    CHECK(n_accepted > 150 && n_rejected > 150);
    arena_free(arena);
}

static Err read_int(const char *text, int64_t *value)
{
    JsonReader r;
    json_reader_init(&r, "x", text, strlen(text));
    TRY(json_int(&r, value));
    return json_reader_end(&r);
}

TEST(json, integers_may_be_written_with_a_point_or_power)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"3.0", 3}, {"1e3", 1000}, {"-12.50e1", -125}, {"100e-2", 1}, {"0.0", 0}, {"-0", 0}, {"0e999999999999999999999", 0},
                {"9223372036854775807", INT64_MAX}, {"-9223372036854775808", INT64_MIN}, {"9223372036854775807.000", INT64_MAX},
                {"92233720368547758070000000000000000000000e-22", INT64_MAX}, {"1.000000000000000000000000000000", 1},
                {"9.223372036854775807e18", INT64_MAX}, {"1e18", 1000000000000000000}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t value = -1;
        CHECK_OK(read_int(good[i].text, &value));
        CHECK_EQUAL(value, good[i].value);
    }
    static const char *const bad[] = {"3.5", "1e-1", "9223372036854775808", "-9223372036854775809", "1e19", "1e999999999999999999999",
                                      "100e-3", "NaN", "-Infinity", "99999999999999999999", "1e-999999999999999999999", "\"3\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value;
        CHECK(read_int(bad[i], &value) == ERR_FORMAT);
    }
}

TEST(json, errors_say_line_column_and_what)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"a\": 1,\n \"한\": x}", "f.json:2:7: expected a value, found 'x'"},
        {"[1 2]", "f.json:1:4: expected ',' or ']', found a number"},
        {"[1,", "f.json:1:4: expected a value, found the end"},
        {"\"ab\ncd\"", "f.json:1:4: a control character inside a string"},
        {"\n\n \"ab\\x\"", "f.json:3:5: an escape that JSON does not know"},
        {"\"ab", "f.json:1:1: a string without its closing quote"},
        {"{\"a\" 1}", "f.json:1:6: expected ':', found a number"},
        {"[01]", "f.json:1:2: a number that JSON does not know"},
        {"[] []", "f.json:1:4: expected the end, found an array"},
        {"\x80", "f.json:1:1: expected a value, found byte 0x80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        JsonReader r;
        json_reader_init(&r, "f.json", cases[i].text, strlen(cases[i].text));
        Err err = json_skip(&r);
        if (err == OK)
            err = json_reader_end(&r);
        CHECK(err == ERR_FORMAT);
        CHECK_STRING(err_message(), cases[i].message);
    }
}

/* Goal: the first error sticks through every call; no reading behind it. */
TEST(json, first_error_sticks)
{
    JsonReader r;
    JsonText text;
    bool truth;
    double real;
    json_reader_init(&r, "f", "{\"a\": 1}", 8);
    r.first_line = 7;
    REQUIRE_OK(json_object_begin(&r));
    REQUIRE(json_object_next(&r, &text));
    CHECK(json_text_is(text, "a"));
    CHECK(json_text(&r, &text) == ERR_FORMAT);
    CHECK_STRING(err_message(), "f:7:7: expected a string, found a number");
    CHECK(json_double(&r, &real) == ERR_FORMAT);
    CHECK(!json_object_next(&r, &text) && !json_array_next(&r));
    CHECK(json_peek(&r) == JSON_INVALID);
    CHECK(json_bool(&r, &truth) == ERR_FORMAT && json_skip(&r) == ERR_FORMAT && json_fail(&r, "other") == ERR_FORMAT);
    CHECK(json_reader_end(&r) == ERR_FORMAT);
    CHECK_STRING(err_message(), "f:7:7: expected a string, found a number");
}

TEST(json, depth_ends_at_512)
{
    char text[1200];
    for (int depth = 511; depth <= 513; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        CHECK(skip_all(text, (size_t)depth * 2) == (depth <= 512 ? OK : ERR_FORMAT));
    }
    CHECK(strstr(err_message(), "nested deeper than 512") != NULL);
    memset(text, '[', sizeof text);
    CHECK(skip_all(text, sizeof text) == ERR_FORMAT);
}

TEST(json, raw_keeps_the_bytes_and_bom_is_skipped)
{
    const char *text = "\xEF\xBB\xBF {\"a\": [1, {\"b\" : 2}] , \"c\":3}";
    JsonReader r;
    json_reader_init(&r, "f", text, strlen(text));
    REQUIRE_OK(json_object_begin(&r));
    JsonText key;
    REQUIRE(json_object_next(&r, &key));
    const char *raw;
    size_t n;
    REQUIRE_OK(json_raw(&r, &raw, &n));
    CHECK(n == 14 && memcmp(raw, "[1, {\"b\" : 2}]", 14) == 0);
    REQUIRE(json_object_next(&r, &key));
    CHECK_OK(json_skip(&r));
    CHECK(!json_object_next(&r, &key));
    CHECK_OK(json_reader_end(&r));
}

TEST(json, text_is_resolves_escapes)
{
    const char *text = "\"\\u0061\\n\\ud55c\"";
    JsonReader r;
    JsonText value;
    json_reader_init(&r, "f", text, strlen(text));
    REQUIRE_OK(json_text(&r, &value));
    CHECK(json_text_is(value, "a\n한"));
    CHECK(!json_text_is(value, "a\n") && !json_text_is(value, "a\n한x") && !json_text_is(value, ""));
}

TEST(json, writer_sets_commas_and_lines)
{
    for (int indent = 0; indent <= 2; indent += 2) {
        JsonWriter *w = json_writer_new(indent);
        json_write_object_begin(w);
        json_field_string(w, "name", "a\"b\\\n\x01");
        json_field_int(w, "n", INT64_MIN);
        json_write_key(w, "list");
        json_write_array_begin(w);
        json_write_double(w, 3.0);
        json_write_bool(w, false);
        json_write_null(w);
        json_write_raw(w, "[1]", 3);
        json_write_array_end(w);
        json_write_key(w, "empty");
        json_write_object_begin(w);
        json_write_object_end(w);
        json_field_bool(w, "yes", true);
        json_field_double(w, "nan", NAN);
        json_field_string(w, "none", NULL);
        json_write_object_end(w);
        CHECK_STRING(json_writer_text(w, NULL),
                     indent ? "{\n  \"name\": \"a\\\"b\\\\\\n\\u0001\",\n  \"n\": -9223372036854775808,\n  \"list\": [\n    3.0,\n    false,\n"
                              "    null,\n    [1]\n  ],\n  \"empty\": {},\n  \"yes\": true,\n  \"nan\": null,\n  \"none\": null\n}"
                            : "{\"name\":\"a\\\"b\\\\\\n\\u0001\",\"n\":-9223372036854775808,\"list\":[3.0,false,null,[1]],\"empty\":{},"
                              "\"yes\":true,\"nan\":null,\"none\":null}");
        json_writer_free(w);
    }
    json_writer_free(NULL);
}

/* Goal: ill-formed bytes become U+FFFD as Python's errors="replace" has it; lone surrogates survive as escapes. */
TEST(json, writer_makes_any_bytes_into_valid_text)
{
    static const struct {
        const char *bytes, *json;
    } cases[] = {
        {"\x80" "a", "\"\xEF\xBF\xBD" "a\""},
        {"\xE1\x80" "a", "\"\xEF\xBF\xBD" "a\""},
        {"\xF0\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xF4\x90\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xE0\x9F\xBF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xF0\x9F\x98", "\"\xEF\xBF\xBD\""},
        {"\xF0\x9F\x98\x80\xED\x95\x9C", "\"\xF0\x9F\x98\x80\xED\x95\x9C\""},
        {"\xED\xA0\xBD", "\"\\ud83d\""},
        {"\xED\xBF\xBF\t", "\"\\udfff\\t\""},
        {"\xED\xA0\xBD\xED\xB8\x80", "\"\xF0\x9F\x98\x80\""},  /* a fuzzer's find: two escapes would be read as one */
        {"\xED\xA0\xBD\xED\xA0\xBD", "\"\\ud83d\\ud83d\""},
        {"\xED\xB8\x80\xED\xA0\xBD", "\"\\ude00\\ud83d\""},
        {"\xFF\xFE", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        JsonWriter *w = json_writer_new(0);
        json_write_string(w, cases[i].bytes);
        CHECK_STRING(json_writer_text(w, NULL), cases[i].json);
        json_writer_free(w);
    }
    JsonWriter *w = json_writer_new(0);
    json_write_string_bytes(w, "a\0b", 3);
    size_t n;
    CHECK_STRING(json_writer_text(w, &n), "\"a\\u0000b\"");
    CHECK_EQUAL(n, 10);
    json_writer_free(w);
}

static uint64_t next_bits(uint64_t *state)  /* splitmix64 */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Goal: any double survives writing and reading, bit for bit. Method: random bit patterns, and decimals of few digits. */
TEST(json, doubles_survive_writing_and_reading)
{
    static const double corners[] = {0.0, -0.0, 5e-324, 0x1p-1022, 1.7976931348623157e308, 0.1, 1e15, 1e16, 1e22, 1e23, 123456789012345678.0};
    uint64_t state = 1;
    for (int i = 0; i < 20011; i++) {
        double value;
        uint64_t bits = next_bits(&state);
        if (i < 11)
            value = corners[i];
        else if (i % 2)
            memcpy(&value, &bits, 8);
        else
            value = (double)(bits % 1000000) * pow(10.0, (double)(bits >> 32 & 63) - 32);
        if (!isfinite(value))
            continue;
        JsonWriter *w = json_writer_new(0);
        json_write_double(w, value);
        size_t n;
        const char *text = json_writer_text(w, &n);
        JsonReader r;
        double back;
        json_reader_init(&r, "x", text, n);
        if (json_double(&r, &back) != OK || memcmp(&back, &value, 8) != 0) {
            CHECK_CLOSE(back, value, -1.0);
            printf("    %s\n", text);
        }
        json_writer_free(w);
    }
    JsonWriter *w = json_writer_new(0);
    json_write_array_begin(w);
    json_write_double(w, 0.1);
    json_write_double(w, 5e-324);
    json_write_double(w, 1e-5);
    json_write_double(w, 0.30000000000000004);
    json_write_array_end(w);
    CHECK_STRING(json_writer_text(w, NULL), "[0.1,5e-324,1e-05,0.30000000000000004]");
    json_writer_free(w);
}

/* Goal: the fast way writes what the C library's digits give. Method: ratios of whole numbers, decimals of few digits, neighbours of powers of two
 * and of ten, random bits in the range that it covers and beyond. */
TEST(json, doubles_are_written_as_the_c_library_would)
{
    uint64_t state = 7;
    int n_wrong = 0;
    for (int i = 0; i < 40000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double a = (double)(state >> 40), value = a / (double)(1 + (state >> 12 & 0xFFFF));
        if (i % 8 == 1)
            value = (double)(state % 1000000) * pow(10.0, (double)(state >> 32 & 15) - 10);
        else if (i % 8 == 2)
            value = nextafter(ldexp(1.0, (int)(state >> 33) % 66 - 15), state >> 63 ? 0.0 : INFINITY);
        else if (i % 8 == 3)
            value = nextafter(pow(10.0, (int)(state >> 33) % 22 - 6), state >> 63 ? 0.0 : INFINITY);
        else if (i % 8 == 4)
            value = ldexp(1.0, (int)(state >> 33) % 66 - 15);
        else if (i % 8 == 5)
            value = -ldexp((double)(state >> 11), (int)(state & 63) - 66);
        char fast[JSON_DOUBLE_BYTES], plain[JSON_DOUBLE_BYTES];
        size_t n = json_double_text(fast, value), n_plain = json_double_text_plain(plain, value);
        n_wrong += n != n_plain || memcmp(fast, plain, n) != 0;
    }
    CHECK(n_wrong == 0);
}
