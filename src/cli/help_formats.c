#include "cli/help_formats.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *help_format(int argc, char **argv)
{
    static const char flag[] = "--help=";
    return argc > 1 && strncmp(argv[argc - 1], flag, sizeof flag - 1) == 0 ? argv[argc - 1] + sizeof flag - 1 : NULL;
}

/* "corpus dedup compare IN... [settings]" is the path "corpus dedup compare": its words in small letters. */
static const char *path_of(const char *synopsis, Arena *arena)
{
    size_t n = 0;
    for (const char *word = synopsis; islower((unsigned char)*word) && strcspn(word, " ") == strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-");) {
        n = (size_t)(word - synopsis) + strcspn(word, " ");
        word = synopsis + n + (synopsis[n] == ' ');
    }
    return arena_strndup(arena, synopsis, n);
}

/* ---- a manual page (man-pages(7), groff_man(7)) ---- */

/* Hyphens that are minus signs, backslashes, and dots that would begin a request. */
static void put_roff(const char *text)
{
    for (const char *p = text; *p; p++) {
        if ((p == text || p[-1] == '\n') && (*p == '.' || *p == '\''))
            fputs("\\&", stdout);
        if (*p == '\\')
            fputs("\\e", stdout);
        else if (*p == '-')
            fputs("\\-", stdout);
        else
            fputc(*p, stdout);
    }
}

static void print_roff(const CommandHelp *help, const void *defaults, Arena *arena)
{
    printf(".SS jikji ");
    put_roff(help->synopsis);
    putchar('\n');
    if (help->about)
        put_roff(help->about);
    printf(".PP\n.EX\n");
    put_roff(help->examples);
    printf(".EE\n");
    for (int i = 0; i < help->table.n_rows; i++) {
        const Option *row = &help->table.rows[i];
        const char *value = options_get(&help->table, defaults, arena, row->name);
        printf(".TP\n.BI \\-\\-");
        put_roff(row->name);
        printf(" \" ");
        put_roff(option_value_word(row));
        printf("\"\n");
        put_roff(row->help);
        if (value[0]) {
            printf(" (");
            put_roff(value);
            printf(")");
        }
        putchar('\n');
    }
}

Err help_print_manual(const Command *commands, int n_commands)
{
    printf(".TH JIKJI 1 \"\" \"Jikji\" \"User Commands\"\n.SH NAME\njikji \\- from raw text to a language model that answers\n"
           ".SH SYNOPSIS\n.B jikji\n.I COMMAND\n[words] [settings]\n.SH DESCRIPTION\n");
    for (int i = 0; i < n_commands; i++) {
        printf(".TP\n.B ");
        put_roff(commands[i].name);
        putchar('\n');
        put_roff(commands[i].help);
        putchar('\n');
    }
    printf(".SH COMMANDS\n");
    TRY(help_print_group(commands, n_commands, "roff"));
    printf(".SH EXIT STATUS\n.TP\n.B 0\ndone\n.TP\n.B 1\nfailed\n.TP\n.B 2\nthe command line or a setting cannot be meant\n"
           ".TP\n.B 130\ninterrupted, after a clean stop\n"
           ".SH ENVIRONMENT\n.TP\n.B OMP_NUM_THREADS\nthreads; results do not depend on it\n.TP\n.B LANG\nthe language that reports open in\n");
    return OK;
}

/* ---- completion ---- */

static void print_words(const CommandHelp *help, Arena *arena)
{
    const char *path = path_of(help->synopsis, arena);
    printf("%s\t--help\t\n", path);
    for (int i = 0; i < help->table.n_rows; i++) {
        const Option *row = &help->table.rows[i];
        printf("%s\t--%s\t%s\n", path, row->name, row->choices ? row->choices : row->kind == OPTION_KIND_BOOL ? "true|false" : "");
    }
}

