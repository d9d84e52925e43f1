/* tokenizer_test.c - what tokenizer.h promises, on vocabularies trained here. */
#include "text/tokenizer/tokenizer.h"
#include "base/file.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>

static const char corpus[] =
    "the cat sat on the mat. the cat ate the rat.\n\n나는 학교에 갔다. 나는 집에 갔다. 학교는 멀다.\n"
    "low lower lowest new newer newest wide wider widest 2024 2025 don't can't we'll\n";

static Tokenizer *trained(TokenizerType type, int64_t vocab_size, const char *pattern)
{
    TokenizerTrainOptions options = tokenizer_train_options_for(type);
    options.vocab_size = vocab_size;
    options.pattern = pattern;
    options.quiet = true;
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_train_text(&tok, &options, corpus, sizeof corpus - 1));
    return tok;
}

static bool round_trips(const Tokenizer *tok, Arena *arena, const char *text, size_t n)
{
    TokenSpan ids = tokenizer_encode(tok, arena, text, n);
    TokenText back = tokenizer_decode(tok, arena, ids.ids, ids.n, true);
    return back.n_bytes == n && memcmp(back.bytes, text, n) == 0;
}

TEST(tokenizer, decoding_undoes_encoding_for_any_bytes)
{
    static const char *const patterns[] = {"gpt2", "cl100k", "o200k", "llama3", "qwen", "none", "[a-z]+|\\p{Hangul}"};
    for (size_t p = 0; p < sizeof patterns / sizeof patterns[0]; p++) {
        Tokenizer *tok = trained(TOKENIZER_BYTE_BPE, 300, patterns[p]);
        REQUIRE(tok != NULL);
        Arena *arena = arena_new();
        int n_wrong = !round_trips(tok, arena, corpus, sizeof corpus - 1);
        for (uint64_t i = 0; i < 300; i++) {
            char text[200];
            size_t n = philox(1, 1, i, 0).word[0] % sizeof text;
            for (size_t k = 0; k < n; k++) {
                uint32_t r = philox(1, 2, i, k).word[0];
                text[k] = r & 0x100 ? (char)r : corpus[r % (sizeof corpus - 1)];
            }
            n_wrong += !round_trips(tok, arena, text, n);
        }
        CHECK_EQUAL(n_wrong, 0);
        arena_free(arena);
        tokenizer_free(tok);
    }
}

TEST(tokenizer, a_saved_tokenizer_loads_as_the_same)
{
    Arena *arena = arena_new();
    TokenizerType types[] = {TOKENIZER_BYTE_BPE, TOKENIZER_CHAR,      TOKENIZER_BYTE, TOKENIZER_CHAR_BPE,
                             TOKENIZER_WORDPIECE, TOKENIZER_BERT_BPE, TOKENIZER_WORD, TOKENIZER_UNIGRAM};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        Tokenizer *tok = trained(types[i], 320, "llama3"), *again;
        REQUIRE(tok != NULL);
        REQUIRE_OK(tokenizer_save(tok, test_dir()));
        REQUIRE_OK(tokenizer_load(&again, test_dir()));
        CHECK(tokenizer_hash(tok) == tokenizer_hash(again));
        CHECK_EQUAL(tokenizer_vocab_size(again), tokenizer_vocab_size(tok));
        CHECK_EQUAL(tokenizer_special_id(again, SPECIAL_EOS), tokenizer_special_id(tok, SPECIAL_EOS));
        CHECK(tokenizer_type(again) == (types[i] == TOKENIZER_BERT_BPE ? TOKENIZER_WORDPIECE : types[i]));
        TokenSpan a = tokenizer_encode(tok, arena, corpus, sizeof corpus - 1);
        TokenSpan b = tokenizer_encode(again, arena, corpus, sizeof corpus - 1);
        CHECK(a.n == b.n && memcmp(a.ids, b.ids, (size_t)a.n * sizeof *a.ids) == 0);
        tokenizer_free(tok);
        tokenizer_free(again);
    }
    arena_free(arena);
}

TEST(tokenizer, text_cannot_forge_a_special_token)
{
    Arena *arena = arena_new();
    Tokenizer *tok = trained(TOKENIZER_BYTE_BPE, 300, "gpt2");
    REQUIRE(tok != NULL);
    const char *text = "a<|endoftext|>b";
    int32_t eos = tokenizer_special_id(tok, SPECIAL_EOS);
    CHECK_EQUAL(eos, 0);
    TokenSpan plain = tokenizer_encode(tok, arena, text, strlen(text));
    for (int64_t i = 0; i < plain.n; i++)
        CHECK(plain.ids[i] != eos);
    TokenSpan parsed = tokenizer_encode_with(tok, arena, text, strlen(text), TOKENIZER_PARSE_SPECIAL, NULL);
    CHECK_EQUAL(parsed.n, 3);
    CHECK_EQUAL(parsed.ids[1], eos);
    CHECK_STRING(tokenizer_decode(tok, arena, parsed.ids, parsed.n, false).bytes, "ab");
    CHECK_STRING(tokenizer_decode(tok, arena, parsed.ids, parsed.n, true).bytes, text);
    arena_free(arena);
    tokenizer_free(tok);
}

