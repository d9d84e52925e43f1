/* langid_model.c - models of languages in memory and in files. */
#include "base/file.h"
#include "text/corpus/langid_internal.h"
#include "text/unicode/char_props.h"
#include "text/unicode/utf8.h"

#include <stdlib.h>
#include <string.h>

LangidModel *langid_model_new(void)
{
    Arena *arena = arena_new();
    LangidModel *model = ARENA_NEW(arena, LangidModel);
    model->arena = arena;
    langid_letters_init(&model->letters);
    return model;
}

void langid_close(LangidModel *model)
{
    if (model)
        arena_free(model->arena);
}

bool langid_knows(const LangidModel *model, const char *language)
{
    for (int i = 0; i < model->n_languages; i++)
        if (strcmp(model->names[i], language) == 0)
            return true;
    return false;
}

uint64_t langid_identity(const LangidModel *model)
{
    return model->identity;
}

int langid_row_bytes(int n_languages)
{
    return (n_languages + LANGID_ROW_STEP - 1) / LANGID_ROW_STEP * LANGID_ROW_STEP;
}

void langid_script_index(LangidModel *model, LangidScript *script)
{
    uint32_t room = 16;
    while (room < 2 * (uint64_t)script->n_rows)
        room *= 2;
    script->mask = room - 1;
    script->slots = ARENA_ARRAY(model->arena, LangidSlot, room);
    for (int64_t row = 0; row < script->n_rows; row++) {
        uint32_t i = script->keys[row] & script->mask;
        while (script->slots[i].key && script->slots[i].key != script->keys[row])
            i = (i + 1) & script->mask;
        script->slots[i] = (LangidSlot){script->keys[row], (uint32_t)row + 1};
    }
}

int64_t langid_find_row(const LangidScript *script, uint32_t key)
{
    for (uint32_t i = key & script->mask;; i = (i + 1) & script->mask) {
        LangidSlot slot = script->slots[i];
        if (slot.key == key)
            return slot.row;
        if (slot.key == 0)
            return 0;
    }
}

int langid_word_rows(uint32_t rows[LANGID_WORD_FEATURES_MAX], const LangidScript *script, int script_number, const uint32_t *letters, int n)
{
    int n_rows = langid_word_features(rows, script_number, letters, n);
    for (int i = 0; i < n_rows; i++)
        __builtin_prefetch(&script->slots[rows[i] & script->mask]);
    for (int i = 0; i < n_rows; i++) {
        rows[i] = (uint32_t)langid_find_row(script, rows[i]);
        __builtin_prefetch(script->rows + (int64_t)rows[i] * script->row_bytes);
    }
    return n_rows;
}

/* The letters of a listed word between blanks; 0: too long. */
static int listed_letters(uint32_t letters[LANGID_LISTED_LETTERS_MAX + 2], const char *word, const char *end)
{
    int n = 0;
    letters[n++] = ' ';
    while (word < end && n <= LANGID_LISTED_LETTERS_MAX)
        word += utf8_decode(&letters[n++], word, end);
    letters[n++] = ' ';
    return word == end && n > 2 ? n : 0;
}

static void add_up(int16_t *sums, LangidWord *word, const LangidScript *script, int script_number, const uint32_t *letters, int n)
{
    uint32_t features[LANGID_WORD_FEATURES_MAX];
    int n_features = langid_word_rows(features, script, script_number, letters, n);
    word->n_features = (uint32_t)n_features;
    for (int lane = 0; lane < script->row_bytes; lane += LANGID_ROW_STEP) {
        int16_t part[LANGID_ROW_STEP] = {0};
        for (int i = 0; i < n_features; i++) {
            const int8_t *row = script->rows + (int64_t)features[i] * script->row_bytes + lane;
            for (int k = 0; k < LANGID_ROW_STEP; k++)
                part[k] = (int16_t)(part[k] + row[k]);
        }
        memcpy(sums + lane, part, sizeof part);
    }
}

