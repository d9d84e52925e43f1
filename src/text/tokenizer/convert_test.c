/* convert_test.c - every format out and in again, and what each of them cannot say. That the programs which own the formats read what is written
 * here is shown by tests/oracle/check_converted.py. */
#include "text/tokenizer/convert.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/test.h"
#include "text/tokenizer/survey.h"
#include "text/tokenizer/tokenizer_internal.h"

#include <stdio.h>

static const char corpus[] = "the cat sat on the mat. the cat ate the rat.\n\n나는 학교에 갔다. 나는 집에 갔다. 학교는 멀다.\n"
                             "low lower lowest new newer newest wide wider widest 2024 2025 don't can't we'll\n";

static Tokenizer *trained(TokenizerType type, const char *pattern, bool nfc)
{
    TokenizerTrainOptions options = tokenizer_train_options_for(type);
    options.vocab_size = 340;
    options.pattern = pattern;
    options.fallback = type == TOKENIZER_UNIGRAM ? FALLBACK_BYTES : FALLBACK_NONE;
    options.nfc = nfc;
    options.quiet = true;
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_train_text(&tok, &options, corpus, sizeof corpus - 1));
    return tok;
}

/* Which formats take which tokenizer. tokenizer_write_as reads back and compares, so OK means that it is the same. */
TEST(convert, a_format_takes_what_it_can_say_and_refuses_the_rest)
{
    static const struct {
        TokenizerType type;
        const char *pattern;
        bool nfc;
        const char *takes;  /* one letter a format, in the order of TokenizerFormat; '-' refuses */
    } cases[] = {
        {TOKENIZER_BYTE_BPE, "gpt2", false, "j-tv-l"}, {TOKENIZER_BYTE_BPE, "o200k", false, "j-t--l"}, {TOKENIZER_BYTE_BPE, "gpt2", true, "j-----"},
        {TOKENIZER_UNIGRAM, NULL, false, "js----"},    {TOKENIZER_UNIGRAM, NULL, true, "j-----"},       {TOKENIZER_CHAR_BPE, NULL, false, "j-----"},
        {TOKENIZER_WORDPIECE, NULL, false, "j---b-"},  {TOKENIZER_JAMO, "gpt2", false, "j-----"},       {TOKENIZER_BYTE, "none", false, "j-t---"},
    };
    Arena *arena = arena_new();
    log_set_level(LOG_QUIET);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Tokenizer *tok = trained(cases[i].type, cases[i].pattern, cases[i].nfc);
        REQUIRE(tok != NULL);
        for (int format = 0; format < 6; format++) {
            const char *path = arena_printf(arena, "%s/%zu-%d", test_dir(), i, format);
            Err err = tokenizer_write_as(tok, (TokenizerFormat)format, path);
            bool as_expected = err == (cases[i].takes[format] == '-' ? ERR_UNSUPPORTED : OK);
            if (!CHECK(as_expected))
                printf("    case %zu, format %d: %s\n", i, format, err_message());
            CHECK(file_exists(path) == (err == OK));
        }
        tokenizer_free(tok);
    }
    log_set_level(LOG_NORMAL);
    arena_free(arena);
}

TEST(convert, a_refusal_says_what_cannot_be_said)
{
    Tokenizer *tok = trained(TOKENIZER_BYTE_BPE, "o200k", false);
    REQUIRE(tok != NULL);
    Arena *arena = arena_new();
    CHECK(tokenizer_write_as(tok, FORMAT_VOCAB_MERGES, arena_printf(arena, "%s/vm", test_dir())) == ERR_UNSUPPORTED);
    CHECK(strstr(err_message(), "split pattern") != NULL);
    CHECK(tokenizer_write_as(tok, FORMAT_VOCAB_TXT, arena_printf(arena, "%s/vt", test_dir())) == ERR_UNSUPPORTED);
    CHECK(strstr(err_message(), "WordPiece") != NULL);
    tokenizer_free(tok);
    arena_free(arena);
}

