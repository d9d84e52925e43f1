/* word_cache_test.c - a word is found with its own tokens and note or not at all, whatever its length, their number and where the text ends. */
#include "text/tokenizer/word_cache.h"
#include "base/philox.h"
#include "base/test.h"

enum { N_WORDS = 3000, IDS_MAX = 15 };

static CutWord place(const WordCache *cache, const char *text, size_t begin, size_t end, size_t n_text)
{
    CutWord word = {.begin = begin, .end = end};
    word_cache_place(cache, &word, text, n_text);
    return word;
}

/* What is remembered of word i: tokens count up from a number of its own. */
static int tokens_of(uint64_t i, int32_t *ids)
{
    int n = (int)(philox(3, 1, i, 0).word[0] % IDS_MAX) + 1;
    for (int k = 0; k < n; k++)
        ids[k] = (int32_t)(i * 7 % 60000) + k;
    return n;
}

static void check_cache(int32_t padding, int n_ids_max)
{
    static char text[N_WORDS * 8 + 64];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + philox(4, 2, i, 0).word[0] % 26);
    WordCache cache;
    word_cache_init(&cache, padding);
    int n_found = 0, n_wrong = 0;
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < N_WORDS; i++) {
            size_t begin = i * 8, end = begin + 1 + philox(4, 3, i, 0).word[0] % (WORD_BYTES_MAX + 3), n_text = i % 2 ? sizeof text : end;
            if (end - begin < 5)
                end = n_text = begin + 5;  /* so that no two are the same */
            CutWord word = place(&cache, text, begin, end, n_text);
            int32_t want[IDS_MAX + 4], got[WORD_IDS_ROOM], note = -1;
            int n = tokens_of(i, want);
            if (round == 0) {
                word_cache_put(&cache, word, text, n_text, want, n, (int32_t)i);
                continue;
            }
            int n_got = word_cache_find(&cache, &word, text, n_text, got, &note);
            n_found += n_got > 0;
            n_wrong += n_got > 0 && (n_got != n || note != (int32_t)i || memcmp(got, want, (size_t)n * sizeof *got) != 0);
            n_wrong += n_got > 0 && (n > n_ids_max || end - begin > WORD_BYTES_MAX);
            for (int k = n_got; n_got > 0 && k < 4; k++)
                n_wrong += got[k] != padding;
        }
    CHECK_EQUAL(n_wrong, 0);
    CHECK(n_found > N_WORDS * n_ids_max / IDS_MAX * 8 / 10);
    int32_t ids[WORD_IDS_ROOM], note;
    CutWord other = place(&cache, "elsewhere", 0, 9, 9);
    CHECK_EQUAL(word_cache_find(&cache, &other, "elsewhere", 9, ids, &note), 0);
    word_cache_release(&cache);
}

TEST(word_cache, finds_what_was_put)
{
    check_cache(65535, NARROW_IDS);
}

TEST(word_cache, finds_what_was_put_in_large_vocabularies)
{
    check_cache(65536, WIDE_IDS);
}
