/* checkpoint_state.c - state.json and checksums.json. */
#include "learn/train/checkpoint_internal.h"

#include "base/file.h"
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_FORMAT = 1 };

static void hash_to_hex(char hex[17], uint64_t hash)
{
    snprintf(hex, 17, "%016llx", (unsigned long long)hash);
}

/* Numbers of the guard, by name, for both ways. */
static int64_t *guard_count(GuardState *guard, int i, const char **name)
{
    static const char *const names[] = {"refused_in_a_row", "first_refused_step", "spikes", "rollbacks", "rolled_back_to", "batches_skipped"};
    int64_t *const counts[] = {&guard->n_refused_in_a_row, &guard->first_refused_step, &guard->n_spikes, &guard->n_rollbacks,
                               &guard->rolled_back_to, &guard->n_batches_skipped};
    const int n = sizeof names / sizeof names[0];
    *name = i < n ? names[i] : NULL;
    return i < n ? counts[i] : NULL;
}

static void write_doubles(JsonWriter *json, const char *key, const double *values, int64_t n)
{
    json_write_key(json, key);
    json_write_array_begin(json);
    for (int64_t i = 0; i < n; i++)
        json_write_double(json, values[i]);
    json_write_array_end(json);
}

static void write_guard(const GuardState *guard, JsonWriter *json)
{
    GuardState copy = *guard;
    const char *name;
    json_write_key(json, "guard");
    json_write_object_begin(json);
    for (int i = 0; guard_count(&copy, i, &name); i++)
        json_field_int(json, name, *guard_count(&copy, i, &name));
    write_doubles(json, "losses", guard->history.loss, guard->history.n);
    write_doubles(json, "grad_norms", guard->history.grad_norm, guard->history.n);
    json_write_object_end(json);
}

static Err read_doubles(JsonReader *json, double *values, int64_t *n)
{
    *n = 0;
    TRY(json_array_begin(json));
    while (json_array_next(json)) {
        if (*n == SPIKE_WINDOW_MAX)
            return json_fail(json, "at most %d numbers expected", SPIKE_WINDOW_MAX);
        TRY(json_double(json, &values[(*n)++]));
    }
    return json->err;
}

static Err read_guard(GuardState *guard, JsonReader *json)
{
    JsonText key;
    const char *name;
    int64_t n_norms = 0;
    TRY(json_object_begin(json));
    while (json_object_next(json, &key)) {
        int64_t *count = NULL;
        for (int i = 0; !count && guard_count(guard, i, &name); i++)
            count = json_text_is(key, name) ? guard_count(guard, i, &name) : NULL;
        if (count)
            TRY(json_int(json, count));
        else if (json_text_is(key, "losses"))
            TRY(read_doubles(json, guard->history.loss, &guard->history.n));
        else if (json_text_is(key, "grad_norms"))
            TRY(read_doubles(json, guard->history.grad_norm, &n_norms));
        else
            TRY(json_skip(json));
    }
    TRY(json->err);
    return n_norms == guard->history.n ? OK : json_fail(json, "as many \"grad_norms\" as \"losses\" expected");
}

Err checkpoint_write_state(const char *path, const RunState *state, const Task *task)
{
    JsonWriter *json = json_writer_new(2);
    char hex[17];
    hash_to_hex(hex, state->recipe_hash);
    json_write_object_begin(json);
    json_field_int(json, "format", STATE_FORMAT);
    json_field_int(json, "step", state->step);
    json_field_int(json, "updates", state->n_updates);
    json_field_int(json, "bad_steps", state->n_bad_steps);
    json_field_int(json, "tokens", state->n_tokens);
    json_field_int(json, "targets", state->n_targets);
    json_field_double(json, "val_loss", state->val_loss);
    json_field_double(json, "loss_scale", state->loss_scale.scale);
    json_field_int(json, "loss_scale_good_steps", state->loss_scale.n_good);
    json_field_string(json, "recipe_hash", hex);
    write_guard(&state->guard, json);
    json_write_key(json, "task");
    task_write_state(task, state->step + state->guard.n_batches_skipped, json);
    json_write_object_end(json);
    size_t n_bytes;
    const char *text = json_writer_text(json, &n_bytes);
    Err err = file_write(path, text, n_bytes);
    json_writer_free(json);
    return err;
}

void task_write_state(const Task *task, int64_t step, JsonWriter *json)
{
    json_write_object_begin(json);
    json_field_string(json, "name", task->name);
    if (task->write_state)
        task->write_state(task->context, step, json);
    json_write_object_end(json);
}

static Err read_hex(JsonReader *json, Arena *arena, uint64_t *value)
{
    const char *text;
    TRY(json_string(json, arena, &text, NULL));
    char *end;
    *value = strtoull(text, &end, 16);
    return *end || end == text ? json_fail(json, "expected a hexadecimal hash, found \"%s\"", text) : OK;
}

