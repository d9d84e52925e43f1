/* lone_bytes_test.c - a piece is lone exactly when no two of its bytes side by side are a key, wherever it lies, and never when it is too long or too far. */
#include "text/tokenizer/lone_bytes.h"
#include "base/philox.h"
#include "base/test.h"

enum { TEXT_BYTES = LONE_TEXT_BYTES + 300, N_TEXTS = 50 };

static bool is_lone_by_keys(const char *piece, size_t n, const TrieKey *keys, size_t n_keys)
{
    for (size_t i = 0; i + 1 < n; i++)
        for (size_t k = 0; k < n_keys; k++)
            if (keys[k].n == 2 && memcmp(keys[k].bytes, piece + i, 2) == 0)
                return false;
    return n <= LONE_PIECE_BYTES;
}

TEST(lone_bytes, tells_pieces_in_which_nothing_merges)
{
    TrieKey keys[] = {{"a", 1, 0}, {"b", 1, 1}, {"\xff", 1, 2}, {"ab", 2, 3}, {"b\xff", 2, 4}, {"aaa", 3, 5}, {"\xff\xff", 2, 6}};
    enum { N_KEYS = sizeof keys / sizeof keys[0] };
    Trie trie;
    ByteEdges edges;
    trie_build(&trie, keys, N_KEYS);
    byte_edges_build(&edges, &trie);
    int n_lone = 0;
    for (uint64_t i = 0; i < N_TEXTS; i++) {
        char text[TEXT_BYTES];
        for (size_t k = 0; k < TEXT_BYTES; k++)
            text[k] = "ab\xff" "cc\0\x80 d"[philox(3, 1, i, k).word[0] % 9];
        size_t ends[LONE_PIECES_MAX], begin = i, at = begin;
        bool is_lone[LONE_PIECES_MAX];
        int n = 0;
        for (; n < LONE_PIECES_MAX && at + 80 < TEXT_BYTES; n++)
            at = ends[n] = at + 1 + philox(3, 2, i, (uint64_t)n).word[0] % (i % 3 ? 6 : 70);
        lone_bytes_find(&edges, text, begin, ends, n, is_lone);
        at = begin;
        for (int k = 0; k < n; at = ends[k++]) {
            bool is_near = ends[k] - begin <= LONE_TEXT_BYTES;
            CHECK_EQUAL(is_lone[k], is_near && is_lone_by_keys(text + at, ends[k] - at, keys, N_KEYS));
            n_lone += is_lone[k];
        }
    }
    CHECK(n_lone > 1000);
    byte_edges_release(&edges);
    trie_release(&trie);
}
