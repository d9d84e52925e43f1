/* bpe_train_test.c - the trainers against their definitions read literally: count every pair anew, take the best, merge, again. */
#include "text/tokenizer/bpe_train.h"
#include "text/tokenizer/likelihood_train.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_LETTERS = 6, N_WORDS = 40, N_MERGES = 30, WORD_MAX = 9 };

/* Words over a few letters; counts past 2^32 show that nothing is carried in 32 bits. */
static BpeCorpus random_corpus(uint64_t seed, bool huge)
{
    BpeCorpus corpus = bpe_corpus_new(N_WORDS, N_WORDS * WORD_MAX);
    for (uint32_t w = 0; w < N_WORDS; w++) {
        Philox r = philox(seed, 0, w, 0);
        corpus.begin[w] = w * WORD_MAX;
        corpus.length[w] = 1 + r.word[0] % WORD_MAX;
        corpus.count[w] = (int64_t)(1 + r.word[1] % 20) << (huge ? 32 : 0);
        for (uint32_t i = 0; i < corpus.length[w]; i++)
            corpus.symbols[corpus.begin[w] + i] = (int32_t)(philox(seed, 1, w, i).word[0] % N_LETTERS);
    }
    return corpus;
}

static Tokenizer *letters(void)
{
    Tokenizer *tok = tokenizer_new(MODEL_BPE, "letters");
    for (int32_t i = 0; i < N_LETTERS; i++) {
        char letter = (char)('a' + i);
        CHECK_OK(vocab_add(&tok->vocab, i, &letter, 1));
    }
    return tok;
}

static void merge_plainly(BpeCorpus *corpus, int32_t left, int32_t right, int32_t merged)
{
    for (int64_t w = 0; w < corpus->n_words; w++) {
        int32_t *s = corpus->symbols + corpus->begin[w];
        uint32_t n = corpus->length[w], to = 0;
        for (uint32_t from = 0; from < n;) {
            bool hit = from + 1 < n && s[from] == left && s[from + 1] == right;
            s[to++] = hit ? merged : s[from];
            from += hit ? 2 : 1;
        }
        corpus->length[w] = to;
    }
}

/* The best pair by recounting; false when none is left. */
static bool best_plainly(const BpeCorpus *corpus, int32_t n_ids, bool by_likelihood, int32_t *left, int32_t *right)
{
    int64_t *pairs = calloc((size_t)n_ids * (size_t)n_ids, sizeof *pairs), *singles = calloc((size_t)n_ids, sizeof *singles);
    for (int64_t w = 0; w < corpus->n_words; w++) {
        const int32_t *s = corpus->symbols + corpus->begin[w];
        for (uint32_t i = 0; i < corpus->length[w]; i++) {
            singles[s[i]] += corpus->count[w];
            if (i + 1 < corpus->length[w])
                pairs[s[i] * n_ids + s[i + 1]] += corpus->count[w];
        }
    }
    double best = 0.0;
    for (int32_t a = 0; a < n_ids; a++)
        for (int32_t b = 0; b < n_ids; b++) {
            int64_t count = pairs[a * n_ids + b];
            double score = by_likelihood && count ? (double)count / ((double)singles[a] * (double)singles[b]) : (double)count;
            if (score > best) {  /* the first of equals is the smallest pair */
                best = score;
                *left = a;
                *right = b;
            }
        }
    free(pairs);
    free(singles);
    return best > 0.0;
}

/* Returns how many merges agree before the first that differs, or before a token could be made in two ways (where Hugging Face's trainer and
 * plain recounting part). */
static int compare(uint64_t seed, bool by_likelihood, bool huge, bool *differs)
{
    Tokenizer *fast = letters(), *plain = letters();
    BpeCorpus a = random_corpus(seed, huge), b = random_corpus(seed, huge);
    BpeTrainOptions options = {.vocab_size = N_LETTERS + N_MERGES, .quiet = true};
    CHECK_OK(by_likelihood ? likelihood_train(fast, &a, &options) : bpe_train(fast, &a, &options));
    int n = 0;
    int32_t left = 0, right = 0, merged;
    *differs = false;
    for (; plain->vocab.n_ids < N_LETTERS + N_MERGES && best_plainly(&b, plain->vocab.n_ids, by_likelihood, &left, &right); n++) {
        int32_t n_before = plain->vocab.n_ids;
        CHECK_OK(bpe_merged_token(plain, left, right, &merged));
        if (merged < n_before)
            break;
        merge_plainly(&b, left, right, merged);
        const char *got = vocab_text(&fast->vocab, merged, NULL), *want = vocab_text(&plain->vocab, merged, NULL);
        if (!got || strcmp(got, want) != 0) {
            *differs = true;
            printf("    seed %llu, merge %d: got %s, want %s\n", (unsigned long long)seed, n, got ? got : "none", want);
            break;
        }
    }
    bpe_corpus_release(&a);
    bpe_corpus_release(&b);
    tokenizer_free(fast);
    tokenizer_free(plain);
    return n;
}

static void compare_many(bool by_likelihood)
{
    int n_merges = 0, n_wrong = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        bool differs;
        n_merges += compare(seed, by_likelihood, seed % 2, &differs);
        n_wrong += differs;
    }
    CHECK_EQUAL(n_wrong, 0);
    CHECK(n_merges > 1000);
}

TEST(bpe_train, equals_recounting_after_every_merge)
{
    compare_many(false);
}

TEST(bpe_train, likelihood_equals_recounting_after_every_merge)
{
    compare_many(true);
}

/* Goal: the fast encoder follows "lowest rank, leftmost" exactly, by scan and by heap. Method: random merges, random strings, the plain one. */
TEST(bpe, merging_equals_the_plain_rule)
{
    BpeScratch scratch = {0};
    int n_wrong = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        BpeMerges merges;
        bpe_merges_init(&merges, 16);
        int32_t n_ids = 4;
        for (uint32_t rank = 0; rank < 40; rank++) {
            Philox r = philox(seed, 2, rank, 0);
            bpe_merges_put(&merges, (int32_t)(r.word[0] % (uint32_t)n_ids), (int32_t)(r.word[1] % (uint32_t)n_ids), rank / 2, n_ids);
            n_ids++;
        }
        for (uint64_t k = 0; k < 40; k++) {
            BpeSymbol fast[400], plain[400];
            size_t n = philox(seed, 3, k, 0).word[0] % (k % 2 ? 400 : 40);
            for (size_t i = 0; i < n; i++)
                fast[i] = plain[i] = (BpeSymbol){(int32_t)(philox(seed, 4, k, i).word[0] % 4), (uint32_t)i, (uint32_t)i + 1};
            size_t n_fast = bpe_merge(&merges, &scratch, fast, n), n_plain = bpe_merge_plain(&merges, plain, n);
            n_wrong += n_fast != n_plain || memcmp(fast, plain, n_fast * sizeof *fast) != 0;
        }
        bpe_merges_release(&merges);
    }
    CHECK_EQUAL(n_wrong, 0);
    bpe_scratch_release(&scratch);
}
