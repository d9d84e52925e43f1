/* parts_test.c - paragraphs and sentences that repeat stay in one place, whatever the order, the memory or the threads. */
#include "base/file.h"
#include "base/test.h"
#include "text/corpus/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The texts of the stage's output, sorted, one a line, '/' for line breaks. */
static const char *run_parts(Arena *arena, const char *unit, const char *const *texts, int n, int64_t memory_bytes)
{
    const char *in = arena_printf(arena, "%s/in.jsonl", test_dir()), *out = arena_printf(arena, "%s/out.jsonl", test_dir()), *lines = "";
    for (int i = 0; i < n; i++)
        lines = arena_printf(arena, "%s{\"text\":\"%s\"}\n", lines, texts[i]);
    CHECK(file_write(in, lines, strlen(lines)) == OK);
    const StageKind *kind = stage_kind_find("parts");
    void *settings = stage_settings_new(kind, arena);
    CHECK(options_set(&kind->table, settings, arena, "test", "unit", unit) == OK && options_set(&kind->table, settings, arena, "test", "bytes_min", "6") == OK);
    Stage stage;
    StageReport report;
    CHECK(stage_open(&stage, kind, settings, arena) == OK);
    StageOptions options = {.inputs = &in, .n_inputs = 1, .documents = document_options_default(), .out = out, .memory_bytes = memory_bytes};
    CHECK(stage_run(&report, &stage, &options) == OK);
    stage_close(&stage);
    const char *bytes;
    size_t n_bytes;
    CHECK(file_read(&bytes, &n_bytes, arena, out) == OK);
    return bytes;
}

TEST(parts, repeated_paragraphs_and_sentences_go)
{
    Arena *arena = arena_new();
    const char *texts[] = {"Menu of the site\\n\\nFirst story.\\nok", "Menu of the site\\n\\nSecond story.\\nok\\nSecond story."};
    const char *out = run_parts(arena, "paragraph", texts, 2, 0);
    CHECK(strstr(out, "Second story.\\nok\""));
    CHECK(strstr(out, "Menu of the site") && !strstr(strstr(out, "Menu of the site") + 1, "Menu of the site"));
    const char *sentences[] = {"비가 많이 왔다. 나는 집에 있었다.", "그는 웃었다. 비가 많이 왔다. 그리고 갔다."};
    out = run_parts(arena, "sentence", sentences, 2, 0);
    CHECK(strstr(out, "비가 많이 왔다.") && !strstr(strstr(out, "비가 많이 왔다.") + 1, "비가 많이 왔다."));
    CHECK(strstr(out, "그는 웃었다.") && strstr(out, "그리고 갔다.\""));
    arena_free(arena);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Only the texts: ids name the place in the input. */
static const char *sorted_texts(Arena *arena, const char *out)
{
    enum { LINES_MAX = 400 };
    char **lines = ARENA_ARRAY(arena, char *, LINES_MAX), *copy = arena_strdup(arena, out), *next;
    int n = 0;
    for (char *line = strtok_r(copy, "\n", &next); line && n < LINES_MAX; line = strtok_r(NULL, "\n", &next))
        lines[n++] = line;
    qsort(lines, (size_t)n, sizeof *lines, compare_lines);
    const char *all = "";
    for (int i = 0; i < n; i++)
        all = arena_printf(arena, "%s%s\n", all, lines[i]);
    return all;
}

TEST(parts, survivors_do_not_depend_on_order_or_memory)
{
    enum { N = 60 };
    Arena *arena = arena_new();
    const char *texts[N], *backwards[N];
    for (int i = 0; i < N; i++) {
        texts[i] = "";
        for (int k = 0; k < 8; k++)
            texts[i] = arena_printf(arena, "%sparagraph %d of all\\n", texts[i], (i * 7 + k * k * 5) % 41);
        texts[i] = arena_printf(arena, "%sdocument %d", texts[i], i);
        backwards[N - 1 - i] = texts[i];
    }
    const char *once = sorted_texts(arena, run_parts(arena, "paragraph", texts, N, 0));
    CHECK_STRING(sorted_texts(arena, run_parts(arena, "paragraph", backwards, N, 0)), once);
    CHECK_STRING(sorted_texts(arena, run_parts(arena, "paragraph", texts, N, 2000)), once);
    CHECK(strstr(once, "document 59"));
    arena_free(arena);
}
