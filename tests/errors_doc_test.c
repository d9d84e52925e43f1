/* errors_doc_test.c - docs/errors.md is whole and tells the truth: each message in the sources fits a row under its kind, each row fits a message. */
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/test.h"

#include <ctype.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>

#define GAP "…"

static const struct {
    const char *name;
    Err err;
} kinds[] = {{"ERR_USAGE", ERR_USAGE}, {"ERR_IO", ERR_IO}, {"ERR_FORMAT", ERR_FORMAT}, {"ERR_UNSUPPORTED", ERR_UNSUPPORTED},
             {"ERR_MEMORY", ERR_MEMORY}, {"ERR_NUMERIC", ERR_NUMERIC}, {"ERR_COMM", ERR_COMM}, {"ERR_INTERRUPTED", ERR_INTERRUPTED}};
enum { N_KINDS = sizeof kinds / sizeof *kinds, MESSAGES_MAX = 2000 };

typedef struct {
    int kind;  /* of kinds */
    const char *text, *file;
} Message;

typedef struct {
    Message message[MESSAGES_MAX];
    int n;
} Messages;

/* ---- what the sources say ---- */

/* Behind a closing quote: where the next literal begins, past the name of a macro, which is a gap; NULL: the format ends here. */
static const char *next_literal(const char *p, bool *has_gap)
{
    p += strspn(p, " \n");
    if (isupper((unsigned char)*p)) {
        *has_gap = true;
        while (isalnum((unsigned char)*p) || *p == '_')
            p++;
        p += strspn(p, " \n");
    }
    return *p == '"' ? p + 1 : NULL;
}

/* A format of printf as the page writes it: every directive, or several in a row, is a gap; escapes are resolved; literals that follow each
 * other are one. `p` stands behind the opening quote. */
static const char *format_text(const char *p, Arena *arena)
{
    char *text = NULL;
    size_t n_bytes;
    bool in_gap = false;
    FILE *out = open_memstream(&text, &n_bytes);
    while (p && *p) {
        bool is_gap = false;
        if (*p == '"') {
            p = next_literal(p + 1, &is_gap);
        } else if (*p == '%' && p[1] != '%') {
            is_gap = true;
            p += 1 + strcspn(p + 1, "diufegscxXp\"");
            p += *p != '"';  /* the rest stands in a macro: PRId64 */
        } else {
            in_gap = false;
            p += *p == '\\' || (*p == '%' && p[1] == '%');
            fputc(*p++, out);
        }
        if (is_gap && !in_gap)
            fputs(GAP, out);
        in_gap = in_gap || is_gap;
    }
    fclose(out);
    const char *kept = arena_strdup(arena, text);
    free(text);
    return kept;
}

static int kind_of(const char *p)
{
    for (int k = 0; k < N_KINDS; k++) {
        size_t n = strlen(kinds[k].name);
        if (strncmp(p, kinds[k].name, n) == 0 && p[n] == ',')
            return k;
    }
    return -1;
}

static void add_messages(Messages *all, const char *source, const char *file, Arena *arena)
{
    static const char call[] = "err_set(";
    for (const char *p = source; (p = strstr(p, call));) {
        p += sizeof call - 1;
        int kind = kind_of(p);
        if (kind < 0)
            continue;
        p += strcspn(p, ",") + 1;
        p += strspn(p, " \n");
        const char *text = *p == '"' ? format_text(p + 1, arena) : GAP;
        if (strcmp(text, GAP) != 0 && CHECK(all->n < MESSAGES_MAX))  /* a gap alone: what another place said, passed on */
            all->message[all->n++] = (Message){kind, text, file};
    }
}

static bool is_source(const FTSENT *entry)
{
    size_t n = entry->fts_namelen;
    return entry->fts_info == FTS_F && n > 2 && strcmp(entry->fts_name + n - 2, ".c") == 0 && !strstr(entry->fts_name, "_test.c") &&
           !strstr(entry->fts_name, "_fuzz.c");
}

static Messages *all_messages(Arena *arena)
{
    Messages *all = ARENA_NEW(arena, Messages);
    char *tops[] = {arena_strdup(arena, test_source_path("src")), NULL};
    FTS *walk = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *entry; walk && (entry = fts_read(walk));) {
        const char *source;
        if (is_source(entry) && CHECK_OK(file_read(&source, &(size_t){0}, arena, entry->fts_path)))
            add_messages(all, source, arena_strdup(arena, entry->fts_name), arena);
    }
    if (walk)
        fts_close(walk);
    return all;
}

/* ---- what the page says ---- */

/* A gap of the pattern stands for any text. */
static bool fits(const char *pattern, const char *text)
{
    for (; *pattern; pattern++, text++) {
        if (strncmp(pattern, GAP, strlen(GAP)) == 0) {
            for (; !fits(pattern + strlen(GAP), text); text++)
                if (!*text)
                    return false;
            return true;
        }
        if (*pattern != *text)
            return false;
    }
    return !*text;
}

