/* model_dir.c - from a path on the command line to weights in memory. */
#include "cli/model_dir.h"

#include "base/file.h"

const char *model_dir_find(const char *path, Arena *arena)
{
    if (file_exists(arena_printf(arena, "%s/config.json", path)))
        return path;
    const char *best = arena_printf(arena, "%s/checkpoints/best", path), *last = arena_printf(arena, "%s/checkpoints/last", path);
    return file_is_dir(best) ? best : file_is_dir(last) ? last : path;
}

Err model_dir_load(Store **store, const ModelConfig *config, const char *dir, const ModelDeclareOptions *options)
{
    if (config->vocab_size == 0)
        return err_set(ERR_FORMAT, "%s/config.json: vocab_size is missing", dir);
    Store *made = store_new();
    model_declare(config, made, options);
    Err err = store_allocate(made);
    if (err == OK)
        err = model_load(config, made, dir);
    if (err == OK)
        *store = made;
    else
        store_free(made);
    return err;
}
