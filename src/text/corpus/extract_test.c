/* extract_test.c - main text out of pages: by rule on small pages, by the benchmark's measure on real ones. */
#include "base/json.h"
#include "base/log.h"
#include "base/test.h"
#include "text/corpus/charset.h"
#include "text/corpus/document.h"
#include "text/corpus/extract.h"
#include "text/corpus/hash.h"
#include "text/corpus/html.h"
#include "text/unicode/utf8.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE "This is a long enough sentence, with a comma, that any reader would call running text. "
#define PARAGRAPH "<p>" SENTENCE SENTENCE "</p>"

static const char *extract(Arena *arena, const char *html)
{
    return extract_html(arena, html, strlen(html), "").text;
}

TEST(extract, menus_adverts_and_comments_are_left_out)
{
    Arena *arena = arena_new();
    const char *text = extract(arena, "<html><head><title> A title </title><script>var x = '<p>no</p>';</script></head><body>"
                                      "<nav><ul><li><a href=/>Home</a><li><a href=/a>About us and more</a></ul></nav>"
                                      "<div class='sidebar'><p>" SENTENCE "SIDEBAR</p></div>"
                                      "<div id=content><h1>A title</h1><h2>Part</h2>" PARAGRAPH "<ul><li>one item of the list.<li>two</ul>"
                                      PARAGRAPH "<pre>int x;\n  int y;</pre>" PARAGRAPH "</div>"
                                      "<div class=comments><p>" SENTENCE "COMMENT</p></div><footer>" SENTENCE "FOOTER</footer></body>");
    CHECK(!strstr(text, "Home") && !strstr(text, "SIDEBAR") && !strstr(text, "COMMENT") && !strstr(text, "FOOTER") && !strstr(text, "no</p>"));
    CHECK(strncmp(text, "Part\nThis is", 12) == 0);
    CHECK(strstr(text, "\n- one item of the list.\n- two\n") != NULL);
    CHECK(strstr(text, "int x;\n  int y;") != NULL);
    arena_free(arena);
}

TEST(extract, entities_breaks_and_spaces_become_plain_text)
{
    Arena *arena = arena_new();
    CHECK_STRING(extract(arena, "<p>Fish &amp; chips &#8212;   caf&eacute;\n and&nbsp;more, for everyone who wants to eat some of it.<br><br>Next one is here, as "
                                "you can see, and it ends.</p>"),
                 "Fish & chips — café and more, for everyone who wants to eat some of it.\nNext one is here, as you can see, and it ends.");
    CHECK_STRING(extract(arena, ""), "");
    CHECK_STRING(extract(arena, "<script>while(1);</script>"), "");
    arena_free(arena);
}

