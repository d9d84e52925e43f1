/* dedup.c - keys are sorted band by band; equal neighbours are joined by union-find. */
#include "text/corpus/dedup.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t key;
    int64_t document;
} KeyEntry;

struct Dedup {
    int n_keys;
    bool exact;
    int64_t n, room;
    Hash128 *contents;
    int64_t *lengths;
    uint64_t *keys;
    int64_t *parents, *survivors, *sizes;
};

Dedup *dedup_new(int n_keys, bool exact)
{
    Dedup *dedup = mem_alloc(sizeof *dedup);
    dedup->exact = exact;
    dedup->n_keys = n_keys;
    return dedup;
}

void dedup_free(Dedup *dedup)
{
    if (!dedup)
        return;
    free(dedup->contents);
    free(dedup->lengths);
    free(dedup->keys);
    free(dedup->parents);
    free(dedup->survivors);
    free(dedup->sizes);
    free(dedup);
}

void dedup_add(Dedup *dedup, Hash128 content, int64_t length, const uint64_t *keys)
{
    if (dedup->n == dedup->room) {
        dedup->room = 2 * dedup->room + 1024;
        size_t room = (size_t)dedup->room;
        dedup->contents = mem_realloc(dedup->contents, room * sizeof *dedup->contents);
        dedup->lengths = mem_realloc(dedup->lengths, room * sizeof *dedup->lengths);
        dedup->keys = mem_realloc(dedup->keys, room * (size_t)dedup->n_keys * sizeof *dedup->keys);
    }
    dedup->contents[dedup->n] = content;
    dedup->lengths[dedup->n] = length;
    memcpy(dedup->keys + dedup->n * dedup->n_keys, keys, (size_t)dedup->n_keys * sizeof *keys);
    dedup->n++;
}

static int compare_entries(const void *x, const void *y)
{
    const KeyEntry *a = x, *b = y;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->document > b->document) - (a->document < b->document);
}

/* The root, with every second link on the way shortened. */
static int64_t find_root(int64_t *parents, int64_t document)
{
    while (parents[document] != document) {
        parents[document] = parents[parents[document]];
        document = parents[document];
    }
    return document;
}

/* Does a stay rather than b? */
static bool stays(const Dedup *dedup, int64_t a, int64_t b)
{
    if (dedup->lengths[a] != dedup->lengths[b])
        return dedup->lengths[a] > dedup->lengths[b];
    Hash128 x = dedup->contents[a], y = dedup->contents[b];
    if (x.high != y.high)
        return x.high < y.high;
    if (x.low != y.low)
        return x.low < y.low;
    return a < b;
}

static void join_band(Dedup *dedup, KeyEntry *entries, int band)
{
    for (int64_t i = 0; i < dedup->n; i++)
        entries[i] = (KeyEntry){dedup->keys[i * dedup->n_keys + band], i};
    qsort(entries, (size_t)dedup->n, sizeof *entries, compare_entries);
    for (int64_t i = 1; i < dedup->n; i++) {
        Hash128 x = dedup->contents[entries[i].document], y = dedup->contents[entries[i - 1].document];
        if (entries[i].key != entries[i - 1].key || (dedup->exact && (x.low != y.low || x.high != y.high)))
            continue;
        int64_t a = find_root(dedup->parents, entries[i].document), b = find_root(dedup->parents, entries[i - 1].document);
        if (a != b)
            dedup->parents[a > b ? a : b] = a > b ? b : a;
    }
}

void dedup_cluster(Dedup *dedup)
{
    size_t n = (size_t)dedup->n;
    dedup->parents = mem_alloc(n * sizeof *dedup->parents + 1);
    dedup->survivors = mem_alloc(n * sizeof *dedup->survivors + 1);
    dedup->sizes = mem_alloc(n * sizeof *dedup->sizes + 1);
    KeyEntry *entries = mem_alloc(n * sizeof *entries + 1);
    for (int64_t i = 0; i < dedup->n; i++)
        dedup->parents[i] = i;
    for (int band = 0; band < dedup->n_keys; band++)
        join_band(dedup, entries, band);
    free(entries);
    for (int64_t i = 0; i < dedup->n; i++)
        dedup->survivors[i] = -1;
    for (int64_t i = 0; i < dedup->n; i++) {
        int64_t root = find_root(dedup->parents, i);
        int64_t best = dedup->survivors[root];
        dedup->survivors[root] = best < 0 || stays(dedup, i, best) ? i : best;
        dedup->sizes[root]++;
    }
}

int64_t dedup_survivor(const Dedup *dedup, int64_t document)
{
    return dedup->survivors[find_root(dedup->parents, document)];
}

int64_t dedup_cluster_size(const Dedup *dedup, int64_t document)
{
    return dedup->sizes[find_root(dedup->parents, document)];
}

int64_t dedup_n_documents(const Dedup *dedup)
{
    return dedup->n;
}
