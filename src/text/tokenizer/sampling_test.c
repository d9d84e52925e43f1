/* sampling_test.c - draws follow the distributions that their papers define, by all outcomes written out; n-best lists are the sorted cuts. */
#include "text/tokenizer/sampling.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "base/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_DRAWS = 10000, OUTCOMES_MAX = 4096, TOKENS_MAX = 16 };

/* An outcome is its ids in decimal. */
typedef struct {
    char name[128];
    double p;
    int64_t n_seen;
} Outcome;
typedef struct {
    Outcome items[OUTCOMES_MAX];
    int n;
} Outcomes;

static Outcome *outcome(Outcomes *outcomes, const int32_t *ids, int64_t n)
{
    char name[128] = "";
    for (int64_t i = 0, at = 0; i < n; i++)
        at += snprintf(name + at, sizeof name - (size_t)at, "%d ", ids[i]);
    for (int i = 0; i < outcomes->n; i++)
        if (strcmp(outcomes->items[i].name, name) == 0)
            return &outcomes->items[i];
    Outcome *new = &outcomes->items[outcomes->n++];
    memset(new, 0, sizeof *new);
    strcpy(new->name, name);
    return new;
}

/* Every frequency within five standard deviations, and nothing drawn that has no probability. */
static void check_draws(const Tokenizer *tok, const char *text, const TokenizerSampling *sampling, Outcomes *outcomes)
{
    Arena *arena = arena_new();
    CHECK_OK(tokenizer_sampling_check(tok, sampling));
    for (uint64_t i = 0; i < N_DRAWS; i++) {
        TokenSpan ids = tokenizer_encode_sampled(tok, arena, text, strlen(text), 0, sampling, i, NULL);
        outcome(outcomes, ids.ids, ids.n)->n_seen++;
        arena_reset(arena);
    }
    int n_wrong = 0;
    double sum = 0.0;
    for (int i = 0; i < outcomes->n; i++) {
        double p = outcomes->items[i].p, seen = (double)outcomes->items[i].n_seen / N_DRAWS;
        n_wrong += fabs(seen - p) > 5.0 * sqrt(p * (1.0 - p) / N_DRAWS) + 1e-12;
        sum += p;
    }
    CHECK(fabs(sum - 1.0) < 1e-9);
    CHECK_EQUAL(n_wrong, 0);
    arena_free(arena);
}

/* Merges in order of rank over single letters. */
static const char *const merges[][2] = {{"a", "b"}, {"b", "c"}, {"ab", "c"}, {"a", "a"}, {"c", "a"}, {"ab", "ca"}};
enum { N_MERGES = sizeof merges / sizeof merges[0] };
static const char bpe_json[] =
    "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"c\": 2, \"ab\": 3, \"bc\": 4, \"abc\": 5, \"aa\": 6, \"ca\": 7, \"abca\": 8},"
    " \"merges\": [[\"a\", \"b\"], [\"b\", \"c\"], [\"ab\", \"c\"], [\"a\", \"a\"], [\"c\", \"a\"], [\"ab\", \"ca\"]]}}";

/* Algorithm 1 of the paper, all its ways: at each step the pairs in order of rank, then of place; the first that is not passed over merges. */
static void all_dropouts(const Tokenizer *tok, char symbols[][8], int n, double p, double so_far, Outcomes *outcomes)
{
    double passed = so_far;
    for (int m = 0; m < N_MERGES; m++)
        for (int i = 0; i + 1 < n; i++) {
            if (strcmp(symbols[i], merges[m][0]) != 0 || strcmp(symbols[i + 1], merges[m][1]) != 0)
                continue;
            char next[TOKENS_MAX][8];
            for (int k = 0; k < n; k++)
                strcpy(next[k > i ? k - 1 : k], symbols[k]);
            snprintf(next[i], sizeof next[i], "%s%s", merges[m][0], merges[m][1]);
            all_dropouts(tok, next, n - 1, p, passed * (1.0 - p), outcomes);
            passed *= p;
        }
    int32_t ids[TOKENS_MAX];
    for (int i = 0; i < n; i++)
        ids[i] = tokenizer_id_of(tok, symbols[i]);
    outcome(outcomes, ids, n)->p += passed;
}

