/* command_line.c - words and settings of one command line. */
#include "cli/command_line.h"

#include "cli/help_formats.h"

#include <stdio.h>
#include <string.h>

/* A flag may write '-' where a recipe has '_'. */
static bool is_flag_of(const char *row, const char *flag)
{
    while (*row && (*row == *flag || (*row == '_' && *flag == '-')))
        row++, flag++;
    return *row == *flag;
}

static const Option *find_row(const OptionTable *table, const char *name)
{
    for (int i = 0; i < table->n_rows; i++)
        if (is_flag_of(table->rows[i].name, name))
            return &table->rows[i];
    return NULL;
}

static void print_help(const CommandHelp *help, const void *defaults, Arena *arena)
{
    printf("jikji %s\n\n%s", help->synopsis, help->examples);
    if (help->about)
        printf("\n%s", help->about);
    if (help->table.n_rows > 0)
        printf("\n%s", options_help(&help->table, defaults, arena));
}

/* A list grows with each mention on the line: `given` tells the rows mentioned so far. */
static Err set_row(const OptionTable *table, void *object, Arena *arena, bool *given, const char *name, const char *value)
{
    const Option *row = find_row(table, name);
    bool is_list = row && (row->kind == OPTION_KIND_TEXTS || row->kind == OPTION_KIND_REALS);
    if (is_list && given[row - table->rows])
        value = arena_printf(arena, "%s,%s", options_get(table, object, arena, name), value);
    if (row) {
        given[row - table->rows] = true;
        name = row->name;
    }
    return options_set(table, object, arena, arena_printf(arena, "--%s", name), name, value);
}

/* Reads the flag at argv[i]; returns how many arguments it took through *n_taken. */
static Err read_flag(int *n_taken, const CommandHelp *help, void *object, Arena *arena, bool *given, int argc, char **argv, int i)
{
    const char *equals = strchr(argv[i], '=');
    const char *name = equals ? arena_strndup(arena, argv[i] + 2, (size_t)(equals - argv[i] - 2)) : argv[i] + 2;
    const char *value = equals ? equals + 1 : i + 1 < argc ? argv[i + 1] : NULL;
    *n_taken = equals ? 1 : 2;
    if (strcmp(name, "set") == 0 && value && strchr(value, '=')) {
        equals = strchr(value, '=');
        return set_row(&help->table, object, arena, given, arena_strndup(arena, value, (size_t)(equals - value)), equals + 1);
    }
    const Option *row = find_row(&help->table, name);
    if (!row) {
        const char *nearest = options_nearest(&help->table, name);
        return err_set(ERR_USAGE, "--%s: no such setting%s%s; --help lists them", name, nearest ? "; the nearest is --" : "", nearest ? nearest : "");
    }
    if (row->kind == OPTION_KIND_BOOL && !equals) {
        bool stated = value && (strcmp(value, "true") == 0 || strcmp(value, "false") == 0);
        value = stated ? value : "true";
        *n_taken = stated ? 2 : 1;
    }
    if (!value)
        return err_set(ERR_USAGE, "--%s: its value is missing", name);
    return set_row(&help->table, object, arena, given, name, value);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

Err command_line_read(CommandWords *words, const CommandHelp *help, void *object, Arena *arena, int argc, char **argv)
{
    *words = (CommandWords){0};
    if (asks_for_help(argc, argv)) {
        print_help(help, object, arena);
        words->helped = true;
        return OK;
    }
    const char *format = help_format(argc, argv);
    words->helped = format != NULL;
    if (format)
        return help_print(format, help, object, arena);
    bool *given = ARENA_ARRAY(arena, bool, help->table.n_rows);
    bool only_words = false;
    for (int i = 1; i < argc;) {
        int n_taken = 1;
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = true;
        else if (!only_words && strncmp(argv[i], "--", 2) == 0)
            TRY(read_flag(&n_taken, help, object, arena, given, argc, argv, i));
        else if (words->n == help->n_words_max || words->n == COMMAND_WORDS_MAX)
            return err_set(ERR_USAGE, "\"%s\" is one word too many; usage: jikji %s", argv[i], help->synopsis);
        else
            words->word[words->n++] = argv[i];
        i += n_taken;
    }
    if (words->n < help->n_words_min)
        return err_set(ERR_USAGE, "usage: jikji %s; --help shows examples", help->synopsis);
    return OK;
}
