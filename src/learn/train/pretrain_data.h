/* pretrain_data.h - a recipe's data section, opened: tokenizer, batches to train on, batches to evaluate on (room-internal). */
#ifndef LEARN_TRAIN_PRETRAIN_DATA_H
#define LEARN_TRAIN_PRETRAIN_DATA_H

#include "learn/train/recipe.h"
#include "text/corpus/batch.h"
#include "text/tokenizer/tokenizer.h"

typedef struct {
    Tokenizer *tok;
    BatchSource *train, *val;  /* val NULL: nothing to evaluate on */
    int32_t *train_tokens, *val_tokens;  /* of data.text; the sources look into them */
    int64_t *train_begins, *val_begins;
    int32_t *token_bytes;      /* [vocab_size] bytes of text that each id stands for */
} PretrainData;

/* data.text: documents are encoded each with the tokenizer's eos behind it (where it has one and there are several documents); one document is split by
 * characters, several by documents. ERR_USAGE: too little text for one sequence. */
Err pretrain_data_open(PretrainData *data, const Recipe *recipe);
/* The tokenizer alone. */
Err pretrain_data_open_tokenizer(PretrainData *data, const Recipe *recipe);
void pretrain_data_close(PretrainData *data);

#endif
