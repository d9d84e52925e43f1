/* unigram_parts_test.c - a long word that is searched in parts comes out as it does in one. */
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/tokenizer.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES = 20000, N_TEXTS = 8 };

static uint32_t draw(uint64_t seed, uint64_t i, uint32_t n)
{
    return philox(seed, 5, i, 0).word[0] % n;
}

/* One word: letters that pieces join, and in runs what is in none of them. */
static size_t fill(char *text, uint64_t seed, uint32_t n_kinds)
{
    static const char *const parts[] = {"a", "b", "ab", "ba", "c", "가", "나", "\xF0\x9F\x98\x80", "힣", "\xFF", "\x01"};
    size_t n = 0;
    for (uint64_t i = 0; n + 8 < TEXT_BYTES; i++) {
        const char *part = parts[draw(seed, 2 * i, n_kinds)];
        for (uint32_t k = draw(seed, 2 * i + 1, 40) ? 1 : 300; k > 0 && n + 8 < TEXT_BYTES; k--) {
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
    }
    return n;
}

/* With offsets wanted, a word has but one part. */
static void check_parts(const Tokenizer *tok)
{
    char *text = malloc(TEXT_BYTES);
    Arena *arena = arena_new();
    for (uint64_t seed = 0; seed < N_TEXTS; seed++) {
        size_t n = fill(text, seed, 2 + (uint32_t)seed % 10);
        TokenOffset *offsets;
        TokenSpan parts = tokenizer_encode(tok, arena, text, n), whole = tokenizer_encode_with(tok, arena, text, n, 0, &offsets);
        REQUIRE(parts.n == whole.n);
        CHECK(memcmp(parts.ids, whole.ids, (size_t)whole.n * sizeof *whole.ids) == 0);
        arena_reset(arena);
    }
    arena_free(arena);
    free(text);
}

/* Trained, and as the SentencePiece model that it becomes, whose sums are rounded. */
TEST(unigram_parts, come_out_as_the_whole_for_every_fallback)
{
    static const TokenizerFallback fallbacks[] = {FALLBACK_NONE, FALLBACK_BYTES, FALLBACK_JAMO};
    char *text = malloc(TEXT_BYTES), path[512];
    size_t n = fill(text, 100, 7);
    for (size_t i = 5; i < n; i += 1 + draw(101, i, 12))
        if ((unsigned char)text[i] < 0x80)
            text[i] = ' ';
    for (int i = 0; i < 3; i++) {
        TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_UNIGRAM);
        options.vocab_size = 600;
        options.quiet = true;
        options.fallback = fallbacks[i];
        Tokenizer *tok = NULL;
        REQUIRE_OK(tokenizer_train_text(&tok, &options, text, n));
        check_parts(tok);
        if (fallbacks[i] != FALLBACK_JAMO) {  /* which the file cannot say */
            snprintf(path, sizeof path, "%s/parts-%d.model", test_dir(), i);
            REQUIRE_OK(tokenizer_write_sentencepiece(tok, path));
            tokenizer_free(tok);
            REQUIRE_OK(tokenizer_load(&tok, path));
            check_parts(tok);
        }
        tokenizer_free(tok);
    }
    free(text);
}
