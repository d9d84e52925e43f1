/* help_test.c - the manual page and the completion, end to end: they name every command and every setting that --help shows. */
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

/* What a shell command prints; "" and a failed check when it fails. */
static const char *printed(Arena *arena, const char *command)
{
    const char *path = arena_printf(arena, "%s/out", test_dir()), *text = "";
    CHECK_EQUAL(system(arena_printf(arena, "%s > %s 2>&1", command, path)), 0);
    CHECK_OK(file_read(&text, &(size_t){0}, arena, path));
    return text;
}

static const char *jikji(Arena *arena, const char *words)
{
    return printed(arena, arena_printf(arena, "%s %s", JIKJI_BINARY, words));
}

/* A flag as a manual page writes it: every hyphen is a minus sign. */
static const char *in_roff(Arena *arena, const char *flag)
{
    const char *text = "";
    for (; *flag; flag++)
        text = arena_printf(arena, "%s%s%c", text, *flag == '-' ? "\\" : "", *flag);
    return text;
}

/* The next line of the table in bash's completion: "path TAB flag TAB choices". */
static const char *next_row(Arena *arena, const char *at, const char **path, const char **flag)
{
    const char *tab = strchr(at, '\t'), *second = tab ? strchr(tab + 1, '\t') : NULL, *end = second ? strchr(second, '\n') : NULL;
    if (!end)
        return NULL;
    *path = arena_strndup(arena, at, (size_t)(tab - at));
    *flag = arena_strndup(arena, tab + 1, (size_t)(second - tab) - 1);
    return *at == '\'' ? NULL : end + 1;
}

/* Goal: nothing that --help shows is missing in the table, nothing in the table is unknown to --help or to the manual. Method: every path of the
 * table is asked for its --help; the flags in both are counted and compared. */
TEST(help, manual_and_completion_name_every_setting)
{
    Arena *arena = arena_new();
    const char *manual = jikji(arena, "help --man"), *script = jikji(arena, "completion bash");
    const char *at = strstr(script, "_jikji_table='"), *path, *flag, *last = "", *help = "";
    int n_paths = 0, n_flags = 0, n_shown = 0;
    REQUIRE(at != NULL);
    at += strlen("_jikji_table='");
    for (const char *next; *at != '\'' && (next = next_row(arena, at, &path, &flag)); at = next) {
        if (strcmp(path, last) != 0) {
            CHECK_EQUAL(n_flags, n_shown);
            last = path;
            help = jikji(arena, arena_printf(arena, "%s --help", path));
            n_paths++;
            n_flags = n_shown = 0;
            for (const char *p = help; (p = strstr(p, "\n  --")); p++)
                n_shown++;
        }
        if (strcmp(flag, "--help") == 0)
            continue;
        n_flags++;
        if (!CHECK(strstr(help, arena_printf(arena, "\n  %s ", flag)) && strstr(manual, in_roff(arena, flag))))
            test_note("%s %s", path, flag);
    }
    CHECK_EQUAL(n_flags, n_shown);
    CHECK(n_paths >= 20);
    arena_free(arena);
}

TEST(help, every_command_has_its_place)
{
    Arena *arena = arena_new();
    const char *page = jikji(arena, "help"), *manual = jikji(arena, "help --man"), *fish = jikji(arena, "completion fish");
    int n = 0;
    for (const char *p = page; (p = strstr(p, "\n    jikji ")); p++, n++) {
        const char *name = p + 11;
        const char *word = arena_strndup(arena, name, strcspn(name, " \n"));
        CHECK(strstr(manual, arena_printf(arena, ".TP\n.B %s\n", word)));
        CHECK(strstr(fish, arena_printf(arena, "-a %s -d", word)));
    }
    CHECK(n >= 10);
    static const char *const paths[] = {"tokenizer train", "corpus build", "corpus extract", "corpus dedup compare", "inspect graph", "bench peak", "train", "run"};
    const char *script = jikji(arena, "completion bash");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (!CHECK(strstr(script, arena_printf(arena, "\n%s\t--help\t\n", paths[i])) || strstr(script, arena_printf(arena, "'%s\t--help\t\n", paths[i]))))
            test_note("no path: %s", paths[i]);
    arena_free(arena);
}

/* Goal: the script works in the shell that it is for. Method: bash itself completes four lines. */
TEST(help, bash_completes_commands_settings_and_choices)
{
    Arena *arena = arena_new();
    static const struct {
        const char *line, *wanted;
    } cases[] = {{"tokeni", "tokenizer"}, {"tokenizer tr", "train"}, {"train --optim.weight_d", "--optim.weight_decay"}, {"train r.yaml --schedule.name cos", "cosine"}};
    const char *script = arena_printf(arena, "%s/completion", test_dir());
    const char *text = jikji(arena, "completion bash");
    REQUIRE_OK(file_write(script, text, strlen(text)));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = printed(arena, arena_printf(arena, "bash -c 'source %s; COMP_WORDS=(jikji %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _jikji;"
                                                      " echo \"${COMPREPLY[*]}\"'", script, cases[i].line));
        CHECK_STRING(got, arena_printf(arena, "%s\n", cases[i].wanted));
    }
    arena_free(arena);
}
