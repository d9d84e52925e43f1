/* bert_chars_test.c - BERT's rules character by character give what they give to whole texts: ids equal those found with offsets, which go the long
 * way. */
#include "text/tokenizer/bert_chars.h"
#include "base/philox.h"
#include "base/test.h"

enum { TEXT_BYTES_MAX = 4096, N_RULES = 3 };

static uint32_t draw(uint64_t seed, uint64_t i, uint32_t n)
{
    return philox(seed, 13, i, 0).word[0] % n;
}

/* Cased, uncased, and uncased with its accents on. */
static Tokenizer *make(int rules)
{
    TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_BERT_BPE);
    options.vocab_size = 400;
    options.quiet = true;
    const char text[] = "the cat sat, 나는 학교에 갔다. 學校 校 the cat ate 2024 don't ... é e u 가 나 \xE1\x84\x80\xE1\x85\xA1 。 ！ \xEA\xB0\x81 a\xE3\x80\xAE\xF0\x9D\x85\xA5 a\xF0\x9D\x85\xA5\xE3\x80\xAE";
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_train_text(&tok, &options, text, sizeof text - 1));
    tok->normalizers[0].lowercase = rules > 0;
    tok->normalizers[0].strip_accents = rules == 1;
    tok->normalizers[0].chinese_chars = true;
    return tok;
}

static bool same(const Tokenizer *tok, Arena *arena, const char *text, size_t n)
{
    TokenOffset *offsets;
    TokenSpan fast = tokenizer_encode(tok, arena, text, n), slow = tokenizer_encode_with(tok, arena, text, n, 0, &offsets);
    bool equal = fast.n == slow.n && (fast.n == 0 || memcmp(fast.ids, slow.ids, (size_t)fast.n * sizeof *fast.ids) == 0);
    arena_reset(arena);
    return equal;
}

TEST(bert_chars, every_character_alone_in_a_word_and_doubled)
{
    Arena *arena = arena_new();
    for (int rules = 0; rules < N_RULES; rules++) {
        Tokenizer *tok = make(rules);
        int n_wrong = 0;
        char text[TEXT_BYTES_MAX];
        size_t n = 0;
        for (uint32_t c = 0; c <= UNICODE_MAX; c += c < (rules == 1 ? 0x20000 : 0x3400) || c == UNICODE_MAX ? 1 : 0x97) {
            if (c >= 0xD800 && c < 0xE000)
                continue;
            char bytes[UTF8_BYTES_MAX];
            size_t length = (size_t)utf8_encode(bytes, c);
            memcpy(text + n, bytes, length);
            memcpy(text + n + length, "\ncat", 4);
            memcpy(text + n + length + 4, bytes, length);
            memcpy(text + n + 2 * length + 4, bytes, length);
            n += 3 * length + 4;
            text[n++] = '\n';
            if (n + 32 > sizeof text || c == UNICODE_MAX) {
                n_wrong += !same(tok, arena, text, n);
                n = 0;
            }
        }
        CHECK_EQUAL(n_wrong, 0);
        tokenizer_free(tok);
    }
    arena_free(arena);
}

/* What the rules treat unlike anything else, whole and broken. */
static const char *const parts[] = {"a", "E", "cat", "가", "나는", "學", "校", "é", "\xC3\x89", ",", "'", ".", "。", "！", "\xE3\x80\x80",
                                    "\xCC\x81", "\xCC\xA7", "\xE3\x80\xAE", "\xE3\x80\xAF", "\xF0\x9D\x85\xA5", "\xE1\x84\x80", "\xE1\x85\xA1", "\xE1\x86\xA8", "\x01",
                                    "\xC2\x85", "\xC2\xA0", "\xE2\x80\x8B", "\xEF\xBF\xBD", "\xEE\x80\x80", "\xC4\xB0", "\xE2\x84\xAB", "\xCD\xBE", "\xE2\xB8\x80",
                                    "\xE3", "\x81", "\x82", "\xF0", "\x9F", "\x98", "\xC3", "\xA9", "\xFF", "\xED\xA0\x80", "😀", " ", "\n", "\xF0\x9D\x85\x9E"};

