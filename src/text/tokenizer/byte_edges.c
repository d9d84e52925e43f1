/* byte_edges.c - see byte_edges.h. */
#include "text/tokenizer/byte_edges.h"
#include "base/arena.h"
#include "base/large.h"

#include <stdlib.h>

void byte_edges_build(ByteEdges *edges, const Trie *trie)
{
    edges->trie = trie;
    edges->couples = mem_alloc_large(2 * N_COUPLES * sizeof *edges->couples);  /* as much as has a page of its own */
    edges->meets = mem_alloc(N_COUPLES / COUPLES_A_WORD * sizeof *edges->meets);
    for (int a = 0; a < 256; a++) {
        TrieNode first = trie_root(trie);
        int is_first = trie_step(trie, &first, (unsigned char)a);
        edges->single[a] = is_first ? trie_value(first) : -1;
        for (int b = 0; b < 256; b++) {
            TrieNode node = first, *couple = &edges->couples[a << 8 | b];
            *couple = (TrieNode)(edges->single[a] + 1);
            if (!is_first || !trie_step(trie, &node, (unsigned char)b))
                continue;
            *couple |= node >> TRIE_BASE_SHIFT << TRIE_BASE_SHIFT;
            if (trie_value(node) < 0)
                continue;
            edges->meets[(a << 8 | b) / COUPLES_A_WORD] |= 1u << (a << 8 | b) % COUPLES_A_WORD;
            *couple = node >> TRIE_BASE_SHIFT << TRIE_BASE_SHIFT | (TrieNode)1 << TRIE_BYTE_SHIFT | (TrieNode)(trie_value(node) + 1);
        }
    }
}

void byte_edges_release(ByteEdges *edges)
{
    free(edges->couples);
    free(edges->meets);
    *edges = (ByteEdges){0};
}
