/* unigram_expect_test.c - the passes over stored edges against all cuts written out one by one. */
#include "text/tokenizer/unigram_expect.h"
#include "base/philox.h"
#include "base/test.h"

#include <math.h>
#include <stdlib.h>

enum { N_WORDS = 60, WORD_CHARS_MAX = 7, LONG_WORD_CHARS = 400 };

/* Words of a, b, 가 and 나, ascending; the last is long when `has_long`, so that its sums leave the range of a double's products. */
static WordCounts random_words(uint64_t seed, bool has_long)
{
    static const char *const chars[] = {"a", "b", "\uAC00", "\uB098"};
    WordCounts counts = {.pool = calloc(1, 65536), .words = calloc(N_WORDS, sizeof(Word)), .n = N_WORDS};
    uint64_t at = 0;
    for (int w = 0; w < N_WORDS; w++) {
        uint32_t r = philox(seed, 0, (uint64_t)w, 0).word[0];
        uint32_t n_chars = has_long && w == N_WORDS - 1 ? LONG_WORD_CHARS : 1 + r % WORD_CHARS_MAX;
        counts.words[w] = (Word){at, 0, 1 + r / 7 % 50};
        for (uint32_t i = 0; i < n_chars; i++) {
            const char *c = chars[philox(seed, 1, (uint64_t)w, i).word[0] % 4];
            memcpy(counts.pool + at, c, strlen(c));
            at += strlen(c);
        }
        counts.words[w].n_bytes = (uint32_t)(at - counts.words[w].offset);
    }
    return counts;
}

static UnigramModel random_model(uint64_t seed, const WordCounts *counts)
{
    UnigramModel model = {.counts = counts};
    CHECK_OK(unigram_find_seeds(&model.pieces, &model.n, &model.texts, counts, 1000, 0));
    CHECK_OK(unigram_model_open(&model, NULL, 0));
    for (int64_t i = 0; i < model.n; i++) {
        model.scores[i] = -1.0 - 8.0 * (double)philox_uniform(philox(seed, 2, (uint64_t)i, 0).word[0]);
        model.weights[i] = exp(model.scores[i]);
    }
    return model;
}

/* All cuts of a text, one after the other: each one's parts and score. */
typedef struct {
    const UnigramModel *model;
    int64_t without;  /* a piece that no cut may use; -1: none */
    double total, best;
    double *used;     /* sum of probability times occurrences, by piece */
    int32_t parts[WORD_CHARS_MAX], best_parts[WORD_CHARS_MAX];
    int n_best;
} Cuts;

static void cut_on(Cuts *cuts, const char *text, size_t n, int n_parts, double score)
{
    if (n == 0) {
        double p = exp(score);
        cuts->total += p;
        for (int i = 0; i < n_parts && cuts->used; i++)
            cuts->used[cuts->parts[i]] += p;
        if (score > cuts->best) {
            cuts->best = score;
            cuts->n_best = n_parts;
            memcpy(cuts->best_parts, cuts->parts, sizeof cuts->parts);
        }
    }
    for (int64_t i = 0; i < cuts->model->n && n > 0; i++) {
        const SeedPiece *piece = &cuts->model->pieces[i];
        if (i == cuts->without || piece->n_bytes > n || memcmp(piece->text, text, piece->n_bytes) != 0)
            continue;
        cuts->parts[n_parts] = (int32_t)i;
        cut_on(cuts, text + piece->n_bytes, n - piece->n_bytes, n_parts + 1, score + cuts->model->scores[i]);
    }
}

static Cuts all_cuts(const UnigramModel *model, const char *text, size_t n, int64_t without, double *used)
{
    Cuts cuts = {.model = model, .without = without, .best = -INFINITY, .used = used};
    cut_on(&cuts, text, n, 0, 0.0);
    return cuts;
}

static bool is_close(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (1.0 + fabs(b));
}

