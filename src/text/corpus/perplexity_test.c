/* perplexity_test.c - probabilities that sum to one, order over disorder, the file. */
#include "base/arena_limit.h"
#include "base/file.h"
#include "base/philox.h"
#include "base/test.h"
#include "text/corpus/perplexity_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Err train_on(Arena *arena, const char *text, const char **path, PerplexityTrainReport *report)
{
    const char *in = arena_printf(arena, "%s/text.txt", test_dir());
    *path = arena_printf(arena, "%s/model.ppl", test_dir());
    CHECK(file_write(in, text, strlen(text)) == OK);
    PerplexityTrainOptions options = perplexity_train_options_default();
    options.order = 3;
    options.hold = 4;
    DocumentOptions documents = document_options_default();
    documents.format = DOCUMENT_LINES;
    return perplexity_train(report, &options, &in, 1, &documents, *path);
}

/* Goal: after any context, the probabilities of all characters sum to one. A text of one character more has the value p^-1 there. */
TEST(perplexity, probabilities_sum_to_one)
{
    Arena *arena = arena_new();
    PerplexityTrainReport report;
    PerplexityModel *model;
    const char *path, *text = "abcab\nabca\nbcaab\ncab b\nab ca\nabc abc\nbca\n가나다 가나\n나다가\n가나다다\n";
    CHECK(train_on(arena, text, &path, &report) == OK && perplexity_open(&model, path) == OK);
    /* By hand over the table: every character of the text, and the uniform rest. */
    const uint32_t seen[] = {'a', 'b', 'c', ' ', 0xAC00, 0xB098, 0xB2E4};
    double sum = 0;
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        char line[16];
        int n = 2;
        memcpy(line, "ab", 2);
        if (seen[i] < 0x80)
            line[n++] = (char)seen[i];
        else
            memcpy(line + n, seen[i] == 0xAC00 ? "가" : seen[i] == 0xB098 ? "나" : "다", 3), n += 3;
        double with = pow(perplexity_of(model, NULL, line, (size_t)n), 3), before = pow(perplexity_of(model, NULL, "ab", 2), 2);
        sum += before / with;
    }
    double rest = pow(perplexity_of(model, NULL, "ab", 2), 2) / pow(perplexity_of(model, NULL, "abz", 3), 3);
    CHECK_CLOSE(sum + (65536 - 7) * rest, 1.0, 1e-9);
    perplexity_close(model);
    arena_free(arena);
}

/* Goal: what is remembered of runs is what they come to. Method: every value with and without memory, twice. */
TEST(perplexity, what_is_remembered_is_what_it_comes_to)
{
    Arena *arena = arena_new();
    PerplexityTrainReport report;
    PerplexityModel *model;
    const char *path, *text = "the cat sat on the mat\nOn The Mat 1234 sat the cat\nthe mat sat\na cat\ncats on mats\nmat\n7 cats\na hat\nthat cat\n";
    CHECK(train_on(arena, text, &path, &report) == OK);
    REQUIRE_OK(perplexity_open(&model, path));
    int n_known = model->n_known;
    CHECK(n_known > 0);
    for (uint64_t i = 0; i < 400; i++) {
        char line[200];
        int n = 0;
        while (n < (int)(i % 150))
            n += snprintf(line + n, sizeof line - (size_t)n, "%.*s", 1 + (int)(philox(3, i, (uint64_t)n, 0).word[0] % 7), text + philox(4, i, (uint64_t)n, 0).word[0] % 60);
        model->n_known = 0;
        double plain = perplexity_of(model, NULL, line, (size_t)n);
        model->n_known = n_known;
        CHECK(perplexity_of(model, NULL, line, (size_t)n) == plain);
        CHECK(perplexity_of(model, NULL, line, (size_t)n) == plain);
    }
    perplexity_close(model);
    arena_free(arena);
}

