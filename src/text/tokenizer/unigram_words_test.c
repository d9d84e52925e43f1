/* unigram_words_test.c - words looked up and cut many at a time have the ids of the text as a whole, and every CPU level cuts alike. */
#include "text/tokenizer/encode_alike.h"
#include "text/tokenizer/unigram_words.h"
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/unigram_walk.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const stems[] = {"학교", "나는", "가", "the", "international", "cat", "incomprehensibility", "오늘", "한국어", "sat", "ation", "1234"};
enum { N_STEMS = sizeof stems / sizeof stems[0] };

static uint32_t roll(uint64_t seed, uint64_t i, uint64_t k, uint32_t n)
{
    return philox(seed, 7, i, k).word[0] % n;
}

/* A model that drops extra spaces, as SentencePiece's own do: of words made of stems, some of whose pieces are longer than any walk. */
static Tokenizer *model(TokenizerFallback fallback)
{
    Arena *arena = arena_new();
    char *text = arena_alloc(arena, 400000);
    size_t n = 0;
    for (uint64_t i = 0; n < 390000; i++) {
        for (uint32_t k = 0; k < 1 + roll(1, i, 100, 3); k++)
            n += (size_t)sprintf(text + n, "%s", stems[roll(1, i, k, 1 + roll(1, i, k + 50, N_STEMS))]);
        text[n++] = ' ';
    }
    TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_UNIGRAM);
    options.vocab_size = 600;
    options.quiet = true;
    options.fallback = fallback;
    Tokenizer *trained, *tok = NULL;
    CHECK_OK(tokenizer_train_text(&trained, &options, text, n));
    const char *path = arena_printf(arena, "%s/words-%d.model", test_dir(), (int)fallback);
    CHECK_OK(tokenizer_write_sentencepiece(trained, path));
    CHECK_OK(tokenizer_load(&tok, path));
    tok->normalizers[0].remove_extra_spaces = true;
    tokenizer_free(trained);
    arena_free(arena);
    return tok;
}

static size_t random_text(uint64_t i, char *text)
{
    static const char *const others[] = {"\n", "\n", "\n\n", "\t", " \n", "\r\n", "  ", "   ", "é", "힣", "힣힣", "😀", "\xFF", "\xE2\x96\x81", "Z", "\xE3\x80\x80"};
    size_t n = 0;
    uint32_t n_parts = roll(2, i, 0, i % 8 ? 30 : 2000), rare = 2 + roll(2, i, 1, 40), spaces = 2 + roll(2, i, 2, i % 5 ? 4 : 60);
    for (uint64_t k = 3; k < n_parts; k++) {
        bool is_stem = roll(3, i, k, rare) > 0;
        const char *part = is_stem ? stems[roll(4, i, k, N_STEMS)] : others[roll(4, i, k, sizeof others / sizeof others[0])];
        if (i % 3 && part[0] == '\xE2')
            part = " ";
        n += (size_t)sprintf(text + n, "%s%s", part, roll(5, i, k, spaces) ? "" : " ");
    }
    return n;
}

static int count_differences(const Tokenizer *tok, int n_texts)
{
    static char text[2000 * 24];
    return encode_n_unlike(tok, n_texts, random_text, text);
}

/* Goal: lines that part words, unknown characters as bytes, pieces and words of any length, texts beyond a stretch, marks in the text. */
TEST(unigram_words, where_lines_part_words_ids_are_those_of_the_text)
{
    Tokenizer *tok = model(FALLBACK_BYTES);
    const UnigramWalk *walk = model_fast(tok)->walk;
    REQUIRE(walk && walk->lines_part && walk->tells_bytes);
    CHECK_EQUAL(count_differences(tok, 600), 0);
    tokenizer_free(tok);
}

TEST(unigram_words, unknown_characters_become_unk_as_in_the_text)
{
    Tokenizer *tok = model(FALLBACK_NONE);
    const UnigramWalk *walk = model_fast(tok)->walk;
    REQUIRE(walk && !walk->lines_part && walk->tells_unk);
    CHECK_EQUAL(count_differences(tok, 600), 0);
    tokenizer_free(tok);
}

