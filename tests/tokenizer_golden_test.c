/* tokenizer_golden_test.c - ids equal to those of the reference implementations, for every text and vocabulary of the shared data.
 *
 * tokenizers/golden/texts.jsonl holds the texts, line n of *.ids.txt the ids of text n. Made by tiktoken, tokenizers and sentencepiece; see
 * the data's README. The tests skip where the data is absent. */
#include "base/file.h"
#include "base/json.h"
#include "base/philox.h"
#include "base/test.h"
#include "text/corpus/byte_stream.h"
#include "text/tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

/* Copies a file, decompressed, into the test's folder. */
static const char *unpacked(Arena *arena, const char *relative, const char *name)
{
    const char *to = arena_printf(arena, "%s/%s", test_dir(), name);
    ByteStream *stream;
    if (!CHECK_OK(byte_stream_open(&stream, arena_printf(arena, "%s/tokenizers/%s", test_data_dir(), relative))))
        return NULL;
    FileWriter *writer;
    CHECK_OK(file_writer_open(&writer, to));
    static char buffer[1 << 16];
    size_t n;
    while (byte_stream_read(stream, buffer, sizeof buffer, &n) == OK && n)
        file_writer_write(writer, buffer, n);
    CHECK_OK(file_writer_commit(writer));
    byte_stream_free(stream);
    return to;
}

static LineReader *golden_lines(Arena *arena, const char *name)
{
    ByteStream *stream;
    const char *path = arena_printf(arena, "%s/tokenizers/golden/%s", test_data_dir(), name);
    return CHECK_OK(byte_stream_open(&stream, path)) ? line_reader_new(stream, 1 << 24) : NULL;
}

static bool text_of(Arena *arena, const char *line, size_t n_line, const char **text, size_t *n)
{
    JsonReader r;
    JsonText key;
    json_reader_init(&r, "texts.jsonl", line, n_line);
    *text = NULL;
    if (json_object_begin(&r) != OK)
        return false;
    while (json_object_next(&r, &key))
        if ((json_text_is(key, "text") ? json_string(&r, arena, text, n) : json_skip(&r)) != OK)
            return false;
    return *text != NULL;
}

static bool same_ids(TokenSpan ids, const char *line)
{
    for (int64_t i = 0; i < ids.n; i++) {
        char *end;
        if (strtol(line, &end, 10) != ids.ids[i] || end == line)
            return false;
        line = end;
    }
    return *line == '\0' || *line == '\n';
}

static void check_golden(const Tokenizer *tok, const char *name)
{
    Arena *arena = arena_new(), *step = arena_new();
    LineReader *texts = golden_lines(arena, "texts.jsonl"), *golden = golden_lines(arena, name);
    int n_texts = 0, n_wrong = 0;
    const char *line, *text, *want;
    size_t n_line, n_text, n_want;
    Err err = OK;
    while (texts && golden && line_reader_next(texts, &line, &n_line, &err) && line_reader_next(golden, &want, &n_want, &err)) {
        if (!CHECK(text_of(step, line, n_line, &text, &n_text)))
            break;
        n_texts++;
        if (!same_ids(tokenizer_encode(tok, step, text, n_text), want) && n_wrong++ < 3)
            printf("    text %d differs: %.60s\n", n_texts - 1, text);
        arena_reset(step);
    }
    CHECK_EQUAL(n_texts, 528);
    CHECK_EQUAL(n_wrong, 0);
    line_reader_free(texts);
    line_reader_free(golden);
    arena_free(arena);
    arena_free(step);
}

static void check_file(const char *relative, const char *name, const char *ids)
{
    Arena *arena = arena_new();
    const char *path = unpacked(arena, relative, name);
    Tokenizer *tok;
    if (path && CHECK_OK(tokenizer_load(&tok, path))) {
        check_golden(tok, ids);
        tokenizer_free(tok);
    }
    arena_free(arena);
}

#define GOLDEN_TEST(name, relative, as, ids)             \
    TEST(tokenizer_golden, name)                         \
    {                                                    \
        if (!test_data_dir())                            \
            SKIP("no shared data");                      \
        check_file(relative, as, ids);                   \
    }

