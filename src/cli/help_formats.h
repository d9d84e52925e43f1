/* help_formats.h - a command's help in other forms than text, from the same tables: a manual page, and completion for shells.
 *
 * `jikji help --man` and `jikji completion SHELL` ask each command for `--help=FORMAT` in turn; a group of commands passes it on to
 * its members. So what a command knows is said once, and a new command or setting is in the manual and the completion at once. */
#ifndef CLI_HELP_FORMATS_H
#define CLI_HELP_FORMATS_H

#include "cli/command_line.h"

/* The FORMAT of a line that has --help=FORMAT as its last word, else NULL. */
const char *help_format(int argc, char **argv);
/* One command's part: "roff" (a section of a manual page), "words" (path, flag and choices a line, for bash and zsh), "fish". */
Err help_print(const char *format, const CommandHelp *help, const void *defaults, Arena *arena);
/* Of every member in turn. */
Err help_print_group(const Command *commands, int n_commands, const char *format);

/* The manual page, and the completion of a shell ("bash", "zsh", "fish"), on stdout. */
Err help_print_manual(const Command *commands, int n_commands);
Err help_print_completion(const Command *commands, int n_commands, const char *shell);

#endif
