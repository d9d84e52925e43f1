/* unigram_seed.c - see unigram_seed.h. All suffixes of all words are sorted; substrings that repeat stand together, and those after which
 * the text goes on in more than one way are the inner nodes of the suffix tree, found by one pass over the common prefixes of neighbours
 * (Abouelhoda, Kurtz & Ohlebusch 2004). A substring that is always followed by the same character is worth no seed: the longer one is. */
#include "text/tokenizer/unigram_seed.h"
#include "text/unicode/utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef UnigramSuffix Suffix;
enum { TEXT_ROOM_BYTES = 1 << 16 };

static const char *suffix_text(const WordCounts *counts, Suffix s, uint32_t *n_bytes)
{
    const Word *word = &counts->words[s.word];
    uint32_t n = word->n_bytes - s.start;
    *n_bytes = n < SEED_BYTES_MAX ? n : SEED_BYTES_MAX;
    return counts->pool + word->offset + s.start;
}

/* Byte `depth` of a suffix, 0 behind its end, one more for every other. */
static inline int byte_at(const WordCounts *counts, Suffix s, uint32_t depth)
{
    const Word *word = &counts->words[s.word];
    return s.start + depth < word->n_bytes ? (unsigned char)counts->pool[word->offset + s.start + depth] + 1 : 0;
}

static inline void swap(Suffix *a, Suffix *b)
{
    Suffix t = *a;
    *a = *b;
    *b = t;
}

/* Multikey quicksort (Bentley & Sedgewick 1997) by the first SEED_BYTES_MAX bytes. Equal suffixes may come in any order: they form one node. */
static void sort(const WordCounts *counts, Suffix *s, size_t n, uint32_t depth)
{
    while (n > 1 && depth < SEED_BYTES_MAX) {
        int pivot = byte_at(counts, s[n / 2], depth);
        size_t less = 0, i = 0, more = n;
        while (i < more) {
            int byte = byte_at(counts, s[i], depth);
            if (byte < pivot)
                swap(&s[less++], &s[i++]);
            else if (byte > pivot)
                swap(&s[i], &s[--more]);
            else
                i++;
        }
        sort(counts, s, less, depth);
        sort(counts, s + more, n - more, depth);
        if (pivot == 0)
            return;
        s += less;
        n = more - less;
        depth++;
    }
}

/* Characters, and their bytes, that two suffixes share. */
static uint32_t common_prefix(const WordCounts *counts, Suffix a, Suffix b, uint32_t *n_bytes)
{
    uint32_t n_a, n_b, same = 0, n_chars = 0;
    const char *x = suffix_text(counts, a, &n_a), *y = suffix_text(counts, b, &n_b);
    uint32_t n = n_a < n_b ? n_a : n_b;
    while (same < n && x[same] == y[same])
        same++;
    *n_bytes = 0;
    while (n_chars < SEED_CHARS_MAX && *n_bytes < same) {
        uint32_t c;
        uint32_t length = (uint32_t)utf8_decode(&c, x + *n_bytes, x + n_a);
        if (*n_bytes + length > same)
            break;
        *n_bytes += length;
        n_chars++;
    }
    return n_chars;
}

void unigram_seeds_push(UnigramSeeds *seeds, SeedPiece piece)
{
    if (piece.n_chars > 1 && piece.count * piece.n_chars < seeds->least_cover)
        return;
    if (seeds->n == seeds->capacity) {
        seeds->capacity = seeds->capacity ? seeds->capacity * 2 : 4096;
        seeds->items = mem_realloc(seeds->items, (size_t)seeds->capacity * sizeof *seeds->items);
    }
    seeds->items[seeds->n++] = piece;
}

/* An open node: all suffixes since it was opened share its prefix. */
typedef struct {
    uint32_t n_chars, n_bytes;
    int64_t count;
} Node;
typedef struct {
    Node nodes[SEED_CHARS_MAX + 1];
    int n;
} Open;

static uint32_t open_depth(const Open *open)
{
    return open->n ? open->nodes[open->n - 1].n_chars : 0;
}

/* Inner nodes of two or more characters, and whole words that nothing else begins with but that are frequent by themselves. */
static void find_nodes(const WordCounts *counts, const Suffix *s, size_t n, UnigramSeeds *seeds)
{
    Open open = {.n = 0};
    for (size_t i = 0; i < n; i++) {
        const Word *word = &counts->words[s[i].word];
        const char *text = counts->pool + word->offset + s[i].start;
        uint32_t n_bytes = 0, n_chars = i + 1 < n ? common_prefix(counts, s[i], s[i + 1], &n_bytes) : 0, own_bytes;
        if (n_chars < 2)
            n_chars = 0;
        uint32_t depth = open_depth(&open), own_chars = common_prefix(counts, s[i], s[i], &own_bytes);
        if (s[i].start == 0 && word->count > 1 && own_chars > 1 && own_chars > n_chars && own_chars > depth)
            unigram_seeds_push(seeds, (SeedPiece){text, own_bytes, own_chars, word->count});
        if (n_chars > depth)
            open.nodes[open.n++] = (Node){n_chars, n_bytes, 0};
        if (open.n)
            open.nodes[open.n - 1].count += word->count;
        while (open_depth(&open) > n_chars) {
            Node node = open.nodes[--open.n];
            unigram_seeds_push(seeds, (SeedPiece){text, node.n_bytes, node.n_chars, node.count});
            if (open_depth(&open) < n_chars)
                open.nodes[open.n++] = (Node){n_chars, n_bytes, 0};
            if (open.n)
                open.nodes[open.n - 1].count += node.count;
        }
    }
}

