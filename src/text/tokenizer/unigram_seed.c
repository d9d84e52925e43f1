/* unigram_seed.c - see unigram_seed.h. Substrings are found by length: one of k characters can be frequent only where both of its parts of
 * k - 1 are, so each pass counts few candidates and forgets them (Agrawal & Srikant 1994, the a-priori rule). */
#include "text/tokenizer/unigram_seed.h"
#include "text/unicode/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { SEED_CHARS_MAX = 16 };

typedef struct {
    uint64_t hash;
    int64_t count;
    const char *text;
    uint32_t n_bytes;
    bool is_taken;
} Slot;
typedef struct {
    Slot *slots;
    size_t n_slots, n;
} Table;

static Slot *slot_of(const Table *table, uint64_t hash, const char *text, uint32_t n_bytes)
{
    size_t mask = table->n_slots - 1, i = hash & mask;
    while (table->slots[i].text && (table->slots[i].hash != hash || table->slots[i].n_bytes != n_bytes ||
                                    memcmp(table->slots[i].text, text, n_bytes) != 0))
        i = (i + 1) & mask;
    return &table->slots[i];
}

static void table_add(Table *table, const char *text, uint32_t n_bytes, int64_t count)
{
    if (table->n * 2 >= table->n_slots) {
        Table larger = {NULL, table->n_slots ? table->n_slots * 2 : 1 << 16, table->n};
        larger.slots = mem_alloc(larger.n_slots * sizeof *larger.slots);
        for (size_t i = 0; i < table->n_slots; i++)
            if (table->slots[i].text)
                *slot_of(&larger, table->slots[i].hash, table->slots[i].text, table->slots[i].n_bytes) = table->slots[i];
        free(table->slots);
        *table = larger;
    }
    uint64_t hash = XXH3_64bits(text, n_bytes);
    Slot *slot = slot_of(table, hash, text, n_bytes);
    if (!slot->text) {
        *slot = (Slot){hash, 0, text, n_bytes, false};
        table->n++;
    }
    slot->count += count;
}

typedef struct {
    SeedPiece *items;
    int64_t n, capacity;
} Seeds;

static void seeds_push(Seeds *seeds, SeedPiece piece)
{
    if (seeds->n == seeds->capacity) {
        seeds->capacity = seeds->capacity ? seeds->capacity * 2 : 4096;
        seeds->items = mem_realloc(seeds->items, (size_t)seeds->capacity * sizeof *seeds->items);
    }
    seeds->items[seeds->n++] = piece;
}

static int by_cover(const void *a, const void *b)
{
    const SeedPiece *x = a, *y = b;
    if ((x->n_chars == 1) != (y->n_chars == 1))
        return x->n_chars == 1 ? -1 : 1;
    int64_t cover_x = x->count * x->n_chars, cover_y = y->count * y->n_chars;
    if (cover_x != cover_y)
        return (cover_x < cover_y) - (cover_x > cover_y);
    uint32_t n = x->n_bytes < y->n_bytes ? x->n_bytes : y->n_bytes;
    int order = memcmp(x->text, y->text, n);
    return order ? order : (x->n_bytes > y->n_bytes) - (x->n_bytes < y->n_bytes);
}

/* Byte offsets of the characters of a word, the end included. Returns how many characters. */
static uint32_t char_starts(const char *text, uint32_t n_bytes, uint32_t *starts)
{
    uint32_t n = 0, at = 0, c;
    while (at < n_bytes) {
        starts[n++] = at;
        at += (uint32_t)utf8_decode(&c, text + at, text + n_bytes);
    }
    starts[n] = n_bytes;
    return n;
}

/* One length: counts the candidates, then marks where the frequent ones stand. frequent[i] speaks of the substring of k - 1 characters at
 * the i-th character of all words before the pass, and of k after it. */
static void find_of_length(Seeds *seeds, const WordCounts *counts, uint32_t k, uint8_t *frequent, uint32_t *starts)
{
    Table table = {0};
    for (int pass = 0; pass < 2; pass++) {
        size_t base = 0;
        for (int64_t w = 0; w < counts->n; w++) {
            const char *text = counts->pool + counts->words[w].offset;
            uint32_t n = char_starts(text, counts->words[w].n_bytes, starts);
            for (uint32_t i = 0; i < n; i++) {
                bool candidate = i + k <= n && (k == 1 || (frequent[base + i] && frequent[base + i + 1]));
                const char *piece = text + starts[i];
                uint32_t n_bytes = candidate ? starts[i + k] - starts[i] : 0;
                if (candidate && pass == 0)
                    table_add(&table, piece, n_bytes, counts->words[w].count);
                if (pass == 0)
                    continue;
                Slot *slot = candidate ? slot_of(&table, XXH3_64bits(piece, n_bytes), piece, n_bytes) : NULL;
                frequent[base + i] = slot && slot->count >= 2;
                if (slot && !slot->is_taken && (k == 1 || slot->count >= 2)) {
                    slot->is_taken = true;
                    seeds_push(seeds, (SeedPiece){piece, n_bytes, k, slot->count});
                }
            }
            base += n;
        }
    }
    free(table.slots);
}

void unigram_find_seeds(SeedPiece **pieces, int64_t *n, const WordCounts *counts, int64_t n_max)
{
    size_t n_bytes = 0, longest = 0;
    for (int64_t w = 0; w < counts->n; w++) {
        n_bytes += counts->words[w].n_bytes;
        longest = counts->words[w].n_bytes > longest ? counts->words[w].n_bytes : longest;
    }
    uint8_t *frequent = mem_alloc(n_bytes + 1);
    uint32_t *starts = mem_alloc((longest + 1) * sizeof *starts);
    Seeds seeds = {0};
    int64_t n_chars = 0;
    for (uint32_t k = 1; k <= SEED_CHARS_MAX; k++) {
        int64_t before = seeds.n;
        find_of_length(&seeds, counts, k, frequent, starts);
        if (k == 1)
            n_chars = seeds.n;
        if (seeds.n == before)
            break;
    }
    free(frequent);
    free(starts);
    if (seeds.n)
        qsort(seeds.items, (size_t)seeds.n, sizeof *seeds.items, by_cover);
    *pieces = seeds.items;
    *n = seeds.n < n_chars + n_max ? seeds.n : n_chars + n_max;
}
