/* langid_words.c - words counted in an open table, the frequent ones sorted. */
#include "text/corpus/langid_words.h"

#include "text/unicode/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { DIFFERENT_MAX = 1000000, COUNT_MIN = 3 };

typedef struct {
    uint64_t hash;
    const char *text;
    int64_t n;
} WordCount;

struct LangidWordCounts {
    Arena *texts;
    WordCount *slots;
    uint64_t mask;
    int64_t n;
};

LangidWordCounts *langid_words_new(void)
{
    LangidWordCounts *counts = mem_alloc(sizeof *counts);
    counts->texts = arena_new();
    return counts;
}

void langid_words_free(LangidWordCounts *counts)
{
    if (!counts)
        return;
    arena_free(counts->texts);
    free(counts->slots);
    free(counts);
}

static WordCount *slot_of(const LangidWordCounts *counts, uint64_t hash)
{
    uint64_t i = hash & counts->mask;
    while (counts->slots[i].hash && counts->slots[i].hash != hash)
        i = (i + 1) & counts->mask;
    return &counts->slots[i];
}

static void grow(LangidWordCounts *counts)
{
    LangidWordCounts old = *counts;
    counts->mask = old.slots ? 2 * old.mask + 1 : 1023;
    counts->slots = mem_alloc((counts->mask + 1) * sizeof *counts->slots);
    for (uint64_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i].hash)
            *slot_of(counts, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

/* Without the blanks at its ends. */
static const char *spell(Arena *arena, const uint32_t *word, int n)
{
    char *text = arena_alloc(arena, (size_t)n * UTF8_BYTES_MAX + 1), *to = text;
    for (int i = 1; i < n - 1; i++)
        to += utf8_encode(to, word[i]);
    *to = '\0';
    return text;
}

void langid_words_add(LangidWordCounts *counts, const uint32_t *word, int n)
{
    if (n - 2 > LANGID_LISTED_LETTERS_MAX)
        return;
    if (!counts->slots || 2 * (uint64_t)counts->n > counts->mask)
        grow(counts);
    uint64_t hash = langid_word_hash(word, n);
    WordCount *slot = slot_of(counts, hash);
    if (!slot->hash) {
        if (counts->n >= DIFFERENT_MAX)
            return;
        *slot = (WordCount){hash, spell(counts->texts, word, n), 0};
        counts->n++;
    }
    slot->n++;
}

static int compare(const void *a, const void *b)
{
    const WordCount *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->text, y->text);
}

const char *langid_words_list(const LangidWordCounts *counts, Arena *arena, size_t *n_bytes)
{
    WordCount *words = mem_alloc(((size_t)counts->n + 1) * sizeof *words);
    size_t n = 0, n_kept_bytes = 0;
    for (uint64_t i = 0; counts->slots && i <= counts->mask; i++)
        if (counts->slots[i].n >= COUNT_MIN)
            words[n++] = counts->slots[i];
    qsort(words, n, sizeof *words, compare);
    n = n < LANGID_LISTED_MAX ? n : LANGID_LISTED_MAX;
    for (size_t i = 0; i < n; i++)
        n_kept_bytes += strlen(words[i].text) + 1;
    char *list = arena_alloc(arena, n_kept_bytes + 1), *to = list;
    for (size_t i = 0; i < n; i++)
        to = (char *)memcpy(to, words[i].text, strlen(words[i].text) + 1) + strlen(words[i].text) + 1;
    free(words);
    *n_bytes = n_kept_bytes;
    return list;
}
