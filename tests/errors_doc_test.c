/* errors_doc_test.c - docs/errors.md tells the truth: each message that it lists is one that the source can say, and each kind of failure has
 * its place there. */
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/test.h"

#include <ctype.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>

/* A format of printf as the page writes it: every directive, or several in a row, is "…"; escapes are resolved; literals that follow each other are
 * one. `p` stands behind the opening quote; returns where the literal ends. */
static const char *put_format(FILE *out, const char *p)
{
    bool gap = false;
    while (*p) {
        if (*p == '"') {
            const char *next = p + 1;
            while (isspace((unsigned char)*next))
                next++;
            if (*next != '"')
                break;
            p = next + 1;
        } else if (*p == '%' && p[1] != '%') {
            p += 1 + strcspn(p + 1, "diufegscxXzp");
            if (*p == 'z')
                p++;
            if (!gap)
                fputs("…", out);
            gap = true;
            p++;
        } else {
            gap = false;
            p += *p == '\\' || (*p == '%' && p[1] == '%');
            fputc(*p++, out);
        }
    }
    return p;
}

/* All formats of err_set in the tree, a line each. */
static char *all_messages(Arena *arena)
{
    char *text = NULL;
    size_t n_bytes = 0;
    FILE *out = open_memstream(&text, &n_bytes);
    char *tops[] = {arena_strdup(arena, test_source_path("src")), NULL};
    FTS *walk = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *entry; walk && (entry = fts_read(walk));) {
        const char *source;
        size_t n = entry->fts_namelen;
        if (entry->fts_info != FTS_F || n < 3 || strcmp(entry->fts_name + n - 2, ".c") != 0 || strstr(entry->fts_name, "_test.c"))
            continue;
        CHECK_OK(file_read(&source, &(size_t){0}, arena, entry->fts_path));
        for (const char *p = source; (p = strstr(p, "err_set(ERR_"));) {
            p += strcspn(p, ",\n");
            while (*p == ',' || isspace((unsigned char)*p))
                p++;
            if (*p != '"')
                continue;
            p = put_format(out, p + 1);
            fputc('\n', out);
        }
    }
    if (walk)
        fts_close(walk);
    fclose(out);
    return text;
}

/* The message of a row "| `message` | cure |", between fences of one or two backticks; NULL for other lines. */
static const char *documented(Arena *arena, const char *line)
{
    bool two = strncmp(line, "| `` ", 5) == 0;
    if (!two && strncmp(line, "| `", 3) != 0)
        return NULL;
    const char *begin = line + (two ? 5 : 3), *end = strstr(begin, two ? " `` | " : "` | ");
    return end ? arena_strndup(arena, begin, (size_t)(end - begin)) : NULL;
}

/* "message" whole, as a line of the messages. */
static bool is_said(const char *messages, const char *message)
{
    size_t n = strlen(message);
    for (const char *p = messages; (p = strstr(p, message)); p++)
        if ((p == messages || p[-1] == '\n') && p[n] == '\n')
            return true;
    return false;
}

TEST(errors_doc, every_message_that_is_listed_is_in_the_source)
{
    Arena *arena = arena_new();
    const char *page = "";
    int n = 0;
    char *messages = all_messages(arena);
    CHECK(is_said(messages, "optim.betas must lie below 1") && !is_said(messages, "optim.betas must"));  /* the judge can fail */
    REQUIRE_OK(file_read(&page, &(size_t){0}, arena, test_source_path("docs/errors.md")));
    for (const char *line = page; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *message = documented(arena, line);
        if (!message)
            continue;
        n++;
        if (!CHECK(is_said(messages, message)))
            test_note("not in the source: %s", message);
    }
    CHECK(n >= 30);
    free(messages);
    arena_free(arena);
}

TEST(errors_doc, every_kind_of_failure_has_a_heading)
{
    Arena *arena = arena_new();
    const char *page = "";
    REQUIRE_OK(file_read(&page, &(size_t){0}, arena, test_source_path("docs/errors.md")));
    for (int e = ERR_USAGE; e <= ERR_INTERRUPTED; e++)
        if (!CHECK(strstr(page, arena_printf(arena, "\n## %s\n", err_name((Err)e)))))
            test_note("no heading: %s", err_name((Err)e));
    arena_free(arena);
}
