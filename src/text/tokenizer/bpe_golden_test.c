/* bpe_golden_test.c - merges and ids equal to those of Hugging Face's trainer and encoder (tokenizers 0.23) on a committed text;
 * tests/golden/tokenizer/make_bpe.py made the file. Ids are integers: equality is exact. */
#include "text/tokenizer/tokenizer_internal.h"
#include "base/file.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

static char *next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');
    if (!end)
        return NULL;
    *end = '\0';
    *at = end + 1;
    return line;
}

TEST(bpe_golden, merges_and_ids_equal_hugging_face)
{
    Arena *arena = arena_new();
    const char *bytes, *golden;
    size_t n_bytes, n_golden;
    REQUIRE_OK(file_read(&bytes, &n_bytes, arena, test_source_path("tests/golden/tokenizer/text.txt")));
    REQUIRE_OK(file_read(&golden, &n_golden, arena, test_source_path("tests/golden/tokenizer/bpe.txt")));
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.vocab_size = 400;
    options.quiet = true;
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_train_text(&tok, &options, bytes, n_bytes));

    char *at = arena_strndup(arena, golden, n_golden), *line;
    int64_t n_rules = 0;
    for (; (line = next_line(&at)) && *line; n_rules++) {
        REQUIRE(n_rules < tok->n_rules);
        const MergeRule *rule = &tok->rules[n_rules];
        CHECK_STRING(arena_printf(arena, "%s %s", tokenizer_text_of(tok, rule->left), tokenizer_text_of(tok, rule->right)), line);
    }
    CHECK_EQUAL(tok->n_rules, n_rules);

    char *text = arena_strndup(arena, bytes, n_bytes);
    for (char *want; (want = next_line(&at));) {
        char *end = strchr(text, '\n'), got[4096] = "";
        size_t n = end ? (size_t)(end - text) : strlen(text), n_got = 0;
        TokenSpan ids = tokenizer_encode(tok, arena, text, n);
        for (int64_t i = 0; i < ids.n; i++)
            n_got += (size_t)snprintf(got + n_got, sizeof got - n_got, i ? " %d" : "%d", ids.ids[i]);
        CHECK_STRING(got, want);
        text += n + (end != NULL);
    }
    tokenizer_free(tok);
    arena_free(arena);
}
