/* unigram_train_test.c - what expectation-maximisation promises of its objective. */
#include "text/tokenizer/train.h"
#include "base/philox.h"
#include "base/test.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    int64_t n_pieces;
    double objective;
    int n_steps, n_rounds, n_falls;
} Watched;

static void watch(void *context, int64_t n_pieces, double log_likelihood, double objective)
{
    Watched *watched = context;
    if (n_pieces == watched->n_pieces)
        watched->n_falls += objective < watched->objective - 1e-9 * fabs(watched->objective);
    else
        watched->n_rounds++;
    watched->n_falls += !(log_likelihood < 0.0);
    watched->n_pieces = n_pieces;
    watched->objective = objective;
    watched->n_steps++;
}

/* Goal: between two prunings the objective never falls, and the vocabulary has the size wanted.
 * Method: words made of a few syllables with skewed counts, some past 2^32. */
TEST(unigram_train, the_objective_never_falls_between_prunings)
{
    enum { N_WORDS = 3000 };
    for (uint64_t seed = 1; seed <= 3; seed++) {
        WordCounts counts = {.pool = malloc(N_WORDS * 32), .words = calloc(N_WORDS, sizeof(Word)), .n = N_WORDS};
        uint64_t at = 0;
        for (int w = 0; w < N_WORDS; w++) {
            Philox r = philox(seed, 0, (uint64_t)w, 0);
            counts.words[w] = (Word){at, 0, 1 + (int64_t)(r.word[0] >> r.word[1] % 32) * (w % 100 ? 1 : 5)};
            for (uint32_t i = 0; i < 1 + r.word[2] % 8; i++)
                counts.pool[at++] = (char)('a' + philox(seed, 1, (uint64_t)w, i).word[0] % (3 + seed));
            counts.words[w].n_bytes = (uint32_t)(at - counts.words[w].offset);
        }
        TokenizerTrainOptions options = tokenizer_train_options_for(TOKENIZER_UNIGRAM);
        options.vocab_size = 200;
        options.quiet = true;
        Tokenizer *tok = tokenizer_new(MODEL_UNIGRAM, "unigram");
        REQUIRE_OK(train_add_specials(tok, &options));
        tok->unk_id = tokenizer_id_of(tok, options.unk);
        Watched watched = {0};
        CHECK_OK(unigram_learn(tok, &counts, &options, watch, &watched));
        CHECK_EQUAL(watched.n_falls, 0);
        CHECK(watched.n_rounds >= 4);
        CHECK_EQUAL(watched.n_steps, 2 * watched.n_rounds);
        CHECK_EQUAL(tok->vocab.n_ids, 200);
        word_counts_release(&counts);
        tokenizer_free(tok);
    }
}
