/* normalize_test.c - the forms on Hangul, on marks, on bytes that are no text, and that the quick look never errs. */
#include "text/unicode/normalize.h"
#include "text/unicode/utf8.h"
#include "base/test.h"

#include <unicode/unorm2.h>

TEST(normalize, hangul_composes_and_comes_apart)
{
    Arena *arena = arena_new();
    size_t n;
    const char *apart = normalize(arena, NORMALIZE_NFD, "한글", 6, &n);
    CHECK_EQUAL(n, 18);
    CHECK_STRING(apart, "\u1112\u1161\u11ab\u1100\u1173\u11af");
    CHECK_STRING(normalize(arena, NORMALIZE_NFC, apart, n, &n), "한글");
    /* a syllable without a final takes the trailing jamo that follows it */
    CHECK_STRING(normalize(arena, NORMALIZE_NFC, "하\u11ab", 6, &n), "한");
    CHECK_STRING(normalize(arena, NORMALIZE_NFKC, "\u3131\uFF21", 6, &n), "\u1100A");
    arena_free(arena);
}

TEST(normalize, ill_formed_bytes_pass_through_and_end_a_stretch)
{
    Arena *arena = arena_new();
    size_t n;
    const char *out = normalize(arena, NORMALIZE_NFC, "e\u0301\xFF\u0301\xE1\x84", 8, &n);
    CHECK_STRING(out, "\u00e9\xFF\u0301\xE1\x84");
    CHECK_EQUAL(n, 7);
    static const char bad[] = "\xC0\x80 plain \xF5";
    CHECK(normalize(arena, NORMALIZE_NFKC, bad, sizeof bad - 1, &n) == bad);
    arena_free(arena);
}

TEST(normalize, the_map_names_the_character_each_byte_came_from)
{
    Arena *arena = arena_new();
    size_t n;
    uint32_t *source;
    const char *out = normalize_mapped(arena, NORMALIZE_NFC, "ae\u0301가z", 8, &n, &source);
    CHECK_STRING(out, "a\u00e9가z");
    static const uint32_t want[] = {0, 1, 1, 4, 4, 4, 7, 8};
    for (size_t i = 0; i <= n; i++)
        CHECK_EQUAL(source[i], want[i]);
    arena_free(arena);
}

/* Goal: the short cut for plainly normal characters never disagrees with ICU. Method: every code point alone, doubled, after a
 * syllable and before a mark, in each form. */
TEST(normalize, the_quick_look_agrees_with_icu_everywhere)
{
    Arena *arena = arena_new();
    int64_t n_wrong = 0;
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
    const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&status);
    for (uint32_t c = 0; c <= UNICODE_MAX; c++) {
        if ((c >= 0xD800 && c <= 0xDFFF) || (c >= 0x40000 && c < 0xE0000))  /* planes 4 to 13 hold nothing */
            continue;
        UChar units[8] = {0xAC00}, out[128];
        int32_t n_units = 1;
        units[n_units] = (UChar)(c < 0x10000 ? c : 0xD7C0 + (c >> 10));
        n_units++;
        if (c >= 0x10000)
            units[n_units++] = (UChar)(0xDC00 | (c & 0x3FF));
        units[n_units++] = 0x0301;
        char text[16];
        size_t n = (size_t)utf8_encode(text, 0xAC00);
        n += (size_t)utf8_encode(text + n, c);
        n += (size_t)utf8_encode(text + n, 0x0301);
        for (int form = 0; form < 2; form++) {
            int32_t n_out = unorm2_normalize(form ? nfkd : nfc, units, n_units, out, 128, &status);
            char want[512];
            size_t n_want = 0, n_got;
            for (int32_t i = 0; i < n_out; i++) {
                uint32_t u = out[i];
                if (u >= 0xD800 && u < 0xDC00)
                    u = 0x10000 + ((u - 0xD800) << 10) + (out[++i] - 0xDC00u);
                n_want += (size_t)utf8_encode(want + n_want, u);
            }
            const char *got = normalize(arena, form ? NORMALIZE_NFKD : NORMALIZE_NFC, text, n, &n_got);
            n_wrong += n_got != n_want || memcmp(got, want, n_want) != 0;
            bool same = n_want == n && memcmp(text, want, n) == 0;
            n_wrong += same != (got == text);
        }
        if (c % 256 == 0)
            arena_reset(arena);
    }
    CHECK_EQUAL(n_wrong, 0);
    arena_free(arena);
}
