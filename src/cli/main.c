/* main.c - finds the command, runs it, prints the error if there is one.
 *
 * Exit codes: 0 done, 1 failed, 2 the command line or a setting cannot be meant, 130 interrupted (after a clean stop). */
#include "base/err.h"
#include "base/options.h"
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    Err (*run)(int argc, char **argv);
    const char *help;  /* one line, lower case, no final dot */
} Command;

static Err command_help(int argc, char **argv);

/* In the order of the road: `jikji` alone prints it so. */
static const Command commands[] = {
    {"corpus", cmd_corpus, "text made, cleaned and turned into token shards"},
    {"tokenizer", cmd_tokenizer, "train|encode|decode: vocabularies from text, ids from text, text from ids"},
    {"help", command_help, "this page; COMMAND --help shows examples and settings"},
};

static const Command *command_find(const char *name)
{
    for (int i = 0; i < N_ELEMENTS(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static Err command_help(int argc, char **argv)
{
    if (argc > 1)
        return err_set(ERR_USAGE, "help: type `jikji %s --help`", argv[1]);
    printf("jikji - from raw text to a language model that answers\n\n");
    for (int i = 0; i < N_ELEMENTS(commands); i++)
        printf("    jikji %-12s%s\n", commands[i].name, commands[i].help);
    return OK;
}

static int exit_code(Err err)
{
    switch (err) {
    case OK: return 0;
    case ERR_USAGE: return 2;
    case ERR_INTERRUPTED: return 130;
    default: return 1;
    }
}

int main(int argc, char **argv)
{
    char *alone[] = {"help", NULL};
    if (argc > 1) {
        argc--;
        argv++;
    } else {
        argc = 1;
        argv = alone;
    }
    const char *name = strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ? "help" : argv[0];
    const Command *command = command_find(name);
    Err err = command ? command->run(argc, argv) : err_set(ERR_USAGE, "%s: no such command; `jikji` lists them", name);
    if (err == OK && (fflush(stdout) != 0 || ferror(stdout)))
        err = err_set(ERR_IO, "stdout: %s", strerror(errno));
    if (err != OK)
        fprintf(stderr, "jikji: %s\n", err_message());
    return exit_code(err);
}