const char *unigram_seeds_keep_text(UnigramSeeds *seeds, const char *text, size_t n_bytes)
{
    if (n_bytes > seeds->n_text_room) {
        seeds->n_text_room = TEXT_ROOM_BYTES;
        seeds->text_room = arena_alloc_unset(seeds->texts, seeds->n_text_room);
    }
    char *kept = memcpy(seeds->text_room, text, n_bytes);
    seeds->text_room += n_bytes;
    seeds->n_text_room -= n_bytes;
    return kept;
}

typedef struct {
    int64_t *by_char;
    size_t n;
} CharCounter;

static Err count_chars(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    CharCounter *counter = context;
    for (const char *at = bytes, *end = bytes + n_bytes; at < end; counter->n++) {
        uint32_t c;
        at += utf8_decode(&c, at, end);
        if (c != UTF8_ILL_FORMED)
            counter->by_char[c] += count;
    }
    return OK;
}

/* All characters; also counts the suffixes. */
static Err find_chars(const WordCounts *counts, UnigramSeeds *seeds, size_t *n_suffixes)
{
    CharCounter counter = {.by_char = mem_alloc((UNICODE_MAX + 1) * sizeof(int64_t))};
    Err err = word_counts_each(counts, count_chars, &counter);
    for (uint32_t c = 0; c <= UNICODE_MAX; c++) {
        if (!counter.by_char[c])
            continue;
        char bytes[UTF8_BYTES_MAX];
        uint32_t n_bytes = (uint32_t)utf8_encode(bytes, c);
        unigram_seeds_push(seeds, (SeedPiece){unigram_seeds_keep_text(seeds, bytes, n_bytes), n_bytes, 1, counter.by_char[c]});
    }
    free(counter.by_char);
    seeds->n_chars = seeds->n;
    *n_suffixes = counter.n;
    return err;
}

static Suffix *make_suffixes(const WordCounts *counts, size_t n)
{
    Suffix *suffixes = mem_alloc(n * sizeof *suffixes);
    size_t k = 0;
    for (int64_t w = 0; w < counts->n; w++) {
        const char *text = counts->pool + counts->words[w].offset;
        uint32_t c, n_bytes = counts->words[w].n_bytes;
        for (uint32_t at = 0; at < n_bytes; at += (uint32_t)utf8_decode(&c, text + at, text + n_bytes))
            suffixes[k++] = (Suffix){(uint32_t)w, at};
    }
    return suffixes;
}

static int by_bytes(const void *a, const void *b)
{
    const SeedPiece *x = a, *y = b;
    uint32_t n = x->n_bytes < y->n_bytes ? x->n_bytes : y->n_bytes;
    int order = memcmp(x->text, y->text, n);
    return order ? order : (x->n_bytes > y->n_bytes) - (x->n_bytes < y->n_bytes);
}

static int by_cover(const void *a, const void *b)
{
    const SeedPiece *x = a, *y = b;
    if ((x->n_chars == 1) != (y->n_chars == 1))
        return x->n_chars == 1 ? -1 : 1;
    int64_t cover_x = x->count * x->n_chars, cover_y = y->count * y->n_chars;
    return cover_x != cover_y ? (cover_x < cover_y) - (cover_x > cover_y) : by_bytes(a, b);
}

void unigram_seeds_of_suffixes(UnigramSeeds *seeds, const WordCounts *counts, Suffix *suffixes, size_t n)
{
    sort(counts, suffixes, n, 0);
    find_nodes(counts, suffixes, n, seeds);
}

void unigram_seeds_keep_best(UnigramSeeds *seeds, int64_t n_max)
{
    if (seeds->n <= seeds->n_chars + n_max)
        return;
    qsort(seeds->items, (size_t)seeds->n, sizeof *seeds->items, by_cover);
    seeds->n = seeds->n_chars + n_max;
}

Err unigram_find_seeds(SeedPiece **pieces, int64_t *n, Arena **texts, const WordCounts *counts, int64_t n_max, int64_t memory_bytes_max)
{
    UnigramSeeds seeds = {.texts = arena_new()};
    size_t n_suffixes;
    Err err = find_chars(counts, &seeds, &n_suffixes);
    if (err == OK && counts->spill) {
        err = unigram_seeds_from_disk(&seeds, counts, n_max, memory_bytes_max);
    } else if (err == OK) {
        assert(counts->n <= UINT32_MAX);
        Suffix *suffixes = make_suffixes(counts, n_suffixes);
        unigram_seeds_of_suffixes(&seeds, counts, suffixes, n_suffixes);
        free(suffixes);
    }
    unigram_seeds_keep_best(&seeds, n_max);
    if (seeds.n)
        qsort(seeds.items, (size_t)seeds.n, sizeof *seeds.items, by_bytes);
    *pieces = seeds.items;
    *n = seeds.n;
    *texts = seeds.texts;
    return err;
}
