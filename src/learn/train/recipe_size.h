/* recipe_size.h - one dial: a model's size decides the settings of its training, each by a published rule, each overridable.
 *
 *     depth, width   a llama of width / depth near 64, heads of 64, a SwiGLU of 8/3 width (Shazeer 2020, arXiv:2002.05202)
 *     tokens         20 a parameter (Hoffmann et al. 2022, arXiv:2203.15556)
 *     batch, lr      from the compute C = 6 N D: 0.292 C^0.3271 tokens, 0.3118 C^-0.125 (DeepSeek LLM 2024, arXiv:2401.02954, equation 1)
 *     micro batch    a divisor of the batch, of at most 4,096 tokens: it bounds memory and does not touch the result
 *     warmup         a fiftieth of the run, at most 2,000 steps (the same, section 2.3); cosine to a tenth (Hoffmann et al.)
 *
 * A size is a number of parameters ("10M"), of the layers without the embedding table, as in Kaplan et al. 2020 (arXiv:2001.08361), or a
 * depth ("d6"). */
#ifndef LEARN_TRAIN_RECIPE_SIZE_H
#define LEARN_TRAIN_RECIPE_SIZE_H

#include "learn/train/recipe.h"

typedef struct {
    int64_t n_layer, d_model, n_head, d_ff;
    int64_t n_params;    /* of the layers */
    double n_tokens, compute, batch_tokens;
    int64_t batch_size, micro_batch_size, steps, warmup_steps;
    double lr, min_lr;
} RecipeSize;

/* ERR_USAGE: neither a number of parameters (100k .. 10T) nor a depth (d1 .. d200). */
Err recipe_size_derive(RecipeSize *size, const char *text, int64_t seq_len, Arena *arena);
/* Sets the recipe's steps, batch_size, micro_batch_size, learning rate and warmup, and forgets the model.config that it replaces. Does nothing
 * without a size. */
Err recipe_size_apply(Recipe *recipe, Arena *arena);
/* After some of these were overridden: what follows from them and was not, follows. Another batch keeps the tokens, another lr its tenth. */
Err recipe_size_settle(Recipe *recipe, Arena *arena);
/* The model as config.json, in `arena`. */
const char *recipe_size_config(const RecipeSize *size, int64_t seq_len, Arena *arena);
/* For people: each derived setting with its rule and source, and what the recipe has instead where it was overridden; "" without a size. */
const char *recipe_size_text(const Recipe *recipe, Arena *arena);

#endif
