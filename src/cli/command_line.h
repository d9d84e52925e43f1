/* command_line.h - what every command line has in common: words, settings, --help.
 *
 *     --name VALUE   --name=VALUE   sets a row of the command's option table; of a true/false row, --name alone means true
 *     --set NAME=VALUE              the same
 *     --stop A --stop B             a list given twice grows
 *     --                            only words follow
 *     --help=FORMAT                 the help as another program reads it (help_formats.h)
 *
 * A command that reads a recipe reads its line twice: once for the recipe's name, and again after the recipe, which a flag outranks. */
#ifndef CLI_COMMAND_LINE_H
#define CLI_COMMAND_LINE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/options.h"

#include <stdbool.h>

typedef struct {
    const char *synopsis;  /* "generate DIR --prompt TEXT [settings]" */
    const char *examples;  /* lines, each indented by four and ended */
    const char *about;     /* what it does; lines ended; NULL: nothing */
    OptionTable table;
    int n_words_min, n_words_max;
} CommandHelp;

/* A row of a table of commands, or of the members of a group of them. */
typedef struct {
    const char *name;
    Err (*run)(int argc, char **argv);  /* argv[0] is its own name */
    const char *help;                   /* one line, lower case, no final dot */
} Command;

enum { COMMAND_WORDS_MAX = 64 };
typedef struct {
    int n;
    const char *word[COMMAND_WORDS_MAX];
    bool helped;  /* --help was there and has been answered: return OK */
} CommandWords;

/* Reads argv[1] on into words and `object`, which holds the defaults that --help shows. Texts live in `arena`. ERR_USAGE: an unknown flag (with
 * the nearest known), a flag without its value, too many or too few words. */
Err command_line_read(CommandWords *words, const CommandHelp *help, void *object, Arena *arena, int argc, char **argv);

#endif
