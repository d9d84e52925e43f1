/* jamo_test.c - jamo tokens come back as the very bytes, whatever the bytes; and what stands in for a syllable without a token. */
#include "text/tokenizer/jamo.h"
#include "base/philox.h"
#include "base/test.h"
#include "text/unicode/normalize.h"

#include <stdio.h>

static const char corpus[] = "나는 학교에 갔다. 너는 학교에 갔니? 학생은 책을 읽는다. 책은 무겁다. the school is far. 1234\n";

static Tokenizer *trained(TokenizerType type, TokenizerFallback fallback, int64_t vocab_size)
{
    TokenizerTrainOptions options = tokenizer_train_options_for(type);
    options.vocab_size = vocab_size;
    options.fallback = fallback;
    options.quiet = true;
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_train_text(&tok, &options, corpus, sizeof corpus - 1));
    return tok;
}

/* At once and in a stream. */
static bool round_trips(const Tokenizer *tok, Arena *arena, const char *text, size_t n)
{
    arena_reset(arena);
    TokenSpan ids = tokenizer_encode(tok, arena, text, n);
    TokenText back = tokenizer_decode(tok, arena, ids.ids, ids.n, true);
    bool same = back.n_bytes == n && memcmp(back.bytes, text, n) == 0;
    TokenStream *stream = token_stream_new(tok, true);
    size_t at = 0;
    for (int64_t i = 0; i <= ids.n && same; i++) {
        TokenText part = i < ids.n ? token_stream_push(stream, ids.ids[i]) : token_stream_finish(stream);
        same = at + part.n_bytes <= n && memcmp(part.bytes, text + at, part.n_bytes) == 0;
        at += part.n_bytes;
    }
    token_stream_free(stream);
    return same && at == n;
}

/* Every syllable alone and before each kind of neighbour that could be taken for a part of it. */
static int count_wrong_syllables(const Tokenizer *tok)
{
    static const char *const after[] = {"", "", "\u11A8", "\u1161", "\u1100", "ㄱ", "나", "각", "a", "\xEA\xB0", "\xFF"};
    Arena *arena = arena_new();
    int n_wrong = 0;
    for (uint32_t c = HANGUL_FIRST; c < HANGUL_FIRST + HANGUL_N_SYLLABLES; c++) {
        char text[32];
        int n = utf8_encode(text, c);
        const char *neighbour = after[c % (sizeof after / sizeof after[0])];
        memcpy(text + n, neighbour, strlen(neighbour));
        n_wrong += !round_trips(tok, arena, text, (size_t)n + strlen(neighbour));
    }
    arena_free(arena);
    return n_wrong;
}

/* Goal: no byte is lost or changed. Method: all syllables with neighbours, jamo alone, NFD, and random mixtures with broken UTF-8. */
static int count_wrong_mixtures(const Tokenizer *tok)
{
    static const char *const parts[] = {"가", "각", "힣", "\u1100", "\u1161", "\u11A8", "\u1100\u1161\u11A8", "ㄱ", "ㅏ", "ㅋㅋㅋ", "\u115F", "\uA960",
                                        "\xEA", "\xEA\xB0", "\x80", "\xED\xA0\x80", "a", " ", "\n", "<ᄀ>", "<0x41>", "Ġ", "한국어"};
    Arena *arena = arena_new();
    int n_wrong = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        char text[256];
        size_t n = 0;
        for (uint64_t k = 0; k < 1 + i % 12; k++) {
            const char *part = parts[philox(3, 0, i, k).word[0] % (sizeof parts / sizeof parts[0])];
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        n_wrong += !round_trips(tok, arena, text, n);
    }
    arena_free(arena);
    return n_wrong;
}

TEST(jamo, all_syllables_and_any_bytes_come_back)
{
    Tokenizer *tok = trained(TOKENIZER_JAMO, FALLBACK_NONE, 380);
    REQUIRE(tok != NULL);
    CHECK(tokenizer_type(tok) == TOKENIZER_JAMO);
    CHECK_EQUAL(count_wrong_syllables(tok), 0);
    CHECK_EQUAL(count_wrong_mixtures(tok), 0);
    tokenizer_free(tok);
}

/* The stated answer to NFD: exact bytes without the NFC guard, the same ids as NFC with it. Compatibility jamo are other letters: both keep them. */
TEST(jamo, the_nfc_guard_gives_nfd_the_ids_of_nfc)
{
    Arena *arena = arena_new();
    static const char nfc[] = "학교 ㅋㅋ", nfd[] = "\u1112\u1161\u11A8\u1100\u116D ㅋㅋ";
    for (int guard = 0; guard < 2; guard++) {
        TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_JAMO);
        options.vocab_size = 380;
        options.nfc = guard;
        options.quiet = true;
        Tokenizer *tok;
        REQUIRE_OK(tokenizer_train_text(&tok, &options, corpus, sizeof corpus - 1));
        TokenSpan a = tokenizer_encode(tok, arena, nfc, strlen(nfc)), b = tokenizer_encode(tok, arena, nfd, strlen(nfd));
        bool same = a.n == b.n && memcmp(a.ids, b.ids, (size_t)a.n * sizeof *a.ids) == 0;
        CHECK(same == (guard == 1));
        CHECK_STRING(tokenizer_decode(tok, arena, b.ids, b.n, true).bytes, guard ? nfc : nfd);
        tokenizer_free(tok);
    }
    arena_free(arena);
}

