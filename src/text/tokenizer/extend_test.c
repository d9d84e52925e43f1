/* extend_test.c - a vocabulary that grows keeps what it had. */
#include "text/tokenizer/tokenizer.h"
#include "base/file.h"
#include "base/test.h"

#include <stdio.h>

static const char old_text[] = "the cat sat on the mat. the cat ate the rat. low lower lowest new newer newest the the the";
static const char new_text[] = "나는 학교에 갔다. 나는 집에 갔다. 학교는 멀다. 나는 학교에 간다. 학교에 the 나는 mat zebra zebra zebras";

typedef struct {
    const char *text;
} One;

static Err next_of_one(void *context, const char **text, size_t *n_bytes)
{
    One *one = context;
    *text = one->text;
    *n_bytes = one->text ? strlen(one->text) : 0;
    one->text = NULL;
    return OK;
}

static Tokenizer *trained(TokenizerType type, int64_t vocab_size, const char *text)
{
    TokenizerTrainOptions options = tokenizer_train_options_for(type);
    options.vocab_size = vocab_size;
    options.quiet = true;
    Tokenizer *tok = NULL;
    CHECK_OK(tokenizer_train_text(&tok, &options, text, strlen(text)));
    return tok;
}

static int64_t n_tokens(const Tokenizer *tok, const char *text)
{
    Arena *arena = arena_new();
    TokenSpan ids = tokenizer_encode(tok, arena, text, strlen(text));
    TokenText back = tokenizer_decode(tok, arena, ids.ids, ids.n, true);
    if (tokenizer_type(tok) != TOKENIZER_UNIGRAM)
        CHECK(back.n_bytes == strlen(text) && memcmp(back.bytes, text, back.n_bytes) == 0);
    for (int64_t i = 0; i < ids.n; i++)
        CHECK(tokenizer_text_of(tok, ids.ids[i]) != NULL);
    arena_free(arena);
    return ids.n;
}

/* Goal: old ids and texts stay, new ones follow, the new text takes fewer tokens, and what is saved loads as the same. Once encoded with before,
 * so that nothing derived from the old vocabulary lives on. */
TEST(extend, old_ids_stay_and_new_tokens_follow)
{
    static const TokenizerType types[] = {TOKENIZER_BYTE_BPE, TOKENIZER_JAMO, TOKENIZER_UNIGRAM};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        int64_t n_old = types[t] == TOKENIZER_UNIGRAM ? 40 : types[t] == TOKENIZER_JAMO ? 350 : 290, n_new;
        Tokenizer *before = trained(types[t], n_old, old_text), *tok = trained(types[t], n_old, old_text), *again;
        REQUIRE(before && tok);
        n_old = tokenizer_vocab_size(before);
        n_new = n_old + 6;
        int64_t n_before = n_tokens(tok, new_text);
        TokenizerTrainOptions options = tokenizer_train_options_default();
        options.vocab_size = n_new;
        options.quiet = true;
        One one = {new_text};
        REQUIRE_OK(tokenizer_extend(tok, &options, (TokenizerSource){next_of_one, &one}));
        CHECK_EQUAL(tokenizer_vocab_size(tok), n_new);
        for (int32_t id = 0; id < n_old; id++)
            CHECK_STRING(tokenizer_text_of(tok, id), tokenizer_text_of(before, id));
        if (types[t] == TOKENIZER_UNIGRAM)
            CHECK(n_tokens(tok, new_text) > 0);
        else
            CHECK(n_tokens(tok, new_text) < n_before);
        REQUIRE_OK(tokenizer_save(tok, test_dir()));
        REQUIRE_OK(tokenizer_load(&again, test_dir()));
        CHECK(tokenizer_hash(again) == tokenizer_hash(tok) && tokenizer_hash(tok) != tokenizer_hash(before));
        CHECK_EQUAL(n_tokens(again, new_text), n_tokens(tok, new_text));
        CHECK_EQUAL(tokenizer_special_id(again, SPECIAL_EOS), tokenizer_special_id(before, SPECIAL_EOS));
        one = (One){new_text};
        CHECK(tokenizer_extend(tok, &options, (TokenizerSource){next_of_one, &one}) == ERR_USAGE);  /* no larger than it is */
        tokenizer_free(before);
        tokenizer_free(tok);
        tokenizer_free(again);
    }
    Tokenizer *chars = trained(TOKENIZER_WORDPIECE, 60, old_text);
    TokenizerTrainOptions options = tokenizer_train_options_default();
    CHECK(tokenizer_extend(chars, &options, (TokenizerSource){next_of_one, &(One){new_text}}) == ERR_UNSUPPORTED);
    tokenizer_free(chars);
}

/* Goal: learning in two goes from one text is learning in one. */
TEST(extend, merging_goes_on_where_it_stopped)
{
    Tokenizer *whole = trained(TOKENIZER_BYTE_BPE, 290, old_text), *parts = trained(TOKENIZER_BYTE_BPE, 270, old_text);
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.vocab_size = 290;
    options.quiet = true;
    One one = {old_text};
    REQUIRE_OK(tokenizer_extend(parts, &options, (TokenizerSource){next_of_one, &one}));
    CHECK(tokenizer_hash(whole) == tokenizer_hash(parts));
    tokenizer_free(whole);
    tokenizer_free(parts);
}