/* Goal: of the corpus whose limits were learnt, 30 % are head and 30 % middle, however unlike the learnt text it is. */
TEST(perplexity, limits_come_from_the_corpus_that_is_judged)
{
    enum { N = 100 };
    Arena *arena = arena_new();
    const char *good = arena_printf(arena, "%s/good.txt", test_dir()), *web = arena_printf(arena, "%s/web.jsonl", test_dir());
    const char *path = arena_printf(arena, "%s/model.ppl", test_dir()), *text = "the cat sat on the mat\n", *judged = "";
    const char *lines[N];
    for (int i = 0; i < N; i++) {
        lines[i] = arena_printf(arena, "%.*s %d", 3 + i % 20, "the cat sat on xylophones", i * 7919);
        judged = arena_printf(arena, "%s{\"text\":\"%s\"}\n", judged, lines[i]);
    }
    REQUIRE_OK(file_write(good, text, strlen(text)));
    REQUIRE_OK(file_write(web, judged, strlen(judged)));
    PerplexityTrainOptions options = perplexity_train_options_default();
    options.limits_from = (OptionTexts){.n = 1, .value = {web}};
    DocumentOptions documents = document_options_default();
    documents.format = DOCUMENT_LINES;
    PerplexityTrainReport report;
    PerplexityModel *model;
    REQUIRE_OK(perplexity_train(&report, &options, &good, 1, &documents, path));
    CHECK(report.n_texts == 1 && report.n_held == N);
    REQUIRE_OK(perplexity_open(&model, path));
    int n[3] = {0};
    for (int i = 0; i < N; i++)
        n[perplexity_bucket(model, perplexity_of(model, NULL, lines[i], strlen(lines[i])))]++;
    CHECK(n[0] >= 30 && n[0] < 35 && n[1] >= 25 && n[0] + n[1] >= 60 && n[0] + n[1] < 70);  /* lines of one value are in one bucket */
    perplexity_close(model);
    arena_free(arena);
}

TEST(perplexity, text_like_the_learnt_one_is_expected)
{
    Arena *arena = arena_new();
    PerplexityTrainReport report;
    PerplexityModel *model;
    const char *path, *text = "";
    for (int i = 0; i < 200; i++)
        text = arena_printf(arena, "%s나는 %s에 %s\n", text, (const char *[]){"학교", "집", "시장", "바다", "산"}[i % 5], (const char *[]){"간다", "갔다", "있다"}[i * 7 / 3 % 3]);
    CHECK(train_on(arena, text, &path, &report) == OK && perplexity_open(&model, path) == OK);
    double good = perplexity_of(model, NULL, "나는 집에 갔다", strlen("나는 집에 갔다")), bad = perplexity_of(model, NULL, "zq#갉뷁x", strlen("zq#갉뷁x"));
    CHECK(good < 3 && bad > 1000 && perplexity_bucket(model, bad) == 2 && perplexity_bucket(model, report.limits[0]) == 0);
    CHECK(report.limits[0] <= report.limits[1] && report.n_held > 0);
    const char *first = "";
    for (int i = 0; i < 300; i++)
        first = arena_printf(arena, "%szq#\n", first);
    const char *all = arena_printf(arena, "%s%s%s", first, text, text);
    Arena *spent = arena_new();
    arena_alloc(spent, 2);
    arena_set_limit(spent, 1, 0);
    CHECK(perplexity_of(model, spent, all, strlen(all)) > 2 * perplexity_of(model, NULL, all, strlen(all)));
    arena_free(spent);
    perplexity_close(model);
    const char *bytes;
    size_t n;
    CHECK(file_read(&bytes, &n, arena, path) == OK && file_write(path, bytes, n - 5) == OK);
    CHECK(perplexity_open(&model, path) == ERR_FORMAT);
    CHECK(file_write(path, "no model", 8) == OK && perplexity_open(&model, path) == ERR_FORMAT);
    arena_free(arena);
}
