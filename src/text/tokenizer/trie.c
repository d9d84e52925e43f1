/* trie.c - see trie.h. Nodes are placed breadth first; the children of one go to the first base at which all their units are free. */
#include "text/tokenizer/trie.h"
#include "base/arena.h"

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

static void grow(Trie *trie, int32_t n)
{
    if (n <= trie->n_units)
        return;
    int32_t larger = trie->n_units ? trie->n_units : 1024;
    while (larger < n)
        larger *= 2;
    trie->units = mem_realloc(trie->units, (size_t)larger * sizeof *trie->units);
    for (int32_t i = trie->n_units; i < larger; i++)
        trie->units[i] = (TrieUnit){0, -1, -1};
    trie->n_units = larger;
}

/* A node waiting for its children: keys [begin, end) share its `depth` bytes. */
typedef struct {
    int32_t node;
    uint32_t begin, end, depth;
} Waiting;

/* Where to look for room. An only child takes the first free unit; families look further on, past regions that are nearly full. */
typedef struct {
    int32_t first_free, first_roomy;
} Room;
enum { PROBES_MAX = 128 };

static int32_t find_base(Trie *trie, const unsigned char *bytes, int n, Room *room)
{
    int32_t *start = n == 1 ? &room->first_free : &room->first_roomy;
    grow(trie, *start + 1);
    while (trie->units[*start].check != -1)
        grow(trie, ++*start + 1);
    int n_probes = 0;
    for (int32_t unit = *start;; unit++) {
        grow(trie, unit + 256 + 1);
        if (++n_probes % PROBES_MAX == 0 && n > 1)
            *start = unit;
        if (trie->units[unit].check != -1)
            continue;
        int32_t base = unit - bytes[0];
        bool fits = true;
        for (int i = 1; i < n && fits; i++)
            fits = trie->units[base + bytes[i]].check == -1;
        if (fits)
            return base;
    }
}

void trie_build(Trie *trie, TrieKey *keys, size_t n_keys)
{
    if (n_keys)  /* qsort wants a real pointer even for nothing */
        qsort(keys, n_keys, sizeof *keys, by_bytes);
    *trie = (Trie){NULL, 0};
    grow(trie, 1024);
    trie->units[TRIE_ROOT].check = TRIE_ROOT;
    size_t capacity = 1024, head = 0, tail = 0;
    Waiting *queue = mem_alloc(capacity * sizeof *queue);
    queue[tail++] = (Waiting){TRIE_ROOT, 0, (uint32_t)n_keys, 0};
    Room room = {256, 256};  /* below, a base might be negative */
    while (head < tail) {
        Waiting now = queue[head++];
        uint32_t i = now.begin;
        for (; i < now.end && keys[i].n == now.depth; i++)
            if (now.depth > 0 && trie->units[now.node].value < 0)
                trie->units[now.node].value = keys[i].value;
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
        int32_t base = find_base(trie, bytes, n, &room);
        trie->units[now.node].base = base;
        for (int k = 0; k < n; k++)
            trie->units[base + bytes[k]].check = now.node;
        if (tail + (size_t)n > capacity)
            queue = mem_realloc(queue, (capacity = (tail + (size_t)n) * 2) * sizeof *queue);
        for (int k = 0; k < n; k++)
            queue[tail++] = (Waiting){base + bytes[k], begins[k], begins[k + 1], now.depth + 1};
    }
    free(queue);
}

void trie_release(Trie *trie)
{
    free(trie->units);
    *trie = (Trie){NULL, 0};
}
