/* split_test.c - the scanners cut exactly where PCRE2 cuts with the published pattern. */
#include "text/unicode/split.h"
#include "text/unicode/utf8.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>

static const char *const names[] = {"gpt2", "cl100k", "llama3", "qwen", "o200k"};
enum { N_NAMES = sizeof names / sizeof names[0] };

typedef struct {
    Splitter *scan[N_NAMES], *regex[N_NAMES];
} Pairs;

static bool pairs_open(Pairs *pairs)
{
    bool ok = true;
    for (int i = 0; i < N_NAMES; i++) {
        ok &= splitter_open(&pairs->scan[i], names[i], SPLIT_UNICODE_14) == OK;  /* PCRE2 10.42 knows Unicode 14 */
        ok &= splitter_open_regex(&pairs->regex[i], names[i]) == OK;
    }
    return ok;
}

static void pairs_free(Pairs *pairs)
{
    for (int i = 0; i < N_NAMES; i++) {
        splitter_free(pairs->scan[i]);
        splitter_free(pairs->regex[i]);
    }
}

/* 0 when both cut alike; otherwise prints the first difference. */
static int differs(const Pairs *pairs, int which, const char *text, size_t n)
{
    size_t at = 0;
    SplitSpan a, b;
    while (at < n) {
        bool found_a = splitter_next(pairs->scan[which], text, n, at, &a);
        bool found_b = splitter_next(pairs->regex[which], text, n, at, &b);
        if (found_a != found_b || !found_a || a.begin != b.begin || a.end != b.end || a.end <= at) {
            printf("    %s differs at byte %zu of", names[which], at);
            for (size_t i = 0; i < n && i < 64; i++)
                printf(" %02x", (unsigned char)text[i]);
            printf(": scanner %zu, PCRE2 %zu\n", a.end, b.end);
            return 1;
        }
        at = a.end;
    }
    return 0;
}

static int differs_anywhere(const Pairs *pairs, const char *text, size_t n)
{
    int n_wrong = 0;
    for (int i = 0; i < N_NAMES; i++)
        n_wrong += differs(pairs, i, text, n);
    return n_wrong;
}

/* Goal: class membership is right for all of Unicode. Method: each code point between characters of every class. */
TEST(split, scanners_equal_pcre2_on_every_code_point)
{
    Pairs pairs = {0};
    REQUIRE(pairs_open(&pairs));
    int n_wrong = 0;
    for (uint32_t c = 0; c <= UNICODE_MAX && n_wrong < 10; c++) {
        if ((c >= 0xD800 && c <= 0xDFFF) || (c >= 0x20000 && c < 0xE0000 && c % 16))
            continue;
        char one[UTF8_BYTES_MAX + 1] = {0}, text[64];
        utf8_encode(one, c);
        int n = snprintf(text, sizeof text, "%s%sa%sB1%s %s\n%s", one, one, one, one, one, one);
        if (c == 0)  /* snprintf ends at NUL */
            n = (int)sizeof "\0\0a\0B1\0 \0\n", memcpy(text, "\0\0a\0B1\0 \0\n", (size_t)n);
        n_wrong += differs_anywhere(&pairs, text, (size_t)n);
    }
    CHECK_EQUAL(n_wrong, 0);
    pairs_free(&pairs);
}

/* One or two of every class and every character that a pattern names. */
static const char *const letters[] = {
    "a", "s", "t", "re", "l", "L", "v", "e", "S", "ll", "A", "B", "ǅ", "가", "힣", "ᄀ", "中", "ʰ", "\u0301", "\u094d",
    "1", "23", "Ⅷ", "½", "'", "'s", "'S", "'ſ", "’", "ſ", " ", " ", "  ", "\n", "\r", "\r\n", "\t", "\u00a0", "\u3000", "\u2028",
    "\u180e", "\xC2\x85", "/", "!", "_", "$", "😀", "\u200d", "\ue000", "é", "İ",
};
enum { N_LETTERS = sizeof letters / sizeof letters[0] };

