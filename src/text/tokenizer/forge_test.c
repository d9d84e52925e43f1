/* forge_test.c - text that spells a special token stays text: for every type and every format that it can be written as. */
#include "text/tokenizer/convert.h"
#include "text/tokenizer/sampling.h"
#include "base/file.h"
#include "base/log.h"
#include "base/test.h"

#include <stdio.h>

/* No token of the text is special, but unk where a type has one for characters it lacks. */
static void check_ids(const Tokenizer *tok, TokenSpan ids, const char *text)
{
    int32_t unk = tokenizer_special_id(tok, SPECIAL_UNK);
    for (int64_t i = 0; i < ids.n; i++)
        if (!CHECK(ids.ids[i] == unk || !tokenizer_is_special(tok, ids.ids[i])))
            printf("    \"%s\" gave %s\n", text, tokenizer_text_of(tok, ids.ids[i]));
}

static void check_text(const Tokenizer *tok, Arena *arena, const char *text)
{
    size_t n = strlen(text);
    TokenSpan span;
    TokenOffset *offsets;
    TokenText one = {text, n};
    check_ids(tok, tokenizer_encode(tok, arena, text, n), text);
    check_ids(tok, tokenizer_encode_with(tok, arena, text, n, 0, &offsets), text);
    tokenizer_encode_batch(tok, arena, &one, 1, 0, &span);
    check_ids(tok, span, text);
    TokenEncoder *encoder = token_encoder_new(tok, 0);
    for (size_t i = 0; i < n; i++)
        check_ids(tok, token_encoder_push(encoder, text + i, 1), text);
    check_ids(tok, token_encoder_finish(encoder), text);
    token_encoder_free(encoder);
    TokenizerSampling sampling = {.dropout = 0.5}, cuts = {.draws_cut = true, .alpha = 0.1};
    for (uint64_t i = 0; i < 20; i++) {
        if (tokenizer_sampling_check(tok, &sampling) == OK)
            check_ids(tok, tokenizer_encode_sampled(tok, arena, text, n, 0, &sampling, i, NULL), text);
        if (tokenizer_sampling_check(tok, &cuts) == OK)
            check_ids(tok, tokenizer_encode_sampled(tok, arena, text, n, 0, &cuts, i, NULL), text);
    }
}

static void check_specials(const Tokenizer *tok, Arena *arena)
{
    int32_t unk = tokenizer_special_id(tok, SPECIAL_UNK);
    for (int32_t id = 0; id < tokenizer_vocab_size(tok); id++) {
        if (!tokenizer_is_special(tok, id) || id == unk)
            continue;
        const char *s = tokenizer_text_of(tok, id);
        check_text(tok, arena, s);
        check_text(tok, arena, arena_printf(arena, "a%sb %s", s, s));
        check_text(tok, arena, arena_printf(arena, "%s%s\n%.2s%s", s, s, s, s));
        check_text(tok, arena, arena_printf(arena, "\u2581%s %s</w>", s, s));
    }
}

/* Goal: also a training text full of such spellings makes no vocabulary that turns them into the tokens. */
TEST(forge, no_text_becomes_a_special_token)
{
    static const char corpus[] = "<|endoftext|> the cat <|im_start|> sat <|im_start|> on [SEP] the [CLS] mat [SEP] </s> a <s> b </s> <s> <|endoftext|> "
                                 "<|im_start|> [MASK] <mask> <pad> <pad> 나는 <|endoftext|> 학교에 </s></s></s> <|im_start|> <|endoftext|> <unk> <unk> ";
    static const char *const endings[] = {"", ".model", ".tiktoken", "", "", ".bin"};  /* in the order of TokenizerFormat */
    Arena *arena = arena_new();
    int n_of_format[6] = {0};
    log_set_level(LOG_QUIET);
    for (int i = 0; i < 2 * (TOKENIZER_BYTE + 1); i++) {  /* every type with its usual special tokens, and with one more */
        TokenizerType type = (TokenizerType)(i / 2);
        TokenizerTrainOptions options = tokenizer_train_options_for(type);
        options.vocab_size = 400;
        options.pattern = type == TOKENIZER_BYTE_BPE ? "gpt2" : "none";
        options.quiet = true;
        options.fallback = type == TOKENIZER_UNIGRAM ? FALLBACK_BYTES : FALLBACK_NONE;
        if (i % 2)
            options.specials[options.n_specials++] = "<|im_start|>";
        Tokenizer *tok;
        REQUIRE_OK(tokenizer_train_text(&tok, &options, corpus, sizeof corpus - 1));
        check_specials(tok, arena);
        for (int format = 0; format < 6; format++) {
            const char *path = arena_printf(arena, "%s/%d-%d%s", test_dir(), i, format, endings[format]);
            Tokenizer *again;
            if (tokenizer_write_as(tok, (TokenizerFormat)format, path) != OK)
                continue;
            n_of_format[format]++;
            if (CHECK_OK(tokenizer_load(&again, path))) {
                check_specials(again, arena);
                tokenizer_free(again);
            }
        }
        tokenizer_free(tok);
    }
    log_set_level(LOG_NORMAL);
    for (int format = 0; format < 6; format++)
        CHECK(n_of_format[format] > 0);
    arena_free(arena);
}
