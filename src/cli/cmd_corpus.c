/* cmd_corpus.c - `jikji corpus STAGE`: text made, cleaned and turned into token shards. */
#include "cli/cmd_corpus.h"
#include "cli/commands.h"
#include "cli/corpus_stage.h"

#include "base/options.h"

#include <stdio.h>
#include <string.h>

/* What is more than a stage over files. All other names are kinds of stages. */
static const struct {
    const char *name;
    Err (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"synth", cmd_corpus_synth, "write stories of a small world in Korean and English"},
    {"langid", cmd_corpus_langid, NULL},  /* stages that have more beside: train, eval */
    {"dedup", cmd_corpus_dedup, NULL},  /* a stage that has `compare` beside */
    {"build", cmd_corpus_build, "turn files of text into token shards with a train and a validation side"},
};

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

Err cmd_corpus(int argc, char **argv)
{
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
