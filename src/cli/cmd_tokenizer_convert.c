/* cmd_tokenizer_convert.c - `jikji tokenizer convert`: one format into another, or a line that says what the other cannot hold. */
#include "base/log.h"
#include "cli/cmd_tokenizer.h"
#include "text/tokenizer/convert.h"

typedef struct {
    const char *tokenizer, *pattern, *out;
    int to;
} ConvertSettings;

static const Option options[] = {
    OPTION_TEXT("tokenizer", ConvertSettings, tokenizer, "directory, tokenizer.json, .model, .tiktoken, vocab.json, vocab.txt or llm.c's .bin"),
    OPTION_CHOICE("to", ConvertSettings, to, TOKENIZER_FORMAT_CHOICES, "the format to write"),
    OPTION_TEXT("out", ConvertSettings, out, "directory (json, vocab-merges, vocab-txt) or file"),
    OPTION_TEXT("pattern", ConvertSettings, pattern, "of a .tiktoken or .bin that is read: gpt2|cl100k|o200k|llama3|qwen or a regular expression"),
};
const CommandHelp tokenizer_convert_help = {
    .synopsis = "tokenizer convert --tokenizer PATH --to FORMAT --out PATH",
    .examples = "    jikji tokenizer convert --tokenizer cl100k_base.tiktoken --to json --out cl100k\n"
                "    jikji tokenizer convert --tokenizer tok --to tiktoken --out tok.tiktoken\n"
                "    jikji tokenizer convert --tokenizer tok --to sentencepiece --out tok.model\n"
                "    jikji tokenizer convert --tokenizer tok --to llm.c --out gpt2_tokenizer.bin\n",
    .about = "What the format cannot say is an error that says it; what stands outside the format (the split pattern of a .tiktoken) is said on stderr.\n"
             "What was written is read back and must encode probing texts to the same ids.\n",
    .table = {options, N_ELEMENTS(options)},
};

Err cmd_tokenizer_convert(Arena *arena, int argc, char **argv)
{
    ConvertSettings settings = {0};
    CommandWords words;
    TRY(command_line_read(&words, &tokenizer_convert_help, &settings, arena, argc, argv));
    if (words.helped)
        return OK;
    if (!settings.tokenizer || !settings.out)
        return err_set(ERR_USAGE, "tokenizer convert: expected --tokenizer PATH and --out PATH");
    Tokenizer *tok;
    TRY(tokenizer_load_with(&tok, settings.tokenizer, &(TokenizerLoadOptions){.pattern = settings.pattern}));
    Err err = tokenizer_write_as(tok, (TokenizerFormat)settings.to, settings.out);
    if (err == OK)
        log_info("%lld tokens in %s", (long long)tokenizer_vocab_size(tok), settings.out);
    tokenizer_free(tok);
    return err;
}
