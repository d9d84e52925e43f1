/* clean_text_test.c - each change by example; cleaning twice is cleaning once; well-formed NFC comes out. */
#include "base/philox.h"
#include "base/test.h"
#include "text/corpus/clean_text.h"
#include "text/unicode/normalize.h"
#include "text/unicode/utf8.h"

#include <stdio.h>
#include <string.h>

static const char *clean(Arena *arena, const char *text)
{
    CleanOptions options = clean_options_default();
    size_t n;
    return clean_text(arena, &options, text, strlen(text), &n);
}

TEST(clean_text, each_change_by_example)
{
    Arena *arena = arena_new();
    const struct { const char *text, *want; } cases[] = {
        {"cafÃ© dâ€™Ã©tÃ©", "café d’été"},
        {"ì•ˆë…•í•˜ì„¸ìš”", "안녕하세요"},
        {"Le «CAFÉ» est fermé", "Le «CAFÉ» est fermé"},
        {"이미 café 좋은 글 “그대로”", "이미 café 좋은 글 “그대로”"},
        {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xb3\xe1\x86\xaf", "한글"},
        {"a\xe2\x80\x8b" "b\x07 c\xc2\xad" "d\xef\xbb\xbf", "ab cd"},
        {"  one\xc2\xa0\xe3\x80\x80two \t three  \r\n\r\n\r\n\n four  \n\n", "one two three\n\nfour"},
        {"a\rb\xe2\x80\xa8" "c", "a\nb\nc"},
        {" \n\t ", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_STRING(clean(arena, cases[i].text), cases[i].want);
    CleanOptions options = clean_options_default();
    options.quotes = options.keep_indents = true;
    size_t n;
    const char *text = "if “x”:\n    it’s";
    CHECK_STRING(clean_text(arena, &options, text, strlen(text), &n), "if \"x\":\n    it's");
    CHECK(clean(arena, "as it is") != NULL);
    arena_free(arena);
}

/* Goal: idempotent on any text. Method: random strings over characters that the passes care about. */
TEST(clean_text, cleaning_twice_is_cleaning_once)
{
    static const char *const pieces[] = {"a", "é", "Ã", "©", "â€", "™", "ì", "•", "ˆ", " ", "\n", "\r", "\t", "\xc2\xa0", "\xe2\x80\x8b", "\xe1\x84\x92", "\xe1\x85\xa1",
                                         "\xe1\x86\xab", "한", "e", "\xcc\x81", "\xc2\xad", "\xc2\x85", "\xe2\x80\xa9", "“", "\x01"};
    Arena *arena = arena_new();
    for (uint64_t round = 0; round < 3000; round++) {
        char text[256] = "";
        for (uint64_t i = 0; i < 20; i++)
            strcat(text, pieces[philox_below(3, 1, round * 32 + i, sizeof pieces / sizeof pieces[0])]);
        const char *once = clean(arena, text), *twice = clean(arena, once);
        CHECK_STRING(twice, once);
        CHECK(utf8_is_valid(once, strlen(once)) && normalize_is(NORMALIZE_NFC, once, strlen(once)));
        arena_reset(arena);
    }
    arena_free(arena);
}
