/* commands.h - every command is one cmd_*.c, declared here and listed in the table of main.c.
 *
 * A command gets argv with argv[0] its own name. Results go to stdout, progress and messages to stderr (base/log.h). It returns
 * what went wrong and prints nothing about it: main prints the line and chooses the exit code. `--help` is a result, not an error. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "base/err.h"

Err cmd_bench(int argc, char **argv);
Err cmd_doctor(int argc, char **argv);
Err cmd_run(int argc, char **argv);
Err cmd_corpus(int argc, char **argv);
Err cmd_tokenizer(int argc, char **argv);
Err cmd_generate(int argc, char **argv);
Err cmd_inspect(int argc, char **argv);
Err cmd_report(int argc, char **argv);
Err cmd_plan(int argc, char **argv);
Err cmd_train(int argc, char **argv);

#endif
