/* stage_test.c - tags from stage to stage, notes and verdicts in the order of documents, the table of kinds. */
#include "base/arena_limit.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/test.h"
#include "text/corpus/stage_chain.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_tag(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    (void)arena, (void)document;
    result->tags = context;
}

static void drop_short(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    (void)context;
    double least = stage_tag_number(arena, document, "least.bytes");
    if ((double)document->n_bytes < least)
        result->drop_rule = "short", result->drop_value = (double)document->n_bytes;
}

TEST(stage, tags_of_one_stage_reach_the_next_and_replace_older_ones)
{
    Arena *arena = arena_new();
    const Stage stages[] = {
        {.name = "a", .work = add_tag, .context = (void *)"\"language\":\"ko\",\"least\":{\"bytes\":3}"},
        {.name = "b", .work = add_tag, .context = (void *)"\"language\":\"en\""},
        {.name = "c", .work = drop_short},
    };
    StageDocument document = {.text = "four", .n_bytes = 4, .record = "{\"id\":7,\"body\":\"x\",\"language\":\"ja\"}", .tags = "", .path = "p", .line = 1};
    document.n_record_bytes = strlen(document.record);
    CHECK_STRING(stage_tag_text(arena, &document, "language"), "ja");
    CHECK(stage_tag_text(arena, &document, "least.bytes") == NULL && isnan(stage_tag_number(arena, &document, "language")));
    StageStep steps[3];
    CHECK_EQUAL(stage_chain_apply(stages, 3, NULL, arena, &document, steps), 3);
    CHECK_STRING(stage_tag_text(arena, &document, "language"), "en");
    CHECK(stage_tag_number(arena, &document, "least.bytes") == 3 && !steps[2].result.drop_rule);
    size_t n;
    const char *json = stage_record_json(arena, &document, "body", NULL, NULL, &n);
    CHECK_STRING(arena_strndup(arena, json, n), "{\"id\":7,\"text\":\"four\",\"least\":{\"bytes\":3},\"language\":\"en\"}");
    document = (StageDocument){.text = "ab", .n_bytes = 2, .tags = "", .path = "p", .line = 9};
    CHECK_EQUAL(stage_chain_apply(stages, 3, NULL, arena, &document, steps), 3);
    CHECK(steps[2].result.drop_rule && steps[2].result.drop_value == 2);
    json = stage_record_json(arena, &document, "text", "c", &steps[2].result, &n);
    CHECK(strstr(json, "{\"id\":\"p:9\",\"text\":\"ab\",\"dropped\":{\"stage\":\"c\",\"rule\":\"short\",\"value\":2.0},") == json);
    arena_free(arena);
}

/* A stage with everything: its first pass numbers the documents, its notes are read at the end. */

static void look_length(void *context, Arena *arena, const StageDocument *document, const void **note, size_t *n_bytes)
{
    (void)context, (void)arena;
    *note = document->text;
    *n_bytes = document->n_bytes + 1;  /* the NUL behind it */
}

static Err number_all(void *context, Spool *notes, Spool *verdicts, const StageRoom *room)
{
    const void *note;
    size_t n;
    Err err;
    CHECK(room->memory_bytes > 0 && context != NULL);
    for (int64_t i = 0; spool_next(notes, &note, &n, &err); i++) {
        CHECK_EQUAL(strtoll(note, NULL, 10), i);
        TRY(spool_add(verdicts, &i, sizeof i));
    }
    return err;
}

static void keep_even(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    (void)context;
    int64_t number = *(const int64_t *)document->verdict;
    CHECK_EQUAL(strtoll(document->text, NULL, 10), number);
    if (number % 2)
        result->drop_rule = "odd", result->drop_value = (double)number;
    result->note = arena_printf(arena, "%" PRId64, number);
    result->n_note_bytes = strlen(result->note) + 1;
}

static Err sum_notes(void *context, Spool *notes)
{
    const void *note;
    size_t n;
    Err err;
    for (int64_t i = 0; spool_next(notes, &note, &n, &err); i++) {
        CHECK_EQUAL(strtoll(note, NULL, 10), i);
        *(int64_t *)context += i;
    }
    return err;
}