TEST(sampling, dropout_follows_its_paper)
{
    static const char text[] = "abcaabca";
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_load_json(&tok, "toy", bpe_json, sizeof bpe_json - 1));
    for (double p = 0.1; p < 1.0; p += 0.4) {
        Outcomes *outcomes = calloc(1, sizeof *outcomes);
        char symbols[TOKENS_MAX][8] = {{0}};
        for (size_t i = 0; i < sizeof text - 1; i++)
            symbols[i][0] = text[i];
        all_dropouts(tok, symbols, sizeof text - 1, p, 1.0, outcomes);
        CHECK(outcomes->n > 10);
        check_draws(tok, text, &(TokenizerSampling){.dropout = p, .seed = 3}, outcomes);
        free(outcomes);
    }
    tokenizer_free(tok);
}

/* Pieces and log probabilities; "ab" + "c" and "a" + "bc" are nearly as good as "abc". "?" is covered by nothing. */
static const char unigram_json[] =
    "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"<unk>\", 0.0], [\"a\", -2.0], [\"b\", -2.5], [\"c\", -3.0], [\"ab\", -3.1],"
    " [\"bc\", -3.6], [\"abc\", -4.9], [\"ca\", -4.0], [\"가\", -2.2], [\"a가\", -3.3]]}}";
static const char *const pieces[] = {"a", "b", "c", "ab", "bc", "abc", "ca", "가", "a가"};
static const double scores[] = {-2.0, -2.5, -3.0, -3.1, -3.6, -4.9, -4.0, -2.2, -3.3};

static void all_cuts(const char *text, double alpha, int32_t *ids, int n, double score, Outcomes *outcomes)
{
    if (!*text)
        outcome(outcomes, ids, n)->p = exp(alpha * score);
    for (size_t i = 0; *text && i < sizeof scores / sizeof scores[0]; i++) {
        if (strncmp(text, pieces[i], strlen(pieces[i])) != 0)
            continue;
        ids[n] = (int32_t)i + 1;
        all_cuts(text + strlen(pieces[i]), alpha, ids, n + 1, score + scores[i], outcomes);
    }
}

static Outcomes *cuts_of(const char *text, double alpha)
{
    Outcomes *outcomes = calloc(1, sizeof *outcomes);
    int32_t ids[TOKENS_MAX];
    all_cuts(text, alpha, ids, 0, 0.0, outcomes);
    return outcomes;
}

static int by_probability(const void *a, const void *b)
{
    const Outcome *x = a, *y = b;
    return (x->p < y->p) - (x->p > y->p);
}

static void normalise(Outcomes *outcomes)
{
    double sum = 0.0;
    for (int i = 0; i < outcomes->n; i++)
        sum += outcomes->items[i].p;
    for (int i = 0; i < outcomes->n; i++)
        outcomes->items[i].p /= sum;
}

TEST(sampling, cuts_are_drawn_by_their_probability)
{
    static const char text[] = "abca가abc";
    Tokenizer *tok;
    REQUIRE_OK(tokenizer_load_json(&tok, "toy", unigram_json, sizeof unigram_json - 1));
    for (double alpha = 0.0; alpha <= 2.0; alpha += 0.5) {
        Outcomes *outcomes = cuts_of(text, alpha);
        normalise(outcomes);
        CHECK(outcomes->n > 20);
        check_draws(tok, text, &(TokenizerSampling){.draws_cut = true, .alpha = alpha, .seed = 4}, outcomes);
        free(outcomes);
        outcomes = cuts_of(text, alpha);
        qsort(outcomes->items, (size_t)outcomes->n, sizeof outcomes->items[0], by_probability);
        for (int i = 5; i < outcomes->n && alpha > 0.0; i++)
            outcomes->items[i].p = 0.0;
        normalise(outcomes);
        if (alpha > 0.0)
            check_draws(tok, text, &(TokenizerSampling){.draws_cut = true, .alpha = alpha, .n_best = 5, .seed = 5}, outcomes);
        free(outcomes);
    }
    tokenizer_free(tok);
}

