/* model_io.c - weights from and to a Hugging Face directory. */
#include "base/file.h"
#include "engine/tensor/safetensors.h"
#include "learn/model/model_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- loading ---- */

/* What older files carry beside the weights although it follows from the config. */
static bool is_derived_buffer(const char *name)
{
    static const char *const endings[] = {".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq"};
    const size_t n = strlen(name);
    for (int i = 0; i < 3; i++) {
        size_t n_ending = strlen(endings[i]);
        if (n >= n_ending && strcmp(name + n - n_ending, endings[i]) == 0)
            return true;
    }
    return false;
}

/* A parameter's name in the file: as it is, or without the family's prefix when the file was saved without a head. */
static const char *name_in_file(const ModelFamily *family, const Safetensors *file, const char *name)
{
    size_t n_prefix = strlen(family->prefix);
    if (!safetensors_has(file, name) && strncmp(name, family->prefix, n_prefix) == 0 && safetensors_has(file, name + n_prefix))
        return name + n_prefix;
    return name;
}

static Err check_finite(const Tensor *tensor, const char *path, const char *name)
{
    const int64_t n = tensor_count(tensor);
    const float *f32 = tensor->dtype == DTYPE_F32 ? tensor->data : NULL;
    for (int64_t i = 0; i < n; i++) {
        double value = f32 ? f32[i] : tensor_get(tensor, i);
        if (!isfinite(value))
            return err_set(ERR_NUMERIC, "%s: %s: element %lld is %g", path, name, (long long)i, value);
    }
    return OK;
}

static Err load_param(const ModelFamily *family, const Safetensors *file, const char *name, const Tensor *into)
{
    const SafeTensor *tensor;
    TRY(safetensors_find(&tensor, file, name_in_file(family, file, name)));
    Shape shape;
    TRY(safetensors_shape(&shape, tensor));
    if (!shape_equal(shape, into->shape)) {
        char got[SHAPE_TEXT_BYTES], want[SHAPE_TEXT_BYTES];
        return err_set(ERR_FORMAT, "%s: %s is %s, the config makes it %s", tensor->path, name, shape_to_text(got, shape),
                       shape_to_text(want, into->shape));
    }
    TRY(safetensors_read(tensor, into));
    return check_finite(into, tensor->path, tensor->name);
}

/* A tied head that is in the file all the same must be the table: if not, which of the two was meant? */
static Err check_tied_head(const ModelConfig *config, const Safetensors *file, const SafeTensor *head)
{
    const SafeTensor *table;
    TRY(safetensors_find(&table, file, name_in_file(config->family, file, config->family->embedding)));
    if (head->n_bytes == table->n_bytes && memcmp(head->data, table->data, (size_t)head->n_bytes) == 0)
        return OK;
    return err_set(ERR_FORMAT, "%s: %s differs from %s, but the config ties them (tie_word_embeddings)", head->path, head->name, table->name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static Err check_unknown(const ModelConfig *config, const ModelParams *params, const Safetensors *file, Arena *arena)
{
    const char **known = ARENA_ARRAY(arena, const char *, params->n);
    for (int i = 0; i < params->n; i++)
        known[i] = name_in_file(config->family, file, params->param[i].name);
    qsort(known, (size_t)params->n, sizeof *known, compare_names);
    for (int i = 0; i < safetensors_count(file); i++) {
        const SafeTensor *tensor = safetensors_at(file, i);
        if (bsearch(&tensor->name, known, (size_t)params->n, sizeof *known, compare_names) || is_derived_buffer(tensor->name))
            continue;
        if (!config->tied || strcmp(tensor->name, "lm_head.weight") != 0)
            return err_set(ERR_FORMAT, "%s: %s is not part of this %s", tensor->path, tensor->name, config->model_type);
        TRY(check_tied_head(config, file, tensor));
    }
    return OK;
}

Err model_load(const ModelConfig *config, Store *store, const char *dir)
{
    Safetensors *file;
    TRY(safetensors_open(&file, dir));
    Arena *arena = arena_new();
    ModelParams params = model_params(config, arena);
    Err err = check_unknown(config, &params, file, arena);
    for (int i = 0; i < params.n && err == OK; i++) {
        int index = store_find_param(store, params.param[i].name);
        assert(index >= 0);
        Tensor into = store_param_tensor(store, index, NULL);
        err = load_param(config->family, file, params.param[i].name, &into);
    }
    arena_free(arena);
    safetensors_close(file);
    return err;
}

/* ---- saving ---- */

static const char *generation_config(const ModelConfig *config, Arena *arena)
{
    JsonWriter *w = json_writer_new(2);
    json_write_object_begin(w);
    json_field_bool(w, "_from_model_config", true);
    if (config->bos_id >= 0)
        json_field_int(w, "bos_token_id", config->bos_id);
    if (config->n_eos > 0)
        model_write_eos(w, config);
    if (config->pad_id >= 0)
        json_field_int(w, "pad_token_id", config->pad_id);
    json_write_object_end(w);
    const char *text = arena_printf(arena, "%s\n", json_writer_text(w, NULL));
    json_writer_free(w);
    return text;
}

static Err save_weights(const ModelParams *params, const Store *store, const char *path, Arena *arena)
{
    SafetensorsEntry *entries = ARENA_ARRAY(arena, SafetensorsEntry, params->n);
    for (int i = 0; i < params->n; i++) {
        int index = store_find_param(store, params->param[i].name);
        assert(index >= 0);
        entries[i] = (SafetensorsEntry){params->param[i].name, store_param_tensor(store, index, NULL).dtype, params->param[i].shape};
    }
    safetensors_sort_entries(entries, params->n);
    SafetensorsWriter *writer;
    TRY(safetensors_writer_open(&writer, path, entries, params->n));
    for (int i = 0; i < params->n; i++) {
        Tensor tensor = store_param_tensor(store, store_find_param(store, entries[i].name), NULL);
        Err err = safetensors_writer_tensor(writer, &tensor);
        if (err != OK) {
            safetensors_writer_abort(writer);
            return err;
        }
    }
    return safetensors_writer_commit(writer, NULL);
}

static Err save_files(const ModelConfig *config, const Store *store, const char *dir, Arena *arena)
{
    ModelParams params = model_params(config, arena);
    ModelConfig saved = *config;
    saved.dtype = store_param_tensor(store, store_find_param(store, config->family->embedding), NULL).dtype;
    const char *text = model_config_to_json(&saved, arena);
    TRY(file_write(arena_printf(arena, "%s/config.json", dir), text, strlen(text)));
    text = generation_config(config, arena);
    TRY(file_write(arena_printf(arena, "%s/generation_config.json", dir), text, strlen(text)));
    return save_weights(&params, store, arena_printf(arena, "%s/model.safetensors", dir), arena);
}

Err model_save(const ModelConfig *config, const Store *store, const char *dir)
{
    Arena *arena = arena_new();
    Err err = save_files(config, store, dir, arena);
    arena_free(arena);
    return err;
}
