/* recipe_command.h - commands whose line is a recipe: `jikji train|plan RECIPE [settings]`. */
#ifndef CLI_RECIPE_COMMAND_H
#define CLI_RECIPE_COMMAND_H

#include "base/arena.h"
#include "base/err.h"
#include "learn/train/recipe.h"

#include <stdbool.h>

/* The recipe's settings and the commands' own flags, rows of one table. */
typedef struct {
    Recipe recipe;  /* first: its rows keep their offsets */
    bool resume, json;
    double peak_flops;  /* plan: assumed rate, FLOP/s; 0: none */
} RecipeCommand;

typedef struct {
    const char *synopsis, *examples, *about;
    const Option *flags;  /* the command's own, over RecipeCommand */
    int n_flags;
} RecipeCommandHelp;

/* Defaults, then the recipe file, then the flags; checked. *helped: --help was there and has been answered. */
Err recipe_command_read(RecipeCommand *command, bool *helped, const RecipeCommandHelp *help, Arena *arena, int argc, char **argv);

#endif
