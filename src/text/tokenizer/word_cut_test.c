/* word_cut_test.c - cutting a text at its spaces before anything else changes nothing: ids equal those found with offsets, which go the long
 * way through normalizer, pre-tokenizer and model. */
#include "text/tokenizer/encode_alike.h"
#include "text/tokenizer/word_cut.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>

static const char *const parts[] = {" ", " ", " ", "  ", "   ", "\n", "\t", "a", "the", "cat", "don't", ",", "...", "가", "나는", "학교에", "ㅋㅋ", "é",
                                    "\xCC\x88", "\xE2\x96\x81", "\xFF", "한", "😀", "0", "2024", "THE", "\xE3\x80\x80", "\x01", "各"};

static const char *const long_parts[] = {"a", "the", "...", "가", "나는", "학교에", "THE", "2024"};

static int count_differences(const Tokenizer *tok, uint64_t seed, int n_texts)
{
    Arena *arena = arena_new();
    int n_wrong = 0;
    for (uint64_t i = 0; i < (uint64_t)n_texts; i++) {
        char text[1024];
        size_t n = 0;
        bool is_long = i % 16 == 0;  /* one word, or nearly, of many plain parts */
        for (uint64_t k = 0, n_parts = is_long ? 100 : philox(seed, 1, i, 0).word[0] % 40; k < n_parts; k++) {
            uint32_t r = philox(seed, 2, i, k).word[0];
            const char *part = is_long && r % 128 ? long_parts[r % (sizeof long_parts / sizeof long_parts[0])] : parts[r % (sizeof parts / sizeof parts[0])];
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        n_wrong += !encode_is_alike(tok, arena, text, n);
    }
    arena_free(arena);
    return n_wrong;
}

TEST(word_cut, words_of_bert_encode_as_the_text_does)
{
    TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_BERT_BPE);
    options.vocab_size = 120;
    options.quiet = true;
    const char text[] = "the cat sat, 나는 학교에 갔다. the cat ate 2024 don't ... 학교에 the cat";
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_train_text(&tok, &options, text, sizeof text - 1));
    CHECK(word_cut_of(tok) == WORD_CUT_WHITE_SPACE);
    CHECK_EQUAL(count_differences(tok, 1, 3000), 0);
    tokenizer_free(tok);
}

/* Every SentencePiece model of the shared data that is stored plain. */
TEST(word_cut, words_of_sentencepiece_encode_as_the_text_does)
{
    if (!test_data_dir())
        SKIP("no shared data");
    static const char *const names[] = {"ko-spm/ko_unigram.model", "ko-spm/ko_bpe.model", "sentencepiece-test/test_model.model",
                                        "torchtune-small/m.model"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/tokenizers/%s", test_data_dir(), names[i]);
        Tokenizer *tok;
        REQUIRE_OK(tokenizer_load(&tok, path));
        CHECK_EQUAL(count_differences(tok, 10 + i, 2000), 0);
        tokenizer_free(tok);
    }
}
