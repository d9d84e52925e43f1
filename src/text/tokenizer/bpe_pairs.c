/* bpe_pairs.c - see bpe_pairs.h. Open addressing over pairs; a heap of four children a node. Arrays of many
 * megabytes have pages of their own: among the short lists of words they would leave holes where they were. */
#include "text/tokenizer/bpe_pairs.h"
#include "base/large.h"

static size_t hash_of(uint64_t key)
{
    return (size_t)((key * 0x9E3779B97F4A7C15u) >> 24);
}

static void rehash(PairTable *table)
{
    mem_release_grown(table->slots, table->n_slots * sizeof *table->slots);
    table->n_slots = table->n_slots ? table->n_slots * 2 : 1 << 14;
    table->slots = mem_grow(NULL, 0, table->n_slots * sizeof *table->slots);
    for (uint32_t i = 0; i < table->n; i++) {
        size_t at = hash_of(table->keys[i]) & (table->n_slots - 1);
        while (table->slots[at])
            at = (at + 1) & (table->n_slots - 1);
        table->slots[at] = i + 1;
    }
}

uint32_t pair_table_index(PairTable *table, uint64_t key)
{
    if ((size_t)table->n * 2 >= table->n_slots)
        rehash(table);
    size_t mask = table->n_slots - 1, at = hash_of(key) & mask;
    for (; table->slots[at]; at = (at + 1) & mask)
        if (table->keys[table->slots[at] - 1] == key)
            return table->slots[at] - 1;
    if (table->n == table->capacity) {
        size_t before = table->capacity * sizeof *table->keys;
        table->capacity = table->capacity ? table->capacity + table->capacity / 2 : 1 << 13;
        table->keys = mem_grow(table->keys, before, table->capacity * sizeof *table->keys);
        table->counts = mem_grow(table->counts, before, table->capacity * sizeof *table->counts);
    }
    table->keys[table->n] = key;
    table->counts[table->n] = 0;
    table->slots[at] = ++table->n;
    return table->n - 1;
}

int64_t pair_table_count(const PairTable *table, uint64_t key)
{
    if (!table->n_slots)
        return 0;
    size_t mask = table->n_slots - 1;
    for (size_t at = hash_of(key) & mask; table->slots[at]; at = (at + 1) & mask)
        if (table->keys[table->slots[at] - 1] == key)
            return table->counts[table->slots[at] - 1];
    return 0;
}

size_t pair_table_bytes(const PairTable *table)
{
    return table->capacity * (sizeof *table->keys + sizeof *table->counts) + table->n_slots * sizeof *table->slots;
}

void pair_table_release(PairTable *table)
{
    mem_release_grown(table->keys, table->capacity * sizeof *table->keys);
    mem_release_grown(table->counts, table->capacity * sizeof *table->counts);
    mem_release_grown(table->slots, table->n_slots * sizeof *table->slots);
    *table = (PairTable){0};
}

static bool goes_first(const PairEntry *a, const PairEntry *b)
{
    return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static void sift_down(PairHeap *heap, size_t i)
{
    PairEntry *entries = heap->entries, moved = entries[i];
    for (size_t child; (child = 4 * i + 1) < heap->n; i = child) {
        size_t end = child + 4 < heap->n ? child + 4 : heap->n;
        for (size_t k = child + 1; k < end; k++)
            if (goes_first(&entries[k], &entries[child]))
                child = k;
        if (!goes_first(&entries[child], &moved))
            break;
        entries[i] = entries[child];
    }
    entries[i] = moved;
}

void pair_heap_push(PairHeap *heap, PairEntry entry)
{
    if (heap->n == heap->capacity) {
        size_t before = heap->capacity * sizeof *heap->entries;
        heap->capacity = heap->capacity ? heap->capacity + heap->capacity / 2 : 1 << 13;
        heap->entries = mem_grow(heap->entries, before, heap->capacity * sizeof *heap->entries);
    }
    size_t i = heap->n++;
    for (size_t parent; i > 0 && goes_first(&entry, &heap->entries[parent = (i - 1) / 4]); i = parent)
        heap->entries[i] = heap->entries[parent];
    heap->entries[i] = entry;
}

const PairEntry *pair_heap_top(PairHeap *heap, const PairTable *table)
{
    while (heap->n) {
        PairEntry *top = &heap->entries[0];
        int64_t now = table->counts[top->pair];
        if (top->count == now)
            return top;
        top->count = now;
        sift_down(heap, 0);
    }
    return NULL;
}

PairEntry pair_heap_pop(PairHeap *heap)
{
    PairEntry top = heap->entries[0];
    heap->entries[0] = heap->entries[--heap->n];
    if (heap->n)
        sift_down(heap, 0);
    return top;
}

void pair_heap_release(PairHeap *heap)
{
    mem_release_grown(heap->entries, heap->capacity * sizeof *heap->entries);
    *heap = (PairHeap){0};
}
