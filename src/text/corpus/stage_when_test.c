/* stage_when_test.c - tests of tags: what holds, what cannot be read, and that a stage leaves the others alone, also in its first pass. */
#include "base/file.h"
#include "base/test.h"
#include "text/corpus/stage_when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool holds(Arena *arena, const char *test, const char *tags)
{
    const StageWhen *when;
    OptionTexts tests = {1, {test}};
    StageDocument document = {.text = "", .tags = tags, .path = "p", .record = "{\"source\":\"web\"}", .n_record_bytes = 16};
    return CHECK_OK(stage_when_read(&when, arena, "here", &tests)) && stage_when_holds(when, arena, &document);
}

TEST(stage_when, a_test_asks_a_tag_or_a_field)
{
    Arena *arena = arena_new();
    const char *tags = "\"language\":\"ko\",\"langid\":{\"confidence\":0.8}";
    CHECK(holds(arena, "language=ko", tags) && holds(arena, "language=en|ko", tags) && !holds(arena, "language=k", tags) && !holds(arena, "language=kok", tags));
    CHECK(!holds(arena, "language!=ja|ko", tags) && holds(arena, "language!=en", tags) && holds(arena, "missing!=en", tags) && !holds(arena, "missing=en", tags));
    CHECK(holds(arena, "langid.confidence>=0.8", tags) && !holds(arena, "langid.confidence>0.8", tags) && holds(arena, "langid.confidence<=0.8", tags));
    CHECK(!holds(arena, "langid.confidence<0.8", tags) && !holds(arena, "missing<1", tags) && !holds(arena, "language>0", tags));
    CHECK(holds(arena, "source=web", tags) && !holds(arena, "source!=web", tags));
    CHECK(stage_when_holds(NULL, arena, NULL));
    arena_free(arena);
}

TEST(stage_when, all_tests_must_hold_and_have_one_text)
{
    Arena *arena = arena_new();
    OptionTexts tests = {2, {"language=ko", "a.b>=2"}};
    const StageWhen *when;
    REQUIRE_OK(stage_when_read(&when, arena, "here", &tests));
    StageDocument document = {.text = "", .tags = "\"language\":\"ko\",\"a\":{\"b\":2}", .path = "p"};
    CHECK(stage_when_holds(when, arena, &document));
    document.tags = "\"language\":\"ko\",\"a\":{\"b\":1}";
    CHECK(!stage_when_holds(when, arena, &document));
    CHECK_STRING(stage_when_text(arena, when), "language=ko,a.b>=2");
    CHECK_STRING(stage_when_text(arena, NULL), "");
    arena_free(arena);
}

TEST(stage_when, what_is_no_test_is_one_error)
{
    static const char *const bad[] = {"", "language", "=ko", "language=", "language==ko", "a=>3", "a>x", "a>=", "a<1x", "a>nan", "!=3"};
    Arena *arena = arena_new();
    const StageWhen *when;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        OptionTexts tests = {1, {bad[i]}};
        if (!CHECK(stage_when_read(&when, arena, "web.yaml:7", &tests) == ERR_USAGE && strstr(err_message(), "web.yaml:7: ")))
            test_note("%s", bad[i]);
    }
    arena_free(arena);
}

/* A stage that drops all it is for, by a verdict. */
static void look_nothing(void *context, Arena *arena, const StageDocument *document, const void **note, size_t *n)
{
    (void)context, (void)arena;
    CHECK(strstr(document->record, "\"ko\"") != NULL);
    *note = NULL, *n = 0;
}

static Err count_notes(void *context, Spool *notes, Spool *verdicts, const StageRoom *room)
{
    const void *note;
    size_t n;
    Err err;
    (void)room;
    while (spool_next(notes, &note, &n, &err)) {
        (*(int *)context)++;
        TRY(spool_add(verdicts, "ko", 2));
    }
    return err;
}

static void drop_all(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    (void)context, (void)arena;
    CHECK(document->n_verdict_bytes == 2 && strstr(document->record, "\"ko\"") != NULL);
    result->drop_rule = "mine";
}

TEST(stage_when, others_pass_by_the_first_pass_and_the_work)
{
    Arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/in.jsonl", test_dir()), *out = arena_printf(arena, "%s/out.jsonl", test_dir()), *text;
    FILE *file = fopen(path, "wb");
    for (int i = 0; i < 90; i++)
        fprintf(file, "{\"text\":\"%d\",\"language\":\"%s\"}\n", i, i % 3 ? "en" : "ko");
    fclose(file);
    int n_notes = 0;
    OptionTexts tests = {1, {"language=ko"}};
    Stage stage = {.name = "mine", .look = look_nothing, .decide = count_notes, .work = drop_all, .context = &n_notes};
    REQUIRE_OK(stage_when_read(&stage.when, arena, "test", &tests));
    StageOptions options = {.inputs = &path, .n_inputs = 1, .documents = document_options_default(), .out = out};
    StageReport report;
    REQUIRE_OK(stage_run(&report, &stage, &options));
    CHECK_EQUAL(n_notes, 30);
    CHECK(report.n_in == 90 && report.n_out == 60 && report.n_passed_by == 60 && report.n_changed == 0);
    size_t n;
    REQUIRE_OK(file_read(&text, &n, arena, out));
    CHECK(strstr(text, "\"language\":\"en\"") && !strstr(text, "\"ko\""));
    arena_free(arena);
}