/* Ids against the order of merges: such a vocabulary means something else to a program that merges by rank. */
TEST(convert, a_vocabulary_whose_ids_are_out_of_order_is_no_rank_file)
{
    Arena *arena = arena_new();
    JsonWriter *w = json_writer_new(0);
    json_write_object_begin(w);
    json_write_key(w, "pre_tokenizer");
    json_write_raw(w, "{\"type\": \"ByteLevel\", \"add_prefix_space\": false}", 48);
    json_write_key(w, "decoder");
    json_write_raw(w, "{\"type\": \"ByteLevel\"}", 21);
    json_write_key(w, "model");
    json_write_object_begin(w);
    json_field_string(w, "type", "BPE");
    json_write_key(w, "vocab");
    json_write_object_begin(w);
    Tokenizer *bytes = NULL;
    TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_BYTE);
    options.quiet = true;
    REQUIRE_OK(tokenizer_train_text(&bytes, &options, "", 0));
    for (int b = 0; b < 256; b++) {
        json_write_key(w, tokenizer_text_of(bytes, b));
        json_write_int(w, b);
    }
    static const char *const more[] = {"ab", "bc", "abc", "xyz"};  /* abc comes of a+bc; nothing makes xyz; 300 leaves a gap */
    static const int ids[] = {258, 256, 257, 300};
    for (int i = 0; i < 4; i++) {
        json_write_key(w, more[i]);
        json_write_int(w, ids[i]);
    }
    json_write_object_end(w);
    json_write_key(w, "merges");
    static const char merges[] = "[[\"a\", \"b\"], [\"b\", \"c\"], [\"a\", \"bc\"]]";
    json_write_raw(w, merges, sizeof merges - 1);
    json_write_object_end(w);
    json_write_object_end(w);
    Tokenizer *tok;
    size_t n;
    const char *json = json_writer_text(w, &n);
    REQUIRE_OK(tokenizer_load_json(&tok, "crossed", json, n));
    TokenizerReport report = survey_tokens(tok);
    CHECK_EQUAL(report.n_diverging, 2);  /* bc and abc stand behind ab in the merges and before it in ids */
    CHECK_EQUAL(report.first_diverging, 256);
    CHECK_EQUAL(report.n_unreachable, 2);  /* abc (ab merges first) and xyz */
    CHECK_EQUAL(report.first_unreachable, 257);
    CHECK_EQUAL(report.n_gaps, 300 - 259);
    CHECK_EQUAL(report.n_duplicates, 0);
    CHECK(tokenizer_write_as(tok, FORMAT_TIKTOKEN, arena_printf(arena, "%s/x.tiktoken", test_dir())) == ERR_UNSUPPORTED);
    CHECK(strstr(err_message(), "merges by id") != NULL);
    tokenizer_free(tok);
    tokenizer_free(bytes);
    json_writer_free(w);
    arena_free(arena);
}

TEST(convert, damaged_files_of_llmc_are_refused)
{
    Arena *arena = arena_new();
    log_set_level(LOG_QUIET);
    Tokenizer *tok = trained(TOKENIZER_BYTE_BPE, "gpt2", false), *again;
    REQUIRE(tok != NULL);
    const char *path = arena_printf(arena, "%s/tok.bin", test_dir());
    REQUIRE_OK(tokenizer_write_as(tok, FORMAT_LLMC, path));
    const char *bytes;
    size_t n;
    REQUIRE_OK(file_read(&bytes, &n, arena, path));
    int32_t head[4];
    memcpy(head, bytes, sizeof head);
    CHECK(head[0] == 20240328 && head[1] == 2 && head[2] == tokenizer_vocab_size(tok) && head[3] == 0);
    static const int64_t cuts[] = {0, 16, 1023, 1024, 1025, 1030};
    for (size_t i = 0; i <= sizeof cuts / sizeof cuts[0]; i++) {
        size_t n_left = i < sizeof cuts / sizeof cuts[0] ? (size_t)cuts[i] : n - 1;
        REQUIRE_OK(file_write(path, bytes, n_left));
        CHECK(tokenizer_load(&again, path) == ERR_FORMAT);
    }
    char *longer = arena_alloc(arena, n + 1);
    memcpy(longer, bytes, n);
    longer[n] = 'x';
    REQUIRE_OK(file_write(path, longer, n + 1));
    CHECK(tokenizer_load(&again, path) == ERR_FORMAT);
    log_set_level(LOG_NORMAL);
    tokenizer_free(tok);
    arena_free(arena);
}

/* A model that fails the tests it carries does not load. */
TEST(convert, a_sentencepiece_model_is_held_to_its_own_tests)
{
    Arena *arena = arena_new();
    Tokenizer *tok = trained(TOKENIZER_UNIGRAM, NULL, false), *again;
    REQUIRE(tok != NULL);
    const char *path = arena_printf(arena, "%s/tok.model", test_dir()), *bytes;
    REQUIRE_OK(tokenizer_write_as(tok, FORMAT_SENTENCEPIECE, path));
    size_t n;
    REQUIRE_OK(file_read(&bytes, &n, arena, path));
    for (int right = 0; right < 2; right++) {
        static const char tests[2][17] = {"\x22\x0D\x0A\x0B\x0A\x01" "t\x12\x06\xE2\x96\x81 tx", "\x22\x0C\x0A\x0A\x0A\x01" "t\x12\x05\xE2\x96\x81 t"};
        size_t n_test = right ? 14 : 15;
        char *whole = arena_alloc(arena, n + n_test);
        memcpy(whole, bytes, n);
        memcpy(whole + n, tests[right], n_test);
        again = NULL;
        Err err = tokenizer_read_sentencepiece(&again, "tested", whole, n + n_test);
        CHECK(err == (right ? OK : ERR_FORMAT));
        if (!right)
            CHECK(strstr(err_message(), "its own test") != NULL);
        else
            tokenizer_free(again);
    }
    tokenizer_free(tok);
    arena_free(arena);
}
