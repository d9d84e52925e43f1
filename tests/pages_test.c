/* pages_test.c - what is written in two languages says as much in both: the same headings, code, links and tables in the same order. */
#include "base/arena.h"
#include "base/file.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

/* A line of code without its comment, which is in the page's language: behind " # ", and in an indented block also behind two blanks; a line that is
 * indented further goes on with a comment. */
static void put_code(FILE *out, const char *line, size_t n, bool fenced)
{
    const char *code = fenced ? line : line + 4, *end = line + n;
    const char *comment = memmem(code, (size_t)(end - code), " # ", 3), *blanks = fenced ? NULL : memmem(code, (size_t)(end - code), "  ", 2);
    end = comment ? comment : end;
    end = blanks && blanks < end ? blanks : end;
    while (end > code && end[-1] == ' ')
        end--;
    if (end > code)
        fprintf(out, "code %.*s\n", (int)(end - code), code);
}

/* Targets of links in order; those of the page's own twin are left out. */
static void put_links(FILE *out, const char *line, size_t n)
{
    for (const char *p = line, *end = line + n; p < end && (p = memmem(p, (size_t)(end - p), "](", 2)); p += 2) {
        int n_target = (int)strcspn(p + 2, ")\n");
        if (!memmem(p + 2, (size_t)n_target, ".ko.md", 6) && !memmem(p + 2, (size_t)n_target, "tour.md", 7))
            fprintf(out, "link %.*s\n", n_target, p + 2);
    }
}

/* A page's bones, a line each: level of a heading, code, columns of a row, links. */
static char *bones(Arena *arena, const char *path)
{
    const char *page = "";
    char *text = NULL;
    size_t n_bytes = 0;
    bool fenced = false;
    FILE *out = open_memstream(&text, &n_bytes);
    CHECK_OK(file_read(&page, &(size_t){0}, arena, test_source_path(path)));
    for (const char *line = page, *end; *line; line = *end ? end + 1 : end) {
        end = strchrnul(line, '\n');
        size_t n = (size_t)(end - line);
        if (strncmp(line, "```", 3) == 0)
            fenced = !fenced;
        else if (fenced || strncmp(line, "    ", 4) == 0)
            put_code(out, line, n, fenced);
        else if (line[0] == '#')
            fprintf(out, "heading %d\n", (int)strspn(line, "#"));
        else if (line[0] == '|') {
            int n_columns = 0;
            for (size_t i = 0; i < n; i++)
                n_columns += line[i] == '|';
            fprintf(out, "row %d\n", n_columns);
        }
        put_links(out, line, n);
    }
    fclose(out);
    return text;
}

static void check_twins(const char *english, const char *korean)
{
    Arena *arena = arena_new();
    char *a = bones(arena, english), *b = bones(arena, korean);
    CHECK_STRING(b, a);
    CHECK(strstr(a, "heading 2") && strstr(a, "code"));  /* it did look */
    free(a);
    free(b);
    arena_free(arena);
}

TEST(pages, the_readme_has_the_same_bones_in_both_languages)
{
    check_twins("README.md", "README.ko.md");
}

TEST(pages, the_tour_has_the_same_bones_in_both_languages)
{
    check_twins("docs/tour.md", "docs/tour.ko.md");
}
