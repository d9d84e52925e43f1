/* stage_tag.c - what an earlier stage said of the document, and what this one says. */
#include "base/json.h"
#include "text/corpus/stage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The raw value of the dotted name inside an object; NULL: none. */
static const char *find_raw(Arena *arena, const char *object, size_t n_bytes, const char *name, size_t *n_raw)
{
    size_t n_part = strcspn(name, ".");
    const char *part = arena_strndup(arena, name, n_part);
    JsonReader json;
    JsonText key;
    json_reader_init(&json, "tags", object, n_bytes);
    if (json_object_begin(&json) != OK)
        return NULL;
    while (json_object_next(&json, &key)) {
        const char *raw;
        if (json_raw(&json, &raw, n_raw) != OK)
            return NULL;
        if (json_text_is(key, part))
            return name[n_part] == '.' ? find_raw(arena, raw, *n_raw, name + n_part + 1, n_raw) : raw;
    }
    return NULL;
}

const char *stage_tag_text(Arena *arena, const StageDocument *document, const char *name)
{
    size_t n;
    const char *object = arena_printf(arena, "{%s}", document->tags);
    const char *raw = document->tags[0] ? find_raw(arena, object, strlen(object), name, &n) : NULL;
    if (!raw && document->record)
        raw = find_raw(arena, document->record, document->n_record_bytes, name, &n);
    if (!raw || n == 0 || raw[0] != '"')
        return raw ? arena_strndup(arena, raw, n) : NULL;
    JsonReader json;
    const char *value;
    json_reader_init(&json, "tags", raw, n);
    return json_string(&json, arena, &value, NULL) == OK ? value : NULL;
}

double stage_tag_number(Arena *arena, const StageDocument *document, const char *name)
{
    const char *text = stage_tag_text(arena, document, name);
    char *end;
    double value = text ? strtod(text, &end) : NAN;
    return text && end > text && *end == '\0' ? value : (double)NAN;
}

JsonWriter *stage_tags_begin(void)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    return json;
}

const char *stage_tags_end(JsonWriter *json, Arena *arena)
{
    size_t n;
    const char *text = json_writer_text(json, &n);
    const char *members = arena_strndup(arena, text + 1, n - 1);  /* the brace is never closed */
    json_writer_free(json);
    return members;
}

void stage_tags_place(JsonWriter *json, const char *name, size_t begin, size_t end)
{
    json_write_array_begin(json);
    json_write_string(json, name);
    json_write_int(json, (int64_t)begin);
    json_write_int(json, (int64_t)end);
    json_write_array_end(json);
}
