/* road_record.c - records of stages, read, written and compared. */
#include "cli/road_record.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { RECORD_FORMAT = 1 };

void record_add(RecordPairs *pairs, Arena *arena, const char *name, const char *text)
{
    if (pairs->n == pairs->capacity) {
        int capacity = pairs->capacity ? 2 * pairs->capacity : 16;
        const char **names = ARENA_ARRAY(arena, const char *, capacity), **texts = ARENA_ARRAY(arena, const char *, capacity);
        for (int i = 0; i < pairs->n; i++) {
            names[i] = pairs->name[i];
            texts[i] = pairs->text[i];
        }
        *pairs = (RecordPairs){pairs->n, capacity, names, texts};
    }
    pairs->name[pairs->n] = name;
    pairs->text[pairs->n++] = text;
}

Err record_add_file(RecordPairs *pairs, Arena *arena, const char *dir, const char *name)
{
    const char *path = name[0] == '/' ? name : arena_printf(arena, "%s/%s", dir, name);
    const char *text = "absent";
    if (file_exists(path)) {
        uint64_t hash;
        TRY(file_hash(&hash, path));
        text = arena_printf(arena, "xxh3 %016" PRIx64, hash);
    }
    record_add(pairs, arena, name, text);
    return OK;
}

void record_set_value(StageRecord *record, const char *name, double value)
{
    assert(record->n_values < RECORD_VALUES_MAX);
    record->value_name[record->n_values] = name;
    record->value[record->n_values++] = value;
}

double record_value(const StageRecord *record, const char *name)
{
    for (int i = 0; i < record->n_values; i++)
        if (strcmp(record->value_name[i], name) == 0)
            return record->value[i];
    return NAN;
}

const char *record_difference(const RecordPairs *was, const RecordPairs *is, Arena *arena)
{
    for (int i = 0; i < was->n && i < is->n; i++) {
        if (strcmp(was->name[i], is->name[i]) != 0)
            return arena_printf(arena, "%s is new", is->name[i]);
        if (strcmp(was->text[i], is->text[i]) == 0)
            continue;
        if (strcmp(is->text[i], "absent") == 0)
            return arena_printf(arena, "%s is gone", is->name[i]);
        if (strncmp(is->text[i], "xxh3 ", 5) == 0 || strlen(was->text[i]) + strlen(is->text[i]) > 60)
            return arena_printf(arena, "%s changed", is->name[i]);
        return arena_printf(arena, "%s was %s, is %s", is->name[i], was->text[i], is->text[i]);
    }
    if (was->n < is->n)
        return arena_printf(arena, "%s is new", is->name[was->n]);
    return was->n > is->n ? arena_printf(arena, "%s is gone", was->name[is->n]) : NULL;
}

/* ---- JSON ---- */

static Err read_pairs(JsonReader *r, Arena *arena, RecordPairs *pairs)
{
    JsonText key;
    TRY(json_object_begin(r));
    while (json_object_next(r, &key)) {
        const char *text;
        TRY(json_string(r, arena, &text, NULL));
        record_add(pairs, arena, json_text_value(key, arena, NULL), text);
    }
    return r->err;
}

static Err read_values(JsonReader *r, Arena *arena, StageRecord *record)
{
    JsonText key;
    TRY(json_object_begin(r));
    while (json_object_next(r, &key)) {
        double value = NAN;
        if (record->n_values == RECORD_VALUES_MAX)
            return json_fail(r, "more than %d values", RECORD_VALUES_MAX);
        TRY(json_peek(r) == JSON_NULL ? json_null(r) : json_double(r, &value));
        record_set_value(record, json_text_value(key, arena, NULL), value);
    }
    return r->err;
}

static Err read_record(JsonReader *r, Arena *arena, StageRecord *record)
{
    JsonText key;
    int64_t format = 0;
    TRY(json_object_begin(r));
    while (json_object_next(r, &key)) {
        if (json_text_is(key, "format"))
            TRY(json_int(r, &format));
        else if (json_text_is(key, "stage"))
            TRY(json_string(r, arena, &record->stage, NULL));
        else if (json_text_is(key, "done"))
            TRY(json_bool(r, &record->done));
        else if (json_text_is(key, "settings"))
            TRY(read_pairs(r, arena, &record->settings));
        else if (json_text_is(key, "inputs"))
            TRY(read_pairs(r, arena, &record->inputs));
        else if (json_text_is(key, "outputs"))
            TRY(read_pairs(r, arena, &record->outputs));
        else if (json_text_is(key, "values"))
            TRY(read_values(r, arena, record));
        else if (json_text_is(key, "seconds"))
            TRY(json_double(r, &record->seconds));
        else if (json_text_is(key, "result"))
            TRY(json_string(r, arena, &record->result, NULL));
        else
            TRY(json_skip(r));
    }
    TRY(json_reader_end(r));
    return format == RECORD_FORMAT ? OK : json_fail(r, "format is %lld, expected %d", (long long)format, RECORD_FORMAT);
}

Err record_read(StageRecord *record, bool *exists, Arena *arena, const char *path)
{
    const char *bytes;
    size_t n_bytes;
    *record = (StageRecord){.result = ""};
    *exists = file_exists(path);
    if (!*exists)
        return OK;
    TRY(file_read(&bytes, &n_bytes, arena, path));
    JsonReader r;
    json_reader_init(&r, path, bytes, n_bytes);
    if (read_record(&r, arena, record) != OK) {
        log_warn("%s; the stage is done again", err_message());
        *exists = false;
    }
    return OK;
}

static void write_pairs(JsonWriter *json, const char *name, const RecordPairs *pairs)
{
    json_write_key(json, name);
    json_write_object_begin(json);
    for (int i = 0; i < pairs->n; i++)
        json_field_string(json, pairs->name[i], pairs->text[i]);
    json_write_object_end(json);
}

Err record_write(const StageRecord *record, const char *path)
{
    JsonWriter *json = json_writer_new(2);
    json_write_object_begin(json);
    json_field_int(json, "format", RECORD_FORMAT);
    json_field_string(json, "stage", record->stage);
    json_field_bool(json, "done", record->done);
    write_pairs(json, "settings", &record->settings);
    write_pairs(json, "inputs", &record->inputs);
    write_pairs(json, "outputs", &record->outputs);
    json_write_key(json, "values");
    json_write_object_begin(json);
    for (int i = 0; i < record->n_values; i++)
        json_field_double(json, record->value_name[i], record->value[i]);
    json_write_object_end(json);
    json_field_double(json, "seconds", record->seconds);
    json_field_string(json, "result", record->result ? record->result : "");
    json_write_object_end(json);
    size_t n_bytes;
    const char *text = json_writer_text(json, &n_bytes);
    Err err = file_write(path, text, n_bytes);
    json_writer_free(json);
    return err;
}
