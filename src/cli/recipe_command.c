/* recipe_command.c - a recipe, and flags that outrank it. */
#include "cli/recipe_command.h"

#include "cli/command_line.h"
#include "learn/train/recipe_size.h"

#include <string.h>

Err recipe_command_read(RecipeCommand *command, bool *helped, const RecipeCommandHelp *help, Arena *arena, int argc, char **argv)
{
    int n_rows = help->n_flags + recipe_table.n_rows;
    Option *rows = ARENA_ARRAY(arena, Option, n_rows);
    memcpy(rows, help->flags, sizeof *rows * (size_t)help->n_flags);
    memcpy(rows + help->n_flags, recipe_table.rows, sizeof *rows * (size_t)recipe_table.n_rows);
    CommandHelp line = {.synopsis = help->synopsis, .examples = help->examples, .about = help->about,
                        .table = {rows, n_rows}, .n_words_min = 1, .n_words_max = 1};
    CommandWords words;
    *command = (RecipeCommand){.recipe = recipe_default()};
    TRY(command_line_read(&words, &line, command, arena, argc, argv));
    *helped = words.helped;
    if (words.helped)
        return OK;
    *command = (RecipeCommand){.recipe = recipe_default()};
    TRY(options_read_yaml(&recipe_table, &command->recipe, arena, words.word[0]));
    const char *own_size = command->recipe.size;
    TRY(command_line_read(&words, &line, command, arena, argc, argv));
    if (command->recipe.size) {  /* what it decides outranks the recipe if it stands on the line, else only defaults; flags outrank it */
        TRY(recipe_size_apply(&command->recipe, arena));
        if (command->recipe.size == own_size)
            TRY(options_read_yaml(&recipe_table, &command->recipe, arena, words.word[0]));
        TRY(command_line_read(&words, &line, command, arena, argc, argv));
        TRY(recipe_size_settle(&command->recipe, arena));
    }
    return recipe_check(&command->recipe, arena);
}
