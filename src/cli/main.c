/* main.c - finds the command, runs it, prints the error if there is one.
 *
 * Exit codes: 0 done, 1 failed, 2 the command line or a setting cannot be meant, 130 interrupted (after a clean stop). */
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/options.h"
#include "cli/commands.h"
#include "cli/help_formats.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static Err command_help(int argc, char **argv);
static Err command_completion(int argc, char **argv);

/* In the order of the road: `jikji` alone prints it so. */
static const Command commands[] = {
    {"doctor", cmd_doctor, "what this machine can do, what would be slow and why"},
    {"run", cmd_run, "the whole road: text, tokenizer, shards, training, samples"},
    {"corpus", cmd_corpus, "text made, cleaned and turned into token shards"},
    {"tokenizer", cmd_tokenizer, "vocabularies from text, converted, verified, compared; ids from text, text from ids"},
    {"plan", cmd_plan, "what a training run will take: memory, FLOPs, time"},
    {"train", cmd_train, "train a model from a recipe"},
    {"report", cmd_report, "a training run as one HTML page: curves, samples, memory, incidents"},
    {"generate", cmd_generate, "continue a text with a trained model"},
    {"inspect", cmd_inspect, "what a model is made of and what it computes: params, graph, logits, grads, checkpoint"},
    {"bench", cmd_bench, "matrix products, training, attention, decoding, operators and passes, measured"},
    {"completion", command_completion, "bash|zsh|fish: a script by which the shell completes commands and settings"},
    {"help", command_help, "this page; COMMAND --help shows examples and settings; help --man is the manual"},
};

static const Command *command_find(const char *name)
{
    for (int i = 0; i < N_ELEMENTS(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static Err fail_unknown(const char *name)
{
    Option rows[N_ELEMENTS(commands)] = {0};
    for (int i = 0; i < N_ELEMENTS(commands); i++)
        rows[i].name = commands[i].name;
    const char *nearest = options_nearest(&(OptionTable){rows, N_ELEMENTS(commands)}, name);
    if (nearest)
        return err_set(ERR_USAGE, "%s: no such command; the nearest is `jikji %s`", name, nearest);
    return err_set(ERR_USAGE, "%s: no such command; `jikji` lists them", name);
}

/* ---- the page that `jikji` alone shows ---- */

/* The first run here that has a checkpoint; NULL when there is none. */
static const char *find_run(Arena *arena)
{
    char **names;
    int n_names;
    if (!file_is_dir("runs") || file_list_dir(&names, &n_names, arena, "runs") != OK)
        return NULL;
    for (int i = 0; i < n_names; i++)
        if (file_is_dir(arena_printf(arena, "runs/%s/checkpoints/last", names[i])))
            return arena_printf(arena, "runs/%s", names[i]);
    return NULL;
}

/* Only a command that this build has is worth proposing. */
static void print_next_step(Arena *arena)
{
    const char *run = find_run(arena);
    if (run && command_find("generate"))
        printf("\nNext: jikji generate %s --prompt \"Once upon a time\"\n", run);
    else if (command_find("run"))
        printf("\nNext: jikji run    the whole road, in a few minutes\n");
}

static Err command_completion(int argc, char **argv)
{
    static const CommandHelp help = {
        .synopsis = "completion bash|zsh|fish",
        .examples = "    source <(jikji completion bash)\n"
                    "    jikji completion zsh > ~/.zfunc/_jikji\n"
                    "    jikji completion fish > ~/.config/fish/completions/jikji.fish\n",
        .n_words_min = 1,
        .n_words_max = 1,
    };
    CommandWords words;
    Arena *arena = arena_new();
    Err err = command_line_read(&words, &help, NULL, arena, argc, argv);
    arena_free(arena);
    return err != OK || words.helped ? err : help_print_completion(commands, N_ELEMENTS(commands), words.word[0]);
}

static Err command_help(int argc, char **argv)
{
    if (help_format(argc, argv))
        return OK;  /* its page is the table of commands */
    if (argc == 2 && strcmp(argv[1], "--man") == 0)
        return help_print_manual(commands, N_ELEMENTS(commands));
    if (argc > 1 && argv[1][0] != '-' && strcmp(argv[1], "help") != 0)
        return command_find(argv[1]) ? command_find(argv[1])->run(2, (char *[]){argv[1], "--help", NULL}) : fail_unknown(argv[1]);
    printf("jikji - from raw text to a language model that answers\n\n");
    for (int i = 0; i < N_ELEMENTS(commands); i++)
        printf("    jikji %-12s%s\n", commands[i].name, commands[i].help);
    Arena *arena = arena_new();
    print_next_step(arena);
    arena_free(arena);
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
    signal(SIGXFSZ, SIG_IGN);  /* a file that may grow no further is an error of its write, as a full disk is */
    const char *name = strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ? "help" : argv[0];
    const Command *command = command_find(name);
    Err err = command ? command->run(argc, argv) : fail_unknown(name);
    if (err == OK && (fflush(stdout) != 0 || ferror(stdout)))
        err = err_set(ERR_IO, "stdout: %s", strerror(errno));
    if (err != OK)
        fprintf(stderr, "jikji: %s\n", err_message());
    return exit_code(err);
}
