/* patterns_test.c - what counts as a number, an address of the net, a mail address, and where it ends. */
#include "base/log.h"
#include "base/test.h"
#include "text/corpus/patterns.h"
#include "text/corpus/stage.h"

#include <string.h>

/* All spans as "class:text class:text". */
static const char *found(Arena *arena, const char *text)
{
    Patterns p = patterns_find(arena, text, strlen(text));
    const char *all = "";
    size_t n_bytes = 0;
    for (int64_t i = 0; i < p.n; i++) {
        const PatternSpan *s = &p.spans[i];
        all = arena_printf(arena, "%s%s%s:%.*s", all, i ? " " : "", pattern_name(s->class), (int)(s->end - s->begin), text + s->begin);
        n_bytes += s->end - s->begin;
    }
    CHECK_EQUAL(p.n_bytes, n_bytes);
    CHECK_EQUAL(p.n_of[0] + p.n_of[1] + p.n_of[2], p.n);
    return all;
}

TEST(patterns, numbers_end_where_they_end)
{
    Arena *arena = arena_new();
    const struct { const char *text, *want; } cases[] = {
        {"값은 1,234.5원이고 3만 명", "number:1,234.5 number:3"},
        {"-3.2e10 (+7) a-1", "number:-3.2e10 number:+7 number:1"},
        {"99.5%였다. 1.2.3 2023-11-05", "number:99.5% number:1.2.3 number:2023 number:11 number:05"},
        {"10kg b2b x86_64 0x1F 12345,678 1,23", "number:10 number:12345 number:678 number:1 number:23"},
        {"끝은 5.", "number:5"},
        {"1e5 1else 2E", "number:1e5 number:1 number:2"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_STRING(found(arena, cases[i].text), cases[i].want);
    arena_free(arena);
}

TEST(patterns, addresses_lose_marks_and_particles_but_keep_their_digits)
{
    Arena *arena = arena_new();
    const struct { const char *text, *want; } cases[] = {
        {"https://example.com/a?b=1&c=2에서 보라.", "url:https://example.com/a?b=1&c=2"},
        {"(see http://a.org/x_(y)).", "url:http://a.org/x_(y)"},
        {"(http://a.org/x), \"ftp://b.org/1.txt\"", "url:http://a.org/x url:ftp://b.org/1.txt"},
        {"www.naver.com은 WWW.Daum.NET. www. wwwx.a.b", "url:www.naver.com url:WWW.Daum.NET"},
        {"메일 hong.1@example.co.kr로, 12.5@b.kr 7 @x a@b", "email:hong.1@example.co.kr email:12.5@b.kr number:7"},
        {"7,685.b@c.co", "email:685.b@c.co"},
        {"http://user@host.example.com/1 xhttp://no http://", "url:http://user@host.example.com/1"},
        {"ssh://git@a.b/c:// x://y", "url:ssh://git@a.b/c://"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_STRING(found(arena, cases[i].text), cases[i].want);
    arena_free(arena);
}

TEST(patterns, the_stage_tags_counts_and_drops_what_is_little_else)
{
    Arena *arena = arena_new();
    const StageKind *kind = stage_kind_find("patterns");
    REQUIRE(kind != NULL);
    void *settings = stage_settings_new(kind, arena);
    CHECK_OK(options_set(&kind->table, settings, arena, "test", "share_max", "0.5"));
    Stage stage;
    REQUIRE_OK(stage_open(&stage, kind, settings, arena));
    StageDocument document = {.text = "ab 12 cdef", .n_bytes = 10, .tags = "", .path = "p", .line = 1};
    StageResult result = {0};
    stage.work(stage.context, arena, &document, &result);
    CHECK_STRING(result.tags, "\"patterns\":{\"version\":1,\"numbers\":1,\"urls\":0,\"emails\":0,\"share\":0.2,\"spans\":[[\"number\",3,5]]}");
    CHECK(!result.drop_rule);
    document.text = "1,234,5678";
    result = (StageResult){0};
    stage.work(stage.context, arena, &document, &result);
    CHECK_STRING(result.drop_rule, "patterns.share");
    stage_close(&stage);
    arena_free(arena);
}

/* Goal: linear on hostile input. Method: a megabyte of what makes each branch look around. */
TEST(patterns, hostile_runs_take_no_time)
{
    enum { N = 1 << 20 };
    static const char *const units[] = {"1", "1,", "1.", "@", "a@", "www.", "://", "http://", "(", "a", "1e", "-1"};
    Arena *arena = arena_new(), *scratch = arena_new();
    char *text = arena_alloc(arena, N + 16);
    for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
        size_t m = strlen(units[k]);
        for (size_t i = 0; i + m <= N; i += m)
            memcpy(text + i, units[k], m);
        double start = clock_seconds();
        patterns_find(scratch, text, N / m * m);
        if (!CHECK(clock_seconds() - start < 5.0))
            test_note("%s: %.1f s", units[k], clock_seconds() - start);
        arena_reset(scratch);
    }
    arena_free(scratch);
    arena_free(arena);
}
