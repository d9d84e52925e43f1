/* unigram_seed_test.c - seeds against all substrings written out, from words in memory and from words on disk. */
#include "text/tokenizer/unigram_seed.h"
#include "text/tokenizer/word_spill.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_WORDS = 400, WORD_CHARS_MAX = 24, POOL_BYTES = N_WORDS * WORD_CHARS_MAX * 4, N_KINDS = 6 };
static const char *const kinds[N_KINDS] = {"a", "b", "\u00E9", "\uAC00", "\uB098", "\U0001F600"};

static int by_bytes(const void *a, const void *b, void *pool)
{
    const Word *x = a, *y = b;
    size_t n = x->n_bytes < y->n_bytes ? x->n_bytes : y->n_bytes;
    int order = memcmp((const char *)pool + x->offset, (const char *)pool + y->offset, n);
    return order ? order : (x->n_bytes > y->n_bytes) - (x->n_bytes < y->n_bytes);
}

/* Distinct words of few characters, ascending: many of them repeat in parts, some are longer than a seed, some are one character again and again. */
static WordCounts random_words(uint64_t seed)
{
    WordCounts counts = {.pool = malloc(POOL_BYTES), .words = calloc(N_WORDS, sizeof(Word)), .n = N_WORDS};
    uint64_t at = 0;
    for (int w = 0; w < N_WORDS; w++) {
        Philox r = philox(seed, 0, (uint64_t)w, 0);
        Word word = {at, 0, 1 + r.word[1] % 4 * (r.word[1] % 3)};
        uint32_t n_chars = 1 + r.word[0] % (w % 9 ? 7 : WORD_CHARS_MAX), n_kinds = w % 13 ? N_KINDS : 1;
        for (uint32_t i = 0; i < n_chars; i++) {
            const char *c = kinds[philox(seed, 1, (uint64_t)w, i).word[0] % n_kinds];
            memcpy(counts.pool + at, c, strlen(c));
            at += strlen(c);
        }
        word.n_bytes = (uint32_t)(at - word.offset);
        counts.words[w] = word;
    }
    qsort_r(counts.words, N_WORDS, sizeof(Word), by_bytes, counts.pool);
    int64_t n = 0;
    for (int w = 0; w < N_WORDS; w++)
        if (n == 0 || by_bytes(&counts.words[n - 1], &counts.words[w], counts.pool) != 0)
            counts.words[n++] = counts.words[w];
    counts.n = n;
    return counts;
}

/* The words in two runs on disk, some of them in both. */
static WordCounts on_disk(const WordCounts *counts, const char *dir)
{
    WordCounts stays = {.n = counts->n}, part = *counts;
    WordSpillPlace place;
    CHECK_OK(word_spill_open(&stays.spill, dir, 1, &place));
    part.words = malloc((size_t)counts->n * sizeof(Word));
    for (int run = 0; run < 2; run++) {
        part.n = 0;
        for (int64_t w = 0; w < counts->n; w++) {
            int64_t count = counts->words[w].count, first = w % 3 == 0 ? count : w % 3 == 1 ? 0 : count / 2;
            part.words[part.n] = counts->words[w];
            part.words[part.n].count = run == 0 ? first : count - first;
            part.n += part.words[part.n].count > 0;
        }
        CHECK_OK(word_spill_write(stays.spill, &part, (WordSpillPlace){run + 1, 0, 1}));
    }
    free(part.words);
    return stays;
}

/* What the door promises of a substring: how often it is seen, and in how many ways it goes on. */
typedef struct {
    int64_t count;
    bool ends, goes_on[N_KINDS];
    bool is_word;
} Use;

static Use use_of(const WordCounts *counts, const char *text, uint32_t n)
{
    Use use = {0};
    for (int64_t w = 0; w < counts->n; w++) {
        const Word *word = &counts->words[w];
        const char *bytes = counts->pool + word->offset;
        for (uint32_t start = 0; start + n <= word->n_bytes; start++) {
            if (memcmp(bytes + start, text, n) != 0)
                continue;
            use.count += word->count;
            use.ends |= start + n == word->n_bytes;
            use.is_word |= start == 0 && n == word->n_bytes;
            for (int k = 0; k < N_KINDS && start + n < word->n_bytes; k++)
                use.goes_on[k] |= strncmp(bytes + start + n, kinds[k], strlen(kinds[k])) == 0;
        }
    }
    return use;
}

/* Goal: each seed is seen as often as it says, and goes on in more than one way, is a word, or is as long as a seed can be; and on disk there are the
 * very seeds that there are in memory, however narrow the bound, and also where only the best stay. */
TEST(unigram_seed, words_on_disk_give_the_seeds_of_words_in_memory)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        WordCounts counts = random_words(seed), stays = on_disk(&counts, test_dir());
        for (int64_t n_max = 100; n_max < 100000; n_max *= 30)
            for (int64_t memory = 4 << 20; memory > 200000; memory /= 2) {
                SeedPiece *a, *b;
                int64_t n_a, n_b;
                Arena *of_a, *of_b;
                REQUIRE_OK(unigram_find_seeds(&a, &n_a, &of_a, &counts, n_max, 0));
                Err err = unigram_find_seeds(&b, &n_b, &of_b, &stays, n_max, memory);
                CHECK(err == OK || err == ERR_MEMORY);
                CHECK(err != ERR_MEMORY || memory < 1 << 20);
                CHECK(err != OK || n_a == n_b);
                int64_t n_wrong = 0;
                for (int64_t i = 0; i < n_a && err == OK && n_a == n_b; i++)
                    n_wrong += a[i].n_bytes != b[i].n_bytes || a[i].n_chars != b[i].n_chars || a[i].count != b[i].count ||
                               memcmp(a[i].text, b[i].text, a[i].n_bytes) != 0;
                for (int64_t i = 0; i < n_a && memory == 4 << 20 && n_max == 100; i++) {
                    Use use = use_of(&counts, a[i].text, a[i].n_bytes);
                    int n_ways = use.ends;
                    for (int k = 0; k < N_KINDS; k++)
                        n_ways += use.goes_on[k];
                    n_wrong += use.count != a[i].count || !(a[i].n_chars == 1 || a[i].n_chars == SEED_CHARS_MAX || n_ways > 1 || use.is_word);
                }
                CHECK_EQUAL(n_wrong, 0);
                free(a);
                free(b);
                arena_free(of_a);
                arena_free(of_b);
            }
        word_counts_release(&counts);
        word_counts_release(&stays);
        char path[4200];
        for (int run = 0; run < 2; run++) {
            snprintf(path, sizeof path, "%s/run-%06d.words", test_dir(), run);
            CHECK_EQUAL(remove(path), 0);
        }
    }
}
