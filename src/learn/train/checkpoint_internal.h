/* checkpoint_internal.h - the small files of a checkpoint, for checkpoint.c and the trainer. */
#ifndef LEARN_TRAIN_CHECKPOINT_INTERNAL_H
#define LEARN_TRAIN_CHECKPOINT_INTERNAL_H

#include "learn/train/checkpoint.h"

Err checkpoint_write_state(const char *path, const RunState *state, const Task *task);
Err checkpoint_write_checksums(const char *dir);
/* The task's own object, as it stands under "task" in state.json. */
void task_write_state(const Task *task, int64_t step, JsonWriter *json);

#endif