bool langid_script_list_words(LangidModel *model, int script_number)
{
    LangidScript *script = &model->scripts[script_number];
    const char *end = script->word_list + script->n_word_list_bytes;
    uint64_t n_words = 0, room = 16;
    for (const char *at = script->word_list; at < end; at++)
        n_words += *at == '\0';
    if (n_words > LANGID_LISTED_MAX || (script->n_word_list_bytes > 0 && end[-1] != '\0'))
        return false;
    while (room < 2 * n_words)
        room *= 2;
    script->word_mask = room - 1;
    script->words = ARENA_ARRAY(model->arena, LangidWord, room);
    script->word_rows = ARENA_ARRAY(model->arena, int16_t, (int64_t)(n_words + 1) * script->row_bytes);
    uint32_t row = 0;
    for (const char *at = script->word_list; at < end; at += strlen(at) + 1, row++) {
        uint32_t letters[LANGID_LISTED_LETTERS_MAX + 2];
        int n = listed_letters(letters, at, at + strlen(at));
        if (n == 0)
            return false;
        uint64_t hash = langid_word_hash(letters, n), i = hash & script->word_mask;
        while (script->words[i].hash && script->words[i].hash != hash)
            i = (i + 1) & script->word_mask;
        if (script->words[i].hash)
            continue;  /* twice */
        script->words[i] = (LangidWord){.hash = hash, .row = row};
        add_up(script->word_rows + (int64_t)row * script->row_bytes, &script->words[i], script, script_number, letters, n);
    }
    return true;
}

/* Reading. */

static const char magic[8] = {'j', 'i', 'k', 'j', 'i', 'l', 'i', 'd'};
enum { FILE_FORMAT = 3, NAME_BYTES = LANGID_NAME_MAX + 1, SCRIPT_NAME_BYTES = 4 };

typedef struct {
    const unsigned char *bytes;
    size_t n_bytes, at;
    const char *path;
    LangidModel *model;
} Reading;

/* The next n_bytes of the file. */
static Err take(const void **bytes, Reading *r, size_t n_bytes)
{
    *bytes = NULL;
    if (n_bytes > r->n_bytes - r->at)
        return err_set(ERR_FORMAT, "%s: ends at byte %zu, in the middle of a language model", r->path, r->n_bytes);
    *bytes = r->bytes + r->at;
    r->at += n_bytes;
    return OK;
}

static Err take_u32(uint32_t *value, Reading *r)
{
    const void *bytes;
    TRY(take(&bytes, r, sizeof *value));
    memcpy(value, bytes, sizeof *value);
    return OK;
}

static Err read_names(Reading *r)
{
    LangidModel *model = r->model;
    const void *bytes;
    uint32_t n;
    TRY(take_u32(&n, r));
    if (n > LANGID_LANGUAGES_MAX)
        return err_set(ERR_FORMAT, "%s: %u languages; at most %d are possible", r->path, n, LANGID_LANGUAGES_MAX);
    model->names = ARENA_ARRAY(model->arena, const char *, n + 1);
    for (; model->n_languages < (int)n; model->n_languages++) {
        TRY(take(&bytes, r, NAME_BYTES));
        model->names[model->n_languages] = arena_strndup(model->arena, bytes, LANGID_NAME_MAX);
    }
    return OK;
}

static Err read_rows(Reading *r, LangidScript *script)
{
    const void *keys, *weights;
    TRY(take(&keys, r, (size_t)script->n_rows * sizeof *script->keys));
    TRY(take(&weights, r, (size_t)script->n_rows * (size_t)script->n_languages));
    script->keys = ARENA_ARRAY(r->model->arena, uint32_t, script->n_rows + 1);
    memcpy(script->keys, keys, (size_t)script->n_rows * sizeof *script->keys);
    script->row_bytes = langid_row_bytes(script->n_languages);
    script->rows = arena_alloc(r->model->arena, (size_t)(script->n_rows + 1) * (size_t)script->row_bytes);
    for (int64_t row = 0; row < script->n_rows; row++) {
        if (script->keys[row] == 0)
            return err_set(ERR_FORMAT, "%s: feature %lld is 0 before byte %zu", r->path, (long long)row, r->at);
        memcpy(script->rows + (row + 1) * script->row_bytes, (const char *)weights + row * script->n_languages, (size_t)script->n_languages);
    }
    langid_script_index(r->model, script);
    return OK;
}

