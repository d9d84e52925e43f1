/* bpe_train_file_test.c - words in a file teach what words in memory teach; a training cut off amid its merges goes on to the same rules. */
#include "text/tokenizer/bpe_train.h"
#include "base/file.h"
#include "base/philox.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_DOCUMENTS = 20, DOCUMENT_BYTES = 40000, N_LETTERS = 7, ON_DISK = 2200 << 10 };

/* Words over a few letters, common ones far more often: many merges, ties, and, over two letters, tokens that two pairs make. */
typedef struct {
    uint64_t seed;
    int at;
    char text[DOCUMENT_BYTES];
} Documents;

static Err next_document(void *context, const char **text, size_t *n_bytes)
{
    Documents *documents = context;
    *text = NULL;
    if (documents->at == N_DOCUMENTS)
        return OK;
    size_t n = 0;
    for (uint64_t w = 0; n + 40 < DOCUMENT_BYTES; w++) {
        uint32_t word = philox(documents->seed, (uint64_t)documents->at, w, 0).word[0];
        word >>= word % 23;  /* small numbers are frequent */
        Philox letters = philox(documents->seed, 1 << 20, word, 0);
        for (uint32_t i = 0, length = 1 + letters.word[0] % 28; i < length; i++)
            documents->text[n++] = (char)('a' + (letters.word[1 + i % 3] >> i) % (documents->seed % 2 ? 2 : N_LETTERS));
        documents->text[n++] = ' ';
    }
    documents->at++;
    *text = documents->text;
    *n_bytes = n;
    return OK;
}

static Err train(Tokenizer **tok, TokenizerType type, uint64_t seed, const char *work_dir, int64_t memory, int64_t vocab_size)
{
    Documents *documents = mem_alloc(sizeof *documents);
    documents->seed = seed;
    TokenizerTrainOptions options = tokenizer_train_options_for(type);
    options.vocab_size = vocab_size;
    options.quiet = true;
    options.work_dir = work_dir;
    options.memory_bytes_max = memory;
    options.save_seconds = 0;
    Err err = tokenizer_train(tok, &options, (TokenizerSource){next_document, documents});
    free(documents);
    return err;
}

static uint64_t hash_of_training(TokenizerType type, uint64_t seed, const char *work_dir, int64_t memory)
{
    Tokenizer *tok = NULL;
    bool has_bytes = type == TOKENIZER_BYTE_BPE || type == TOKENIZER_JAMO;
    if (train(&tok, type, seed, work_dir, memory, has_bytes ? 420 : 160) != OK) {
        printf("    %s\n", err_message());
        return 0;
    }
    uint64_t hash = tokenizer_hash(tok);
    tokenizer_free(tok);
    return hash;
}

TEST(bpe_train_file, learns_what_words_in_memory_teach)
{
    static const TokenizerType types[] = {TOKENIZER_BYTE_BPE, TOKENIZER_CHAR_BPE, TOKENIZER_BERT_BPE, TOKENIZER_JAMO, TOKENIZER_WORDPIECE, TOKENIZER_WORD};
    char dir[4096], run[4200];
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (uint64_t seed = 0; seed < 2; seed++) {
            snprintf(dir, sizeof dir, "%s/%zu-%d", test_dir(), t, (int)seed);
            uint64_t in_memory = hash_of_training(types[t], seed, NULL, 0), on_disk = hash_of_training(types[t], seed, dir, ON_DISK);
            CHECK(in_memory != 0);
            CHECK(in_memory == on_disk);
            snprintf(run, sizeof run, "%s/run-000000.words", dir);
            CHECK(file_exists(run));  /* it was on disk */
        }
}

/* Rules of a smaller vocabulary are the beginning of a larger one's: that run stands for one that was cut off there. */
TEST(bpe_train_file, goes_on_behind_the_rules_that_were_saved)
{
    char dir[4096], rules[4200];
    static const int64_t memory[] = {0, ON_DISK};
    for (int m = 0; m < 2; m++) {
        snprintf(dir, sizeof dir, "%s/resume-%d", test_dir(), m);
        snprintf(rules, sizeof rules, "%s/rules", dir);
        Tokenizer *part = NULL;
        REQUIRE_OK(train(&part, TOKENIZER_BYTE_BPE, 5, dir, memory[m], 350));
        tokenizer_free(part);
        CHECK(file_exists(rules));
        uint64_t whole = hash_of_training(TOKENIZER_BYTE_BPE, 5, NULL, 0);
        CHECK(hash_of_training(TOKENIZER_BYTE_BPE, 5, dir, memory[m]) == whole);
        CHECK(m || train(&part, TOKENIZER_BYTE_BPE, 6, dir, memory[m], 350) == ERR_USAGE);  /* other text, counted anew */
        REQUIRE_OK(file_write(rules, "jikji", 5));
        CHECK(train(&part, TOKENIZER_BYTE_BPE, 5, dir, memory[m], 350) == ERR_FORMAT);
    }
}

TEST(bpe_train_file, a_bound_that_cannot_be_kept_is_refused)
{
    Tokenizer *tok = NULL;
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/small", test_dir());
    CHECK(train(&tok, TOKENIZER_BYTE_BPE, 1, NULL, 1 << 18, 900) == ERR_MEMORY);
    CHECK(train(&tok, TOKENIZER_BYTE_BPE, 1, dir, 1 << 18, 900) == ERR_MEMORY);
    CHECK(train(&tok, TOKENIZER_UNIGRAM, 1, NULL, 1 << 18, 900) == ERR_MEMORY);
}
