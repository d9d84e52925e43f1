/* stage_chain.c - tags grow beside the document from stage to stage. */
#include "text/corpus/stage_chain.h"

#include "base/arena_limit.h"
#include "base/json.h"
#include "base/log.h"
#include "text/corpus/stage_when.h"

#include <inttypes.h>
#include <string.h>

/* Is `key` among the members of `tags`? Tags are ours and small: found by reading them. */
static bool tags_have(Arena *arena, const char *tags, JsonText key)
{
    if (!tags || !tags[0])
        return false;
    const char *object = arena_printf(arena, "{%s}", tags);
    JsonReader json;
    JsonText name;
    json_reader_init(&json, "tags", object, strlen(object));
    if (json_object_begin(&json) != OK)
        return false;
    while (json_object_next(&json, &name)) {
        if (json_text_is(key, json_text_value(name, arena, NULL)))
            return true;
        json_skip(&json);
    }
    return false;
}

/* Copies the members of `object` ("{...}") whose names are not among those of `tags`, and neither `field` nor `also`. */
static void write_members(JsonWriter *out, Arena *arena, const char *object, size_t n_bytes, const char *tags, const char *field, const char *also)
{
    JsonReader json;
    JsonText key;
    json_reader_init(&json, "record", object, n_bytes);
    if (json_object_begin(&json) != OK)
        return;
    while (json_object_next(&json, &key)) {
        const char *raw;
        size_t n_raw;
        if (json_raw(&json, &raw, &n_raw) != OK)
            return;
        if ((field && json_text_is(key, field)) || (also && json_text_is(key, also)) || tags_have(arena, tags, key))
            continue;
        json_write_key(out, json_text_value(key, arena, NULL));
        json_write_raw(out, raw, n_raw);
    }
}

/* Members of both, the newer in place of the older. */
static const char *merge_tags(Arena *arena, const char *old, const char *new)
{
    if (!old[0])
        return new;
    const char *object = arena_printf(arena, "{%s}", old);
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    write_members(json, arena, object, strlen(object), new, NULL, NULL);
    json_write_object_end(json);
    size_t n;
    const char *text = json_writer_text(json, &n);
    text = arena_printf(arena, "%.*s%s%s", (int)(n - 2), text + 1, n > 2 ? "," : "", new);
    json_writer_free(json);
    return text;
}

static void check_limits(const StageLimits *limits, const Arena *arena, double seconds, StageResult *result)
{
    int64_t n_bytes = (int64_t)arena_used_bytes(arena);
    if (limits->seconds > 0 && seconds > limits->seconds)
        result->drop_rule = "limit.seconds", result->drop_value = seconds;
    else if (limits->memory_bytes > 0 && n_bytes > limits->memory_bytes)
        result->drop_rule = "limit.memory", result->drop_value = (double)n_bytes;
}

/* One stage's work; the document becomes what the stage made of it. */
static void step_take(const Stage *stage, Arena *arena, StageDocument *document, StageStep *step)
{
    StageResult *result = &step->result;
    stage->work(stage->context, arena, document, result);
    if (result->text) {
        step->changed = result->n_bytes != document->n_bytes || memcmp(result->text, document->text, result->n_bytes) != 0;
        document->text = result->text;
        document->n_bytes = result->n_bytes;
    }
    document->is_page = document->is_page && !stage->reads_pages;
    document->verdict = NULL;
    document->n_verdict_bytes = 0;
    step->n_bytes_out = document->n_bytes;
}

int stage_chain_apply(const Stage *stages, int n_stages, const StageLimits *limits, Arena *arena, StageDocument *document, StageStep *steps)
{
    double start = limits ? clock_seconds() : 0;
    int n_steps = 0;
    if (limits)
        arena_set_limit(arena, (size_t)limits->memory_bytes, limits->seconds > 0 ? start + limits->seconds : 0);
    for (bool dropped = false; n_steps < n_stages && !dropped; n_steps++) {
        StageStep *step = &steps[n_steps];
        const Stage *stage = &stages[n_steps];
        *step = (StageStep){.n_bytes_in = document->n_bytes, .n_bytes_out = document->n_bytes};
        step->passed_by = !stage_when_holds(stage->when, arena, document);
        if (step->passed_by)
            continue;
        StageResult *result = &step->result;
        step_take(stage, arena, document, step);
        if (limits)
            check_limits(limits, arena, clock_seconds() - start, result);
        if (result->tags && result->tags[0])
            document->tags = merge_tags(arena, document->tags, result->tags);
        dropped = result->drop_rule != NULL;
    }
    arena_set_limit(arena, 0, 0);
    return n_steps;
}

const char *stage_record_json(Arena *arena, const StageDocument *document, const char *field, const char *dropped_by, const StageResult *drop,
                              size_t *n_bytes)
{
    JsonWriter *json = json_writer_new(0);
    json_write_object_begin(json);
    if (document->record)
        write_members(json, arena, document->record, document->n_record_bytes, document->tags, field, "text");
    else
        json_field_string(json, "id", arena_printf(arena, "%s:%" PRId64, document->path, document->line));
    json_write_key(json, "text");
    json_write_string_bytes(json, document->text, document->n_bytes);
    if (dropped_by) {
        json_write_key(json, "dropped");
        json_write_object_begin(json);
        json_field_string(json, "stage", dropped_by);
        json_field_string(json, "rule", drop->drop_rule);
        json_field_double(json, "value", drop->drop_value);
        json_write_object_end(json);
    }
    size_t n_json, n_tags = strlen(document->tags);
    const char *text = json_writer_text(json, &n_json);
    char *line = arena_alloc_unset(arena, n_json + n_tags + 3);
    memcpy(line, text, n_json);
    if (n_tags > 0) {
        line[n_json++] = ',';
        memcpy(line + n_json, document->tags, n_tags);
        n_json += n_tags;
    }
    line[n_json++] = '}';
    json_writer_free(json);
    *n_bytes = n_json;
    return line;
}

void stage_count_rule(StageRuleCount counts[STAGE_RULES_MAX], int *n, const char *rule, int64_t by)
{
    int i = 0;
    while (i < *n && strcmp(counts[i].rule, rule) != 0)
        i++;
    if (i == STAGE_RULES_MAX)
        return;
    if (i == *n)
        counts[(*n)++] = (StageRuleCount){rule, 0};
    counts[i].n += by;
}

void stage_report_step(StageReport *report, const char *stage, const StageStep *step)
{
    const StageResult *result = &step->result;
    report->n_in++;
    report->n_bytes_in += (int64_t)step->n_bytes_in;
    if (result->drop_rule) {
        stage_count_rule(report->drops, &report->n_drops, result->drop_rule, 1);
        return;
    }
    report->n_out++;
    report->n_passed_by += step->passed_by;
    report->n_bytes_out += (int64_t)step->n_bytes_out;
    if (step->changed) {
        report->n_changed++;
        stage_count_rule(report->changes, &report->n_changes, result->change_rule ? result->change_rule : stage, 1);
    }
}
