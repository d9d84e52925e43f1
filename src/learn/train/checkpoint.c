/* checkpoint.c - writing, finding and loading checkpoint folders. */
#include "learn/train/checkpoint_internal.h"

#include "base/file.h"
#include "base/log.h"
#include "engine/tensor/safetensors.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- moments ---- */

static const char *const moment_names[] = {"m", "v"};
enum { N_MOMENTS = sizeof moment_names / sizeof moment_names[0] };

/* One file entry a moment of a trainable parameter, with the tensor it stands for. */
typedef struct {
    SafetensorsEntry *entries;
    Tensor *tensors;
    int n;
} Moments;

static Moments list_moments(const Store *store, Arena *arena)
{
    Moments list = {.entries = ARENA_ARRAY(arena, SafetensorsEntry, N_MOMENTS * store_n_params(store)),
                    .tensors = ARENA_ARRAY(arena, Tensor, N_MOMENTS * store_n_params(store))};
    for (int p = 0; p < store_n_params(store); p++) {
        const Param *param = store_param(store, p);
        if (!store_bucket(store, param->bucket)->trainable)
            continue;
        for (int m = 0; m < N_MOMENTS; m++) {
            Tensor tensor = store_param_tensor(store, p, moment_names[m]);
            list.tensors[list.n] = tensor;
            list.entries[list.n++] = (SafetensorsEntry){
                .name = arena_printf(arena, "%s.%s", param->name, moment_names[m]), .dtype = tensor.dtype, .shape = tensor.shape};
        }
    }
    return list;
}

static Err save_moments(const Store *store, const char *path)
{
    Arena *arena = arena_new();
    Moments list = list_moments(store, arena);
    SafetensorsWriter *writer;
    Err err = safetensors_writer_open(&writer, path, list.entries, list.n);
    for (int i = 0; i < list.n && err == OK; i++) {
        err = safetensors_writer_tensor(writer, &list.tensors[i]);
        if (err != OK)
            safetensors_writer_abort(writer);
    }
    if (err == OK)
        err = safetensors_writer_commit(writer, NULL);
    arena_free(arena);
    return err;
}

Err checkpoint_load_moments(Store *store, const char *dir)
{
    Arena *arena = arena_new();
    Moments list = list_moments(store, arena);
    Safetensors *file = NULL;
    const SafeTensor *found;
    Err err;
    TRY_GOTO(err, safetensors_open(&file, arena_printf(arena, "%s/optimizer.safetensors", dir)), done);
    for (int i = 0; i < list.n; i++) {
        TRY_GOTO(err, safetensors_find(&found, file, list.entries[i].name), done);
        TRY_GOTO(err, safetensors_read(found, &list.tensors[i]), done);
    }
done:
    safetensors_close(file);
    arena_free(arena);
    return err;
}

/* ---- the folder of folders ---- */

typedef struct {
    int64_t step;
    double val_loss;
    bool keep;
} Entry;