TEST(bert_chars, marks_and_broken_characters_in_any_order)
{
    Arena *arena = arena_new();
    for (int rules = 0; rules < N_RULES; rules++) {
        Tokenizer *tok = make(rules);
        int n_wrong = 0;
        for (uint64_t i = 0; i < 6000; i++) {
            char text[TEXT_BYTES_MAX];
            size_t n = 0, n_parts = 1 + draw(i, 0, i % 8 ? 12 : 240), n_kinds = i % 3 ? sizeof parts / sizeof parts[0] : 44;
            for (size_t k = 0; k < n_parts; k++) {
                const char *part = parts[draw(i, 1 + k, (uint32_t)(i % 16 ? n_kinds : 3))];
                memcpy(text + n, part, strlen(part));
                n += strlen(part);
            }
            n_wrong += !same(tok, arena, text, n);
        }
        CHECK_EQUAL(n_wrong, 0);
        tokenizer_free(tok);
    }
    arena_free(arena);
}

/* Dropping a character completes another, which is dropped in a later step and completes one that stands before both. */
TEST(bert_chars, broken_characters_become_whole_one_after_the_other)
{
    Arena *arena = arena_new();
    static const char *const texts[] = {"ab\xDF\x0C\xCD\x12\x80\xB8" "cd", "\xDF\xCD\x12\x80\xB8", "a\xE2\x01\x89\x01\xA0" "b", "a\xE4\x01\xB8\xAD" "b",
                                        "a\xE2\x01\x80\x01\xA6\x01\xBF", "\xF0\x01\x9D\x02\x85\x03\xA5\xCC\xA7", "a\xC3\xCC\x81\x89" "b", "\xC4\xCC\x81\xB0",
                                        "\xF0\x9D\x85\xA5\xE3\x80\xAE\xE3\x01\x80\x82" "b"};
    for (int rules = 0; rules < N_RULES; rules++) {
        Tokenizer *tok = make(rules);
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            CHECK(same(tok, arena, texts[i], strlen(texts[i])));
        for (uint64_t i = 0; i < 100; i++) {
            char text[600];
            for (size_t k = 0; k < sizeof text; k++)
                text[k] = (char)(draw(i, k, 8) ? 0x80 + draw(i, 1000 + k, 0x75) : draw(i, 2000 + k, 0x20));
            CHECK(same(tok, arena, text, sizeof text));
        }
        tokenizer_free(tok);
    }
    arena_free(arena);
}

/* A word of exactly as many characters as a word may have, and one more, some of them dropped, some longer than they were, some in another order. */
TEST(bert_chars, words_of_about_the_longest_length)
{
    Arena *arena = arena_new();
    for (int rules = 0; rules < N_RULES; rules++) {
        Tokenizer *tok = make(rules);
        for (int64_t n_chars = tok->max_word_chars - 3; n_chars < tok->max_word_chars + 4; n_chars++)
            for (int kind = 0; kind < 6; kind++) {
                static const char *const last[] = {"a", "\xCC\x81", "가", "\xF0\x9D\x85\x9E", "\xF0\x9D\x85\xA5\xE3\x80\xAE", "\xF0\x9D\x85\xA1,\xF0\x9D\x85\xA1\xE3\x80\x80" "a"};
                char text[TEXT_BYTES_MAX];
                size_t n_last = strlen(last[kind]), n = (size_t)n_chars + n_last;
                memset(text, 'a', n);
                memcpy(text + n_chars, last[kind], n_last);
                CHECK(same(tok, arena, text, n));
                memmove(text, text + n_chars, n_last);
                memset(text + n_last, 'a', (size_t)n_chars);
                CHECK(same(tok, arena, text, n));
            }
        tokenizer_free(tok);
    }
    arena_free(arena);
}
