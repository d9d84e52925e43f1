/* unigram_forms_test.c - what is remembered of words that are not plain is what encoding them anew would give: the ids, and the score of the path to the last bit. */
#include "text/tokenizer/encode_alike.h"
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/unigram_forms.h"
#include "text/tokenizer/unigram_walk.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

static Piece piece_of(const char *text)
{
    return (Piece){.bytes = text, .n = strlen(text)};
}

TEST(unigram_forms, a_word_behind_a_mark_is_another_word)
{
    UnigramForms *forms = NULL;
    int32_t ids[] = {1, 2}, others[] = {3};
    float scores[] = {-1.0f, -2.0f};
    CHECK(!unigram_forms_find(forms, piece_of("\xFF"), true));
    unigram_forms_put(&forms, piece_of("\xFF"), true, (UnigramForm){.n = 2, .n_ids = 2, .ids = ids, .scores = scores});
    CHECK(!unigram_forms_find(forms, piece_of("\xFF"), false));
    unigram_forms_put(&forms, piece_of("\xFF"), false, (UnigramForm){.n = 1, .n_ids = 1, .ids = others, .scores = scores});
    const UnigramForm *bare = unigram_forms_find(forms, piece_of("\xFF"), false), *marked = unigram_forms_find(forms, piece_of("\xFF"), true);
    CHECK(bare && bare->n == 1 && bare->ids[0] == 3);
    CHECK(!marked || (marked->n == 2 && marked->ids[1] == 2 && marked->scores[1] == -2.0f));
    unigram_forms_free(forms);
}

/* Goal: a full pool, and words that push each other out. */
TEST(unigram_forms, what_is_found_is_what_was_put)
{
    enum { N_WORDS = 20000, RECENT = 50 };
    UnigramForms *forms = NULL;
    int n_found = 0;
    for (int i = 0; i < N_WORDS; i++) {
        char word[16], old[16];
        int32_t ids[UNIGRAM_FORM_CHARS];
        float scores[UNIGRAM_FORM_CHARS];
        uint32_t n = (uint32_t)i % UNIGRAM_FORM_CHARS;
        for (uint32_t k = 0; k < n; k++)
            scores[k] = (float)(ids[k] = i + (int)k);
        snprintf(word, sizeof word, "%d", i);
        snprintf(old, sizeof old, "%d", i - i % RECENT);
        unigram_forms_put(&forms, piece_of(word), i % 2, (UnigramForm){.n = n, .n_ids = n, .ids = ids, .scores = scores});
        int of_old = i - i % RECENT;
        const UnigramForm *form = unigram_forms_find(forms, piece_of(old), of_old % 2);
        n_found += form != NULL;
        CHECK(!form || form->n == (uint32_t)of_old % UNIGRAM_FORM_CHARS);
        for (uint32_t k = 0; form && k < form->n; k++)
            CHECK(form->ids[k] == of_old + (int)k && form->scores[k] == (float)form->ids[k]);
    }
    CHECK(n_found > N_WORDS / 2);
    unigram_forms_free(forms);
}

/* As SentencePiece's own are: extra spaces dropped, sums of floats. */
static Tokenizer *model(TokenizerFallback fallback)
{
    enum { TURNS = 400 };
    static const char words[] = "a the cat sat on a mat 나는 학교에 ab abc at cats ";
    TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_UNIGRAM);
    options.vocab_size = 320;
    options.quiet = true;
    options.fallback = fallback;
    char *text = malloc(TURNS * sizeof words), path[4096];
    for (int i = 0; i < TURNS; i++)
        memcpy(text + i * (sizeof words - 1), words, sizeof words - 1);
    Tokenizer *trained, *tok = NULL;
    CHECK_OK(tokenizer_train_text(&trained, &options, text, TURNS * (sizeof words - 1)));
    snprintf(path, sizeof path, "%s/forms-%d.model", test_dir(), (int)fallback);
    CHECK_OK(tokenizer_write_sentencepiece(trained, path));
    CHECK_OK(tokenizer_load(&tok, path));
    tok->normalizers[0].remove_extra_spaces = true;
    tokenizer_free(trained);
    free(text);
    return tok;
}

