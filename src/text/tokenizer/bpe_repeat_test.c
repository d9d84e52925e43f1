/* bpe_repeat_test.c - a text with long runs of one character, made shorter, encoded and put together again, is what plain merging gives. */
#include "text/tokenizer/bpe_repeat.h"
#include "text/tokenizer/bpe_chars.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

/* Llama 2's way: runs of up to 16 marks are pieces of one score, and a letter joins the mark before it before or after those. */
enum { LONGEST = 16, SPACES_MAX = 5000, TEXT_BYTES = 3 * SPACES_MAX };
static const char mark[] = "\u2581";

static void put_piece(char *model, size_t *n, const char *text, float score, char type)
{
    size_t n_text = strlen(text);
    model[(*n)++] = 0x0A;
    model[(*n)++] = (char)(n_text + 9);
    model[(*n)++] = 0x0A;
    model[(*n)++] = (char)n_text;
    memcpy(model + *n, text, n_text);
    *n += n_text;
    model[(*n)++] = 0x15;
    memcpy(model + *n, &score, sizeof score);
    *n += sizeof score;
    model[(*n)++] = 0x18;
    model[(*n)++] = type;
}

/* Pieces of two marks have score -2, longer ones -4, a mark and a letter -letter_score. */
static Tokenizer *make(float letter_score)
{
    static const char specs[] = "\x12\x02\x18\x02\x1A\x04\x18\x01\x20";  /* BPE; add_dummy_prefix, and remove_extra_whitespaces: 0 */
    char *model = malloc(8192), run[3 * LONGEST + 2];
    size_t n = 0;
    put_piece(model, &n, "<unk>", 0.0f, 2);
    put_piece(model, &n, "<s>", 0.0f, 3);
    put_piece(model, &n, "</s>", 0.0f, 3);
    for (int length = 2; length <= LONGEST; length++) {
        for (int i = 0; i < length; i++)
            memcpy(run + 3 * i, mark, sizeof mark);
        put_piece(model, &n, run, length == 2 ? -2.0f : -4.0f, 1);
    }
    put_piece(model, &n, "\u2581a", -letter_score, 1);
    put_piece(model, &n, "\u2581ab", -letter_score - 1.0f, 1);
    put_piece(model, &n, mark, -10.0f, 1);
    put_piece(model, &n, "a", -11.0f, 1);
    put_piece(model, &n, "b", -12.0f, 1);
    memcpy(model + n, specs, sizeof specs);
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_read_sentencepiece(&tok, "made here", model, n + sizeof specs));
    free(model);
    return tok;
}

/* A text on the road with offsets, which merges all of it. */
static bool equals_merging(const Tokenizer *tok, Arena *arena, const char *text, size_t n)
{
    TokenOffset *offsets;
    TokenSpan fast = tokenizer_encode(tok, arena, text, n), slow = tokenizer_encode_with(tok, arena, text, n, 0, &offsets);
    bool equal = fast.n == slow.n && memcmp(fast.ids, slow.ids, (size_t)fast.n * sizeof *fast.ids) == 0;
    arena_reset(arena);
    return equal;
}

/* Every length up to 5000, or every one up to 200 and some of the rest, alone and with neighbours. */
static int count_differences(float letter_score, bool all)
{
    static const char *const before[] = {"", "a", "", "b", "ab"}, *const behind[] = {"", "", "ab", "a", "b"};
    Arena *arena = arena_new();
    char *text = malloc(TEXT_BYTES + 1);
    Tokenizer *tok = make(letter_score);
    int n_wrong = 0;
    CHECK_EQUAL(model_fast(tok)->repeat.n_units, LONGEST);
    for (int n_spaces = 1; n_spaces <= SPACES_MAX; n_spaces += n_spaces < 200 || all ? 1 : 37)
        for (int i = 0; i < 5; i++) {
            if (n_spaces > 200 && (i > 0 || !all) && (n_spaces + i) % 5)
                continue;
            size_t n = (size_t)sprintf(text, "%s%*s%s", before[i], n_spaces, "", behind[i]);
            n_wrong += !equals_merging(tok, arena, text, n);
        }
    size_t n = (size_t)sprintf(text, "a%100sb%70sab%*sb %63s%64s", "", "", 65, "", "a", "b");  /* several runs, many words */
    n_wrong += !equals_merging(tok, arena, text, n);
    for (n = 0; n < 600; n += 3)
        memcpy(text + n, n % 201 == 0 ? "a b" : mark, 3);  /* one word with several runs */
    n_wrong += !equals_merging(tok, arena, text, n);
    tokenizer_free(tok);
    free(text);
    arena_free(arena);
    return n_wrong;
}

TEST(bpe_repeat, runs_of_spaces_equal_merging)
{
    CHECK_EQUAL(count_differences(1.0f, false), 0);
    CHECK_EQUAL(count_differences(3.0f, false), 0);
    CHECK_EQUAL(count_differences(5.0f, false), 0);
}

SLOW_TEST(bpe_repeat, runs_of_spaces_of_all_lengths_equal_merging)
{
    CHECK_EQUAL(count_differences(1.0f, true), 0);
    CHECK_EQUAL(count_differences(3.0f, true), 0);
    CHECK_EQUAL(count_differences(5.0f, true), 0);
}

TEST(bpe_repeat, a_run_without_the_token_is_not_taken_for_one_that_has_it)
{
    BpeRepeat repeat = {.unit = "x", .n_unit = 1, .n_units = 2, .id = 7};
    Arena *arena = arena_new();
    BpeShortRun *runs;
    size_t n_short, n_runs, at[2];
    CHECK(bpe_repeat_shorten(&repeat, arena, "axxxxxxxb", 9, &n_short, &runs, &n_runs) == NULL);
    const char *text = bpe_repeat_shorten(&repeat, arena, "axxxxxxxxxbxxxxxxxx", 19, &n_short, &runs, &n_runs);
    REQUIRE(text != NULL);
    CHECK_EQUAL(n_short, 15);
    CHECK(memcmp(text, "axxxxxxxbxxxxxx", 15) == 0);
    CHECK_EQUAL(n_runs, 2);
    CHECK_EQUAL(runs[0].n_left_out, 1);
    CHECK_EQUAL(runs[1].n_left_out, 1);
    BpeSymbol symbols[] = {{1, 0, 3}, {7, 3, 5}, {8, 5, 9}, {7, 9, 11}, {7, 11, 13}, {7, 13, 15}};
    CHECK(bpe_repeat_find(&repeat, symbols, 6, runs, n_runs, at));
    CHECK_EQUAL(at[0], 1);
    CHECK_EQUAL(at[1], 3);
    symbols[1].id = 9;
    CHECK(!bpe_repeat_find(&repeat, symbols, 6, runs, n_runs, at));
    symbols[1].id = 7;
    CHECK(!bpe_repeat_find(&repeat, symbols, 3, runs, n_runs, at));
    arena_free(arena);
}
