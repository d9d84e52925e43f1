/* plain_word_test.c - what a normalisation map leaves alone, on a map made by hand; word_cut_test.c holds plain words against all others. */
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/plain_word.h"
#include "base/test.h"

enum { N_UNITS = 256, BLOB_BYTES = 4 + 4 * N_UNITS + 4, HAS_VALUE = 0x100, OFFSET_SHIFT = 10 };

/* Keys "A" and "ab", both to "x", and "\n", to a space; see charsmap.c for the units. */
static Charsmap *make_map(void)
{
    char blob[BLOB_BYTES] = {0};
    uint32_t units[N_UNITS] = {0}, n_bytes = sizeof units, value = 0x80000000u;
    units[0] = 0x80 << OFFSET_SHIFT;
    units[0x80 ^ 'A'] = 'A' | HAS_VALUE | 0x10 << OFFSET_SHIFT;
    units[0x80 ^ 'A' ^ 0x10] = value;
    units[0x80 ^ 'a'] = 'a' | 0x20 << OFFSET_SHIFT;
    units[0x80 ^ 'a' ^ 0x20 ^ 'b'] = 'b' | HAS_VALUE | 1 << OFFSET_SHIFT;
    units[0x80 ^ 'a' ^ 0x20 ^ 'b' ^ 1] = value;
    units[0x80 ^ '\n'] = '\n' | HAS_VALUE | 4 << OFFSET_SHIFT;
    units[0x80 ^ '\n' ^ 4] = value | 2;
    memcpy(blob, &n_bytes, 4);
    memcpy(blob + 4, units, sizeof units);
    blob[4 + sizeof units] = 'x';
    blob[4 + sizeof units + 2] = ' ';
    Charsmap *map = NULL;
    CHECK_OK(charsmap_open(&map, "made by hand", blob, sizeof blob));
    return map;
}

TEST(plain_word, a_map_touches_its_keys_and_what_stands_second_in_them)
{
    Charsmap *map = make_map();
    uint8_t touched[UNICODE_MAX / 8 + 1] = {0};
    CHECK(charsmap_mark_touched(map, touched));
    for (uint32_t c = 0; c <= UNICODE_MAX; c++)
        if ((touched[c / 8] >> c % 8 & 1) != (c == 'A' || c == 'b' || c == '\n'))
            test_check_equal((long long)c, -1, __FILE__, __LINE__, "touched or not");
    charsmap_free(map);
}

TEST(plain_word, a_map_may_make_spaces_of_line_ends)
{
    Charsmap *map = make_map();
    CHECK(charsmap_makes_space(map, '\n'));
    CHECK(!charsmap_makes_space(map, 'A'));
    CHECK(!charsmap_makes_space(map, '\t'));
    CHECK(charsmap_joins(map, 'a'));
    CHECK(charsmap_joins(map, 'b'));
    CHECK(!charsmap_joins(map, 'A'));
    charsmap_free(map);
}

TEST(plain_word, a_word_is_written_with_its_mark_or_refused)
{
    PlainWords plain = {.marked = true};
    plain.to['A'] = 'a';
    plain.to['a'] = 'a';
    char out[PLAIN_WORD_ROOM];
    CHECK_EQUAL(plain_word_write(&plain, "aA", 2, out), 5);
    CHECK(memcmp(out, "\xE2\x96\x81" "aa", 5) == 0);
    CHECK_EQUAL(plain_word_write(&plain, "ab", 2, out), 0);
    CHECK_EQUAL(plain_word_write(&plain, "a\xEA\xB0\x80", 4, out), 0);
    plain.syllables = true;
    CHECK_EQUAL(plain_word_write(&plain, "a\xEA\xB0\x80", 4, out), 7);
    CHECK_EQUAL(plain_word_write(&plain, "a\xEA\xB0", 3, out), 0);
}
