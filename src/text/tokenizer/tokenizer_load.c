/* tokenizer_load.c - finds out what kind of tokenizer lies at a path and reads it. */
#include "text/tokenizer/tokenizer_internal.h"
#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* "<s>" or {"content": "<s>", ...} or null. */
static Err read_role(JsonReader *r, Arena *arena, const Tokenizer *tok, int32_t *id)
{
    const char *text = NULL;
    JsonText key;
    if (json_peek(r) == JSON_STRING) {
        TRY(json_string(r, arena, &text, NULL));
    } else if (json_peek(r) == JSON_OBJECT) {
        TRY(json_object_begin(r));
        while (json_object_next(r, &key))
            TRY(json_text_is(key, "content") ? json_string(r, arena, &text, NULL) : json_skip(r));
        TRY(r->err);
    } else
        return json_skip(r);
    if (text && tokenizer_id_of(tok, text) >= 0)
        *id = tokenizer_id_of(tok, text);
    return OK;
}

/* Roles and limits from tokenizer_config.json, which is kept for writing back. */
static Err read_config(Tokenizer *tok, const char *path)
{
    static const char *const roles[N_SPECIALS] = {"bos_token", "eos_token", "pad_token", "unk_token", "mask_token", "sep_token",
                                                  "cls_token"};
    Arena *arena = arena_new();
    const char *bytes;
    size_t n;
    JsonReader *r = mem_alloc(sizeof *r);
    Err err = file_read(&bytes, &n, arena, path);
    if (err == OK) {
        JsonText key;
        json_reader_init(r, path, bytes, n);
        err = json_object_begin(r);
        while (err == OK && json_object_next(r, &key)) {
            int role = 0;
            while (role < N_SPECIALS && !json_text_is(key, roles[role]))
                role++;
            double length;
            if (role < N_SPECIALS)
                err = read_role(r, arena, tok, &tok->specials[role]);
            else if (json_text_is(key, "model_max_length") && json_peek(r) == JSON_NUMBER) {
                err = json_double(r, &length);
                tok->model_max_length = err == OK && length > 0 && length < 1e15 ? (int64_t)length : 0;
            } else
                err = json_skip(r);
        }
        if (err == OK)
            err = json_reader_end(r);
        tok->config_json = mem_strdup(bytes);
    }
    free(r);
    arena_free(arena);
    return err;
}

static Err load_json_file(Tokenizer **out, const char *path)
{
    FileMap map;
    TRY(file_map(&map, path));
    Err err = tokenizer_read_json(out, path, (const char *)map.bytes, map.n_bytes);
    file_unmap(&map);
    return err;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static Err load_dir(Tokenizer **out, const char *dir, Arena *arena)
{
    const char *json = arena_printf(arena, "%s/tokenizer.json", dir);
    if (!file_exists(json))
        return err_set(ERR_IO, "%s: no tokenizer.json in it", dir);
    TRY(load_json_file(out, json));
    const char *config = arena_printf(arena, "%s/tokenizer_config.json", dir);
    Err err = file_exists(config) ? read_config(*out, config) : OK;
    if (err != OK)
        tokenizer_free(*out);
    return err;
}

Err tokenizer_load_with(Tokenizer **out, const char *path, const TokenizerLoadOptions *options)
{
    (void)options;
    Arena *arena = arena_new();
    Err err;
    if (file_is_dir(path))
        err = load_dir(out, path, arena);
    else if (!file_exists(path))
        err = err_set(ERR_IO, "%s: no such file or directory", path);
    else if (ends_with(path, ".json"))
        err = load_json_file(out, path);
    else
        err = err_set(ERR_UNSUPPORTED, "%s: not a tokenizer by its name", path);
    arena_free(arena);
    return err;
}

Err tokenizer_load(Tokenizer **out, const char *path)
{
    TokenizerLoadOptions options = {0};
    return tokenizer_load_with(out, path, &options);
}

Err tokenizer_load_json(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes)
{
    return tokenizer_read_json(out, name, bytes, n_bytes);
}
