/* char_edges_test.c - walking by characters finds what walking by bytes finds, with keys and texts that break characters in the middle. */
#include "text/tokenizer/char_edges.h"
#include "base/philox.h"
#include "base/test.h"

enum { N_KEYS = 60, KEY_BYTES_MAX = 24, TEXT_BYTES = 120 };

static uint32_t draw(uint64_t seed, uint64_t i, uint32_t n)
{
    return philox(seed, 12, i, 0).word[0] % n;
}

/* Characters that share their first bytes, a space, a letter, and parts of characters. */
static size_t put_random(char *out, uint64_t seed, uint64_t i, bool broken)
{
    static const char *const parts[] = {"\xEA\xB0\x80", "\xEA\xB0\x81", "\xEA\xB1\x80", "\xED\x95\x9C", " ", "a",
                                        "\xEA\xB0", "\xEA", "\xB0", "\xE0\x80\x80", "\xC3\xA9", "\xF0\x9F\x98\x80"};
    const char *part = parts[draw(seed, i, broken ? 12 : 6)];
    size_t n = strlen(part);
    memcpy(out, part, n);
    return n;
}

static size_t make(char *out, size_t n_parts, uint64_t seed, uint64_t i, bool broken)
{
    size_t n = 0;
    for (size_t k = 0; k < n_parts; k++)
        n += put_random(out + n, seed, 16 * i + k, broken);
    return n;
}

TEST(char_edges, finds_what_the_byte_trie_finds)
{
    int n_wrong = 0, n_walks = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        char texts[N_KEYS][KEY_BYTES_MAX], text[TEXT_BYTES];
        TrieKey keys[N_KEYS];
        for (uint64_t i = 0; i < N_KEYS; i++)
            keys[i] = (TrieKey){texts[i], make(texts[i], 1 + draw(seed, 9000 + i, 5), seed, i, seed % 2), (int32_t)i};
        Trie trie;
        CharEdges edges;
        trie_build(&trie, keys, N_KEYS);
        char_edges_build(&edges, &trie, keys, N_KEYS);
        n_walks += edges.slots != NULL;
        for (uint64_t i = 0; i < 20; i++) {
            size_t n = make(text, 14, seed, 1000 + i, true);
            for (size_t at = 0; at < n; at++) {
                size_t want = 0, got = 0;
                int32_t by_bytes = longest_by_bytes(&trie, trie_root(&trie), text + at, 0, n - at, -1, &want);
                n_wrong += char_edges_longest(&edges, text + at, n - at, &got) != by_bytes || got != want;
            }
        }
        char_edges_release(&edges);
        trie_release(&trie);
    }
    CHECK_EQUAL(n_wrong, 0);
    CHECK(n_walks > 150);
}
