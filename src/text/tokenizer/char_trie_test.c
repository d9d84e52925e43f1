/* char_trie_test.c - a walk by characters finds the keys it was built of, and no others. */
#include "text/tokenizer/char_trie.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdlib.h>

static const char *const parts[] = {"a", "b", "c", "가", "나", "다", "é", "😀", "\xE2\x96\x81", "0"};
enum { N_PARTS = sizeof parts / sizeof parts[0], N_KEYS = 4000, KEY_BYTES_MAX = 24 };

static double minus_value(const void *context, const TrieKey *key)
{
    CHECK(context == parts);
    return -(double)key->value;
}

static size_t random_text(uint64_t stream, uint64_t i, uint32_t n_parts, char *text)
{
    size_t n = 0;
    for (uint32_t k = 0; k < n_parts; k++) {
        const char *part = parts[philox(7, stream, i, k).word[0] % N_PARTS];
        memcpy(text + n, part, strlen(part));
        n += strlen(part);
    }
    return n;
}

/* The unit behind a text, 0 when there is none. */
static uint32_t walk(const CharTrie *trie, const char *text, size_t n)
{
    size_t at = 0;
    uint32_t node = char_table_read(&trie->labels, text, &at, n);
    while (at < n) {
        uint32_t label = char_table_read(&trie->labels, text, &at, n);
        if (!(trie->units[node] & CHAR_TRIE_GOES_ON))
            return 0;
        node = char_trie_child(trie->units[node], label);
        if (char_trie_label(trie->units[node]) != label)
            return 0;
    }
    return node;
}

static int32_t least_value(const TrieKey *keys, size_t n_keys, const char *text, size_t n)
{
    int32_t least = -1;
    for (size_t i = 0; i < n_keys; i++)
        if (keys[i].n == n && memcmp(keys[i].bytes, text, n) == 0 && (least < 0 || keys[i].value < least))
            least = keys[i].value;
    return least;
}

TEST(char_trie, finds_every_key_and_nothing_else)
{
    static char texts[N_KEYS][KEY_BYTES_MAX];
    static TrieKey keys[N_KEYS + 2];
    for (uint64_t i = 0; i < N_KEYS; i++)
        keys[i] = (TrieKey){texts[i], random_text(1, i, 1 + philox(7, 3, i, 0).word[0] % 5, texts[i]), (int32_t)i};
    keys[N_KEYS] = (TrieKey){"", 0, N_KEYS};
    keys[N_KEYS + 1] = (TrieKey){"\xEA\xB0", 2, N_KEYS + 1};
    CharTrie trie;
    char_trie_build(&trie, keys, N_KEYS + 2, minus_value, parts);
    CHECK_EQUAL(trie.none, N_PARTS + 1);
    for (uint64_t i = 0; i < 4000; i++) {
        char text[KEY_BYTES_MAX];
        size_t n = random_text(2, i, 1 + philox(7, 4, i, 0).word[0] % 5, text);
        uint32_t unit = walk(&trie, text, n);
        int32_t want = least_value(keys, N_KEYS, text, n);
        CHECK_EQUAL(trie.ids[unit], want);
        CHECK(trie.scores[unit] == (want < 0 ? -INFINITY : -(double)want));
    }
    CHECK_EQUAL(trie.ids[walk(&trie, "z", 1)], -1);
    CHECK_EQUAL(trie.ids[walk(&trie, "\xEA\xB0", 2)], -1);
    char_trie_release(&trie);
}

TEST(char_table, reads_what_was_put_and_names_the_rest_missing)
{
    CharTable table;
    char_table_init(&table, 77);
    char_table_put(&table, 'a', 1);
    char_table_put(&table, 0xAC00, 2);
    char_table_put(&table, UNICODE_MAX, 3);
    char_table_put(&table, 0xAC00, 4);
    const char text[] = "a가나\xF4\x8F\xBF\xBF\xEA\xB0";
    const uint32_t want[] = {1, 4, 77, 3, 77};
    size_t at = 0;
    for (int i = 0; i < 5; i++)
        CHECK_EQUAL(char_table_read(&table, text, &at, sizeof text - 1), want[i]);
    CHECK_EQUAL(at, sizeof text - 1);
    char_table_release(&table);
}

TEST(char_table, characters_of_a_shared_page_have_the_values_of_the_other)
{
    CharTable table;
    char_table_init(&table, 7);
    char_table_put(&table, 0x20001, 8);
    char_table_share(&table, 0x30000, 0x20000);
    CHECK_EQUAL(char_table_get(&table, 0x30001), 8);
    CHECK_EQUAL(char_table_get(&table, 0x300FF), 7);
    CHECK_EQUAL(char_table_get(&table, 0x30101), 7);
    CHECK(!char_table_is_bare(&table, 0x300AA) && char_table_is_bare(&table, 0x40000));
    char_table_release(&table);
}
