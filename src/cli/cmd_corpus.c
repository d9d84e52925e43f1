/* cmd_corpus.c - `jikji corpus STAGE`: text made, cleaned and turned into token shards. Each stage is one file, cmd_corpus_*.c. */
#include "cli/cmd_corpus.h"
#include "cli/commands.h"

#include "base/options.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    Err (*run)(int argc, char **argv);
    const char *help;
} stages[] = {
    {"synth", cmd_corpus_synth, "write stories of a small world in Korean and English"},
    {"extract", cmd_corpus_extract, "main text of web pages and archives"},
    {"normalize", cmd_corpus_normalize, "one spelling: mojibake, Unicode form, control characters, white space"},
    {"quality", cmd_corpus_quality, "judge documents by the rules of Gopher, FineWeb and FineWeb-2 (Korean)"},
    {"dedup", cmd_corpus_dedup, "leave out copies and near copies; compare with brute force"},
    {"pii", cmd_corpus_pii, "find personal data and mask, replace, drop or tag it"},
    {"build", cmd_corpus_build, "turn files of text into token shards with a train and a validation side"},
};

static Err corpus_help(void)
{
    printf("jikji corpus STAGE\n\n"
           "    jikji corpus synth --bytes 10M --seed 1 --out world.jsonl.zst\n"
           "    jikji corpus extract crawl.warc.gz --out text.jsonl.zst\n"
           "    jikji corpus build world.jsonl.zst --tokenizer tok/ --out shards/\n\n");
    for (int i = 0; i < N_ELEMENTS(stages); i++)
        printf("    %-10s %s\n", stages[i].name, stages[i].help);
    printf("\nSTAGE --help shows examples and settings.\n");
    return OK;
}

Err cmd_corpus(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return corpus_help();
    for (int i = 0; i < N_ELEMENTS(stages); i++)
        if (strcmp(argv[1], stages[i].name) == 0)
            return stages[i].run(argc - 1, argv + 1);
    return err_set(ERR_USAGE, "corpus %s: no such stage; `jikji corpus` lists them", argv[1]);
}