static int random_cases(int n_cases, uint32_t stream)
{
    Pairs pairs = {0};
    if (!CHECK(pairs_open(&pairs)))
        return 1;
    int n_wrong = 0;
    for (int i = 0; i < n_cases && n_wrong < 10; i++) {
        char text[256];
        size_t n = 0;
        int n_parts = 1 + (int)(philox(7, stream, (uint64_t)i, 0).word[0] % 12);
        for (int k = 0; k < n_parts; k++) {
            const char *part = letters[philox(7, stream, (uint64_t)i, (uint64_t)k + 1).word[0] % N_LETTERS];
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        n_wrong += differs_anywhere(&pairs, text, n);
    }
    pairs_free(&pairs);
    return n_wrong;
}

TEST(split, scanners_equal_pcre2_on_random_strings)
{
    CHECK_EQUAL(random_cases(100000, 1), 0);
}

SLOW_TEST(split, scanners_equal_pcre2_on_ten_million_strings)
{
    CHECK_EQUAL(random_cases(10000000, 2), 0);
}

TEST(split, any_bytes_are_covered_without_gaps)
{
    Pairs pairs = {0};
    REQUIRE(pairs_open(&pairs));
    int n_wrong = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        char text[64];
        size_t n = 1 + philox(3, 0, i, 0).word[0] % sizeof text;
        for (size_t k = 0; k < n; k++) {
            uint32_t r = philox(3, 1, i, k).word[0];
            text[k] = r & 0x300 ? (char)r : "aA1 '\n\xEA\xB0"[r >> 16 & 7];
        }
        for (int which = 0; which < N_NAMES; which++) {
            size_t at = 0;
            SplitSpan span;
            while (splitter_next(pairs.scan[which], text, n, at, &span) && span.begin == at && span.end > at && span.end <= n)
                at = span.end;
            n_wrong += at != n;
        }
    }
    CHECK_EQUAL(n_wrong, 0);
    pairs_free(&pairs);
}

/* Goal: two halves cut at a safe place give the pieces of the whole. */
TEST(split, a_safe_cut_changes_no_piece)
{
    Pairs pairs = {0};
    REQUIRE(pairs_open(&pairs));
    int n_cuts = 0, n_wrong = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        char text[256];
        size_t n = 0;
        for (uint64_t k = 0; k < 16; k++) {
            const char *part = letters[philox(9, 0, i, k).word[0] % N_LETTERS];
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        for (int which = 0; which < N_NAMES; which++) {
            size_t cut = splitter_safe_cut(pairs.scan[which], text, n, philox(9, 1, i, 0).word[0] % n);
            if (cut == n)
                continue;
            n_cuts++;
            bool met = false;
            size_t whole = 0, part = 0;
            SplitSpan a, b;
            while (whole < n && !met) {
                splitter_next(pairs.scan[which], text, n, whole, &a);
                splitter_next(pairs.scan[which], text, cut, part, &b);
                n_wrong += a.end != b.end;
                whole = part = a.end;
                met = whole >= cut;
            }
            n_wrong += whole != cut;
        }
    }
    CHECK(n_cuts > 1000);
    CHECK_EQUAL(n_wrong, 0);
    pairs_free(&pairs);
}

TEST(split, patterns_are_recognised_by_text_and_by_name)
{
    for (int i = 0; i < N_NAMES; i++) {
        Splitter *by_name, *by_text;
        REQUIRE_OK(splitter_open(&by_name, names[i], SPLIT_UNICODE_LATEST));
        REQUIRE_OK(splitter_open(&by_text, splitter_pattern(by_name), SPLIT_UNICODE_LATEST));
        CHECK(splitter_kind(by_text) == splitter_kind(by_name) && splitter_kind(by_name) != SPLIT_REGEX);
        splitter_free(by_name);
        splitter_free(by_text);
    }
}

TEST(split, bad_patterns_are_refused_with_a_reason)
{
    Splitter *splitter;
    CHECK(splitter_open(&splitter, "a(b", SPLIT_UNICODE_LATEST) == ERR_USAGE);
    CHECK(strstr(err_message(), "parenthes") != NULL);
    CHECK(splitter_open(&splitter, "[a-z&&[^b]]", SPLIT_UNICODE_LATEST) == ERR_UNSUPPORTED);
}

/* A pattern that back-tracks exponentially must stop at the match limit. */
TEST(split, an_exploding_pattern_gives_up)
{
    Splitter *splitter;
    REQUIRE_OK(splitter_open(&splitter, "(?:a+)+$|b", SPLIT_UNICODE_LATEST));
    char text[64];
    memset(text, 'a', sizeof text);
    text[63] = 'c';
    SplitSpan span;
    CHECK(!splitter_next(splitter, text, sizeof text, 0, &span));
    splitter_free(splitter);
}
