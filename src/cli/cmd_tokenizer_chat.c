/* cmd_tokenizer_chat.c - `jikji tokenizer chat`: conversations through a tokenizer's chat template, as text or as ids. */
#include "base/file.h"
#include "cli/cmd_tokenizer.h"
#include "text/corpus/byte_stream.h"
#include "text/tokenizer/chat.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *tokenizer, *template, *name;
    bool ids, generation;
} ChatSettings;

static const Option options[] = {
    OPTION_TEXT("tokenizer", ChatSettings, tokenizer, "a directory with tokenizer.json and a chat template"),
    OPTION_TEXT("template", ChatSettings, template, "a file with a template, instead of the directory's"),
    OPTION_TEXT("name", ChatSettings, name, "which of several templates (tool_use, rag ...)"),
    OPTION_BOOL("ids", ChatSettings, ids, "one line of ids a conversation, instead of its text"),
    OPTION_BOOL("generation", ChatSettings, generation, "end with what opens the assistant's turn"),
};
const CommandHelp tokenizer_chat_help = {
    .synopsis = "tokenizer chat --tokenizer DIR [FILE.jsonl...]",
    .examples = "    echo '{\"messages\": [{\"role\": \"user\", \"content\": \"안녕?\"}]}' | jikji tokenizer chat --tokenizer model --generation\n"
                "    jikji tokenizer chat --tokenizer model --ids chats.jsonl\n",
    .about = "Each line is a JSON object of the template's variables: messages, tools, whatever it asks for. Special tokens come from the template alone:\n"
             "a message that spells one stays text.\n",
    .table = {options, N_ELEMENTS(options)},
    .n_words_max = COMMAND_WORDS_MAX,
};

/* The line with add_generation_prompt put in front; one in the line itself comes later and wins. */
static const char *with_generation(Arena *arena, const ChatSettings *settings, const char *line, size_t *n)
{
    const char *brace = memchr(line, '{', *n);
    if (!settings->generation || !brace)
        return line;
    const char *rest = brace + 1;
    while (rest < line + *n && (*rest == ' ' || *rest == '\t'))
        rest++;
    bool empty = rest < line + *n && *rest == '}';
    const char *whole = arena_printf(arena, "{\"add_generation_prompt\": true%s %.*s", empty ? "" : ",", (int)(line + *n - rest), rest);
    *n = strlen(whole);
    return whole;
}

static Err run_line(const ChatSettings *settings, const ChatTemplate *chat, Arena *arena, const char *line, size_t n)
{
    ChatText text;
    line = with_generation(arena, settings, line, &n);
    TRY(chat_render(chat, arena, line, n, &text));
    if (!settings->ids) {
        fwrite(text.bytes, 1, text.n_bytes, stdout);
        putchar('\n');
        return OK;
    }
    TokenOffset *offsets;
    TokenSpan ids = chat_encode(chat, arena, &text, &offsets);
    for (int64_t i = 0; i < ids.n; i++)
        printf(i ? " %d" : "%d", ids.ids[i]);
    putchar('\n');
    return OK;
}

static Err run_file(const ChatSettings *settings, const ChatTemplate *chat, const char *path)
{
    ByteStream *stream;
    TRY(byte_stream_open(&stream, path));
    LineReader *lines = line_reader_new(stream, SIZE_MAX / 4);
    Arena *arena = arena_new();
    Err err = OK;
    const char *line;
    size_t n;
    while (err == OK && line_reader_next(lines, &line, &n, &err)) {
        err = run_line(settings, chat, arena, line, n);
        if (err != OK)
            err_prefix(err, "%s:%lld", path, (long long)line_reader_number(lines));
        arena_reset(arena);
    }
    arena_free(arena);
    line_reader_free(lines);
    return err;
}

static Err open_chat(ChatTemplate **out, const ChatSettings *settings, const Tokenizer *tok, Arena *arena)
{
    const char *source;
    size_t n;
    if (!settings->template)
        return chat_open(out, tok, settings->tokenizer, settings->name);
    TRY(file_read(&source, &n, arena, settings->template));
    return chat_open_text(out, tok, settings->template, source, n);
}

Err cmd_tokenizer_chat(Arena *arena, int argc, char **argv)
{
    ChatSettings settings = {0};
    CommandWords files;
    TRY(command_line_read(&files, &tokenizer_chat_help, &settings, arena, argc, argv));
    if (files.helped)
        return OK;
    if (!settings.tokenizer)
        return err_set(ERR_USAGE, "tokenizer chat: expected --tokenizer DIR");
    Tokenizer *tok;
    ChatTemplate *chat = NULL;
    TRY(tokenizer_load(&tok, settings.tokenizer));
    Err err = open_chat(&chat, &settings, tok, arena);
    if (err == OK && files.n == 0)
        err = run_file(&settings, chat, "-");
    for (int i = 0; i < files.n && err == OK; i++)
        err = run_file(&settings, chat, files.word[i]);
    chat_free(chat);
    tokenizer_free(tok);
    return err;
}
