/* cmd_tokenizer.h - the verbs of `jikji tokenizer`, listed in cmd_tokenizer.c. argv[0] is the verb's name. */
#ifndef CLI_CMD_TOKENIZER_H
#define CLI_CMD_TOKENIZER_H

#include "cli/command_line.h"

extern const CommandHelp tokenizer_train_help, tokenizer_encode_help, tokenizer_decode_help, tokenizer_convert_help,
                         tokenizer_verify_help, tokenizer_compare_help, tokenizer_show_help, tokenizer_chat_help;

Err cmd_tokenizer_train(Arena *arena, int argc, char **argv);
Err cmd_tokenizer_encode(Arena *arena, int argc, char **argv);
Err cmd_tokenizer_decode(Arena *arena, int argc, char **argv);
Err cmd_tokenizer_convert(Arena *arena, int argc, char **argv);
Err cmd_tokenizer_verify(Arena *arena, int argc, char **argv);
Err cmd_tokenizer_compare(Arena *arena, int argc, char **argv);
Err cmd_tokenizer_show(Arena *arena, int argc, char **argv);
Err cmd_tokenizer_chat(Arena *arena, int argc, char **argv);

#endif