/* Goal: a stream never shows half a character, and loses nothing. Method: bytes alone as tokens, so characters arrive in parts. */
TEST(tokenizer, a_stream_gives_whole_characters_only)
{
    Arena *arena = arena_new();
    Tokenizer *tok = trained(TOKENIZER_BYTE, 256, "gpt2");
    REQUIRE(tok != NULL);
    static const char text[] = "가a😀\xFF나\xEA\xB0";
    TokenStream *stream = token_stream_new(tok, true);
    char joined[64] = {0};
    for (size_t i = 0; i < sizeof text - 1; i++) {
        TokenText part = token_stream_push(stream, (unsigned char)text[i]);
        CHECK(part.n_bytes == 0 || ((unsigned char)part.bytes[0] & 0xC0) != 0x80);
        strcat(joined, part.bytes);
    }
    CHECK_STRING(joined, "가a😀\xFF나");
    strcat(joined, token_stream_finish(stream).bytes);
    CHECK_STRING(joined, text);
    token_stream_free(stream);
    tokenizer_free(tok);
    arena_free(arena);
}

TEST(tokenizer, offsets_cover_the_text_in_order)
{
    Arena *arena = arena_new();
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.vocab_size = 300;
    options.nfc = options.quiet = true;
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_train_text(&tok, &options, corpus, sizeof corpus - 1));
    const char *text = "the e\u0301 \u1112\u1161\u11ab글 end";  /* NFC makes two characters of five */
    TokenOffset *offsets;
    TokenSpan ids = tokenizer_encode_with(tok, arena, text, strlen(text), 0, &offsets);
    int64_t at = 0;
    for (int64_t i = 0; i < ids.n; i++) {
        CHECK(offsets[i].begin >= at || offsets[i].begin == offsets[i].end || offsets[i].begin <= at);
        CHECK(offsets[i].end >= offsets[i].begin && offsets[i].end <= (int64_t)strlen(text));
        at = offsets[i].end;
    }
    CHECK_EQUAL(offsets[0].begin, 0);
    CHECK_EQUAL(at, (int64_t)strlen(text));
    arena_free(arena);
    tokenizer_free(tok);
}

/* A regular expression needs well-formed text: repairing it must keep the map to the source (found by fuzzing). */
TEST(tokenizer, offsets_survive_a_regex_on_ill_formed_bytes)
{
    static const char json[] =
        "{\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"Regex\": \"a+\"}, \"content\": \"b\"},"
        " \"model\": {\"type\": \"BPE\", \"unk_token\": \"?\", \"vocab\": {\"b\": 0, \"?\": 1}, \"merges\": []}}";
    Arena *arena = arena_new();
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_load_json(&tok, "replace", json, sizeof json - 1));
    TokenOffset *offsets;
    TokenSpan ids = tokenizer_encode_with(tok, arena, "\xFF\xFF\xFF" "aaab", 7, 0, &offsets);
    CHECK_EQUAL(ids.n, 5);
    CHECK_EQUAL(offsets[2].begin, 2);
    CHECK_EQUAL(offsets[3].begin, 3);
    CHECK_EQUAL(offsets[4].begin, 6);
    CHECK_EQUAL(offsets[4].end, 7);
    tokenizer_free(tok);
    arena_free(arena);
}

/* Found by fuzzing: such a token would come back as U+FFFD. */
TEST(tokenizer, a_token_that_json_cannot_say_is_refused)
{
    const char *path = test_dir();
    char file[4200];
    snprintf(file, sizeof file, "%s/vocab.txt", path);
    REQUIRE_OK(file_write(file, "[UNK]\na\n\xA2\xAC\n", 11));
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_load(&tok, file));
    CHECK(tokenizer_save(tok, path) == ERR_UNSUPPORTED);
    tokenizer_free(tok);
}

