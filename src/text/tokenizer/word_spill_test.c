/* word_spill_test.c - words on disk count as words in memory do, and a training that was cut off goes on to the same vocabulary. */
#include "text/tokenizer/word_spill.h"
#include "base/file.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_DOCUMENTS = 40, DOCUMENT_BYTES = 150000, BIG_DOCUMENT = 17, BIG_BYTES = 6 << 20 };

/* Documents of random words; one is so big that it is counted in parts. Fails once `fails_at` is reached. */
typedef struct {
    int at, fails_at;
    char *text;
} Documents;

static Err next_document(void *context, const char **text, size_t *n_bytes)
{
    Documents *documents = context;
    int i = documents->at++;
    *text = NULL;
    if (i == documents->fails_at)
        return err_set(ERR_IO, "the power went");
    if (i == N_DOCUMENTS)
        return OK;
    size_t n = i == BIG_DOCUMENT ? BIG_BYTES : DOCUMENT_BYTES, k = 0;
    for (uint64_t w = 0; k + 16 < n; w++) {
        uint32_t r = philox(5, (uint64_t)i, w, 0).word[0];
        k += (size_t)sprintf(documents->text + k, "%c%x ", 'a' + (int)(r % 7), r % (1u << (r >> 28)) % 4000);
    }
    *text = documents->text;
    *n_bytes = k;
    return OK;
}

static Err train(Tokenizer **tok, Documents *documents, const char *work_dir, int64_t memory, int n_threads)
{
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.vocab_size = 800;
    options.quiet = true;
    options.work_dir = work_dir;
    options.memory_bytes_max = memory;
    options.n_threads = n_threads;
    documents->at = 0;
    return tokenizer_train(tok, &options, (TokenizerSource){next_document, documents});
}

TEST(word_spill, a_training_cut_off_goes_on_to_the_same_vocabulary)
{
    Documents documents = {.fails_at = -1, .text = malloc(BIG_BYTES + 64)};
    Tokenizer *whole = NULL, *resumed = NULL;
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/work", test_dir());
    REQUIRE_OK(train(&whole, &documents, NULL, 0, 1));
    int n_runs_before = 0;
    for (int k = 0; k < 3; k++) {
        static const int fails_at[] = {25, 35, -1};
        documents.fails_at = fails_at[k];
        Err err = train(&resumed, &documents, dir, 600 << 10, 2 - k % 2);
        CHECK(err == (k < 2 ? ERR_IO : OK));
        char **names;
        int n_runs = 0;
        Arena *arena = arena_new();
        REQUIRE_OK(file_list_dir(&names, &n_runs, arena, dir));
        CHECK(n_runs > 0 && n_runs >= n_runs_before);
        n_runs_before = n_runs;
        arena_free(arena);
    }
    REQUIRE(resumed != NULL);
    CHECK(tokenizer_hash(whole) == tokenizer_hash(resumed));
    tokenizer_free(whole);
    tokenizer_free(resumed);
    free(documents.text);
}

typedef struct {
    int64_t counts[4];
    int n;
} Seen;

static Err see_word(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    (void)bytes;
    Seen *seen = context;
    if (n_bytes != 2 || seen->n == 4)
        return err_set(ERR_FORMAT, "a word of %u bytes", n_bytes);
    seen->counts[seen->n++] = count;
    return OK;
}

/* Counts do not overflow: a word seen 3e9 times in each of two runs. */
TEST(word_spill, counts_past_32_bits_are_added)
{
    char dir[4096], pool[] = "abac";
    snprintf(dir, sizeof dir, "%s/big", test_dir());
    WordSpill *spill;
    WordSpillPlace place;
    Word words[] = {{0, 2, 3000000000}, {2, 2, 5}};
    WordCounts counts = {.pool = pool, .words = words, .n = 2};
    Seen seen = {0};
    REQUIRE_OK(word_spill_open(&spill, dir, 7, &place));
    REQUIRE_OK(word_spill_write(spill, &counts, (WordSpillPlace){1, 0, 4}));
    counts.n = 1;
    REQUIRE_OK(word_spill_write(spill, &counts, (WordSpillPlace){2, 0, 8}));
    word_spill_free(spill);
    REQUIRE_OK(word_spill_open(&spill, dir, 7, &place));
    CHECK_EQUAL(place.n_documents, 2);
    CHECK_EQUAL(word_spill_n_runs(spill), 2);
    REQUIRE_OK(word_spill_each(spill, see_word, &seen));
    CHECK_EQUAL(seen.n, 2);
    CHECK_EQUAL(seen.counts[0], 6000000000);
    CHECK_EQUAL(seen.counts[1], 5);
    word_spill_free(spill);
    CHECK(word_spill_open(&spill, dir, 8, &place) == ERR_USAGE);
}
