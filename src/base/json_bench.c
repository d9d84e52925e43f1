/* json_bench.c - MB/s over JSONL as corpora have it, and over a vocabulary as tokenizer.json has it. */
#include "base/json.h"
#include "base/log.h"
#include "base/test.h"

#include <stdio.h>

static const char *jsonl_text(int n_lines, size_t *n_bytes, JsonWriter *w)
{
    json_write_array_begin(w);
    for (int i = 0; i < n_lines; i++) {
        json_write_object_begin(w);
        json_field_string(w, "text", "The quick brown fox jumps over the lazy dog. \"Why?\" it asks.\n다람쥐 헌 쳇바퀴에 타고파. "
                                     "Pack my box with five dozen liquor jugs, and be quick about it; nothing here needs an escape.");
        json_field_int(w, "id", i);
        json_field_double(w, "score", i / 7.0);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    return json_writer_text(w, n_bytes);
}

static const char *vocabulary(int n_tokens, size_t *n_bytes, JsonWriter *w)
{
    json_write_object_begin(w);
    for (int i = 0; i < n_tokens; i++) {
        char key[32];
        snprintf(key, sizeof key, "\u0120tok%d", i);
        json_field_int(w, key, i);
    }
    json_write_object_end(w);
    return json_writer_text(w, n_bytes);
}

static int64_t read_documents(const char *bytes, size_t n_bytes)
{
    Arena *arena = arena_new();
    JsonReader r;
    JsonText key;
    const char *text;
    size_t n;
    int64_t n_text_bytes = 0;
    json_reader_init(&r, "bench", bytes, n_bytes);
    json_array_begin(&r);
    while (json_array_next(&r)) {
        json_object_begin(&r);
        arena_reset(arena);
        while (json_object_next(&r, &key))
            if (!json_text_is(key, "text"))
                json_skip(&r);
            else if (json_string(&r, arena, &text, &n) == OK)
                n_text_bytes += (int64_t)n;
    }
    arena_free(arena);
    return json_reader_end(&r) == OK ? n_text_bytes : -1;
}

static int64_t read_vocabulary(const char *bytes, size_t n_bytes)
{
    JsonReader r;
    JsonText key;
    int64_t id, sum = 0;
    json_reader_init(&r, "bench", bytes, n_bytes);
    json_object_begin(&r);
    while (json_object_next(&r, &key))
        if (json_int(&r, &id) == OK)
            sum += id;
    return json_reader_end(&r) == OK ? sum : -1;
}

static void measure(const char *what, const char *bytes, size_t n_bytes, int64_t (*read)(const char *bytes, size_t n_bytes))
{
    int n_rounds = test_bench_full() ? 20 : 1;
    double best = INFINITY;
    for (int i = 0; i < n_rounds; i++) {
        double start = clock_seconds();
        CHECK(read(bytes, n_bytes) > 0);
        double seconds = clock_seconds() - start;
        best = seconds < best ? seconds : best;
    }
    if (test_bench_full())
        test_note("%s: %.0f MB/s", what, (double)n_bytes * 1e-6 / best);
}

BENCH(json, megabytes_per_second)
{
    size_t n_bytes;
    JsonWriter *w = json_writer_new(0);
    const char *text = jsonl_text(test_bench_full() ? 50000 : 10, &n_bytes, w);
    measure("documents", text, n_bytes, read_documents);
    json_writer_free(w);
    w = json_writer_new(2);
    text = vocabulary(test_bench_full() ? 200000 : 10, &n_bytes, w);
    measure("vocabulary", text, n_bytes, read_vocabulary);
    json_writer_free(w);
}