TEST(stage, notes_and_verdicts_keep_the_order_of_documents)
{
    enum { N = 20000 };  /* several batches */
    Arena *arena = arena_new();
    const char *in = arena_printf(arena, "%s/in.txt", test_dir()), *out = arena_printf(arena, "%s/out.jsonl", test_dir());
    FILE *file = fopen(in, "wb");
    for (int i = 0; i < N; i++)
        fprintf(file, "%d\n", i);
    fclose(file);
    int64_t sum = 0;
    Stage stage = {.name = "even", .look = look_length, .decide = number_all, .work = keep_even, .finish = sum_notes, .context = &sum};
    StageOptions options = {.inputs = &in, .n_inputs = 1, .documents = document_options_default(), .out = out};
    options.documents.format = DOCUMENT_LINES;
    StageReport report;
    int n_threads = parallel_threads();
    parallel_set_threads(4);
    CHECK_OK(stage_run(&report, &stage, &options));
    parallel_set_threads(n_threads);
    CHECK_EQUAL(report.n_in, N);
    CHECK_EQUAL(report.n_out, N / 2);
    CHECK(report.n_drops == 1 && report.drops[0].n == N / 2);
    CHECK_EQUAL(sum, (int64_t)N * (N - 1) / 2);
    const char *standard_input = "-";
    options.inputs = &standard_input;
    CHECK(stage_run(&report, &stage, &options) == ERR_USAGE);
    arena_free(arena);
}

static void look_record(void *context, Arena *arena, const StageDocument *document, const void **note, size_t *n_bytes)
{
    (void)arena;
    if (document->record)
        __atomic_add_fetch((int *)context, 1, __ATOMIC_RELAXED);
    *note = document->text;
    *n_bytes = 0;
}

static Err decide_nothing(void *context, Spool *notes, Spool *verdicts, const StageRoom *room)
{
    (void)context, (void)room;
    for (int64_t i = 0; i < spool_n(notes); i++)
        TRY(spool_add(verdicts, NULL, 0));
    return OK;
}

static void work_with_record(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    (void)context, (void)arena, (void)result;
    CHECK(document->record && document->n_record_bytes == strlen("{\"id\":1,\"text\":\"one\"}"));
}

/* Goal: copies are told apart by their records, so a look sees them unless it says that the text is enough. */
TEST(stage, a_look_sees_the_record_unless_it_needs_the_text_alone)
{
    static const char lines[] = "{\"id\":1,\"text\":\"one\"}\n{\"id\":2,\"text\":\"two\"}\n";
    Arena *arena = arena_new();
    const char *in = arena_printf(arena, "%s/in.jsonl", test_dir());
    CHECK_OK(file_write(in, lines, strlen(lines)));
    for (int alone = 0; alone < 2; alone++) {
        int n_records = 0;
        Stage stage = {.name = "looking", .look = look_record, .decide = decide_nothing, .work = work_with_record, .context = &n_records,
                       .looks_at_text = alone == 1};
        StageOptions options = {.inputs = &in, .n_inputs = 1, .documents = document_options_default()};
        StageReport report;
        CHECK_OK(stage_run(&report, &stage, &options));
        CHECK_EQUAL(report.n_out, 2);
        CHECK_EQUAL(n_records, alone ? 0 : 2);
    }
    arena_free(arena);
}

/* Goal: every kind opens with its defaults, or says what it cannot do without. */
TEST(stage, every_kind_opens_with_its_defaults)
{
    Arena *arena = arena_new();
    for (int i = 0; i < stage_n_kinds(); i++) {
        const StageKind *kind = stage_kind(i);
        Stage stage;
        CHECK(stage_kind_find(kind->name) == kind && kind->version >= 1 && kind->help && kind->examples && kind->about);
        Err err = stage_open(&stage, kind, stage_settings_new(kind, arena), arena);
        if (err == ERR_USAGE && strstr(err_message(), "is missing"))
            continue;
        if (CHECK_OK(err))
            CHECK(stage.work && stage.context && !stage.look == !stage.decide);
        stage_close(&stage);
    }
    CHECK(stage_kind_find("no such stage") == NULL);
    arena_free(arena);
}

static void take_memory(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    (void)context;
    memset(arena_alloc(arena, document->n_bytes * 1000), 1, document->n_bytes * 1000);
    if (document->n_bytes == 5)
        usleep(30000);
    result->text = document->text, result->n_bytes = document->n_bytes;
}

