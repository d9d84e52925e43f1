/* corpus_recipe.h - `jikji corpus build RECIPE.yaml`. */
#ifndef CLI_CORPUS_RECIPE_H
#define CLI_CORPUS_RECIPE_H

#include "base/err.h"

#include <stdbool.h>

/* Does the line name a recipe rather than inputs? */
bool corpus_recipe_is_meant(int argc, char **argv);
Err corpus_recipe_command(int argc, char **argv);

#endif
