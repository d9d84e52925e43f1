/* pretrain.h - pretraining as a Task: a text or shards, a tokenizer, a model from its config, a causal loss. */
#ifndef LEARN_TRAIN_PRETRAIN_H
#define LEARN_TRAIN_PRETRAIN_H

#include "engine/graph/store.h"
#include "learn/model/model.h"
#include "learn/train/recipe.h"
#include "learn/train/task.h"
#include "text/tokenizer/tokenizer.h"

typedef struct Pretrain Pretrain;

/* Opens tokenizer and data, reads the model's config and declares its parameters in a store of its own. The recipe is borrowed.
 * `plan_only` needs no data: a tokenizer that is absent is replaced by the config's vocab_size (plan of a run whose files are elsewhere). */
Err pretrain_new(Pretrain **out, const Recipe *recipe, bool plan_only);
void pretrain_free(Pretrain *pretrain);  /* NULL is fine; after the trainer */
const Task *pretrain_task(Pretrain *pretrain);
Store *pretrain_store(Pretrain *pretrain);
const ModelConfig *pretrain_config(const Pretrain *pretrain);
const Tokenizer *pretrain_tokenizer(const Pretrain *pretrain);  /* NULL when plan_only found none */
int64_t pretrain_n_train_tokens(const Pretrain *pretrain);

#endif