TEST(stage, a_document_that_takes_too_much_is_dropped_with_what_it_took)
{
    Arena *arena = arena_new();
    const Stage stages[] = {{.name = "greedy", .work = take_memory}, {.name = "after", .work = add_tag, .context = (void *)"\"a\":1"}};
    const StageLimits limits = {.seconds = 0.02, .memory_bytes = 100000};
    StageStep steps[2];
    StageDocument document = {.text = "abc", .n_bytes = 3, .tags = "", .path = "p", .line = 1};
    CHECK_EQUAL(stage_chain_apply(stages, 2, &limits, arena, &document, steps), 2);
    CHECK(!steps[1].result.drop_rule);
    arena_reset(arena);
    const char *big = arena_printf(arena, "%0200d", 7);
    document = (StageDocument){.text = big, .n_bytes = 200, .tags = "", .path = "p", .line = 1};
    CHECK_EQUAL(stage_chain_apply(stages, 2, &limits, arena, &document, steps), 1);
    CHECK_STRING(steps[0].result.drop_rule, "limit.memory");
    CHECK(steps[0].result.drop_value >= 200000);
    arena_reset(arena);
    document = (StageDocument){.text = "slow!", .n_bytes = 5, .tags = "", .path = "p", .line = 1};
    CHECK_EQUAL(stage_chain_apply(stages, 2, &limits, arena, &document, steps), 1);
    CHECK_STRING(steps[0].result.drop_rule, "limit.seconds");
    arena_free(arena);
}

/* Goal: work that would take for ever ends at the limit. Method: a stage that only asks; and each long function of the room on a text that it would
 * take much longer for than its limit allows. */
static void work_for_ever(void *context, Arena *arena, const StageDocument *document, StageResult *result)
{
    (void)document, (void)result;
    while (!arena_is_spent(arena))
        ++*(int64_t *)context;
}

TEST(stage, the_limit_ends_work_that_would_not_end)
{
    Arena *arena = arena_new();
    int64_t n_turns = 0;
    const Stage stage = {.name = "endless", .work = work_for_ever, .context = &n_turns};
    const StageLimits limits = {.seconds = 0.05};
    StageStep step;
    StageDocument document = {.text = "a", .n_bytes = 1, .tags = "", .path = "p", .line = 1};
    CHECK_EQUAL(stage_chain_apply(&stage, 1, &limits, arena, &document, &step), 1);
    CHECK_STRING(step.result.drop_rule, "limit.seconds");
    CHECK(n_turns > 0 && !arena_is_spent(arena));
    arena_free(arena);
}

TEST(stage, long_stages_stop_when_the_document_is_spent)
{
    static const struct { const char *kind, *unit; bool is_page; } cases[] = {
        {"extract", "<div class=a><p>Some words of a page, a <a href=x>link</a>.</p></div>", true},
        {"pii", "12-3456-78 a@b 2001:db8:: ", false},
        {"patterns", "1 2 3 4 5 6 7 8 9 ", false},
        {"quality", "a few words and lines\n", false},
        {"normalize", "\xC3\xAC\xE2\x80\xA2\xCB\x86 ", false},
    };
    enum { N_BYTES = 1 << 19 };
    Arena *arena = arena_new(), *scratch = arena_new();
    char *text = arena_alloc(arena, N_BYTES + 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t m = strlen(cases[i].unit), n = N_BYTES / m * m;
        for (size_t at = 0; at < n; at += m)
            memcpy(text + at, cases[i].unit, m);
        const StageKind *kind = stage_kind_find(cases[i].kind);
        Stage stage;
        StageResult whole = {0}, cut = {0};
        StageDocument document = {.text = text, .n_bytes = n, .tags = "", .path = "p", .line = 1, .is_page = cases[i].is_page, .charset = "utf-8"};
        REQUIRE_OK(stage_open(&stage, kind, stage_settings_new(kind, arena), arena));
        stage.work(stage.context, scratch, &document, &whole);
        size_t n_whole = arena_used_bytes(scratch), n_tags = whole.tags ? strlen(whole.tags) : 0;
        arena_reset(scratch);
        arena_set_limit(scratch, 1, 0);  /* spent from the beginning */
        stage.work(stage.context, scratch, &document, &cut);
        if (!CHECK(arena_used_bytes(scratch) < n_whole || (cut.tags && strlen(cut.tags) < n_tags)))
            test_note("%s", cases[i].kind);
        arena_set_limit(scratch, 0, 0);
        arena_reset(scratch);
        stage_close(&stage);
    }
    arena_free(scratch);
    arena_free(arena);
}
