/* compare_test.c - the numbers of compare.h counted by hand on a vocabulary of known tokens. */
#include "text/tokenizer/compare.h"
#include "base/test.h"

/* Characters as tokens, and bytes: 학 교 는 a b and space have one of their own. */
TEST(compare, words_seams_and_parts_are_counted)
{
    TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_CHAR);
    options.vocab_size = 400;
    options.fallback = FALLBACK_BYTES;
    options.quiet = true;
    Tokenizer *tok;
    static const char seen[] = "학교는 ab\n";
    REQUIRE_OK(tokenizer_train_text(&tok, &options, seen, sizeof seen - 1));
    static const char text[] = "학교는 ab a\n뷁";
    TextNumbers n = compare_measure(tok, text, sizeof text - 1);
    CHECK_EQUAL(n.n_bytes, sizeof text - 1);
    CHECK_EQUAL(n.n_chars, 10);
    CHECK_EQUAL(n.n_tokens, 12);  /* 뷁 is three bytes */
    CHECK_EQUAL(n.n_words, 4);
    CHECK_EQUAL(n.n_word_tokens, 9);
    CHECK_EQUAL(n.n_whole_words, 1);  /* a */
    CHECK_EQUAL(n.n_eojeol, 2);
    CHECK_EQUAL(n.n_eojeol_tokens, 6);
    CHECK_EQUAL(n.n_whole_eojeol, 0);
    CHECK_EQUAL(n.n_seams, 1);
    CHECK_EQUAL(n.n_seams_met, 1);
    CHECK_EQUAL(n.n_parts, 3);
    CHECK_EQUAL(n.n_unk, 0);
    CHECK_EQUAL(n.n_lines, 2);
    CHECK_EQUAL(n.n_lines_back, 2);
    CHECK(n.n_nfd_tokens > n.n_nfc_tokens && n.n_nfc_tokens == 12);
    CHECK(n.renyi_efficiency > 0.0 && n.renyi_efficiency < 1.0);
    TextNumbers sum = n;
    compare_add(&sum, &n);
    CHECK_EQUAL(sum.n_tokens, 24);
    CHECK_EQUAL(sum.n_nfd_tokens, 2 * n.n_nfd_tokens);
    CHECK_CLOSE(sum.renyi_efficiency, n.renyi_efficiency, 1e-12);
    tokenizer_free(tok);
}

/* Tokens used evenly fill their vocabulary: efficiency log(2) / log(V) for two of V. */
TEST(compare, renyi_efficiency_of_an_even_text_is_known)
{
    TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_CHAR);
    options.vocab_size = 10;
    options.quiet = true;
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_train_text(&tok, &options, "abcd", 4));
    TextNumbers n = compare_measure(tok, "abab", 4);
    CHECK_CLOSE(n.renyi_efficiency, log(2.0) / log(4.0), 1e-12);
    tokenizer_free(tok);
}