Err checkpoint_read_state(RunState *state, const char **task_json, Arena *arena, const char *dir)
{
    const char *path = arena_printf(arena, "%s/state.json", dir), *bytes, *raw = NULL;
    size_t n_bytes, n_raw = 0;
    TRY(file_read(&bytes, &n_bytes, arena, path));
    JsonReader json;
    JsonText key;
    int64_t format = 0;
    *state = (RunState){.step = -1, .val_loss = NAN, .loss_scale = {.scale = 1}};
    json_reader_init(&json, path, bytes, n_bytes);
    TRY(json_object_begin(&json));
    while (json_object_next(&json, &key)) {
        if (json_text_is(key, "format"))
            TRY(json_int(&json, &format));
        else if (json_text_is(key, "step"))
            TRY(json_int(&json, &state->step));
        else if (json_text_is(key, "updates"))
            TRY(json_int(&json, &state->n_updates));
        else if (json_text_is(key, "bad_steps"))
            TRY(json_int(&json, &state->n_bad_steps));
        else if (json_text_is(key, "tokens"))
            TRY(json_int(&json, &state->n_tokens));
        else if (json_text_is(key, "targets"))
            TRY(json_int(&json, &state->n_targets));
        else if (json_text_is(key, "val_loss") && json_peek(&json) == JSON_NULL)
            TRY(json_null(&json));
        else if (json_text_is(key, "val_loss"))
            TRY(json_double(&json, &state->val_loss));
        else if (json_text_is(key, "loss_scale"))
            TRY(json_double(&json, &state->loss_scale.scale));
        else if (json_text_is(key, "loss_scale_good_steps"))
            TRY(json_int(&json, &state->loss_scale.n_good));
        else if (json_text_is(key, "recipe_hash"))
            TRY(read_hex(&json, arena, &state->recipe_hash));
        else if (json_text_is(key, "guard"))
            TRY(read_guard(&state->guard, &json));
        else if (json_text_is(key, "task"))
            TRY(json_raw(&json, &raw, &n_raw));
        else
            TRY(json_skip(&json));
    }
    TRY(json_reader_end(&json));
    if (format != STATE_FORMAT)
        return err_set(ERR_UNSUPPORTED, "%s: format %lld; this build reads format %d", path, (long long)format, STATE_FORMAT);
    if (state->step < 0 || !raw)
        return err_set(ERR_FORMAT, "%s: no \"step\" or no \"task\"", path);
    *task_json = arena_strndup(arena, raw, n_raw);
    return OK;
}

/* ---- checksums ---- */

static Err write_checksum(JsonWriter *json, const char *dir, const char *name, Arena *arena)
{
    const char *path = arena_printf(arena, "%s/%s", dir, name);
    uint64_t hash;
    int64_t n_bytes;
    char hex[17];
    TRY(file_hash(&hash, path));
    TRY(file_size(&n_bytes, path));
    hash_to_hex(hex, hash);
    json_write_key(json, name);
    json_write_object_begin(json);
    json_field_int(json, "bytes", n_bytes);
    json_field_string(json, "xxh3_64", hex);
    json_write_object_end(json);
    return OK;
}

Err checkpoint_write_checksums(const char *dir)
{
    Arena *arena = arena_new();
    JsonWriter *json = json_writer_new(2);
    char **names;
    int n_names;
    Err err;
    json_write_object_begin(json);
    TRY_GOTO(err, file_list_dir(&names, &n_names, arena, dir), done);
    for (int i = 0; i < n_names; i++)
        TRY_GOTO(err, write_checksum(json, dir, names[i], arena), done);
    json_write_object_end(json);
    size_t n_bytes;
    const char *text = json_writer_text(json, &n_bytes);
    err = file_write(arena_printf(arena, "%s/checksums.json", dir), text, n_bytes);
done:
    json_writer_free(json);
    arena_free(arena);
    return err;
}

static Err verify_file(JsonReader *json, const char *dir, const char *name, Arena *arena)
{
    JsonText key;
    int64_t n_bytes = -1, found_bytes;
    uint64_t hash = 0, found;
    TRY(json_object_begin(json));
    while (json_object_next(json, &key)) {
        if (json_text_is(key, "bytes"))
            TRY(json_int(json, &n_bytes));
        else if (json_text_is(key, "xxh3_64"))
            TRY(read_hex(json, arena, &hash));
        else
            TRY(json_skip(json));
    }
    const char *path = arena_printf(arena, "%s/%s", dir, name);
    TRY(file_size(&found_bytes, path));
    if (found_bytes != n_bytes)
        return err_set(ERR_FORMAT, "%s: %lld bytes, its checksum says %lld", path, (long long)found_bytes, (long long)n_bytes);
    TRY(file_hash(&found, path));
    if (found != hash)
        return err_set(ERR_FORMAT, "%s: damaged: its bytes do not match their checksum", path);
    return OK;
}

Err checkpoint_verify(const char *dir)
{
    Arena *arena = arena_new();
    const char *bytes, *path = arena_printf(arena, "%s/checksums.json", dir);
    size_t n_bytes;
    JsonReader json;
    JsonText key;
    Err err;
    TRY_GOTO(err, file_read(&bytes, &n_bytes, arena, path), done);
    json_reader_init(&json, path, bytes, n_bytes);
    TRY_GOTO(err, json_object_begin(&json), done);
    while (json_object_next(&json, &key))
        TRY_GOTO(err, verify_file(&json, dir, json_text_value(key, arena, NULL), arena), done);
    err = json_reader_end(&json);
done:
    arena_free(arena);
    return err;
}
