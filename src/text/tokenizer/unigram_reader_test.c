/* unigram_reader_test.c - raw words read in stretches give what their whole normal form gives: ids equal those found with offsets, which normalise first. */
#include "text/tokenizer/encode_alike.h"
#include "text/tokenizer/unigram_reader.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>

/* Keys of one character and of several, what becomes spaces or many characters, marks of the text's own, and what is broken. */
static const char *const parts[] = {"a", "the", "ation", "가", "학교에", "\xCC\x81", "e\xCC\x81", "\xCC\xA7\xCC\x81", "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", "\xE1\x85\xA1", "\xEF\xB7\xBA",
                                    "\xE3\x80\x80", "\xE2\x96\x81", "\x01", "\n", "\xEF\xBD\xB6\xEF\xBE\x9E", "\xEF\xBE\x9E", "\xC2\xA8", "\xFF", "\x80", "\xE2\x96", "\xF0\x9F\x98",
                                    "😀", "…", "１", ".", "\xF0\x9D\x90\x80", "\xF0\xA0\x80\x80", "\xE2\x85\xA7"};

static uint32_t roll(uint64_t i, uint64_t k, uint32_t n)
{
    return philox(41, 3, i, k).word[0] % n;
}

static int count_differences(const Tokenizer *tok)
{
    enum { PARTS_MAX = 1500, PART_BYTES = 10 };
    Arena *arena = arena_new();
    char text[PARTS_MAX * PART_BYTES];
    int n_wrong = 0;
    for (uint64_t i = 0; i < 600; i++) {
        uint32_t n_parts = roll(i, 0, i % 4 ? 60 : PARTS_MAX), n_same = 1 + (i % 3 == 0) * roll(i, 1, 400);
        size_t n = 0;
        for (uint64_t k = 0; k < n_parts; k++) {
            const char *part = parts[roll(i, 2 + k / n_same, sizeof parts / sizeof parts[0])];
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        n_wrong += !encode_is_alike(tok, arena, text, n);
    }
    arena_free(arena);
    return n_wrong;
}

/* A few short words of one to three parts, again and again, with spaces between them: what was read once is not read again. */
static int count_differences_of_words(const Tokenizer *tok)
{
    enum { WORDS = 6, TURNS = 40 };
    Arena *arena = arena_new();
    int n_wrong = 0;
    for (uint64_t i = 0; i < 300; i++) {
        const char *text = "";
        for (uint64_t k = 0; k < TURNS; k++) {
            uint64_t word = roll(i, 1000 + k, WORDS);
            for (uint64_t j = 0; j < 1 + roll(i, 100 + word, 3); j++)
                text = arena_printf(arena, "%s%s", text, parts[roll(i, 10 * word + j, sizeof parts / sizeof parts[0])]);
            text = arena_printf(arena, "%s%s", text, roll(i, 2000 + k, 8) ? " " : "\n");
        }
        n_wrong += !encode_is_alike(tok, arena, text, strlen(text));
        arena_reset(arena);
    }
    arena_free(arena);
    return n_wrong;
}

TEST(unigram_reader, long_words_and_words_met_again_encode_as_the_text_does)
{
    if (!test_data_dir())
        SKIP("no shared data");
    static const char *const names[] = {"ko-spm/ko_unigram.model", "sentencepiece-test/test_model.model", "torchtune-small/m.model"};
    int n_mapped = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/tokenizers/%s", test_data_dir(), names[i]);
        Tokenizer *tok;
        REQUIRE_OK(tokenizer_load(&tok, path));
        n_mapped += !charsmap_is_identity(tok->normalizers->charsmap);
        CHECK_EQUAL(count_differences(tok), 0);
        CHECK_EQUAL(count_differences_of_words(tok), 0);
        tokenizer_free(tok);
    }
    CHECK(n_mapped > 0);
}