TEST(jamo, offsets_are_parts_of_the_syllable)
{
    Arena *arena = arena_new();
    TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_JAMO);
    options.vocab_size = 324;  /* the alphabet alone */
    options.quiet = true;
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_train_text(&tok, &options, corpus, sizeof corpus - 1));
    TokenOffset *at;
    TokenSpan ids = tokenizer_encode_with(tok, arena, "a각가", 7, 0, &at);
    CHECK_EQUAL(ids.n, 6);
    CHECK_EQUAL(at[1].begin, 1);
    CHECK_EQUAL(at[3].begin, 3);
    CHECK_EQUAL(at[3].end, 4);
    CHECK_EQUAL(at[5].begin, 5);
    CHECK_EQUAL(at[5].end, 7);
    int32_t lead = ids.ids[4];
    CHECK_STRING(tokenizer_decode(tok, arena, &lead, 1, true).bytes, "\u1100");  /* a lead alone is a letter alone */
    tokenizer_free(tok);
    arena_free(arena);
}

/* Characters as tokens, syllables that have none as jamo, everything else as bytes. */
TEST(jamo, a_syllable_without_a_token_becomes_jamo)
{
    Arena *arena = arena_new();
    Tokenizer *tok = trained(TOKENIZER_CHAR, FALLBACK_JAMO, 400);
    REQUIRE(tok != NULL);
    TokenSpan ids = tokenizer_encode(tok, arena, "학뷁é", strlen("학뷁é"));
    CHECK_EQUAL(ids.n, 1 + 3 + 2);
    CHECK_STRING(tokenizer_text_of(tok, ids.ids[0]), "학");
    CHECK_STRING(tokenizer_text_of(tok, ids.ids[1]), "<ᄇ>");
    CHECK_STRING(tokenizer_text_of(tok, ids.ids[4]), "<0xC3>");
    CHECK_EQUAL(count_wrong_syllables(tok), 0);
    CHECK_EQUAL(count_wrong_mixtures(tok), 0);
    tokenizer_free(tok);
    tok = trained(TOKENIZER_CHAR, FALLBACK_BYTES, 400);
    REQUIRE(tok != NULL);
    CHECK_EQUAL(count_wrong_mixtures(tok), 0);
    tokenizer_free(tok);
    arena_free(arena);
}

/* Unigram's pieces, then jamo, then bytes. Spaces become marks, so only text without them is exact in every place. */
TEST(jamo, unigram_falls_back_to_jamo)
{
    Arena *arena = arena_new();
    Tokenizer *tok = trained(TOKENIZER_UNIGRAM, FALLBACK_JAMO, 420);
    REQUIRE(tok != NULL);
    const char *text = "학교뷁é<s>é뷁<0x41><ᄀ>";
    TokenSpan ids = tokenizer_encode(tok, arena, text, strlen(text));
    CHECK_STRING(tokenizer_decode(tok, arena, ids.ids, ids.n, true).bytes, text);
    for (int64_t i = 0; i < ids.n; i++)
        CHECK(!tokenizer_is_special(tok, ids.ids[i]));
    tokenizer_free(tok);
    arena_free(arena);
}

TEST(jamo, what_is_saved_loads_as_the_same)
{
    static const struct {
        TokenizerType type;
        TokenizerFallback fallback;
    } cases[] = {{TOKENIZER_JAMO, FALLBACK_NONE}, {TOKENIZER_CHAR, FALLBACK_JAMO}, {TOKENIZER_UNIGRAM, FALLBACK_JAMO}, {TOKENIZER_CHAR, FALLBACK_BYTES}};
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Tokenizer *tok = trained(cases[i].type, cases[i].fallback, 420), *again;
        REQUIRE(tok != NULL);
        REQUIRE_OK(tokenizer_save(tok, test_dir()));
        REQUIRE_OK(tokenizer_load(&again, test_dir()));
        CHECK(tokenizer_hash(tok) == tokenizer_hash(again));
        const char *text = "학교는 뷁 \u1100 é";
        TokenSpan a = tokenizer_encode(tok, arena, text, strlen(text)), b = tokenizer_encode(again, arena, text, strlen(text));
        CHECK(a.n == b.n && memcmp(a.ids, b.ids, (size_t)a.n * sizeof *a.ids) == 0);
        tokenizer_free(tok);
        tokenizer_free(again);
    }
    arena_free(arena);
}
