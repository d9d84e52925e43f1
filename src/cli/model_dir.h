/* model_dir.h - a model as commands name it: a Hugging Face directory, its config.json, or a run that holds checkpoints. */
#ifndef CLI_MODEL_DIR_H
#define CLI_MODEL_DIR_H

#include "learn/model/model.h"

/* The directory that is meant: `path` itself, or for a run its checkpoints/best, else checkpoints/last. Lives in `arena`. */
const char *model_dir_find(const char *path, Arena *arena);
/* Declares the parameters in a new store, allocates it and loads the weights. The caller frees *store. */
Err model_dir_load(Store **store, const ModelConfig *config, const char *dir, const ModelDeclareOptions *options);

#endif