/* A row of few letters stands for itself only: it would fit too much. */
static bool row_fits(const char *row, const char *text)
{
    enum { LETTERS_MIN = 6 };
    int n_letters = 0;
    for (const char *p = row; *p; p++)
        n_letters += isalpha((unsigned char)*p) != 0;
    return strcmp(row, text) == 0 || (n_letters >= LETTERS_MIN && fits(row, text));
}

/* The message of a row "| `message` | cure |", between fences of one or two backticks; NULL for other lines. */
static const char *row_message(Arena *arena, const char *line)
{
    bool two = strncmp(line, "| `` ", 5) == 0;
    if (!two && strncmp(line, "| `", 3) != 0)
        return NULL;
    const char *begin = line + (two ? 5 : 3), *end = strstr(begin, two ? " `` | " : "` | ");
    return end ? arena_strndup(arena, begin, (size_t)(end - begin)) : NULL;
}

static Messages *page_rows(Arena *arena, const char *path)
{
    Messages *rows = ARENA_NEW(arena, Messages);
    const char *page = "";
    int kind = -1;
    CHECK_OK(file_read(&page, &(size_t){0}, arena, test_source_path(path)));
    for (const char *line = page; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        for (int k = 0; k < N_KINDS; k++) {
            const char *heading = arena_printf(arena, "## %s\n", err_name(kinds[k].err));
            kind = strncmp(line, heading, strlen(heading)) == 0 ? k : kind;
        }
        const char *text = row_message(arena, line);
        if (text && CHECK(kind >= 0) && CHECK(rows->n < MESSAGES_MAX))
            rows->message[rows->n++] = (Message){kind, text, path};
    }
    return rows;
}

static bool has_row(const Messages *rows, const Message *message)
{
    for (int r = 0; r < rows->n; r++)
        if (rows->message[r].kind == message->kind && row_fits(rows->message[r].text, message->text))
            return true;
    return false;
}

static bool is_said(const Messages *all, const Message *row)
{
    for (int m = 0; m < all->n; m++)
        if (all->message[m].kind == row->kind && row_fits(row->text, all->message[m].text))
            return true;
    return false;
}

TEST(errors_doc, the_judge_can_fail)
{
    CHECK(fits("…: no such …", "…: no such file") && fits("a…", "a") && !fits("…: no such …", "no such file") && !fits("a…b", "abc"));
    CHECK(row_fits("…: …", "…: …") && !row_fits("…: …", "…: …: damaged"));
    Arena *arena = arena_new();
    CHECK_STRING(format_text("%s: %\" PRId64 \" bytes,\\n 5 %% of %d\" NAMES \" %s\", x)", arena), "…: … bytes,n 5 % of … …");
    arena_free(arena);
}

TEST(errors_doc, every_message_in_the_sources_has_a_row)
{
    Arena *arena = arena_new();
    Messages *all = all_messages(arena), *rows = page_rows(arena, "docs/errors.md");
    CHECK(all->n > 300);
    for (int m = 0; m < all->n; m++)
        if (!CHECK(has_row(rows, &all->message[m])))
            test_note("%s: no row in docs/errors.md under \"%s\": %s", all->message[m].file, err_name(kinds[all->message[m].kind].err),
                      all->message[m].text);
    arena_free(arena);
}

TEST(errors_doc, every_row_is_a_message_in_the_sources)
{
    Arena *arena = arena_new();
    Messages *all = all_messages(arena), *rows = page_rows(arena, "docs/errors.md");
    CHECK(rows->n >= 200);
    for (int r = 0; r < rows->n; r++)
        if (!CHECK(is_said(all, &rows->message[r])))
            test_note("not in the sources: %s", rows->message[r].text);
    arena_free(arena);
}

TEST(errors_doc, both_languages_list_the_same_messages)
{
    Arena *arena = arena_new();
    Messages *english = page_rows(arena, "docs/errors.md"), *korean = page_rows(arena, "docs/errors.ko.md");
    CHECK_EQUAL(korean->n, english->n);
    for (int r = 0; r < english->n && r < korean->n; r++)
        if (!CHECK_STRING(korean->message[r].text, english->message[r].text) || !CHECK_EQUAL(korean->message[r].kind, english->message[r].kind))
            break;
    arena_free(arena);
}

TEST(errors_doc, every_kind_of_failure_has_a_heading)
{
    Arena *arena = arena_new();
    const char *const pages[] = {"docs/errors.md", "docs/errors.ko.md"};
    for (int p = 0; p < 2; p++) {
        const char *page = "";
        REQUIRE_OK(file_read(&page, &(size_t){0}, arena, test_source_path(pages[p])));
        for (int e = ERR_USAGE; e <= ERR_INTERRUPTED; e++)
            if (!CHECK(strstr(page, arena_printf(arena, "\n## %s\n", err_name((Err)e)))))
                test_note("no heading: %s", err_name((Err)e));
    }
    arena_free(arena);
}
