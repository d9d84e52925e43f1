/* cmd_tokenizer_show.c - `jikji tokenizer show`: a text in a terminal, coloured by token, each token's id below it. Cells are as wide as the wider
 * of both, so that columns stand in line also under Hangul, which takes two places a character. */
#include "base/file.h"
#include "base/log.h"
#include "cli/cmd_tokenizer.h"
#include "text/tokenizer/tokenizer.h"
#include "text/unicode/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct {
    const char *tokenizer, *pattern, *file;
    int color;
    int64_t width;
    bool ids, special;
} ShowSettings;

enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
static const Option options[] = {
    OPTION_TEXT("tokenizer", ShowSettings, tokenizer, "directory, tokenizer.json, .model, .tiktoken, vocab.json, vocab.txt or llm.c's .bin"),
    OPTION_TEXT("file", ShowSettings, file, "show a file instead of words"),
    OPTION_CHOICE("color", ShowSettings, color, "auto|always|never", "auto: when stdout is a terminal"),
    OPTION_INT("width", ShowSettings, width, 0, 100000, "columns; 0: those of the terminal, or 80"),
    OPTION_BOOL("ids", ShowSettings, ids, "ids below the tokens"),
    OPTION_BOOL("special", ShowSettings, special, "add what the tokenizer's own template adds"),
    OPTION_TEXT("pattern", ShowSettings, pattern, "for .tiktoken and .bin"),
};
const CommandHelp tokenizer_show_help = {
    .synopsis = "tokenizer show --tokenizer PATH [TEXT... | --file FILE]",
    .examples = "    jikji tokenizer show --tokenizer tok '나는 학교에 간다.'\n"
                "    jikji tokenizer show --tokenizer gpt2.tiktoken --file README.md --ids false\n",
    .about = "A space shows as ·, a line break as ⏎, a tab as →, bytes that are no character as \\xHH.\n",
    .table = {options, N_ELEMENTS(options)},
    .n_words_max = COMMAND_WORDS_MAX,
};

/* What a reader sees of a token. */
typedef struct {
    const char *text;
    int columns;
    bool ends_line;
} Cell;

static Cell cell_of(Arena *arena, const char *bytes, size_t n)
{
    char *out = arena_alloc(arena, n * 4 + 1);
    Cell cell = {out, 0, false};
    for (size_t at = 0; at < n;) {
        uint32_t c;
        size_t length = (size_t)utf8_decode(&c, bytes + at, bytes + n);
        const char *shown = c == ' ' ? "·" : c == '\n' ? "⏎" : c == '\t' ? "→" : NULL;
        if (shown) {
            out = stpcpy(out, shown);
        } else if (c == UTF8_ILL_FORMED || c < 0x20 || c == 0x7F) {
            for (size_t i = 0; i < length; i++)
                out += sprintf(out, "\\x%02X", (unsigned char)bytes[at + i]);
        } else {
            memcpy(out, bytes + at, length);
            out += length;
        }
        cell.ends_line = c == '\n';
        at += length;
    }
    *out = '\0';
    cell.columns = text_columns(cell.text);
    return cell;
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

typedef struct {
    Cell *cells;
    char (*ids)[12];
    int64_t n;
    bool colored, with_ids;
} Row;

static void print_cell(const Row *row, int64_t i, const char *text, int columns)
{
    static const int colors[] = {194, 225, 195, 223, 189, 229};  /* light backgrounds of the 256-colour palette, dark letters on them */
    int width = row->cells[i].columns;
    if (row->with_ids && (int)strlen(row->ids[i]) > width)
        width = (int)strlen(row->ids[i]);
    if (row->colored)
        printf("\x1b[38;5;16;48;5;%dm", colors[i % N_ELEMENTS(colors)]);
    else if (i)
        putchar('|');
    printf("%s%*s", text, width - columns, "");
}

static void end_line(const Row *row)
{
    puts(row->colored ? "\x1b[0m" : "");
}

static void print_rows(const Row *row, int width)
{
    for (int64_t begin = 0; begin < row->n;) {
        int64_t end = begin;
        for (int used = 0; end < row->n; end++) {
            int columns = row->cells[end].columns, id_columns = row->with_ids ? (int)strlen(row->ids[end]) : 0;
            used += (columns > id_columns ? columns : id_columns) + (row->colored ? 0 : 1);
            if (end > begin && (used > width || row->cells[end - 1].ends_line))
                break;
        }
        Row part = {row->cells + begin, row->ids + begin, end - begin, row->colored, row->with_ids};
        for (int64_t i = 0; i < part.n; i++)
            print_cell(&part, i, part.cells[i].text, part.cells[i].columns);
        end_line(row);
        for (int64_t i = 0; i < part.n && row->with_ids; i++)
            print_cell(&part, i, part.ids[i], (int)strlen(part.ids[i]));
        if (row->with_ids)
            end_line(row);
        begin = end;
    }
}

static void show(const ShowSettings *settings, const Tokenizer *tok, Arena *arena, const char *text, size_t n)
{
    TokenOffset *at;
    TokenSpan ids = tokenizer_encode_with(tok, arena, text, n, settings->special ? TOKENIZER_ADD_SPECIAL : 0, &at);
    Row row = {
        .cells = ARENA_ARRAY(arena, Cell, ids.n),
        .ids = arena_alloc(arena, (size_t)(ids.n + 1) * sizeof *row.ids),
        .n = ids.n,
        .colored = settings->color == COLOR_ALWAYS || (settings->color == COLOR_AUTO && isatty(STDOUT_FILENO)),
        .with_ids = settings->ids,
    };
    for (int64_t i = 0; i < ids.n; i++) {
        snprintf(row.ids[i], sizeof row.ids[i], "%d", ids.ids[i]);
        bool from_text = at[i].end > at[i].begin;
        const char *written = tokenizer_text_of(tok, ids.ids[i]) ? tokenizer_text_of(tok, ids.ids[i]) : "";
        row.cells[i] = from_text ? cell_of(arena, text + at[i].begin, (size_t)(at[i].end - at[i].begin)) : cell_of(arena, written, strlen(written));
    }
    print_rows(&row, settings->width ? (int)settings->width : terminal_columns());
    printf("%lld tokens, %lld characters, %lld bytes\n", (long long)ids.n, (long long)utf8_count(text, n), (long long)n);
}

Err cmd_tokenizer_show(Arena *arena, int argc, char **argv)
{
    ShowSettings settings = {.ids = true};
    CommandWords words;
    TRY(command_line_read(&words, &tokenizer_show_help, &settings, arena, argc, argv));
    if (words.helped)
        return OK;
    if (!settings.tokenizer || (words.n == 0) == (settings.file == NULL))
        return err_set(ERR_USAGE, "tokenizer show: expected --tokenizer PATH, and words or --file FILE");
    const char *text = words.n ? words.word[0] : "";
    for (int i = 1; i < words.n; i++)
        text = arena_printf(arena, "%s %s", text, words.word[i]);
    size_t n = strlen(text);
    if (settings.file)
        TRY(file_read(&text, &n, arena, settings.file));
    Tokenizer *tok;
    TRY(tokenizer_load_with(&tok, settings.tokenizer, &(TokenizerLoadOptions){.pattern = settings.pattern}));
    show(&settings, tok, arena, text, n);
    tokenizer_free(tok);
    return OK;
}
