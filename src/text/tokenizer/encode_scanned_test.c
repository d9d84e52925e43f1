/* encode_scanned_test.c - many pieces at a time give what each gives alone, whether the text repeats itself or never does. */
#include "text/tokenizer/tokenizer.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdlib.h>

enum { TEXT_BYTES = 400000, STRANGE_BYTES = 300000 };

static uint32_t draw(uint64_t i, uint32_t n)
{
    return philox(7, 3, i, 0).word[0] % n;
}

/* Words that never come again, pieces of one and two bytes and bytes that are no text; then, for the last quarter, a few words again and again. */
static void fill(char *text)
{
    static const char familiar[] = "the cat sat on the mat, 나는 학교에 갔다. ";
    for (size_t i = 0; i < STRANGE_BYTES; i++) {
        uint32_t kind = draw(2 * i, 40), value = draw(2 * i + 1, 256);
        text[i] = (char)(kind < 24 ? 'a' + value % 26 : kind < 32 ? ' ' : kind < 36 ? '0' + value % 10 : value);
    }
    for (size_t i = STRANGE_BYTES; i < TEXT_BYTES; i++)
        text[i] = familiar[(i - STRANGE_BYTES) % (sizeof familiar - 1)];
}

/* Method: with offsets wanted, pieces are encoded one by one and nothing is remembered. */
TEST(encode_scanned, strangers_and_familiar_words_come_out_as_alone)
{
    char *text = malloc(TEXT_BYTES);
    fill(text);
    static const char *const patterns[] = {"gpt2", "cl100k", "o200k"};
    Arena *arena = arena_new();
    for (int i = 0; i < 3; i++) {
        TokenizerTrainOptions options = tokenizer_train_options_default();
        options.vocab_size = 1000;
        options.pattern = patterns[i];
        options.quiet = true;
        Tokenizer *tok = NULL;
        REQUIRE_OK(tokenizer_train_text(&tok, &options, text, TEXT_BYTES));
        TokenOffset *offsets;
        TokenSpan fast = tokenizer_encode(tok, arena, text, TEXT_BYTES), alone = tokenizer_encode_with(tok, arena, text, TEXT_BYTES, 0, &offsets);
        REQUIRE(fast.n == alone.n);
        CHECK(memcmp(fast.ids, alone.ids, (size_t)fast.n * sizeof *fast.ids) == 0);
        tokenizer_free(tok);
        arena_reset(arena);
    }
    arena_free(arena);
    free(text);
}
