/* cmd_corpus.c - `jikji corpus STAGE`: text made, cleaned and turned into token shards. */
#include "cli/cmd_corpus.h"
#include "cli/commands.h"
#include "cli/corpus_stage.h"
#include "cli/help_formats.h"

#include "base/options.h"

#include <stdio.h>
#include <string.h>

/* What is more than a stage over files. All other names are kinds of stages. */
static const Command commands[] = {
    {"synth", cmd_corpus_synth, "write stories of a small world in Korean and English"},
    {"langid", cmd_corpus_langid, NULL},  /* stages that have more beside: train, eval */
    {"perplexity", cmd_corpus_perplexity, NULL},
    {"stats", cmd_corpus_stats, "what a corpus is made of: a page with pictures, and JSON"},
    {"dedup", cmd_corpus_dedup, NULL},  /* a stage that has `compare` beside */
    {"build", cmd_corpus_build, "turn files of text into token shards with a train and a validation side"},
};

static bool is_command(const char *name)
{
    for (int i = 0; i < N_ELEMENTS(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return true;
    return false;
}

static Err corpus_help(void)
{
    printf("jikji corpus STAGE\n\n"
           "    jikji corpus synth --bytes 10M --seed 1 --out world.jsonl.zst\n"
           "    jikji corpus extract crawl.warc.gz --out text.jsonl.zst\n"
           "    jikji corpus build world.jsonl.zst --tokenizer tok/ --out shards/\n\n");
    for (int i = 0; i < N_ELEMENTS(commands); i++)
        if (commands[i].help)
            printf("    %-10s %s\n", commands[i].name, commands[i].help);
    for (int i = 0; i < stage_n_kinds(); i++)
        printf("    %-10s %s\n", stage_kind(i)->name, stage_kind(i)->help);
    printf("\nSTAGE --help shows examples and settings.\n");
    return OK;
}

/* Every member, every kind of stage, and the verbs beside stages. */
static Err corpus_describe(const char *format)
{
    Arena *arena = arena_new();
    char *flag = arena_printf(arena, "--help=%s", format);
    Err err = help_print_group(commands, N_ELEMENTS(commands), format);
    for (int i = 0; i < stage_n_kinds() && err == OK; i++) {
        char *name = arena_strdup(arena, stage_kind(i)->name);
        if (!is_command(name))
            err = corpus_stage_command(stage_kind(i), 2, (char *[]){name, flag, NULL});
    }
    if (err == OK)
        err = cmd_corpus_dedup(3, (char *[]){"dedup", "compare", flag, NULL});
    if (err == OK)
        err = cmd_corpus_langid(3, (char *[]){"langid", "train", flag, NULL});
    if (err == OK)
        err = cmd_corpus_langid(3, (char *[]){"langid", "eval", flag, NULL});
    arena_free(arena);
    return err;
}

Err cmd_corpus(int argc, char **argv)
{
    if (help_format(argc, argv) && argc == 2)
        return corpus_describe(help_format(argc, argv));
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return corpus_help();
    for (int i = 0; i < N_ELEMENTS(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    const StageKind *kind = stage_kind_find(argv[1]);
    if (kind)
        return corpus_stage_command(kind, argc - 1, argv + 1);
    return err_set(ERR_USAGE, "corpus %s: no such stage; `jikji corpus` lists them", argv[1]);
}
