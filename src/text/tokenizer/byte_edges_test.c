/* byte_edges_test.c - the longest key by couples and guarded steps is the longest key by walking the trie, whatever stands behind the text. */
#include "text/tokenizer/byte_edges.h"
#include "base/philox.h"
#include "base/test.h"

enum { N_KEYS = 400, KEY_BYTES_MAX = 7, TEXT_BYTES = 4096 };

static unsigned char draw_byte(uint64_t seed, uint64_t i)
{
    static const unsigned char bytes[] = {0, ' ', 'a', 'b', 'c', 0x80, 0xEA, 0xFF};
    return bytes[philox(seed, 5, i, 0).word[0] % sizeof bytes];
}

static int32_t longest_by_walking(const Trie *trie, const char *bytes, size_t n, size_t *length)
{
    TrieNode node = trie_root(trie);
    int32_t longest = -1;
    *length = 1;
    for (size_t at = 0; at < n && trie_step(trie, &node, (unsigned char)bytes[at]); at++)
        if (trie_value(node) >= 0) {
            longest = trie_value(node);
            *length = at + 1;
        }
    return longest;
}

TEST(byte_edges, longest_is_that_of_the_trie)
{
    char room[N_KEYS][KEY_BYTES_MAX], text[TEXT_BYTES];
    TrieKey keys[N_KEYS];
    for (int32_t k = 0; k < N_KEYS; k++) {
        size_t n = 1 + philox(1, 5, (uint64_t)k, 0).word[0] % KEY_BYTES_MAX;
        for (size_t i = 0; i < n; i++)
            room[k][i] = (char)draw_byte(2, (uint64_t)k * KEY_BYTES_MAX + i);
        keys[k] = (TrieKey){room[k], n, k};
    }
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)draw_byte(3, i);
    Trie trie;
    ByteEdges edges;
    trie_build(&trie, keys, N_KEYS);
    byte_edges_build(&edges, &trie);
    int n_wrong = 0, n_long = 0;
    for (size_t at = 0; at + 16 < sizeof text; at++)
        for (size_t n = 1; n < 16; n++) {
            size_t length, want_length;
            int32_t got = byte_edges_longest(&edges, text + at, n, &length), want = longest_by_walking(&trie, text + at, n, &want_length);
            n_wrong += got != want || (want >= 0 && length != want_length);
            n_long += want_length > BYTE_EDGES_BYTES;
        }
    CHECK_EQUAL(n_wrong, 0);
    CHECK(n_long > 100);
    CHECK(byte_edges_wide("\xEA\xB0\x80 ") && byte_edges_wide(" \xEA\xB0\x80") && !byte_edges_wide("\xEA\xB0 \x80") && !byte_edges_wide("a\xEA\xB0\x80"));
    byte_edges_release(&edges);
    trie_release(&trie);
}