/* Goal: Korean pages in old encodings, whether they say so or not. */
/* A field may hold a page or a text that speaks of pages: Markdown is none, and blanks before a page are no end of it. */
TEST(extract, a_text_that_shows_a_page_is_none)
{
    Arena *arena = arena_new();
    char *blanks = memset(arena_alloc(arena, 5001), ' ', 5000), *page = arena_printf(arena, "%s<div>page</div>", blanks);
    const struct { const char *text; bool is; } texts[] = {
        {"<p>one", true}, {"\n <!DOCTYPE html><p>", true}, {"Warning: header sent\n<html><body>", true}, {page, true},
        {"# Title\n```html\n<!doctype html>\n<html>\n```\n", false}, {"the `<html>` element", false}, {"3 < 5", false}, {blanks, false}, {"", false},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        CHECK_EQUAL(html_looks_like_page(texts[i].text, strlen(texts[i].text)), texts[i].is);
    arena_free(arena);
}

TEST(extract, charsets_are_found)
{
    Arena *arena = arena_new();
    const struct { const char *charset, *text; } cases[] = {
        {"CP949", "오늘 아침 서울의 하늘은 맑았다. 사람들은 공원에서 천천히 걸었고 아이들은 뛰어놀았다."},
        {"CP932", "今日の朝、東京の空は晴れていた。人々は公園をゆっくり歩き、子どもたちは走り回っていた。"},
        {"EUC-JP", "今日の朝、東京の空は晴れていた。人々は公園をゆっくり歩き、子どもたちは走り回っていた。"},
        {"CP1252", "Ce matin, le ciel de Paris était très clair ; les élèves jouaient à côté de la forêt."},
        {"UTF-16LE", "The sky was clear this morning, and the children played in the park."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bytes[1024], *from = (char *)(uintptr_t)cases[i].text, *to = bytes;
        size_t n_from = strlen(from), n_to = sizeof bytes;
        iconv_t cd = iconv_open(cases[i].charset, "UTF-8");
        iconv(cd, &from, &n_from, &to, &n_to);
        iconv_close(cd);
        for (int how = 0; how < 3; how++) {
            const char *declared = how == 0 ? "" : how == 1 ? (i == 0 ? "euc-kr" : "") : "utf-8";
            CharsetText text = charset_decode(arena, bytes, (size_t)(to - bytes), declared, "");
            CHECK_STRING(text.text, cases[i].text);
        }
    }
    arena_free(arena);
}

/* Goal: hostile nesting costs time in proportion to its bytes. */
TEST(extract, deep_nesting_is_read_in_linear_time)
{
    Arena *arena = arena_new();
    enum { DEPTH = 100000 };
    const char *tags[] = {"<div>", "<b><i>", "<table><tr><td>", "<ul><li>", "<p><a>"};
    for (size_t t = 0; t < sizeof tags / sizeof tags[0]; t++) {
        size_t n = strlen(tags[t]);
        char *html = arena_alloc(arena, n * DEPTH + 200);
        for (int i = 0; i < DEPTH; i++)
            memcpy(html + (size_t)i * n, tags[t], n);
        strcpy(html + n * DEPTH, SENTENCE);
        double start = clock_seconds();
        extract(arena, html);
        CHECK(clock_seconds() - start < 3.0);
        arena_reset(arena);
    }
    arena_free(arena);
}

/* The benchmark's measure (article-extraction-benchmark): 4-grams of \w+ tokens as multisets; precision and recall a page, then means. */

static bool is_word_char(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return c != UTF8_ILL_FORMED && !(c >= 0xA0 && c < 0xC0 && c != 0xAA && c != 0xB5 && c != 0xBA) && !(c >= 0x2000 && c < 0x2070) &&
           !(c >= 0x3000 && c < 0x3005) && !(c >= 0x3008 && c < 0x3020) && !(c >= 0xFF00 && c < 0xFF10);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t *shingles(Arena *arena, const char *text, int *n_shingles)
{
    size_t n = strlen(text);
    uint64_t *tokens = ARENA_ARRAY(arena, uint64_t, n + 4);
    int n_tokens = 0;
    const char *begin = NULL, *end = text + n;
    for (const char *at = text; at <= end;) {
        uint32_t c = 0;
        int step = at < end ? utf8_decode(&c, at, end) : 1;
        bool word = at < end && is_word_char(c);
        if (word && !begin)
            begin = at;
        if (!word && begin) {
            tokens[n_tokens++] = hash64(begin, (size_t)(at - begin), 0);
            begin = NULL;
        }
        at += step;
    }
    *n_shingles = n_tokens > 3 ? n_tokens - 3 : n_tokens > 0;
    uint64_t *result = ARENA_ARRAY(arena, uint64_t, *n_shingles + 1);
    for (int i = 0; i < *n_shingles; i++)
        result[i] = hash64(tokens + i, 8 * (size_t)(n_tokens < 4 ? n_tokens : 4), 1);
    qsort(result, (size_t)*n_shingles, sizeof *result, compare_u64);
    return result;
}

static void page_scores(Arena *arena, const char *gold, const char *got, double *precision, double *recall)
{
    int n_gold, n_got, both = 0;
    uint64_t *a = shingles(arena, gold, &n_gold), *b = shingles(arena, got, &n_got);
    for (int i = 0, k = 0; i < n_gold && k < n_got;) {
        both += a[i] == b[k];
        int step_i = a[i] <= b[k], step_k = b[k] <= a[i];
        i += step_i, k += step_k;
    }
    *precision = n_got ? (double)both / n_got : 0.0;
    *recall = n_gold ? (double)both / n_gold : 0.0;
}

static const char *gold_body(Arena *arena, const Document *document)
{
    JsonReader json;
    JsonText key;
    const char *body = "";
    json_reader_init(&json, "page", document->record, document->n_record_bytes);
    if (json_object_begin(&json) != OK)
        return body;
    while (json_object_next(&json, &key)) {
        if (json_text_is(key, "article_body"))
            json_string(&json, arena, &body, NULL);
        else
            json_skip(&json);
    }
    return body;
}

/* Goal: F1 of 0.95. Rules were tuned on the pages with even numbers; the bound is on the odd ones, which nobody looked at. */
TEST(extract, article_benchmark_reaches_its_goal)
{
    if (!test_data_dir())
        SKIP("no data");
    Arena *arena = arena_new();
    DocumentOptions options = document_options_default();
    options.field = "html";
    DocumentReader *reader;
    REQUIRE_OK(document_reader_open(&reader, arena_printf(arena, "%s/web-article-extraction/pages.jsonl.zst", test_data_dir()), &options));
    double sums[2][2] = {{0}}, f1[2];
    int n[2] = {0};
    Document document;
    Err err;
    for (int i = 0; document_reader_next(reader, &document, &err); i++) {
        double precision, recall;
        page_scores(arena, gold_body(arena, &document), extract_html(arena, document.text, document.n_bytes, "").text, &precision, &recall);
        sums[i % 2][0] += precision, sums[i % 2][1] += recall;
        n[i % 2]++;
    }
    CHECK_EQUAL(n[0] + n[1], 40);
    for (int half = 0; half < 2; half++) {
        double precision = sums[half][0] / n[half], recall = sums[half][1] / n[half];
        f1[half] = 2 * precision * recall / (precision + recall);
    }
    test_note("F1 %.3f on the pages tuned on, %.3f on the others", f1[0], f1[1]);
    CHECK(f1[1] >= 0.95);
    document_reader_free(reader);
    arena_free(arena);
}

BENCH(extract, pages_per_second)
{
    if (!test_data_dir())
        SKIP("no data");
    Arena *arena = arena_new(), *scratch = arena_new();
    DocumentOptions options = document_options_default();
    options.field = "html";
    DocumentReader *reader;
    REQUIRE_OK(document_reader_open(&reader, arena_printf(arena, "%s/web-article-extraction/pages.jsonl.zst", test_data_dir()), &options));
    Document document;
    Err err;
    double seconds = 0;
    int64_t n = 0, n_bytes = 0;
    while (document_reader_next(reader, &document, &err) && n < (test_bench_full() ? 1000 : 3)) {
        double start = clock_seconds();
        extract_html(scratch, document.text, document.n_bytes, "");
        seconds += clock_seconds() - start;
        arena_reset(scratch);
        n++, n_bytes += (int64_t)document.n_bytes;
    }
    test_note("%.0f pages/s, %.0f MB/s on one core", (double)n / seconds, (double)n_bytes / seconds / 1e6);
    document_reader_free(reader);
    arena_free(arena);
    arena_free(scratch);
}