TEST(tokenizer, characters_are_numbered_in_order)
{
    TokenizerTrainOptions options = {.type = TOKENIZER_CHAR, .vocab_size = 1000, .quiet = true};
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_train_text(&tok, &options, "hello 가나가", strlen("hello 가나가")));
    Arena *arena = arena_new();
    CHECK_EQUAL(tokenizer_vocab_size(tok), 7);
    TokenSpan ids = tokenizer_encode(tok, arena, "가 oh?", strlen("가 oh?"));
    CHECK_EQUAL(ids.n, 4);  /* no token for "?", and no unk */
    CHECK_EQUAL(ids.ids[0], 5);
    CHECK_EQUAL(ids.ids[1], 0);
    CHECK_EQUAL(ids.ids[2], 4);
    CHECK_EQUAL(ids.ids[3], 2);
    CHECK_STRING(tokenizer_decode(tok, arena, ids.ids, ids.n, true).bytes, "가 oh");
    arena_free(arena);
    tokenizer_free(tok);
}

/* </w> is one space between words, everywhere. */
TEST(tokenizer, words_of_char_bpe_come_back_with_one_space)
{
    Arena *arena = arena_new();
    Tokenizer *tok = trained(TOKENIZER_CHAR_BPE, 200, NULL);
    REQUIRE(tok != NULL);
    const char *text = "  the cat\n sat 나는 학교에";
    TokenSpan ids = tokenizer_encode(tok, arena, text, strlen(text));
    CHECK_STRING(tokenizer_decode(tok, arena, ids.ids, ids.n, false).bytes, "the cat sat 나는 학교에");
    TokenStream *stream = token_stream_new(tok, false);
    char joined[128] = {0};
    for (int64_t i = 0; i < ids.n; i++)
        strcat(joined, token_stream_push(stream, ids.ids[i]).bytes);
    strcat(joined, token_stream_finish(stream).bytes);
    CHECK_STRING(joined, "the cat sat 나는 학교에");
    token_stream_free(stream);
    tokenizer_free(tok);
    arena_free(arena);
}

/* Goal: frequent words are pieces, and every character of the text is covered. */
TEST(tokenizer, unigram_learns_the_words_it_sees)
{
    Arena *arena = arena_new();
    char text[20000];
    size_t n = 0;
    static const char *const words[] = {"학교에", "갔다", "나는", "book", "reading", "the"};
    for (uint64_t i = 0; n + 64 < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s ", words[philox(11, 0, i, 0).word[0] % 6]);
    uint64_t hash[2];
    for (int t = 0; t < 2; t++) {
        TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_UNIGRAM);
        options.vocab_size = 40;
        options.quiet = true;
        options.n_threads = 1 + 2 * t;
        Tokenizer *tok;
        REQUIRE_OK(tokenizer_train_text(&tok, &options, text, n));
        hash[t] = tokenizer_hash(tok);
        for (int k = 0; k < 6; k++)
            CHECK(tokenizer_id_of(tok, arena_printf(arena, "\u2581%s", words[k])) >= 0);
        TokenSpan ids = tokenizer_encode(tok, arena, "the 나는 book", strlen("the 나는 book"));
        CHECK_EQUAL(ids.n, 3);
        CHECK_STRING(tokenizer_decode(tok, arena, ids.ids, ids.n, false).bytes, "the 나는 book");
        tokenizer_free(tok);
    }
    CHECK(hash[0] == hash[1]);
    arena_free(arena);
}

TEST(tokenizer, the_vocabulary_does_not_depend_on_threads)
{
    Arena *arena = arena_new();
    size_t n = 7 << 18, k = 0;
    char *text = arena_alloc(arena, n);
    for (uint64_t i = 0; k + 32 < n; i++) {
        uint32_t r = philox(5, 0, i, 0).word[0];
        for (uint32_t len = 1 + r % 9; len; len--)
            text[k++] = (char)('a' + philox(5, 1, i, len).word[0] % (r >> 8 & 7 ? 5 : 26));
        text[k++] = ' ';
    }
    uint64_t hash[3];
    for (int t = 0; t < 3; t++) {
        TokenizerTrainOptions options = tokenizer_train_options_default();
        options.vocab_size = 400;
        options.quiet = true;
        options.n_threads = t == 2 ? 4 : t + 1;
        Tokenizer *tok;
        REQUIRE_OK(tokenizer_train_text(&tok, &options, text, k));
        hash[t] = tokenizer_hash(tok);
        tokenizer_free(tok);
    }
    CHECK(hash[0] == hash[1] && hash[1] == hash[2]);
    arena_free(arena);
}

TEST(tokenizer, bad_options_are_refused)
{
    Tokenizer *tok;
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.vocab_size = 200;
    CHECK(tokenizer_train_text(&tok, &options, "a", 1) == ERR_USAGE);
    options = tokenizer_train_options_default();
    options.pad = "<pad>";
    CHECK(tokenizer_train_text(&tok, &options, "a", 1) == ERR_USAGE);
    options = tokenizer_train_options_default();
    options.pattern = "(";
    CHECK(tokenizer_train_text(&tok, &options, "a", 1) == ERR_USAGE);
}
