/* utf8_test.c - every code point round-trips; every two- and three-byte start is judged as table 3-7 judges it. */
#include "text/unicode/utf8.h"
#include "base/test.h"

TEST(utf8, every_scalar_value_round_trips)
{
    int64_t n_wrong = 0;
    for (uint32_t c = 0; c <= UNICODE_MAX; c++) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        char bytes[UTF8_BYTES_MAX];
        int n = utf8_encode(bytes, c);
        uint32_t checked, plain;
        n_wrong += utf8_decode(&checked, bytes, bytes + n) != n || checked != c;
        n_wrong += utf8_decode_valid(&plain, bytes) != n || plain != c;
        n_wrong += utf8_length_of((unsigned char)bytes[0]) != n || utf8_valid_prefix(bytes, (size_t)n) != (size_t)n;
        for (int cut = 1; cut < n; cut++)
            n_wrong += utf8_is_valid(bytes, (size_t)cut) || utf8_incomplete_tail(bytes, (size_t)cut) != (size_t)cut;
        n_wrong += utf8_incomplete_tail(bytes, (size_t)n) != 0;
    }
    CHECK_EQUAL(n_wrong, 0);
}

/* Method: count the well-formed sequences of each length among all byte strings; table 3-7 fixes the numbers. */
TEST(utf8, exactly_the_sequences_of_table_3_7_are_well_formed)
{
    int64_t n_one = 0, n_two = 0, n_three = 0;
    for (int a = 0; a < 256; a++) {
        char s[3] = {(char)a, 0, 0};
        uint32_t c;
        n_one += utf8_decode(&c, s, s + 1) == 1 && c != UTF8_ILL_FORMED;
        for (int b = 0; b < 256; b++) {
            s[1] = (char)b;
            n_two += utf8_decode(&c, s, s + 2) == 2 && c != UTF8_ILL_FORMED;
            for (int d = 0; d < 256; d++) {
                s[2] = (char)d;
                n_three += utf8_decode(&c, s, s + 3) == 3 && c != UTF8_ILL_FORMED;
            }
        }
    }
    CHECK_EQUAL(n_one, 128);
    CHECK_EQUAL(n_two, 0x800 - 0x80);
    CHECK_EQUAL(n_three, 0x10000 - 0x800 - 0x800);
}

/* The example of the standard, section 3.9, U+FFFD substitution of maximal subparts (table 3-8). */
TEST(utf8, ill_formed_subparts_are_counted_as_the_standard_does)
{
    Arena *arena = arena_new();
    static const char text[] = "\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64";
    size_t n;
    const char *fixed = utf8_repair(arena, text, sizeof text - 1, &n);
    CHECK_STRING(fixed, "a\uFFFD\uFFFD\uFFFD" "b\uFFFD" "c\uFFFD\uFFFD" "d");
    CHECK_EQUAL(utf8_count(text, sizeof text - 1), 10);
    CHECK_EQUAL(utf8_valid_prefix(text, sizeof text - 1), 1);
    CHECK(utf8_repair(arena, "가나", 6, &n) != NULL && n == 6);
    CHECK_EQUAL(utf8_incomplete_tail("\xED\xA0", 2), 0);  /* a surrogate can never be finished */
    arena_free(arena);
}

/* A window of the search may end within a character, and begin with what is left of it. */
TEST(utf8, a_long_prefix_ends_where_the_first_fault_is)
{
    enum { CHARS = 700 };
    char text[3 * CHARS];
    for (size_t i = 0; i < CHARS; i++)
        memcpy(text + 3 * i, "가", 3);
    for (size_t cut = 0; cut < 200; cut++)
        for (size_t first = 0; first < 3; first++) {
            char *at = text + 3 * (cut * 3 + cut % 3) + first, kept = *at;
            *at = (char)0xFF;
            CHECK_EQUAL(utf8_valid_prefix(text + cut % 3 * 3, sizeof text - cut % 3 * 3), (size_t)(at - text) - first - cut % 3 * 3);
            *at = kept;
        }
    CHECK_EQUAL(utf8_valid_prefix(text, sizeof text), sizeof text);
    CHECK_EQUAL(utf8_valid_prefix(text, sizeof text - 1), sizeof text - 3);
    CHECK_EQUAL(utf8_valid_prefix(text + 1, sizeof text - 1), 0);
}

/* Method: every first and second byte, with further bytes on both sides of what may continue, in texts of every length. */
TEST(utf8, the_quick_way_decodes_as_the_long_one)
{
    static const unsigned char more[] = {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
    int64_t n_wrong = 0;
    for (int i = 0; i < 1 << 16; i++)
        for (int k = 0; k < 36; k++) {
            char text[4] = {(char)(i >> 8), (char)i, (char)more[k / 6], (char)more[k % 6]};
            for (int n = 1; n <= 4; n++) {
                uint32_t quick, plain;
                int n_quick = utf8_decode_quick(&quick, text, text + n), n_plain = utf8_decode(&plain, text, text + n);
                n_wrong += n_quick != n_plain || quick != plain;
            }
        }
    CHECK_EQUAL(n_wrong, 0);
}