GOLDEN_TEST(gpt2_ranks, "whisper-tiktoken/gpt2.tiktoken.zst", "gpt2.tiktoken", "gpt2.ids.txt")
GOLDEN_TEST(whisper_multilingual, "whisper-tiktoken/multilingual.tiktoken.zst", "m.tiktoken", "whisper_multilingual.ids.txt")
GOLDEN_TEST(bert_base_uncased, "bert-base-uncased/vocab.txt", "vocab.txt", "bert_base_uncased.ids.txt")
GOLDEN_TEST(koelectra, "koelectra/vocab.txt", "vocab.txt", "koelectra.ids.txt")
GOLDEN_TEST(llama2, "llama2/tokenizer.model.zst", "tokenizer.model", "llama2.ids.txt")
GOLDEN_TEST(t5, "torchtune-small/t5-spiece.model.zst", "spiece.model", "t5.ids.txt")
GOLDEN_TEST(sentencepiece_english, "sentencepiece-test/test_model.model", "en.model", "spm_test_model.ids.txt")
GOLDEN_TEST(sentencepiece_japanese, "sentencepiece-test/test_ja_model.model.zst", "ja.model", "spm_test_ja_model.ids.txt")
GOLDEN_TEST(ko_spm_unigram, "ko-spm/ko_unigram.model", "u.model", "ko_spm_unigram_8k.ids.txt")
GOLDEN_TEST(ko_spm_bpe, "ko-spm/ko_bpe.model", "b.model", "ko_spm_bpe_8k.ids.txt")

