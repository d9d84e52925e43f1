/* cmd_tokenizer.c - jikji tokenizer: the list of its verbs. */
#include "cli/cmd_tokenizer.h"
#include "cli/commands.h"
#include "cli/help_formats.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    Err (*run)(Arena *arena, int argc, char **argv);
    const CommandHelp *help;
} Verb;
static const Verb verbs[] = {
    {"train", cmd_tokenizer_train, &tokenizer_train_help},
    {"encode", cmd_tokenizer_encode, &tokenizer_encode_help},
    {"decode", cmd_tokenizer_decode, &tokenizer_decode_help},
    {"convert", cmd_tokenizer_convert, &tokenizer_convert_help},
    {"verify", cmd_tokenizer_verify, &tokenizer_verify_help},
    {"compare", cmd_tokenizer_compare, &tokenizer_compare_help},
    {"show", cmd_tokenizer_show, &tokenizer_show_help},
    {"chat", cmd_tokenizer_chat, &tokenizer_chat_help},
};

static void print_help(void)
{
    for (int i = 0; i < N_ELEMENTS(verbs); i++)
        printf("jikji %s\n%s\n", verbs[i].help->synopsis, verbs[i].help->examples);
    printf("jikji tokenizer VERB --help shows the settings\n");
}

static const char *verb_names(Arena *arena)
{
    const char *names = verbs[0].name;
    for (int i = 1; i < N_ELEMENTS(verbs); i++)
        names = arena_printf(arena, "%s%s%s", names, i + 1 < N_ELEMENTS(verbs) ? ", " : " or ", verbs[i].name);
    return names;
}

static Err verbs_describe(char *flag)
{
    Arena *arena = arena_new();
    Err err = OK;
    for (int i = 0; i < N_ELEMENTS(verbs) && err == OK; i++)
        err = verbs[i].run(arena, 2, (char *[]){arena_strdup(arena, verbs[i].name), flag, NULL});
    arena_free(arena);
    return err;
}

Err cmd_tokenizer(int argc, char **argv)
{
    if (help_format(argc, argv) && argc == 2)
        return verbs_describe(argv[1]);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_help();
        return OK;
    }
    Arena *arena = arena_new();
    Err err = err_set(ERR_USAGE, "tokenizer: expected %s; `jikji tokenizer --help` shows examples", verb_names(arena));
    for (int i = 0; i < N_ELEMENTS(verbs) && argc > 1; i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            err = verbs[i].run(arena, argc - 1, argv + 1);
    arena_free(arena);
    return err;
}
