/* inspect_checkpoint.c - what a checkpoint, or any Hugging Face directory, holds. */
#include "base/file.h"
#include "base/json.h"
#include "cli/command_line.h"
#include "cli/inspect.h"
#include "cli/model_dir.h"
#include "engine/tensor/safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    bool json;
} CheckpointOptions;

static const Option rows[] = {
    OPTION_BOOL("json", CheckpointOptions, json, "one JSON object instead of the table"),
};

static const CommandHelp help = {
    .synopsis = "inspect checkpoint DIR [--json]",
    .examples = "    jikji inspect checkpoint runs/nano\n"
                "    jikji inspect checkpoint runs/nano/checkpoints/step-2000 --json\n",
    .about = "A hash is XXH3-64 of a tensor's bytes, or of a whole file: equal hashes, equal bits.\n",
    .table = {rows, N_ELEMENTS(rows)},
    .n_words_min = 1,
    .n_words_max = 1,
};

static const char *shape_of(const SafeTensor *tensor, Arena *arena)
{
    const char *text = "[";
    for (int i = 0; i < tensor->n_dims; i++)
        text = arena_printf(arena, "%s%s%" PRId64, text, i ? ", " : "", tensor->dim[i]);
    return arena_printf(arena, "%s]", text);
}

static void show_tensor(const SafeTensor *tensor, JsonWriter *w, Arena *arena)
{
    const char *hash = arena_printf(arena, "%016" PRIx64, hash_bytes(tensor->data, (size_t)tensor->n_bytes));
    if (!w) {
        printf("  %-52s %-5s %-16s %s\n", tensor->name, tensor->dtype_name, shape_of(tensor, arena), hash);
        return;
    }
    json_write_object_begin(w);
    json_field_string(w, "name", tensor->name);
    json_field_string(w, "dtype", tensor->dtype_name);
    json_write_key(w, "shape");
    json_write_array_begin(w);
    for (int i = 0; i < tensor->n_dims; i++)
        json_write_int(w, tensor->dim[i]);
    json_write_array_end(w);
    json_field_string(w, "hash", hash);
    json_write_object_end(w);
}

static Err show_tensors(const char *path, JsonWriter *w, Arena *arena)
{
    Safetensors *file;
    TRY(safetensors_open(&file, path));
    if (w) {
        json_write_key(w, "tensors");
        json_write_array_begin(w);
    }
    for (int i = 0; i < safetensors_count(file); i++)
        show_tensor(safetensors_at(file, i), w, arena);
    if (w)
        json_write_array_end(w);
    safetensors_close(file);
    return OK;
}

/* A file's tensors if it is of that kind, else its hash alone; of state.json also the text. */
static Err show_file(const char *dir, const char *name, JsonWriter *w, Arena *arena)
{
    const char *path = arena_printf(arena, "%s/%s", dir, name);
    const char *dot = strrchr(name, '.');
    uint64_t hash;
    if (file_is_dir(path))
        return OK;
    TRY(file_hash(&hash, path));
    if (w) {
        json_write_object_begin(w);
        json_field_string(w, "file", name);
        json_field_string(w, "hash", arena_printf(arena, "%016" PRIx64, hash));
    } else {
        printf("%s  %016" PRIx64 "\n", name, hash);
    }
    if (dot && strcmp(dot, ".safetensors") == 0)
        TRY(show_tensors(path, w, arena));
    if (strcmp(name, "state.json") == 0) {
        const char *text;
        size_t n_bytes;
        TRY(file_read(&text, &n_bytes, arena, path));
        if (w) {
            char *line = arena_strndup(arena, text, n_bytes);
            for (char *at = line; (at = strchr(at, '\n'));)
                *at = ' ';  /* no JSON string holds a line end */
            json_write_key(w, "state");
            json_write_raw(w, line, n_bytes);
        } else {
            printf("%s%s", text, n_bytes > 0 && text[n_bytes - 1] == '\n' ? "" : "\n");
        }
    }
    if (w)
        json_write_object_end(w);
    return OK;
}

static Err show_files(const char *dir, JsonWriter *w, Arena *arena)
{
    char **names;
    int n_names;
    TRY(file_list_dir(&names, &n_names, arena, dir));
    for (int i = 0; i < n_names; i++)
        TRY(show_file(dir, names[i], w, arena));
    return OK;
}

static Err show(Arena *arena, int argc, char **argv)
{
    CheckpointOptions options = {0};
    CommandWords words;
    TRY(command_line_read(&words, &help, &options, arena, argc, argv));
    if (words.helped)
        return OK;
    const char *dir = model_dir_find(words.word[0], arena);
    if (!options.json)
        return show_files(dir, NULL, arena);
    JsonWriter *w = json_writer_new(0);
    json_write_object_begin(w);
    json_field_string(w, "dir", dir);
    json_write_key(w, "files");
    json_write_array_begin(w);
    Err err = show_files(dir, w, arena);
    json_write_array_end(w);
    json_write_object_end(w);
    if (err == OK)
        printf("%s\n", json_writer_text(w, NULL));
    json_writer_free(w);
    return err;
}

Err inspect_checkpoint(int argc, char **argv)
{
    Arena *arena = arena_new();
    Err err = show(arena, argc, argv);
    arena_free(arena);
    return err;
}