static void check_counts(UnigramModel *model)
{
    double *expected = calloc((size_t)model->n, sizeof *expected), *best = calloc((size_t)model->n, sizeof *best);
    double *used = calloc((size_t)model->n, sizeof *used), likelihood = 0.0, of_best = 0.0;
    for (int64_t w = 0; w < model->counts->n; w++) {
        const Word *word = &model->counts->words[w];
        memset(used, 0, (size_t)model->n * sizeof *used);
        Cuts cuts = all_cuts(model, model->counts->pool + word->offset, word->n_bytes, -1, used);
        for (int64_t i = 0; i < model->n; i++)
            expected[i] += (double)word->count * used[i] / cuts.total;
        for (int i = 0; i < cuts.n_best; i++)
            best[cuts.best_parts[i]] += (double)word->count;
        likelihood += (double)word->count * log(cuts.total);
        of_best += (double)word->count * cuts.best;
    }
    double found;
    CHECK_OK(unigram_expect(model, &found));
    CHECK(is_close(found, likelihood));
    int n_wrong = 0;
    for (int64_t i = 0; i < model->n; i++)
        n_wrong += !is_close(model->expected[i], expected[i]);
    CHECK_OK(unigram_count_best(model, &found));
    CHECK(is_close(found, of_best));
    for (int64_t i = 0; i < model->n; i++)
        n_wrong += !is_close(model->expected[i], best[i]);
    CHECK_EQUAL(n_wrong, 0);
    free(expected);
    free(best);
    free(used);
}

static void check_parts(void *context, int64_t piece, const int32_t *parts, int n_parts)
{
    const UnigramModel *model = context;
    Cuts cuts = all_cuts(model, model->pieces[piece].text, model->pieces[piece].n_bytes, piece, NULL);
    bool same = cuts.n_best == n_parts;
    for (int i = 0; i < n_parts && same; i++)
        same = parts[i] == cuts.best_parts[n_parts - 1 - i];
    CHECK(same);
}

/* Goal: counts, likelihoods and the cuts of pieces are those of the definition, before and after pieces went. */
TEST(unigram_expect, sums_are_those_over_all_cuts)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        WordCounts counts = random_words(seed, false);
        UnigramModel model = random_model(seed, &counts);
        for (int round = 0; round < 3; round++) {
            check_counts(&model);
            CHECK_OK(unigram_cut_pieces(&model, check_parts, &model));
            uint8_t *kept = calloc((size_t)model.n, 1);
            int64_t to = 0;
            for (int64_t i = 0; i < model.n; i++) {
                kept[i] = model.pieces[i].n_chars == 1 || philox(seed, 3, (uint64_t)i, (uint64_t)round).word[0] % 3 > 0;
                if (!kept[i])
                    continue;
                model.scores[to] = model.scores[i];
                model.weights[to++] = model.weights[i];
            }
            CHECK_OK(unigram_keep_pieces(&model, kept));
            CHECK_EQUAL(model.n, to);
            free(kept);
        }
        unigram_model_release(&model);
        word_counts_release(&counts);
    }
}

/* Goal: a word whose probability no double holds is summed in logarithms: the pieces used cover every byte once. */
TEST(unigram_expect, a_word_of_any_length_is_summed)
{
    WordCounts counts = random_words(9, true);
    UnigramModel model = random_model(9, &counts);
    double there = 0.0, used = 0.0, likelihood = 0.0;  /* bytes */
    CHECK_OK(unigram_expect(&model, &likelihood));
    CHECK(isfinite(likelihood));
    for (int64_t i = 0; i < model.n; i++)
        used += model.expected[i] * model.pieces[i].n_bytes;
    for (int64_t w = 0; w < counts.n; w++)
        there += (double)counts.words[w].count * counts.words[w].n_bytes;
    CHECK(is_close(used, there));
    unigram_model_release(&model);
    word_counts_release(&counts);
}
