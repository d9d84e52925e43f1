/* cmd_corpus.h - the stages of `jikji corpus`, one a file, listed in the table of cmd_corpus.c. argv[0] is the stage's name. */
#ifndef CLI_CMD_CORPUS_H
#define CLI_CMD_CORPUS_H

#include "base/err.h"

Err cmd_corpus_synth(int argc, char **argv);
Err cmd_corpus_extract(int argc, char **argv);
Err cmd_corpus_normalize(int argc, char **argv);
Err cmd_corpus_quality(int argc, char **argv);
Err cmd_corpus_dedup(int argc, char **argv);
Err cmd_corpus_pii(int argc, char **argv);
Err cmd_corpus_build(int argc, char **argv);

#endif