/* Behind so long a text rounding decides most cuts. Letters in no order, so that words are new, between stems and whatever else. */
TEST(unigram_words, behind_a_long_text_ids_are_those_of_the_text)
{
    enum { TEXT_BYTES = 400000, PART_BYTES = 2000 * 24 };
    Arena *arena = arena_new();
    char *text = malloc(TEXT_BYTES + PART_BYTES);
    for (TokenizerFallback fallback = FALLBACK_NONE; fallback <= FALLBACK_BYTES; fallback++) {
        Tokenizer *tok = model(fallback);
        REQUIRE(model_fast(tok)->walk && model_fast(tok)->walk->is_coarse);
        size_t n = 0;
        for (uint64_t i = 0; n < TEXT_BYTES; i++) {
            for (uint64_t k = 0; k < 3000; k++)
                text[n++] = roll(9, i, k, 5) ? "aceghinorst"[roll(10, i, k, 11)] : ' ';
            n += random_text(i % 3 ? 3 * i : 8 * i, text + n);
        }
        while (n > 0 && memmem(text, n, "\xE2\x96\x81", 3))
            *(char *)memmem(text, n, "\xE2\x96\x81", 3) = 'a';
        CHECK(encode_is_alike(tok, arena, text, n));
        tokenizer_free(tok);
    }
    free(text);
    arena_free(arena);
}

typedef void (*WalkWords)(const WalkNode *nodes, WalkBatch *batch);
typedef float (*WalkBehind)(WalkBatch *batch, WalkWord *word, float path_score);

/* What a level makes of random words, written out; with `behind`, one after the other. */
static size_t walk_at(WalkWords walk_words, WalkBehind behind, const UnigramWalk *walk, char *out)
{
    enum { N_WORDS = 200 };
    void *memory = malloc(walk_batch_bytes(N_WORDS * WALK_BYTES_MAX, N_WORDS));
    WalkBatch batch;
    walk_batch_init(&batch, memory, N_WORDS * WALK_BYTES_MAX, N_WORDS);
    size_t n = 0;
    for (uint64_t i = 0; i < N_WORDS; i++) {
        char word[WALK_BYTES_MAX + 32];
        size_t n_bytes = 0, n_wanted = 1 + roll(8, i, 0, i % 4 ? 20 : WALK_BYTES_MAX);
        for (uint64_t k = 1; n_bytes < n_wanted; k++)
            n_bytes += (size_t)sprintf(word + n_bytes, "%s", stems[roll(8, i, k, N_STEMS)]);
        while (n_bytes > WALK_BYTES_MAX || (word[n_bytes] & 0xC0) == 0x80)
            n_bytes--;
        word[n_bytes] = ' ';
        CHECK(walk_batch_push(&batch, walk, word, n_bytes, n_bytes + i % 2, i % 3 > 0));
    }
    walk_words(walk->nodes, &batch);
    int n_deep = 0;
    for (int i = 0; i < batch.n_words; i++) {
        WalkWord *word = &batch.words[i];
        if (behind)
            word->gap = behind(&batch, word, -2e5f);
        n_deep += word->is_deep;
        n += (size_t)sprintf(out + n, "\n%u %a:", word->n_ids, word->n_ids ? (double)word->gap : 0.0);
        for (uint32_t k = 0; k < word->n_ids; k++)
            n += (size_t)sprintf(out + n, " %u/%u", word->ids[k], word->has_unknown ? word->lengths[k] : 0);
    }
    CHECK(n_deep > 10);
    free(memory);
    return n;
}

TEST(unigram_words, every_cpu_level_cuts_alike)
{
    static char want[200000], got[200000];
    Tokenizer *tok = model(FALLBACK_BYTES);
    const UnigramWalk *walk = model_fast(tok)->walk;
    CpuLevel best = cpu_level_best();
    size_t n = walk_at(walk_words_portable, NULL, walk, want);
    CHECK(n > 2000);
    if (best >= CPU_AVX2)
        CHECK(walk_at(walk_words_avx2, NULL, walk, got) == n && memcmp(got, want, n) == 0);
    if (best >= CPU_AVX512)
        CHECK(walk_at(walk_words_avx512, NULL, walk, got) == n && memcmp(got, want, n) == 0);
    n = walk_at(walk_steps_portable, walk_behind_portable, walk, want);
    CHECK(n > 2000);
    if (best >= CPU_AVX2)
        CHECK(walk_at(walk_steps_avx2, walk_behind_avx2, walk, got) == n && memcmp(got, want, n) == 0);
    if (best >= CPU_AVX512)
        CHECK(walk_at(walk_steps_avx512, walk_behind_avx512, walk, got) == n && memcmp(got, want, n) == 0);
    tokenizer_free(tok);
}
