/* survey_test.c - the numbers of verify and compare, on vocabularies where they are known. */
#include "text/tokenizer/survey.h"
#include "base/test.h"

static const char corpus[] = "나는 학교에 갔다. the cat 123 日本 мир\n";

static Tokenizer *trained(TokenizerType type, TokenizerFallback fallback, bool nfc)
{
    TokenizerTrainOptions options = tokenizer_train_options_for(type);
    options.vocab_size = 420;
    options.fallback = fallback;
    options.nfc = nfc;
    options.min_frequency = 100;
    options.quiet = true;
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_train_text(&tok, &options, corpus, sizeof corpus - 1));
    return tok;
}

static void check_coverage(Tokenizer *tok, int64_t whole, int64_t parts, int64_t lost, int64_t n_tokens)
{
    REQUIRE(tok != NULL);
    SyllableCoverage c = survey_syllables(tok);
    CHECK_EQUAL(c.n_whole, whole);
    CHECK_EQUAL(c.n_parts, parts);
    CHECK_EQUAL(c.n_changed, 0);
    CHECK_EQUAL(c.n_lost, lost);
    CHECK_EQUAL(c.n_tokens, n_tokens);
    tokenizer_free(tok);
}

TEST(survey, syllables_are_counted_whole_in_parts_and_lost)
{
    enum { ALL = 11172, OPEN = 399 };  /* syllables without a tail */
    check_coverage(trained(TOKENIZER_BYTE_BPE, FALLBACK_NONE, false), 0, ALL, 0, ALL * 3);
    check_coverage(trained(TOKENIZER_JAMO, FALLBACK_NONE, false), 0, ALL, 0, ALL * 3 - OPEN);
    check_coverage(trained(TOKENIZER_CHAR, FALLBACK_NONE, false), 7, 0, ALL - 7, 7);
    check_coverage(trained(TOKENIZER_CHAR, FALLBACK_BYTES, false), 7, ALL - 7, 0, 7 + (ALL - 7) * 3);
}

TEST(survey, nfd_is_a_hazard_unless_guarded)
{
    Tokenizer *bare = trained(TOKENIZER_JAMO, FALLBACK_NONE, false), *guarded = trained(TOKENIZER_JAMO, FALLBACK_NONE, true);
    REQUIRE(bare && guarded);
    NfdHazard a = survey_nfd(bare), b = survey_nfd(guarded);
    CHECK(!a.same_ids && a.nfd_comes_back && a.inflation > 2.0);
    CHECK(b.same_ids && !b.nfd_comes_back && b.inflation == 1.0);
    tokenizer_free(bare);
    tokenizer_free(guarded);
}

TEST(survey, scripts_are_those_of_the_first_letter)
{
    static const struct {
        const char *text;
        TokenScript script;
    } cases[] = {{"학", TOKEN_HANGUL}, {"t", TOKEN_LATIN}, {"本", TOKEN_HAN}, {"м", TOKEN_CYRILLIC}, {"1", TOKEN_DIGITS}, {".", TOKEN_MARKS},
                 {" ", TOKEN_SPACES}, {"<0x41>", TOKEN_PARTS}, {"<ᄀ>", TOKEN_PARTS}};
    Tokenizer *tok = trained(TOKENIZER_CHAR, FALLBACK_JAMO, false);
    REQUIRE(tok != NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t id = tokenizer_id_of(tok, cases[i].text);
        CHECK(id >= 0 && survey_script_of(tok, id) == cases[i].script);
    }
    int64_t n[N_TOKEN_SCRIPTS], sum = 0;
    survey_scripts(tok, n);
    for (int s = 0; s < N_TOKEN_SCRIPTS; s++)
        sum += n[s];
    CHECK_EQUAL(sum, tokenizer_vocab_size(tok));
    CHECK_EQUAL(n[TOKEN_PARTS], 256 + 67);
    tokenizer_free(tok);
}

TEST(survey, tokens_have_a_mean_length)
{
    static const char json[] = "{\"added_tokens\": [{\"id\": 4, \"content\": \"<|end|>\", \"special\": true}],"
                               " \"model\": {\"type\": \"WordLevel\", \"vocab\": {\"a\": 0, \"가나\": 1, \"abc\": 2, \"é\": 3, \"<|end|>\": 4}, \"unk_token\": \"a\"}}";
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_load_json(&tok, "words", json, sizeof json - 1));
    TokenLength mean = survey_mean_length(tok);
    CHECK_EQUAL(mean.n_bytes * 4, 1 + 6 + 3 + 2);
    CHECK_EQUAL(mean.n_chars * 4, 1 + 2 + 3 + 1);
    tokenizer_free(tok);
}

/* GPT-2's pattern cuts between a letter and a mark, so a token of both is never met. */
TEST(survey, a_token_that_is_cut_everywhere_is_found)
{
    static const char json[] =
        "{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\p{L}+|[^\\\\p{L}]+\"}, \"behavior\": \"Isolated\", \"invert\": false},"
        " \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"!\": 1, \"a!\": 2, \"aa\": 3}, \"merges\": [[\"a\", \"!\"], [\"a\", \"a\"]]}}";
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_load_json(&tok, "cut", json, sizeof json - 1));
    TokenizerReport report = survey_tokens(tok);
    CHECK_EQUAL(report.n_cut, 1);
    CHECK_EQUAL(report.first_cut, 2);
    CHECK_EQUAL(report.n_unreachable, 0);
    tokenizer_free(tok);
}