static int compare_newest_first(const void *a, const void *b)
{
    int64_t x = ((const Entry *)a)->step, y = ((const Entry *)b)->step;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* "step-120" -> 120, anything else -> -1. */
static int64_t step_of_name(const char *name)
{
    char *end;
    if (strncmp(name, "step-", 5) != 0 || name[5] < '0' || name[5] > '9')
        return -1;
    long long step = strtoll(name + 5, &end, 10);
    return *end ? -1 : (int64_t)step;
}

static Err list_checkpoints(Entry **entries, int *n_entries, Arena *arena, const char *checkpoints_dir)
{
    char **names;
    int n_names;
    *n_entries = 0;
    if (!file_is_dir(checkpoints_dir))
        return OK;
    TRY(file_list_dir(&names, &n_names, arena, checkpoints_dir));
    *entries = ARENA_ARRAY(arena, Entry, n_names);
    for (int i = 0; i < n_names; i++) {
        int64_t step = step_of_name(names[i]);
        if (step < 0)
            continue;
        RunState state;
        const char *task_json;
        const char *dir = arena_printf(arena, "%s/%s", checkpoints_dir, names[i]);
        bool readable = checkpoint_read_state(&state, &task_json, arena, dir) == OK;
        (*entries)[(*n_entries)++] = (Entry){.step = step, .val_loss = readable ? state.val_loss : NAN};
    }
    qsort(*entries, (size_t)*n_entries, sizeof **entries, compare_newest_first);
    return OK;
}

/* The entry with the lowest validation loss among those that are kept, or are not; the older wins a tie. NULL: none has one. */
static Entry *best_entry(Entry *entries, int n, bool kept)
{
    Entry *best = NULL;
    for (int i = 0; i < n; i++)
        if (entries[i].keep == kept && !isnan(entries[i].val_loss) && (!best || entries[i].val_loss <= best->val_loss))
            best = &entries[i];
    return best;
}

/* NULL: there is none any more. */
static Err set_link(const char *checkpoints_dir, const char *name, const Entry *entry, Arena *arena)
{
    const char *link = arena_printf(arena, "%s/%s", checkpoints_dir, name);
    if (entry)
        return file_link(arena_printf(arena, "step-%lld", (long long)entry->step), link);
    return unlink(link) == 0 || errno == ENOENT ? OK : err_set(ERR_IO, "%s: %s", link, strerror(errno));
}

/* The best, the newest, and the one before it: should the newest be damaged one day, no more than one interval is lost. */
static void choose_kept(Entry *entries, int n, int64_t keep_best)
{
    for (int64_t k = 0; k < keep_best; k++) {
        Entry *next = best_entry(entries, n, false);
        if (next)
            next->keep = true;
    }
    for (int i = 0; i < n && i < 2; i++)
        entries[i].keep = true;
}

static Err update_links(const char *checkpoints_dir, CheckpointKeep keep, Arena *arena)
{
    Entry *entries;
    int n;
    TRY(list_checkpoints(&entries, &n, arena, checkpoints_dir));
    choose_kept(entries, n, keep.best);
    TRY(set_link(checkpoints_dir, "last", n ? &entries[0] : NULL, arena));
    TRY(set_link(checkpoints_dir, "best", best_entry(entries, n, true), arena));
    for (int i = 0; i < n; i++)
        if (!entries[i].keep && entries[i].step != keep.step)
            TRY(file_remove_tree(arena_printf(arena, "%s/step-%lld", checkpoints_dir, (long long)entries[i].step)));
    return OK;
}

/* What a killed process left behind. */
static Err remove_leftovers(const char *checkpoints_dir, Arena *arena)
{
    char **names;
    int n_names;
    TRY(file_list_dir(&names, &n_names, arena, checkpoints_dir));
    for (int i = 0; i < n_names; i++)
        if (strstr(names[i], ".tmp-"))
            TRY(file_remove_tree(arena_printf(arena, "%s/%s", checkpoints_dir, names[i])));
    return OK;
}

static Err write_folder(const char *dir, const RunState *state, const Store *store, const Task *task, Arena *arena)
{
    TRY(task->save(task->context, store, dir));
    TRY(save_moments(store, arena_printf(arena, "%s/optimizer.safetensors", dir)));
    TRY(checkpoint_write_state(arena_printf(arena, "%s/state.json", dir), state, task));
    TRY(checkpoint_write_checksums(dir));
    return file_sync_dir(dir);
}

Err checkpoint_save(const char *run_dir, const RunState *state, const Store *store, const Task *task, CheckpointKeep keep)
{
    Arena *arena = arena_new();
    const char *checkpoints_dir = arena_printf(arena, "%s/checkpoints", run_dir);
    const char *dir = checkpoint_dir(arena, run_dir, state->step);
    const char *beside = arena_printf(arena, "%s.tmp-%d", dir, (int)getpid());
    Err err;
    TRY_GOTO(err, file_make_dirs(checkpoints_dir), done);
    TRY_GOTO(err, remove_leftovers(checkpoints_dir, arena), done);
    TRY_GOTO(err, file_make_dirs(beside), done);
    err = write_folder(beside, state, store, task, arena);
    if (err != OK) {
        char *message = arena_strdup(arena, err_message());
        file_remove_tree(beside);  /* gives the disk its space back; the first message is the one that counts */
        err_set(err, "%s", message);
        goto done;
    }
    TRY_GOTO(err, file_remove_tree(dir), done);  /* the same step again, after a resume from an older one */
    TRY_GOTO(err, file_rename(beside, dir), done);
    err = update_links(checkpoints_dir, keep, arena);
done:
    arena_free(arena);
    return err;
}

const char *checkpoint_dir(Arena *arena, const char *run_dir, int64_t step)
{
    return arena_printf(arena, "%s/checkpoints/step-%lld", run_dir, (long long)step);
}

Err checkpoint_remove_after(const char *run_dir, int64_t step)
{
    Arena *arena = arena_new();
    Entry *entries;
    int n;
    const char *checkpoints_dir = arena_printf(arena, "%s/checkpoints", run_dir);
    Err err = list_checkpoints(&entries, &n, arena, checkpoints_dir);
    for (int i = 0; i < n && err == OK; i++)
        if (entries[i].step > step)
            err = file_remove_tree(checkpoint_dir(arena, run_dir, entries[i].step));
    if (err == OK && n > 0)
        err = update_links(checkpoints_dir, (CheckpointKeep){.best = n, .step = step}, arena);
    arena_free(arena);
    return err;
}

Err checkpoint_find(const char **dir, Arena *arena, const char *run_dir)
{
    Entry *entries;
    int n;
    *dir = NULL;
    const char *checkpoints_dir = arena_printf(arena, "%s/checkpoints", run_dir);
    TRY(list_checkpoints(&entries, &n, arena, checkpoints_dir));
    for (int i = 0; i < n; i++) {
        const char *candidate = checkpoint_dir(arena, run_dir, entries[i].step);
        if (checkpoint_verify(candidate) == OK) {
            *dir = candidate;
            return OK;
        }
        log_warn("%s; trying the checkpoint before it", err_message());
    }
    return n ? err_set(ERR_FORMAT, "%s: every checkpoint is damaged", checkpoints_dir) : OK;
}