/* Goal: of the same bytes, what was learnt behind a space mark is not put out where none stands, and the other way round.
 * Method: a word that begins a line has no mark, unless the text has marks of its own. A broken byte, because plain words are not remembered here. */
TEST(unigram_forms, lines_with_a_mark_and_without_keep_their_ids)
{
    static const char marked[] = "x\xE2\x96\x81 a \n\xFF\xFE" "a b", bare[] = "c \n\xFF\xFE" "a b";
    Arena *arena = arena_new();
    for (int turn = 0; turn < 2; turn++) {
        Tokenizer *tok = model(FALLBACK_BYTES);
        REQUIRE(model_fast(tok)->walk && model_fast(tok)->walk->lines_part);
        const char *texts[] = {turn ? marked : bare, turn ? bare : marked};
        for (int i = 0; i < 4; i++)
            CHECK(encode_is_alike(tok, arena, texts[i % 2], strlen(texts[i % 2])));
        tokenizer_free(tok);
    }
    arena_free(arena);
}

/* A word's ids and the score behind it. */
typedef struct {
    int64_t n;
    int32_t ids[64], note;
    double path_score;
} Outcome;

/* Where a note says that the ids tell the score, they do; those of a word whose cut is not sure are not asked. */
static bool ids_tell_score(const Tokenizer *tok, EncodeScratch *scratch, const Outcome *outcome, double path_score)
{
    int32_t ids[64 + WORD_IDS_ROOM];
    for (int64_t i = 0; i < 64 + WORD_IDS_ROOM; i++)
        ids[i] = i < outcome->n ? outcome->ids[i] : tok->vocab.n_ids;
    scratch->path_score = path_score;
    return outcome->note < 0 || !unigram_follows(tok, scratch, ids, (int)outcome->n, outcome->note) || scratch->path_score == outcome->path_score;
}

static Outcome outcome_of(const Tokenizer *tok, EncodeScratch *scratch, Piece word, double path_score)
{
    TokenBuffer out = {0};
    Outcome outcome = {0};
    scratch->path_score = path_score;
    outcome.note = unigram_encode_word(tok, scratch, word, true, &out);
    outcome.n = out.n;
    outcome.path_score = scratch->path_score;
    if (out.n)
        memcpy(outcome.ids, out.ids, (size_t)out.n * sizeof *out.ids);
    free(out.ids);
    return outcome;
}

TEST(unigram_forms, the_second_time_is_like_the_first)
{
    static const char *const words[] = {"\xFF", "\xFF\xFE\xFD", "a\xFF", "\xFFzzz\xFF", "the\xFF" "cat", "\xFF" "\x01\x02", "학교에\xFF"};
    static const double path_scores[] = {0.0, -1.0, -12345.678f, -3e6f, -1.9e8f};
    enum { N_SCORES = sizeof path_scores / sizeof path_scores[0] };
    for (TokenizerFallback fallback = FALLBACK_NONE; fallback <= FALLBACK_BYTES; fallback++) {
        Tokenizer *tok = model(fallback);
        int n_learnt = 0;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            Piece word = piece_of(words[i]);
            Outcome first[N_SCORES];
            for (int k = 0; k < N_SCORES; k++) {
                EncodeScratch *scratch = encode_scratch_take(tok);
                first[k] = outcome_of(tok, scratch, word, path_scores[k]);
                encode_scratch_give(tok, scratch);
                tokenizer_release_scratch(tok);
            }
            EncodeScratch *scratch = encode_scratch_take(tok);
            for (int turn = 0; turn < 2 * N_SCORES; turn++) {
                const Outcome *want = &first[turn % N_SCORES];
                Outcome got = outcome_of(tok, scratch, word, path_scores[turn % N_SCORES]);
                CHECK_EQUAL(got.n, want->n);
                CHECK(memcmp(got.ids, want->ids, sizeof got.ids) == 0);
                CHECK(got.path_score == want->path_score);
                CHECK(ids_tell_score(tok, scratch, &got, path_scores[turn % N_SCORES]));
            }
            const UnigramForm *form = unigram_forms_find(scratch->forms, word, true);
            n_learnt += form && form->ids;
            encode_scratch_give(tok, scratch);
        }
        CHECK(n_learnt >= 2);
        tokenizer_free(tok);
    }
}
