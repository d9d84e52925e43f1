/* trie_test.c - every key is found with its value, and nothing else is. */
#include "text/tokenizer/trie.h"
#include "base/arena.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

static int32_t find(const Trie *trie, const char *bytes, size_t n)
{
    TrieNode node = trie_root(trie);
    for (size_t i = 0; i < n; i++)
        if (!trie_step(trie, &node, (unsigned char)bytes[i]))
            return -1;
    return trie_value(node);
}

TEST(trie, finds_every_key_and_no_other_string)
{
    enum { N_KEYS = 20000 };
    Arena *arena = arena_new();
    TrieKey *keys = ARENA_ARRAY(arena, TrieKey, N_KEYS), *asked = ARENA_ARRAY(arena, TrieKey, N_KEYS);
    for (int i = 0; i < N_KEYS; i++) {
        const char *text = arena_printf(arena, "%x%s", i, i % 3 ? "\xEA\xB0\x80" : i % 2 ? "\xFF" : "");
        keys[i] = asked[i] = (TrieKey){text, strlen(text), i};
    }
    Trie trie;
    trie_build(&trie, keys, N_KEYS);
    int n_wrong = 0;
    for (int i = 0; i < N_KEYS; i++) {
        n_wrong += find(&trie, asked[i].bytes, asked[i].n) != asked[i].value;
        char longer[32];
        size_t n = (size_t)snprintf(longer, sizeof longer, "%s?", asked[i].bytes);
        n_wrong += find(&trie, longer, n) != -1;
    }
    CHECK_EQUAL(n_wrong, 0);
    CHECK_EQUAL(find(&trie, "", 0), -1);
    CHECK(trie.n_units < 4 * 1 << 18);
    trie_release(&trie);
    arena_free(arena);
}

TEST(trie, may_be_empty)
{
    Trie trie;
    trie_build(&trie, NULL, 0);
    CHECK_EQUAL(find(&trie, "a", 1), -1);
    trie_release(&trie);
}
