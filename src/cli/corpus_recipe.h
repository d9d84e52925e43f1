/* corpus_recipe.h - `jikji corpus build RECIPE.yaml`, and the run of a recipe that was made elsewhere. */
#ifndef CLI_CORPUS_RECIPE_H
#define CLI_CORPUS_RECIPE_H

#include "base/options.h"
#include "text/corpus/pipeline.h"

typedef struct {
    OptionItems inputs;  /* each with the settings of its own that it has: format, field */
    const char *out, *tokenizer;
    OptionItems stages;
    double dropout, sample;  /* of the shards; sample below 0: the best cut */
    int64_t seed;
    bool json;
    PipelineOptions build;  /* its inputs, when there are any, go before `inputs`; out, stages, tokenizer and group are filled in by the run */
} CorpusRecipe;

CorpusRecipe corpus_recipe_default(void);

/* Opens the stages and the tokenizer, builds on all ranks, prints what was done. Collective. */
Err corpus_recipe_run(CorpusRecipe *recipe, Arena *arena);

/* Does the line name a recipe rather than inputs? */
bool corpus_recipe_is_meant(int argc, char **argv);
Err corpus_recipe_command(int argc, char **argv);

#endif
