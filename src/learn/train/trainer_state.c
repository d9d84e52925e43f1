/* trainer_state.c - where a run stands: at its start, at a checkpoint, or at one that it goes on from. */
#include "learn/train/trainer_internal.h"

#include "base/log.h"
#include "learn/train/checkpoint_internal.h"

#include <string.h>

/* The task's fields as they would be written now; they must be those of the checkpoint. */
static Err check_task_state(Trainer *t, const char *dir, const char *task_json, Arena *arena)
{
    JsonWriter *json = json_writer_new(2);
    json_write_object_begin(json);
    json_write_key(json, "task");  /* the same depth as in state.json, so the same text */
    task_write_state(t->task, trainer_data_step(t), json);
    json_write_object_end(json);
    const char *now = arena_strdup(arena, json_writer_text(json, NULL));
    json_writer_free(json);
    if (strstr(now, task_json))
        return OK;
    return err_set(ERR_USAGE, "%s: this checkpoint was made from other data or another tokenizer: compare \"task\" in its state.json;"
                   " use the same recipe, or train into another --out", dir);
}

static Err load_tensors(Trainer *t, const char *dir)
{
    TRY(t->task->load(t->task->context, t->store, dir));
    TRY(checkpoint_load_moments(t->store, dir));
    program_run_all(t->refresh);
    return OK;
}

Err trainer_load(Trainer *t, const char *dir)
{
    Arena *arena = arena_new();
    const char *task_json;
    Err err = checkpoint_verify(dir);
    if (err == OK)
        err = checkpoint_read_state(&t->state, &task_json, arena, dir);
    if (err == OK)
        err = load_tensors(t, dir);
    arena_free(arena);
    return err;
}

Err trainer_start(Trainer *t)
{
    for (int s = 0; s < store_n_states(t->store); s++) {
        Tensor tensor = store_state_tensor(t->store, s);
        if (store_state(t->store, s)->kind == STATE_MOMENT)
            memset(tensor.data, 0, tensor_bytes(&tensor));
    }
    TRY(t->task->init(t->task->context, t->store));
    program_run_all(t->refresh);
    t->state = t->fresh;
    return OK;
}

Err trainer_resume(Trainer *t, bool *resumed)
{
    *resumed = false;
    if (!t->options.run_dir)
        return OK;
    Arena *arena = arena_new();
    const char *dir, *task_json;
    RunState state;
    Err err;
    TRY_GOTO(err, checkpoint_find(&dir, arena, t->options.run_dir), done);
    if (!dir)
        goto done;
    TRY_GOTO(err, checkpoint_read_state(&state, &task_json, arena, dir), done);
    if (state.recipe_hash != t->options.recipe_hash) {
        err = err_set(ERR_USAGE, "%s: the recipe has changed in settings that decide the result; compare %s/recipe.yaml,"
                      " or train into another --out", dir, t->options.run_dir);
        goto done;
    }
    t->state = state;
    TRY_GOTO(err, check_task_state(t, dir, task_json, arena), done);
    TRY_GOTO(err, load_tensors(t, dir), done);
    *resumed = true;
done:
    arena_free(arena);
    return err;
}
