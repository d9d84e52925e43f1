/* safetensors.c - opens files and sharded checkpoints, and finds tensors in them. */
#include "engine/tensor/safetensors_internal.h"

#include "base/file.h"
#include "base/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct Safetensors {
    Arena *arena;
    const char *path;
    FileMap *maps;  /* one a file */
    SafetensorsHeader *headers;
    int n_files;
    const SafeTensor **tensors;  /* in data order, file by file */
    const SafeTensor **by_name;  /* the same, sorted */
    int n_tensors;
};

static int compare_names(const void *a, const void *b)
{
    const SafeTensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static void sort_names(Safetensors *file)
{
    size_t n_bytes = (size_t)file->n_tensors * sizeof *file->by_name;
    file->by_name = arena_alloc(file->arena, n_bytes);
    memcpy(file->by_name, file->tensors, n_bytes);
    qsort(file->by_name, (size_t)file->n_tensors, sizeof *file->by_name, compare_names);
}

/* `path` lives in the arena. */
static Err add_file(Safetensors *file, const char *path)
{
    int i = file->n_files;
    TRY(file_map(&file->maps[i], path));
    file->n_files++;  /* from here on, close unmaps it */
    return safetensors_header_read(&file->headers[i], file->arena, path, file->maps[i].bytes, file->maps[i].n_bytes);
}

static void make_room(Safetensors *file, int n_files)
{
    file->maps = ARENA_ARRAY(file->arena, FileMap, n_files);
    file->headers = ARENA_ARRAY(file->arena, SafetensorsHeader, n_files);
}

static Err open_single(Safetensors *file)
{
    make_room(file, 1);
    TRY(add_file(file, file->path));
    const SafetensorsHeader *header = &file->headers[0];
    file->n_tensors = header->n_tensors;
    file->tensors = ARENA_ARRAY(file->arena, const SafeTensor *, header->n_tensors);
    for (int i = 0; i < header->n_tensors; i++)
        file->tensors[i] = &header->tensors[i];
    sort_names(file);
    return OK;
}

/* --- sharded: {"metadata": {...}, "weight_map": {"tensor": "file", ...}} --- */

typedef struct {
    const char *tensor, *file;
} Mapping;

typedef struct {
    Mapping *entries;  /* sorted by tensor */
    int n_entries, capacity;
} WeightMap;

static int compare_mappings(const void *a, const void *b)
{
    const Mapping *x = a, *y = b;
    return strcmp(x->tensor, y->tensor);
}

/* A shard lies beside its index: a name that could point elsewhere is refused. */
static bool is_plain_file_name(const char *name, size_t n_bytes)
{
    return n_bytes > 0 && strlen(name) == n_bytes && !strchr(name, '/') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static Err read_weight_map_entries(WeightMap *map, JsonReader *json, Arena *arena)
{
    JsonText key;
    TRY(json_object_begin(json));
    while (json_object_next(json, &key)) {
        if (map->n_entries == map->capacity) {
            map->capacity = map->capacity ? map->capacity * 2 : 256;
            map->entries = mem_realloc(map->entries, (size_t)map->capacity * sizeof *map->entries);
        }
        Mapping *entry = &map->entries[map->n_entries++];
        size_t n_bytes;
        entry->tensor = json_text_value(key, arena, &n_bytes);
        if (strlen(entry->tensor) != n_bytes)
            return json_fail(json, "a NUL inside a name");
        TRY(json_string(json, arena, &entry->file, &n_bytes));
        if (!is_plain_file_name(entry->file, n_bytes))
            return json_fail(json, "tensor \"%s\": \"%s\" is not a file beside the index", entry->tensor, entry->file);
    }
    return json->err;
}

static Err read_weight_map(WeightMap *map, Arena *arena, const char *path)
{
    const char *bytes;
    size_t n_bytes;
    TRY(file_read(&bytes, &n_bytes, arena, path));
    JsonReader json;
    json_reader_init(&json, path, bytes, n_bytes);
    TRY(json_object_begin(&json));
    bool found = false;
    JsonText key;
    while (json_object_next(&json, &key)) {
        if (!json_text_is(key, "weight_map")) {
            TRY(json_skip(&json));
            continue;
        }
        if (found)
            return json_fail(&json, "weight_map given twice");
        found = true;
        TRY(read_weight_map_entries(map, &json, arena));
    }
    TRY(json_reader_end(&json));
    if (!found)
        return err_set(ERR_FORMAT, "%s: has no weight_map", path);

    if (map->n_entries)
        qsort(map->entries, (size_t)map->n_entries, sizeof *map->entries, compare_mappings);
    for (int i = 1; i < map->n_entries; i++)
        if (strcmp(map->entries[i - 1].tensor, map->entries[i].tensor) == 0)
            return err_set(ERR_FORMAT, "%s: tensor \"%s\" is there twice", path, map->entries[i].tensor);
    return OK;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct files of the map, sorted. */
static const char **list_shards(const WeightMap *map, Arena *arena, int *n_shards)
{
    const char **names = ARENA_ARRAY(arena, const char *, map->n_entries);
    for (int i = 0; i < map->n_entries; i++)
        names[i] = map->entries[i].file;
    qsort(names, (size_t)map->n_entries, sizeof *names, compare_texts);
    int n = 0;
    for (int i = 0; i < map->n_entries; i++)
        if (n == 0 || strcmp(names[n - 1], names[i]) != 0)
            names[n++] = names[i];
    *n_shards = n;
    return names;
}

/* Takes from a shard what the map says it holds; a tensor it holds besides belongs to nobody. */
static void take_tensors(Safetensors *file, const SafetensorsHeader *header, const WeightMap *map, const char *shard)
{
    for (int i = 0; i < header->n_tensors; i++) {
        Mapping key = {.tensor = header->tensors[i].name};
        const Mapping *found = bsearch(&key, map->entries, (size_t)map->n_entries, sizeof key, compare_mappings);
        if (found && strcmp(found->file, shard) == 0)
            file->tensors[file->n_tensors++] = &header->tensors[i];
    }
}

static Err open_shards(Safetensors *file, const WeightMap *map)
{
    int n_shards;
    const char **shards = list_shards(map, file->arena, &n_shards);
    const char *slash = strrchr(file->path, '/');
    int n_folder_bytes = slash ? (int)(slash - file->path) + 1 : 0;
    make_room(file, n_shards);
    file->tensors = ARENA_ARRAY(file->arena, const SafeTensor *, map->n_entries);
    for (int i = 0; i < n_shards; i++) {
        TRY(add_file(file, arena_printf(file->arena, "%.*s%s", n_folder_bytes, file->path, shards[i])));
        take_tensors(file, &file->headers[i], map, shards[i]);
    }
    sort_names(file);
    for (int i = 0; i < map->n_entries; i++)
        if (!safetensors_has(file, map->entries[i].tensor))
            return err_set(ERR_FORMAT, "%s: tensor \"%s\" is not in %s", file->path, map->entries[i].tensor,
                           map->entries[i].file);
    return OK;
}

static Err open_index(Safetensors *file)
{
    WeightMap map = {0};
    Err err = read_weight_map(&map, file->arena, file->path);
    if (err == OK)
        err = open_shards(file, &map);
    free(map.entries);
    return err;
}

/* --- the door --- */

static Err resolve_folder(const char **path, Arena *arena, const char *folder)
{
    static const char *const names[] = {"model.safetensors", "model.safetensors.index.json"};
    for (int i = 0; i < 2; i++) {
        *path = arena_printf(arena, "%s/%s", folder, names[i]);
        if (file_exists(*path))
            return OK;
    }
    return err_set(ERR_IO, "%s: holds neither %s nor %s", folder, names[0], names[1]);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static Err open_path(Safetensors *file, const char *path)
{
    file->path = arena_strdup(file->arena, path);
    if (file_is_dir(path))
        TRY(resolve_folder(&file->path, file->arena, path));
    return ends_with(file->path, ".json") ? open_index(file) : open_single(file);
}

Err safetensors_open(Safetensors **out, const char *path)
{
    Safetensors *file = mem_alloc(sizeof *file);
    file->arena = arena_new();
    Err err = open_path(file, path);
    if (err == OK)
        *out = file;
    else
        safetensors_close(file);
    return err;
}

void safetensors_close(Safetensors *file)
{
    if (!file)
        return;
    for (int i = 0; i < file->n_files; i++) {
        safetensors_header_free(&file->headers[i]);
        file_unmap(&file->maps[i]);
    }
    arena_free(file->arena);
    free(file);
}

int safetensors_count(const Safetensors *file)
{
    return file->n_tensors;
}

const SafeTensor *safetensors_at(const Safetensors *file, int i)
{
    assert(i >= 0 && i < file->n_tensors);
    return file->tensors[i];
}

static const SafeTensor *find(const Safetensors *file, const char *name)
{
    SafeTensor key = {.name = name};
    const SafeTensor *key_at = &key, **found;
    found = bsearch(&key_at, file->by_name, (size_t)file->n_tensors, sizeof key_at, compare_names);
    return found ? *found : NULL;
}

Err safetensors_find(const SafeTensor **out, const Safetensors *file, const char *name)
{
    *out = find(file, name);
    return *out ? OK : err_set(ERR_FORMAT, "%s: has no tensor \"%s\"", file->path, name);
}

bool safetensors_has(const Safetensors *file, const char *name)
{
    return find(file, name) != NULL;
}

const char *safetensors_metadata(const Safetensors *file, const char *key)
{
    if (file->n_files == 0)
        return NULL;
    const SafetensorsHeader *header = &file->headers[0];
    for (int i = 0; i < header->n_metadata; i++)
        if (strcmp(header->metadata[i].key, key) == 0)
            return header->metadata[i].value;
    return NULL;
}