TEST(sampling, the_best_cuts_come_in_order)
{
    static const char *const texts[] = {"abca가abc", "a", "abcabcabcabc", "", "cacaca가"};
    Tokenizer *tok;
    Arena *arena = arena_new();
    REQUIRE_OK(tokenizer_load_json(&tok, "toy", unigram_json, sizeof unigram_json - 1));
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        Outcomes *outcomes = cuts_of(texts[t], 1.0);
        qsort(outcomes->items, (size_t)outcomes->n, sizeof outcomes->items[0], by_probability);
        TokenCut cuts[300];
        int64_t n = tokenizer_n_best(tok, arena, texts[t], strlen(texts[t]), 300, cuts);
        CHECK_EQUAL(n, outcomes->n < 300 ? outcomes->n : 300);
        Outcomes *found = calloc(1, sizeof *found);
        for (int64_t i = 0; i < n; i++) {
            CHECK(fabs(exp(cuts[i].log_probability) - outcomes->items[i].p) < 1e-12);
            CHECK_EQUAL(outcome(found, cuts[i].ids.ids, cuts[i].ids.n)->n_seen++, 0);  /* no cut twice */
        }
        TokenSpan best = tokenizer_encode(tok, arena, texts[t], strlen(texts[t]));
        CHECK(cuts[0].ids.n == best.n && (best.n == 0 || memcmp(cuts[0].ids.ids, best.ids, (size_t)best.n * sizeof *best.ids) == 0));
        free(outcomes);
        free(found);
    }
    arena_free(arena);
    tokenizer_free(tok);
}

/* Goal: nothing drawn is the encoding itself; everything passed over is the bytes; a draw decodes to its text; threads do not show. */
TEST(sampling, draws_keep_the_text_and_do_not_depend_on_threads)
{
    enum { N_TEXTS = 64 };
    static const char corpus[] = "the cat sat on the mat the cat ate the rat 나는 학교에 갔다 나는 집에 갔다 학교는 멀다 low lower lowest";
    int n_threads = parallel_threads();
    Arena *arena = arena_new();
    TokenText texts[N_TEXTS];
    for (uint64_t i = 0; i < N_TEXTS; i++)
        texts[i] = (TokenText){corpus, philox(8, 0, i, 0).word[0] % sizeof corpus};
    for (int k = 0; k < 3; k++) {
        TokenizerTrainOptions options = tokenizer_train_options_for(k == 1 ? TOKENIZER_UNIGRAM : k == 2 ? TOKENIZER_JAMO : TOKENIZER_BYTE_BPE);
        options.vocab_size = 380;
        options.quiet = true;
        options.fallback = k == 1 ? FALLBACK_BYTES : FALLBACK_NONE;
        Tokenizer *tok;
        REQUIRE_OK(tokenizer_train_text(&tok, &options, corpus, sizeof corpus - 1));
        TokenizerSampling sampling = k == 1 ? (TokenizerSampling){.draws_cut = true, .alpha = 0.0} : (TokenizerSampling){.dropout = 0.3};
        TokenSpan spans[2][N_TEXTS];
        for (int t = 0; t < 2; t++) {
            parallel_set_threads(t ? 4 : 1);
            tokenizer_encode_sampled_batch(tok, arena, texts + t, N_TEXTS - 1, 0, &sampling, (uint64_t)t, spans[t] + t);
        }
        parallel_set_threads(n_threads);
        int n_other = 0;
        for (int i = 1; i < N_TEXTS - 1; i++) {
            TokenSpan a = spans[0][i], b = spans[1][i], best = tokenizer_encode(tok, arena, texts[i].bytes, texts[i].n_bytes);
            CHECK(a.n == b.n && (a.n == 0 || memcmp(a.ids, b.ids, (size_t)a.n * sizeof *a.ids) == 0));
            TokenText back = tokenizer_decode(tok, arena, a.ids, a.n, true), once = tokenizer_decode(tok, arena, best.ids, best.n, true);
            CHECK(back.n_bytes == once.n_bytes && memcmp(back.bytes, once.bytes, back.n_bytes) == 0);
            n_other += a.n != best.n || (a.n && memcmp(a.ids, best.ids, (size_t)a.n * sizeof *a.ids) != 0);
        }
        CHECK(n_other > N_TEXTS / 4);
        TokenizerSampling none = {0}, all = {.dropout = 1.0};
        TokenSpan best = tokenizer_encode(tok, arena, corpus, 40), same = tokenizer_encode_sampled(tok, arena, corpus, 40, 0, &none, 1, NULL);
        CHECK(best.n == same.n && memcmp(best.ids, same.ids, (size_t)best.n * sizeof *best.ids) == 0);
        if (k == 0)
            CHECK_EQUAL(tokenizer_encode_sampled(tok, arena, corpus, 40, 0, &all, 1, NULL).n, 40);
        CHECK(tokenizer_sampling_check(tok, k == 1 ? &all : &(TokenizerSampling){.draws_cut = true}) == ERR_USAGE);
        CHECK(tokenizer_sampling_check(tok, &(TokenizerSampling){.dropout = -0.1}) == ERR_USAGE);
        tokenizer_free(tok);
    }
    arena_free(arena);
}
