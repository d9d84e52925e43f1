/* korean_test.c - the rule for particles, by itself, as an expression, and inside tokenizers. */
#include "text/tokenizer/korean.h"
#include "base/test.h"
#include "text/tokenizer/tokenizer.h"
#include "text/unicode/split.h"

#include <stdio.h>

static const char *const cut_words[][2] = {
    {"학교에서는", "학교"}, {"사람이", "사람"}, {"나는", "나는"}, {"먹었습니다", "먹"}, {"법률로써", "법률"}, {"으로", "으로"}, {"가", "가"},
    {"국민에게는", "국민"}, {"영화를", "영화"}, {"좋다", "좋다"}, {"제정하였다", "제정"}, {"뷁뷁뷁", "뷁뷁뷁"},
};

TEST(korean, particles_are_cut_off_their_stems)
{
    for (size_t i = 0; i < sizeof cut_words / sizeof cut_words[0]; i++)
        CHECK_EQUAL(korean_stem_bytes(cut_words[i][0], strlen(cut_words[i][0])), strlen(cut_words[i][1]));
}

/* The expression says the same as the rule. */
TEST(korean, the_expression_cuts_where_the_rule_does)
{
    Arena *arena = arena_new();
    Splitter *splitter;
    REQUIRE_OK(splitter_open(&splitter, korean_particle_pattern(arena), SPLIT_UNICODE_LATEST));
    for (size_t i = 0; i < sizeof cut_words / sizeof cut_words[0]; i++) {
        const char *word = cut_words[i][0];
        size_t n = strlen(word), stem = korean_stem_bytes(word, n);
        const char *text = arena_printf(arena, "(%s, x", word);
        SplitSpan span = {0, 0};
        bool found = splitter_next(splitter, text, strlen(text), 0, &span);
        CHECK(found == (stem < n));
        CHECK(!found || (span.begin == 1 + stem && span.end == 1 + n));
    }
    splitter_free(splitter);
    arena_free(arena);
}

/* Goal: no token of a vocabulary so trained reaches across a seam, and decoding stays exact. */
TEST(korean, no_token_crosses_a_seam)
{
    static const char text[] = "학교에서는 학교에서는 학교에서는 사람이 사람이 사람이 학교는 사람은 학교를 사람을";
    static const TokenizerType types[] = {TOKENIZER_BYTE_BPE, TOKENIZER_JAMO, TOKENIZER_UNIGRAM};
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        TokenizerTrainOptions options = tokenizer_train_options_for(types[i]);
        options.vocab_size = types[i] == TOKENIZER_UNIGRAM ? 40 : 600;
        options.particles = options.quiet = true;
        Tokenizer *tok;
        REQUIRE_OK(tokenizer_train_text(&tok, &options, text, sizeof text - 1));
        TokenOffset *at;
        TokenSpan ids = tokenizer_encode_with(tok, arena, text, sizeof text - 1, 0, &at);
        int64_t seam = (int64_t)strlen("학교");
        bool is_cut = false;
        for (int64_t k = 0; k < ids.n; k++) {
            CHECK(!(at[k].begin < seam && at[k].end > seam));
            is_cut |= at[k].begin == seam;
        }
        CHECK(is_cut);
        CHECK_STRING(tokenizer_decode(tok, arena, ids.ids, ids.n, true).bytes, text);
        tokenizer_free(tok);
    }
    arena_free(arena);
}

TEST(korean, an_eojeol_keeps_its_space_and_its_marks)
{
    Splitter *splitter;
    REQUIRE_OK(splitter_open(&splitter, korean_eojeol_pattern(), SPLIT_UNICODE_LATEST));
    static const char text[] = "나는, \"학교\"에  간다.\n";
    static const size_t ends[] = {7, 19, 20, 28, 29};
    size_t at = 0, n = 0;
    for (SplitSpan span; splitter_next(splitter, text, sizeof text - 1, at, &span); at = span.end)
        CHECK(n < 5 && span.begin == at && span.end == ends[n++]);
    CHECK_EQUAL(n, 5);
    splitter_free(splitter);
}

TEST(korean, seams_are_refused_where_words_end_in_a_space)
{
    Tokenizer *tok;
    TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_WORDPIECE);
    options.particles = options.quiet = true;
    CHECK(tokenizer_train_text(&tok, &options, "가나다", 9) == ERR_USAGE);
    options = tokenizer_train_options_for(TOKENIZER_BYTE_BPE);
    options.fallback = FALLBACK_JAMO;
    options.quiet = true;
    CHECK(tokenizer_train_text(&tok, &options, "가나다", 9) == ERR_USAGE);
}
