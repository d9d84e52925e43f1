/* trie.c - see trie.h. Nodes are placed breadth first; the children of one go to the first base at which all their units are free. */
#include "text/tokenizer/trie.h"
#include "base/arena.h"
#include "base/large.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int by_bytes(const void *a, const void *b)
{
    const TrieKey *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int order = memcmp(x->bytes, y->bytes, n);
    if (order == 0)
        order = (x->n > y->n) - (x->n < y->n);
    return order ? order : (x->value > y->value) - (x->value < y->value);
}

/* The array while it is built: bases that are taken may not be given to a second node. */
typedef struct {
    Trie *trie;
    uint8_t *base_taken;
    int32_t last_base;
    int32_t first_free, first_roomy;  /* where to look for room: an only child takes the first free unit, families look further on */
} Builder;

static void grow(Builder *builder, int32_t n)
{
    Trie *trie = builder->trie;
    if (n <= trie->n_units)
        return;
    int32_t larger = trie->n_units ? trie->n_units : 1024;
    while (larger < n)
        larger *= 2;
    assert(larger <= TRIE_UNITS_MAX);
    trie->units = mem_realloc(trie->units, (size_t)larger * sizeof *trie->units);
    builder->base_taken = mem_realloc(builder->base_taken, (size_t)larger);
    memset(trie->units + trie->n_units, 0, (size_t)(larger - trie->n_units) * sizeof *trie->units);
    memset(builder->base_taken + trie->n_units, 0, (size_t)(larger - trie->n_units));
    trie->n_units = larger;
}

static bool is_free(const Builder *builder, int32_t unit)
{
    return builder->trie->units[unit] == 0;
}

/* A node waiting for its children: keys [begin, end) share its `depth` bytes. */
typedef struct {
    int32_t node;
    uint32_t begin, end, depth;
} Waiting;

enum { PROBES_MAX = 128 };

static int32_t find_base(Builder *builder, const unsigned char *bytes, int n)
{
    int32_t *start = n == 1 ? &builder->first_free : &builder->first_roomy;
    grow(builder, *start + 1);
    while (!is_free(builder, *start))
        grow(builder, ++*start + 1);
    int n_probes = 0;
    for (int32_t unit = *start;; unit++) {
        grow(builder, unit + 512);
        if (++n_probes % PROBES_MAX == 0)
            *start = unit;
        int32_t base = unit - bytes[0];
        if (!is_free(builder, unit) || builder->base_taken[base])
            continue;
        bool fits = true;
        for (int i = 1; i < n && fits; i++)
            fits = is_free(builder, base + bytes[i]);
        if (fits) {
            builder->base_taken[base] = 1;
            if (base > builder->last_base)
                builder->last_base = base;
            return base;
        }
    }
}

void trie_sort_keys(TrieKey *keys, size_t n_keys)
{
    bool sorted = true;
    for (size_t i = 1; i < n_keys && sorted; i++)
        sorted = by_bytes(&keys[i - 1], &keys[i]) <= 0;
    if (!sorted)
        qsort(keys, n_keys, sizeof *keys, by_bytes);
}

void trie_build(Trie *trie, TrieKey *keys, size_t n_keys)
{
    trie_sort_keys(keys, n_keys);
    *trie = (Trie){NULL, 0};
    Builder builder = {trie, NULL, 0, 256, 256};  /* units below 256 stay free: what a node without children would step to */
    grow(&builder, 1024);
    size_t capacity = 1024, head = 0, tail = 0;
    Waiting *queue = mem_alloc(capacity * sizeof *queue);
    queue[tail++] = (Waiting){0, 0, (uint32_t)n_keys, 0};
    while (head < tail) {
        Waiting now = queue[head++];
        uint32_t i = now.begin;
        for (; i < now.end && keys[i].n == now.depth; i++)
            if (now.depth > 0 && trie_value(trie->units[now.node]) < 0)
                trie->units[now.node] |= (TrieNode)keys[i].value + 1;
        unsigned char bytes[256];
        uint32_t begins[257];
        int n = 0;
        for (; i < now.end; i++) {
            unsigned char byte = (unsigned char)keys[i].bytes[now.depth];
            if (n == 0 || bytes[n - 1] != byte) {
                bytes[n] = byte;
                begins[n++] = i;
            }
        }
        begins[n] = now.end;
        if (n == 0)
            continue;
        int32_t base = find_base(&builder, bytes, n);
        trie->units[now.node] |= (TrieNode)base << TRIE_BASE_SHIFT;
        for (int k = 0; k < n; k++)
            trie->units[base + bytes[k]] = (TrieNode)(bytes[k] + 1) << TRIE_BYTE_SHIFT;
        if (head > tail / 2) {  /* those in front are done */
            memmove(queue, queue + head, (tail - head) * sizeof *queue);
            tail -= head;
            head = 0;
        }
        if (tail + (size_t)n > capacity)
            queue = mem_realloc(queue, (capacity = (tail + (size_t)n) * 2) * sizeof *queue);
        for (int k = 0; k < n; k++)
            queue[tail++] = (Waiting){base + bytes[k], begins[k], begins[k + 1], now.depth + 1};
    }
    free(queue);
    free(builder.base_taken);
    trie->n_units = builder.last_base + 256;  /* what doubling took beyond that is not copied */
    TrieNode *units = mem_alloc_large((size_t)trie->n_units * sizeof *units);
    memcpy(units, trie->units, (size_t)trie->n_units * sizeof *units);
    free(trie->units);
    trie->units = units;
}

void trie_release(Trie *trie)
{
    free(trie->units);
    *trie = (Trie){NULL, 0};
}
