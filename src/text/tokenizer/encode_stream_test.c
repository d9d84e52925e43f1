/* encode_stream_test.c - parts and batches give the ids of the whole. */
#include "text/tokenizer/tokenizer.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES = 5 << 19 };

/* Words, marks and line ends, long runs without any place to cut among them. */
static char *make_text(uint64_t seed)
{
    static const char *const parts[] = {" ", " ", " ", " ", "\n", "  ", "a", "the", "cat", "가", "나는", "학교에", ",", "2024", "é", "😀", "<|endoftext|>"};
    char *text = malloc(TEXT_BYTES + 16);
    size_t n = 0;
    for (uint64_t i = 0; n < TEXT_BYTES; i++) {
        uint32_t r = philox(seed, 0, i, 0).word[0];
        const char *part = parts[(r >> 8) % (r % 5000 ? sizeof parts / sizeof parts[0] : 1)];
        for (int k = 0; k < (r % 5000 == 1 ? 2000 : 1) && n < TEXT_BYTES; k++) {
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
    }
    return text;
}

static bool streams_alike(const Tokenizer *tok, const char *text, int flags, uint64_t seed)
{
    Arena *arena = arena_new();
    TokenSpan whole = tokenizer_encode_with(tok, arena, text, TEXT_BYTES, flags, NULL);
    TokenEncoder *encoder = token_encoder_new(tok, flags);
    bool same = true;
    for (int round = 0; round < 2; round++) {  /* an encoder may be used anew */
        int64_t n = 0;
        for (size_t at = 0, part = 0; same; at += part) {
            part = philox(seed, 1, at, 0).word[0] % 400000;
            part = part < TEXT_BYTES - at ? part : TEXT_BYTES - at;
            bool last = at == TEXT_BYTES;
            TokenSpan ids = last ? token_encoder_finish(encoder) : token_encoder_push(encoder, text + at, part);
            same = n + ids.n <= whole.n && (ids.n == 0 || memcmp(whole.ids + n, ids.ids, (size_t)ids.n * sizeof *ids.ids) == 0);
            n += ids.n;
            if (last)
                break;
        }
        same &= n == whole.n;
    }
    token_encoder_free(encoder);
    arena_free(arena);
    return same;
}

static Tokenizer *trained(TokenizerType type, const char *pattern, bool nfc)
{
    TokenizerTrainOptions options = tokenizer_train_options_for(type);
    options.vocab_size = 330;
    options.pattern = pattern;
    options.nfc = nfc;
    options.quiet = true;
    const char text[] = "the cat sat, 나는 학교에 갔다. the cat ate 2024 don't ... 학교에 the cat";
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_train_text(&tok, &options, text, sizeof text - 1));
    return tok;
}

TEST(encode_stream, parts_give_the_ids_of_the_whole)
{
    char *text = make_text(1);
    static const char *const patterns[] = {"gpt2", "cl100k", "o200k", "none"};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        Tokenizer *tok = trained(TOKENIZER_BYTE_BPE, patterns[i], i == 1);
        CHECK(streams_alike(tok, text, 0, i));
        CHECK(streams_alike(tok, text, TOKENIZER_PARSE_SPECIAL, 10 + i));
        tokenizer_free(tok);
    }
    static const TokenizerType others[] = {TOKENIZER_BERT_BPE, TOKENIZER_UNIGRAM, TOKENIZER_CHAR_BPE};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        Tokenizer *tok = trained(others[i], NULL, false);
        CHECK(streams_alike(tok, text, TOKENIZER_ADD_SPECIAL, 20 + i));
        tokenizer_free(tok);
    }
    free(text);
}

TEST(encode_stream, parts_give_the_ids_of_the_whole_for_sentencepiece)
{
    if (!test_data_dir())
        SKIP("no shared data");
    char *text = make_text(2);
    static const char *const names[] = {"ko-spm/ko_unigram.model", "ko-spm/ko_bpe.model", "torchtune-small/m.model"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/tokenizers/%s", test_data_dir(), names[i]);
        Tokenizer *tok;
        REQUIRE_OK(tokenizer_load(&tok, path));
        CHECK(streams_alike(tok, text, 0, i));
        tokenizer_free(tok);
    }
    free(text);
}

TEST(encode_stream, a_batch_is_its_texts_in_order_at_any_thread_count)
{
    enum { N_TEXTS = 500 };
    char *text = make_text(3);
    TokenText texts[N_TEXTS];
    for (int i = 0; i < N_TEXTS; i++) {
        uint32_t r = philox(4, 0, (uint64_t)i, 0).word[0];
        texts[i] = (TokenText){text + r % (TEXT_BYTES / 2), (size_t)i * 8 % 3000};
    }
    Tokenizer *tok = trained(TOKENIZER_BYTE_BPE, "o200k", false);
    Arena *arena = arena_new();
    int n_before = parallel_threads(), n_wrong = 0;
    for (int n_threads = 1; n_threads <= 4; n_threads *= 2) {
        TokenSpan spans[N_TEXTS];
        parallel_set_threads(n_threads);
        tokenizer_encode_batch(tok, arena, texts, N_TEXTS, 0, spans);
        for (int i = 0; i < N_TEXTS; i++) {
            TokenSpan alone = tokenizer_encode(tok, arena, texts[i].bytes, texts[i].n_bytes);
            n_wrong += alone.n != spans[i].n || (alone.n && memcmp(alone.ids, spans[i].ids, (size_t)alone.n * sizeof *alone.ids) != 0);
        }
    }
    parallel_set_threads(n_before);
    CHECK_EQUAL(n_wrong, 0);
    arena_free(arena);
    tokenizer_free(tok);
    free(text);
}