/* In fish a text stands between single quotes; a quote and a backslash in it are escaped. */
static void put_fish(const char *text)
{
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

static void print_fish(const CommandHelp *help, Arena *arena)
{
    const char *path = path_of(help->synopsis, arena);
    for (int i = 0; i < help->table.n_rows; i++) {
        const Option *row = &help->table.rows[i];
        const char *choices = row->choices ? row->choices : "";
        printf("complete -c jikji -n '__jikji_at %s' -l %s -d ", path, row->name);
        put_fish(row->help);
        if (choices[0]) {
            printf(" -x -a '");
            for (; *choices; choices++)
                putchar(*choices == '|' ? ' ' : *choices);
            putchar('\'');
        } else if (row->kind != OPTION_KIND_BOOL) {
            printf(" -r");
        }
        putchar('\n');
    }
}

/* The table of paths, flags and choices is read by this function; zsh runs it through its bashcompinit. */
static const char bash_function[] =
    "_jikji() {\n"
    "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" path= next i p f c rest flags= subs= values=\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        next=\"${path:+$path }${COMP_WORDS[i]}\"\n"
    "        case $'\\n'\"$_jikji_table\" in *$'\\n'\"$next\"$'\\t'*|*$'\\n'\"$next \"*) path=\"$next\" ;; *) break ;; esac\n"
    "    done\n"
    "    while IFS=$'\\t' read -r p f c; do\n"
    "        if [ \"$p\" = \"$path\" ]; then\n"
    "            flags=\"$flags $f\"\n"
    "            if [ \"$f\" = \"$prev\" ]; then values=\"${c//|/ }\"; fi\n"
    "        else\n"
    "            case \"$p\" in \"${path:+$path }\"*) rest=\"${p#\"${path:+$path }\"}\"; rest=\"${rest%% *}\"\n"
    "                case \"$subs \" in *\" $rest \"*) ;; *) subs=\"$subs $rest\" ;; esac ;;\n"
    "            esac\n"
    "        fi\n"
    "    done <<< \"$_jikji_table\"\n"
    "    if [ -n \"$values\" ]; then COMPREPLY=($(compgen -W \"$values\" -- \"$cur\"))\n"
    "    elif [ \"${cur#-}\" != \"$cur\" ]; then COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\"))\n"
    "    elif [ -n \"$subs\" ] && [ \"${prev#-}\" = \"$prev\" ]; then COMPREPLY=($(compgen -W \"$subs\" -- \"$cur\"))\n"
    "    else COMPREPLY=($(compgen -f -- \"$cur\"))\n"
    "    fi\n"
    "}\n"
    "complete -o filenames -F _jikji jikji\n";

static const char fish_function[] =
    "function __jikji_at\n"
    "    set -l words (string match -v -- '-*' (commandline -opc)[2..-1])\n"
    "    set -l n (count $argv)\n"
    "    test (count $words) -ge $n; and test \"$words[1..$n]\" = \"$argv\"\n"
    "end\n";

Err help_print_completion(const Command *commands, int n_commands, const char *shell)
{
    bool zsh = strcmp(shell, "zsh") == 0;
    if (strcmp(shell, "fish") == 0) {
        fputs(fish_function, stdout);
        for (int i = 0; i < n_commands; i++) {
            printf("complete -c jikji -n 'test (count (commandline -opc)) -eq 1' -a %s -d ", commands[i].name);
            put_fish(commands[i].help);
            putchar('\n');
        }
        return help_print_group(commands, n_commands, "fish");
    }
    if (!zsh && strcmp(shell, "bash") != 0)
        return err_set(ERR_USAGE, "completion %s: no such shell; known: bash, zsh, fish", shell);
    if (zsh)
        printf("#compdef jikji\nautoload -U +X bashcompinit && bashcompinit\n");
    printf("_jikji_table='");
    TRY(help_print_group(commands, n_commands, "words"));
    printf("'\n%s", bash_function);
    return OK;
}

/* ---- one command, or a group of them ---- */

Err help_print(const char *format, const CommandHelp *help, const void *defaults, Arena *arena)
{
    if (strcmp(format, "roff") == 0)
        print_roff(help, defaults, arena);
    else if (strcmp(format, "words") == 0)
        print_words(help, arena);
    else if (strcmp(format, "fish") == 0)
        print_fish(help, arena);
    else
        return err_set(ERR_USAGE, "--help=%s: no such format; known: roff, words, fish", format);
    return OK;
}

Err help_print_group(const Command *commands, int n_commands, const char *format)
{
    Arena *arena = arena_new();
    Err err = OK;
    for (int i = 0; i < n_commands && err == OK; i++)
        err = commands[i].run(2, (char *[]){arena_strdup(arena, commands[i].name), arena_printf(arena, "--help=%s", format), NULL});
    arena_free(arena);
    return err;
}
