/* char_trie.c - see char_trie.h. Nodes are placed breadth first; the children of one go to the first base at which all their units are free. */
#include "text/tokenizer/char_trie.h"
#include "base/large.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A node waiting for its children: keys [begin, end) share its `depth` bytes. */
typedef struct {
    uint32_t node, begin, end, depth;
} Waiting;

typedef struct {
    uint32_t label, begin, end, depth;
} Child;

typedef struct {
    CharTrie *trie;
    const TrieKey *keys;
    uint8_t *used, *base_taken;
    uint32_t capacity;
    uint32_t first_free, first_roomy;  /* where to look for room: an only child takes the first free unit, families look further on */
    Child *children;
    Waiting *queue;
    size_t n_queued;
} Builder;

typedef struct {
    uint32_t code_point, count;
} CharCount;

static int by_count(const void *a, const void *b)
{
    const CharCount *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : (x->code_point > y->code_point) - (x->code_point < y->code_point);
}

/* Characters by falling count get labels from 1 on. */
static void give_labels(CharTrie *trie, const TrieKey *keys, size_t n_keys)
{
    CharTable places;  /* 1 + place in `counts` */
    char_table_init(&places, 0);
    size_t n = 0, capacity = 256;
    CharCount *counts = mem_alloc(capacity * sizeof *counts);
    for (size_t i = 0; i < n_keys; i++)
        for (size_t at = 0; at < keys[i].n;) {
            uint32_t c;
            at += (size_t)utf8_decode(&c, keys[i].bytes + at, keys[i].bytes + keys[i].n);
            uint32_t place = char_table_get(&places, c);
            if (place == 0) {
                if (n == capacity)
                    counts = mem_realloc(counts, (capacity *= 2) * sizeof *counts);
                counts[n++] = (CharCount){c, 0};
                char_table_put(&places, c, place = (uint32_t)n);
            }
            counts[place - 1].count++;
        }
    char_table_release(&places);
    qsort(counts, n, sizeof *counts, by_count);
    trie->none = (uint32_t)n + 1;
    char_table_init(&trie->labels, trie->none);
    for (size_t i = 0; i < n; i++)
        char_table_put(&trie->labels, counts[i].code_point, (uint32_t)i + 1);
    free(counts);
}

/* Units up to `n`, and what the last of them could step to. */
static void grow(Builder *builder, uint32_t n)
{
    CharTrie *trie = builder->trie;
    n += trie->none + 1;
    if (n <= builder->capacity)
        return;
    uint32_t old = builder->capacity, larger = old ? old : 1024;
    while (larger < n)
        larger *= 2;
    trie->units = mem_realloc(trie->units, larger * sizeof *trie->units);
    trie->ids = mem_realloc(trie->ids, larger * sizeof *trie->ids);
    trie->scores = mem_realloc(trie->scores, larger * sizeof *trie->scores);
    builder->used = mem_realloc(builder->used, larger);
    builder->base_taken = mem_realloc(builder->base_taken, larger);
    memset(trie->units + old, 0, (larger - old) * sizeof *trie->units);
    memset(builder->used + old, 0, larger - old);
    memset(builder->base_taken + old, 0, larger - old);
    for (uint32_t i = old; i < larger; i++) {
        trie->ids[i] = -1;
        trie->scores[i] = -INFINITY;
    }
    builder->capacity = larger;
}

enum { PROBES_MAX = 128 };

static bool has_room(const Builder *builder, uint32_t base, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (builder->used[base + builder->children[i].label])
            return false;
    return !builder->base_taken[base];
}

static uint32_t find_base(Builder *builder, size_t n)
{
    uint32_t least = builder->children[0].label, *start = n == 1 ? &builder->first_free : &builder->first_roomy, n_probes = 0;
    for (size_t i = 1; i < n; i++)
        least = builder->children[i].label < least ? builder->children[i].label : least;
    for (grow(builder, *start + 1); builder->used[*start]; grow(builder, *start + 1))
        ++*start;
    for (uint32_t unit = *start;; unit++) {
        grow(builder, unit + 1);
        if (++n_probes % PROBES_MAX == 0)
            *start = unit;
        if (!builder->used[unit] && has_room(builder, unit - least, n))
            return unit - least;
    }
}

/* The keys of a node by their next character. */
static size_t find_children(Builder *builder, const Waiting *waiting)
{
    size_t n = 0;
    for (uint32_t i = waiting->begin; i < waiting->end; i++) {
        const TrieKey *key = &builder->keys[i];
        size_t at = waiting->depth;
        if (key->n <= at)
            continue;
        uint32_t label = char_table_read(&builder->trie->labels, key->bytes, &at, key->n);
        if (n == 0 || builder->children[n - 1].label != label)
            builder->children[n++] = (Child){label, i, i, (uint32_t)at};
        builder->children[n - 1].end = i + 1;
    }
    return n;
}

static void place_children(Builder *builder, const Waiting *waiting, size_t n, CharTrieScore score, const void *context)
{
    CharTrie *trie = builder->trie;
    uint32_t base = waiting->depth ? find_base(builder, n) : 0;
    builder->base_taken[base] = 1;
    trie->units[waiting->node] |= (uint64_t)base << 32 | (waiting->depth ? CHAR_TRIE_GOES_ON : 0);
    for (size_t i = 0; i < n; i++) {
        Child child = builder->children[i];
        const TrieKey *first = &builder->keys[child.begin];
        uint32_t node = base + child.label;
        builder->used[node] = 1;
        trie->units[node] = child.label;
        if (first->n == child.depth) {
            trie->ids[node] = first->value;
            trie->scores[node] = score(context, first);
        }
        if (node >= trie->n_units)
            trie->n_units = node + 1;
        builder->queue[builder->n_queued++] = (Waiting){node, child.begin, child.end, child.depth};
    }
}

static size_t keep_well_formed(TrieKey *keys, size_t n_keys, size_t *n_chars)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < n_keys; i++)
        if (keys[i].n && utf8_is_valid(keys[i].bytes, keys[i].n)) {
            *n_chars += (size_t)utf8_count(keys[i].bytes, keys[i].n);
            keys[n_kept++] = keys[i];
        }
    return n_kept;
}

void char_trie_build(CharTrie *trie, TrieKey *keys, size_t n_keys, CharTrieScore score, const void *context)
{
    *trie = (CharTrie){0};
    size_t n_chars = 0;
    n_keys = keep_well_formed(keys, n_keys, &n_chars);
    trie_sort_keys(keys, n_keys);
    give_labels(trie, keys, n_keys);
    Builder builder = {.trie = trie, .keys = keys, .first_free = trie->none + 1, .first_roomy = trie->none + 1};
    builder.children = mem_alloc((trie->none + 1) * sizeof *builder.children);
    builder.queue = mem_alloc((n_chars + 1) * sizeof *builder.queue);
    trie->n_units = trie->none + 1;
    grow(&builder, trie->n_units);
    builder.queue[builder.n_queued++] = (Waiting){0, 0, (uint32_t)n_keys, 0};
    for (size_t i = 0; i < builder.n_queued; i++) {
        Waiting waiting = builder.queue[i];
        size_t n = find_children(&builder, &waiting);
        if (n > 0)
            place_children(&builder, &waiting, n, score, context);
    }
    free(builder.children);
    free(builder.queue);
    free(builder.used);
    free(builder.base_taken);
}

void char_trie_release(CharTrie *trie)
{
    char_table_release(&trie->labels);
    free(trie->units);
    free(trie->scores);
    free(trie->ids);
    *trie = (CharTrie){0};
}