/* Texts of few, hard parts: the ids found word by word equal those found with offsets, which take the long way. */
static void check_words(const char *relative, const char *as)
{
    static const char *const parts[] = {" ", " ", "  ", "      ", "\n", "가", "한국", "뷁", "쀍", "믜", "the", "a", "Q", ".", "(", "“", "ㅋ", "é", "漢", "😀",
                                        "\xE2\x96\x81", "\xFF", "\xEA\xB0", "0", "는"};
    Arena *arena = arena_new(), *step = arena_new();
    const char *path = unpacked(arena, relative, as);
    Tokenizer *tok = NULL;
    int n_wrong = 0;
    CHECK_OK(tokenizer_load(&tok, path));
    for (uint64_t i = 0; tok && i < 4000; i++) {
        char text[512];
        size_t n = 0;
        for (uint64_t k = 0, n_parts = philox(i, 1, 0, 0).word[0] % 40; k < n_parts; k++) {
            const char *part = parts[philox(i, 2, k, 0).word[0] % (sizeof parts / sizeof parts[0])];
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        TokenOffset *offsets;
        TokenSpan fast = tokenizer_encode(tok, step, text, n), slow = tokenizer_encode_with(tok, step, text, n, 0, &offsets);
        n_wrong += fast.n != slow.n || (fast.n && memcmp(fast.ids, slow.ids, (size_t)fast.n * sizeof *fast.ids) != 0);
        arena_reset(step);
    }
    CHECK_EQUAL(n_wrong, 0);
    tokenizer_free(tok);
    arena_free(arena);
    arena_free(step);
}

TEST(tokenizer_golden, words_found_one_by_one_are_those_of_the_text)
{
    if (!test_data_dir())
        SKIP("no shared data");
    check_words("llama2/tokenizer.model.zst", "tokenizer.model");
    check_words("torchtune-small/t5-spiece.model.zst", "spiece.model");
    check_words("sentencepiece-test/test_ja_model.model.zst", "ja.model");
    check_words("ko-spm/ko_unigram.model", "u.model");
    check_words("ko-spm/ko_bpe.model", "b.model");
}

TEST(tokenizer_golden, gpt2_vocabulary_and_merges)
{
    if (!test_data_dir())
        SKIP("no shared data");
    Arena *arena = arena_new();
    unpacked(arena, "gpt2/encoder.json.zst", "encoder.json");
    unpacked(arena, "gpt2/vocab.bpe.zst", "vocab.bpe");
    Tokenizer *tok, *again;
    REQUIRE_OK(tokenizer_load(&tok, test_dir()));
    check_golden(tok, "gpt2.ids.txt");
    CHECK_EQUAL(tokenizer_vocab_size(tok), 50257);
    CHECK_EQUAL(tokenizer_special_id(tok, SPECIAL_EOS), 50256);
    /* the same through tokenizer.json */
    const char *dir = arena_printf(arena, "%s/again", test_dir());
    REQUIRE_OK(tokenizer_save(tok, dir));
    REQUIRE_OK(tokenizer_load(&again, dir));
    check_golden(again, "gpt2.ids.txt");
    tokenizer_free(tok);
    tokenizer_free(again);
    arena_free(arena);
}

/* Curriculum golden G14: one sentence of seven words under three vocabularies. */
static void check_sentence(const char *relative, const char *as, const char *want, int flags)
{
    static const char sentence[] = "Large language models are transforming artificial intelligence.";
    Arena *arena = arena_new();
    const char *path = unpacked(arena, relative, as);
    Tokenizer *tok;
    if (path && CHECK_OK(tokenizer_load(&tok, path))) {
        CHECK(same_ids(tokenizer_encode_with(tok, arena, sentence, sizeof sentence - 1, flags, NULL), want));
        tokenizer_free(tok);
    }
    arena_free(arena);
}

TEST(tokenizer_golden, the_sentence_of_the_curriculum)
{
    if (!test_data_dir())
        SKIP("no shared data");
    check_sentence("whisper-tiktoken/gpt2.tiktoken.zst", "gpt2.tiktoken", "21968 3303 4981 389 25449 11666 4430 13", 0);
    check_sentence("bert-base-uncased/vocab.txt", "vocab.txt", "2312 2653 4275 2024 17903 7976 4454 1012", 0);
    check_sentence("bert-base-uncased/vocab.txt", "vocab.txt", "101 2312 2653 4275 2024 17903 7976 4454 1012 102", TOKENIZER_ADD_SPECIAL);
    check_sentence("torchtune-small/t5-spiece.model.zst", "spiece.model", "7199 1612 2250 33 3 21139 7353 6123 5", 0);
}

/* The same ids through two forms of one vocabulary: CLIP's tokenizer.json, and its vocab.json with merges.txt. */
TEST(tokenizer_golden, clip_says_the_same_in_both_forms)
{
    if (!test_data_dir())
        SKIP("no shared data");
    Arena *arena = arena_new(), *step = arena_new();
    const char *json = unpacked(arena, "clip/tokenizer.json.zst", "tokenizer.json");
    unpacked(arena, "clip/merges.txt.zst", "merges.txt");
    const char *vocab = unpacked(arena, "clip/vocab.json.zst", "vocab.json");
    Tokenizer *a, *b;
    REQUIRE_OK(tokenizer_load(&a, json));
    REQUIRE_OK(tokenizer_load(&b, vocab));
    LineReader *texts = golden_lines(arena, "texts.jsonl");
    const char *line, *text;
    size_t n_line, n_text;
    int n_wrong = 0;
    Err err = OK;
    while (line_reader_next(texts, &line, &n_line, &err)) {
        REQUIRE(text_of(step, line, n_line, &text, &n_text));
        TokenSpan x = tokenizer_encode(a, step, text, n_text), y = tokenizer_encode(b, step, text, n_text);
        n_wrong += x.n != y.n || memcmp(x.ids, y.ids, (size_t)x.n * sizeof *x.ids) != 0;
        arena_reset(step);
    }
    CHECK_EQUAL(n_wrong, 0);
    TokenSpan ids = tokenizer_encode(b, step, "A photo of  two cats.", 21);
    CHECK_STRING(tokenizer_decode(b, step, ids.ids, ids.n, true).bytes, "a photo of two cats .");
    line_reader_free(texts);
    tokenizer_free(a);
    tokenizer_free(b);
    arena_free(arena);
    arena_free(step);
}
