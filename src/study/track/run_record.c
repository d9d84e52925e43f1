#include "study/track/run_record.h"

#include "base/file.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const series_names[N_RUN_SERIES] = {"loss", "lr", "grad_norm", "tokens", "seconds", "val_loss", "bits_per_byte"};

/* ---- the log ---- */

#define STEP_MAX 1e15  /* past it, counts are no longer exact in a double */

typedef struct {
    double step, value[N_RUN_SERIES];
    double to_step;  /* of a rollback */
    const char *sample, *event, *what;
    bool has_exponents;
} Line;

static int series_of(JsonText key)
{
    for (int k = 0; k < N_RUN_SERIES; k++)
        if (json_text_is(key, series_names[k]))
            return k;
    return -1;
}

static Err read_line(Line *line, JsonReader *r, Arena *arena)
{
    JsonText key;
    *line = (Line){.step = NAN, .to_step = NAN, .what = ""};
    for (int k = 0; k < N_RUN_SERIES; k++)
        line->value[k] = NAN;
    TRY(json_object_begin(r));
    while (json_object_next(r, &key)) {
        int kind = series_of(key);
        bool is_number = json_peek(r) == JSON_NUMBER, is_text = json_peek(r) == JSON_STRING;
        if (is_number && json_text_is(key, "step"))
            TRY(json_double(r, &line->step));
        else if (is_number && json_text_is(key, "to_step"))
            TRY(json_double(r, &line->to_step));
        else if (is_number && kind >= 0)
            TRY(json_double(r, &line->value[kind]));
        else if (is_text && json_text_is(key, "sample"))
            TRY(json_string(r, arena, &line->sample, NULL));
        else if (is_text && json_text_is(key, "event"))
            TRY(json_string(r, arena, &line->event, NULL));
        else if (is_text && json_text_is(key, "what"))
            TRY(json_string(r, arena, &line->what, NULL));
        else {
            line->has_exponents = line->has_exponents || json_text_is(key, "exponents");
            TRY(json_skip(r));
        }
    }
    return json_reader_end(r);
}

static bool is_measurement(const char *event)
{
    return strcmp(event, "recompute") == 0 || strcmp(event, "offload") == 0 || strcmp(event, "gradients") == 0;
}

/* A rollback's steps come again; its incidents have happened all the same. */
static void undo_after(RunRecord *record, double step)
{
    for (int k = 0; k < N_RUN_SERIES; k++)
        while (record->series[k].n > 0 && record->series[k].step[record->series[k].n - 1] > step)
            record->series[k].n--;
    while (record->n_samples > 0 && (double)record->samples[record->n_samples - 1].step > step)
        record->n_samples--;
}

static void keep_line(RunRecord *record, const Line *line, const char *text)
{
    int64_t step = (int64_t)line->step;
    for (int k = 0; k < N_RUN_SERIES; k++) {
        RunSeries *series = &record->series[k];
        if (!isfinite(line->value[k]))
            continue;
        series->step[series->n] = line->step;
        series->value[series->n++] = line->value[k];
    }
    if (line->sample)
        record->samples[record->n_samples++] = (RunSample){step, line->sample};
    if (line->event && strcmp(line->event, "rollback") == 0 && isfinite(line->to_step))
        undo_after(record, line->to_step);
    if (line->event && !is_measurement(line->event))
        record->incidents[record->n_incidents++] = (RunIncident){step, line->event, line->what, text};
    if (line->has_exponents && text)
        record->gradients = text;
}

Err run_log_read(RunRecord *record, Arena *arena, const char *path)
{
    const char *bytes;
    size_t n_bytes;
    *record = (RunRecord){.name = "", .recipe = ""};
    TRY(file_read(&bytes, &n_bytes, arena, path));
    int64_t n_lines = 0;
    for (size_t i = 0; i < n_bytes; i++)
        n_lines += bytes[i] == '\n';
    for (int k = 0; k < N_RUN_SERIES; k++)
        record->series[k] = (RunSeries){.step = ARENA_ARRAY(arena, double, n_lines), .value = ARENA_ARRAY(arena, double, n_lines)};
    record->samples = ARENA_ARRAY(arena, RunSample, n_lines);
    record->incidents = ARENA_ARRAY(arena, RunIncident, n_lines);

    const char *at = bytes;
    for (int64_t number = 1; number <= n_lines; number++) {
        const char *end = memchr(at, '\n', n_bytes - (size_t)(at - bytes));
        JsonReader r;
        Line line;
        json_reader_init(&r, path, at, (size_t)(end - at));
        r.first_line = number;
        TRY(read_line(&line, &r, arena));
        if (line.step >= 0 && line.step <= STEP_MAX)
            keep_line(record, &line, line.event ? arena_strndup(arena, at, (size_t)(end - at)) : NULL);
        at = end + 1;
    }
    return OK;
}

/* ---- the other files ---- */

enum { NUMBERS_MAX = 128 };

static Err read_numbers(RunNumbers *numbers, JsonReader *r, Arena *arena, const char *prefix)
{
    JsonText key;
    TRY(json_object_begin(r));
    while (json_object_next(r, &key)) {
        const char *name = arena_printf(arena, "%s%s", prefix, json_text_value(key, arena, NULL));
        JsonKind kind = json_peek(r);
        if (kind == JSON_OBJECT) {
            TRY(read_numbers(numbers, r, arena, arena_printf(arena, "%s.", name)));
        } else if (kind == JSON_NUMBER && numbers->n < NUMBERS_MAX) {
            numbers->number[numbers->n].name = name;
            TRY(json_double(r, &numbers->number[numbers->n++].value));
        } else {
            TRY(json_skip(r));
        }
    }
    return r->err;
}

static Err read_json(RunNumbers *numbers, Arena *arena, const char *path)
{
    const char *bytes;
    size_t n_bytes;
    *numbers = (RunNumbers){.number = ARENA_ARRAY(arena, RunNumber, NUMBERS_MAX)};
    if (!file_exists(path))
        return OK;
    TRY(file_read(&bytes, &n_bytes, arena, path));
    JsonReader r;
    json_reader_init(&r, path, bytes, n_bytes);
    TRY(read_numbers(numbers, &r, arena, ""));
    return json_reader_end(&r);
}

double run_number(const RunNumbers *numbers, const char *name)
{
    for (int i = 0; i < numbers->n; i++)
        if (strcmp(numbers->number[i].name, name) == 0)
            return numbers->number[i].value;
    return NAN;
}

/* "runs/nsmc/" is called nsmc. */
static const char *folder_name(Arena *arena, const char *dir)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    const char *whole = arena_strndup(arena, dir, n), *slash = strrchr(whole, '/');
    return slash && slash[1] ? slash + 1 : whole;
}

Err run_record_read(RunRecord *record, Arena *arena, const char *dir)
{
    const char *log = arena_printf(arena, "%s/log.jsonl", dir), *recipe = arena_printf(arena, "%s/recipe.yaml", dir);
    if (!file_exists(log))
        return err_set(ERR_USAGE, "%s holds no run: there is no log.jsonl in it", dir);
    TRY(run_log_read(record, arena, log));
    record->name = folder_name(arena, dir);
    if (file_exists(recipe))
        TRY(file_read(&record->recipe, &(size_t){0}, arena, recipe));
    TRY(read_json(&record->forecast, arena, arena_printf(arena, "%s/forecast.json", dir)));
    return read_json(&record->outcome, arena, arena_printf(arena, "%s/outcome.json", dir));
}
