/* cmd_corpus.h - what `jikji corpus` has beside its stages (corpus_stage.h), one a file, listed in cmd_corpus.c. argv[0] is the stage's name. */
#ifndef CLI_CMD_CORPUS_H
#define CLI_CMD_CORPUS_H

#include "base/err.h"

Err cmd_corpus_synth(int argc, char **argv);
Err cmd_corpus_langid(int argc, char **argv);
Err cmd_corpus_perplexity(int argc, char **argv);
Err cmd_corpus_stats(int argc, char **argv);
Err cmd_corpus_dedup(int argc, char **argv);
Err cmd_corpus_build(int argc, char **argv);

#endif