static Err read_script(Reading *r)
{
    char name[SCRIPT_NAME_BYTES + 1] = "";
    const void *bytes;
    uint32_t n_languages, n_rows;
    TRY(take(&bytes, r, SCRIPT_NAME_BYTES));
    memcpy(name, bytes, SCRIPT_NAME_BYTES);
    TRY(take_u32(&n_languages, r));
    TRY(take_u32(&n_rows, r));
    int number = langid_script_find(name);
    LangidScript *script = &r->model->scripts[number < 0 ? 0 : number];
    if (number < 0 || script->n_languages > 0 || n_languages < 1 || n_languages > (uint32_t)r->model->n_languages || n_rows > INT32_MAX / 4)
        return err_set(ERR_FORMAT, "%s: no script, one met before, or impossible sizes before byte %zu", r->path, r->at);
    script->n_languages = (int)n_languages;
    script->n_rows = n_rows;
    TRY(take(&bytes, r, sizeof script->scale));
    memcpy(&script->scale, bytes, sizeof script->scale);
    if (!(script->scale > 0.0f && script->scale < 1e6f))
        return err_set(ERR_FORMAT, "%s: the scale of %s is not above 0", r->path, name);
    TRY(take(&bytes, r, n_languages * sizeof *script->languages));
    script->languages = ARENA_ARRAY(r->model->arena, int32_t, script->n_languages);
    memcpy(script->languages, bytes, n_languages * sizeof *script->languages);
    for (int k = 0; k < script->n_languages; k++)
        if (script->languages[k] < 0 || script->languages[k] >= r->model->n_languages)
            return err_set(ERR_FORMAT, "%s: a language of %s has number %d of %d", r->path, name, script->languages[k], r->model->n_languages);
    TRY(read_rows(r, script));
    uint32_t n_list_bytes;
    TRY(take_u32(&n_list_bytes, r));
    TRY(take(&bytes, r, n_list_bytes));
    script->word_list = n_list_bytes > 0 ? memcpy(arena_alloc(r->model->arena, n_list_bytes), bytes, n_list_bytes) : "";
    script->n_word_list_bytes = n_list_bytes;
    if (!langid_script_list_words(r->model, number))
        return err_set(ERR_FORMAT, "%s: the list of words of %s before byte %zu is damaged", r->path, name, r->at);
    return OK;
}

static Err read_model(Reading *r)
{
    const void *bytes;
    uint32_t format, n_scripts;
    TRY(take(&bytes, r, sizeof magic));
    TRY(take_u32(&format, r));
    if (memcmp(bytes, magic, sizeof magic) != 0 || format != FILE_FORMAT)
        return err_set(ERR_FORMAT, "%s: not a language model of format %d", r->path, FILE_FORMAT);
    TRY(read_names(r));
    TRY(take_u32(&n_scripts, r));
    for (uint32_t i = 0; i < n_scripts; i++)
        TRY(read_script(r));
    return r->at == r->n_bytes ? OK : err_set(ERR_FORMAT, "%s: %zu bytes follow the model", r->path, r->n_bytes - r->at);
}

Err langid_open(LangidModel **out, const char *path)
{
    FileMap map = {0};
    if (path)
        TRY(file_map(&map, path));
    *out = langid_model_new();
    Err err = path ? read_model(&(Reading){.bytes = map.bytes, .n_bytes = map.n_bytes, .path = path, .model = *out}) : OK;
    if (path)
        (*out)->identity = hash_bytes(map.bytes, map.n_bytes);
    file_unmap(&map);
    if (err != OK) {
        langid_close(*out);
        *out = NULL;
    }
    return err;
}

/* Writing. */

static void write_u32(FileWriter *file, uint32_t value)
{
    file_writer_write(file, &value, sizeof value);
}

static void write_script(FileWriter *file, const LangidScript *script, const char *name)
{
    float scale = script->scale > 0 ? script->scale : 1.0f;
    file_writer_write(file, name, SCRIPT_NAME_BYTES);
    write_u32(file, (uint32_t)script->n_languages);
    write_u32(file, (uint32_t)script->n_rows);
    file_writer_write(file, &scale, sizeof scale);
    file_writer_write(file, script->languages, (size_t)script->n_languages * sizeof *script->languages);
    file_writer_write(file, script->keys, (size_t)script->n_rows * sizeof *script->keys);
    for (int64_t row = 1; row <= script->n_rows; row++)
        file_writer_write(file, script->rows + row * script->row_bytes, (size_t)script->n_languages);
    write_u32(file, (uint32_t)script->n_word_list_bytes);
    file_writer_write(file, script->word_list, script->n_word_list_bytes);
}

/* Errors of the writer stick until commit. */
Err langid_save(const LangidModel *model, const char *path)
{
    FileWriter *file;
    TRY(file_writer_open(&file, path));
    file_writer_write(file, magic, sizeof magic);
    write_u32(file, FILE_FORMAT);
    write_u32(file, (uint32_t)model->n_languages);
    for (int i = 0; i < model->n_languages; i++) {
        char name[NAME_BYTES] = "";
        memcpy(name, model->names[i], strnlen(model->names[i], LANGID_NAME_MAX));
        file_writer_write(file, name, NAME_BYTES);
    }
    uint32_t n_scripts = 0;
    for (int i = 0; i < LANGID_SCRIPTS; i++)
        n_scripts += model->scripts[i].n_languages > 0;
    write_u32(file, n_scripts);
    for (int i = 0; i < LANGID_SCRIPTS; i++)
        if (model->scripts[i].n_languages > 0)
            write_script(file, &model->scripts[i], char_script_name(i));
    return file_writer_commit(file);
}
