/* likelihood_words.c - see likelihood_words.h. */
#include "text/tokenizer/likelihood_words.h"
#include "text/tokenizer/word_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES_MIN = 1 << 16, BLOCK_BYTES_MAX = 1 << 20 };
/* With the lists of the words that a pair is in. */
enum { WORD_BYTES = sizeof(uint64_t) + sizeof(uint32_t) + sizeof(int64_t), SYMBOL_BYTES = 4 * sizeof(int32_t) };

struct LikelihoodWords {
    WordFile *file;
    PairTable pairs;  /* that the set was made for */
    BpeCorpus set;
    size_t symbol_capacity, word_capacity;
    uint64_t n_symbols;
    int64_t set_bytes, next;  /* word of the set that goes back next */
    bool is_full;
};

Err likelihood_words_open(LikelihoodWords **out, const char *dir, int64_t set_bytes)
{
    int64_t block = set_bytes / 4;
    block = block < BLOCK_BYTES_MIN ? BLOCK_BYTES_MIN : block > BLOCK_BYTES_MAX ? BLOCK_BYTES_MAX : block;
    WordFile *file;
    TRY(word_file_open(&file, dir, (size_t)block, 2));
    LikelihoodWords *words = mem_alloc(sizeof *words);
    words->file = file;
    words->set_bytes = set_bytes;
    *out = words;
    return OK;
}

void likelihood_words_free(LikelihoodWords *words)
{
    if (!words)
        return;
    word_file_free(words->file);
    pair_table_release(&words->pairs);
    bpe_corpus_release(&words->set);
    free(words);
}

Err likelihood_words_add(LikelihoodWords *words, const int32_t *symbols, uint32_t n, int64_t count)
{
    return word_file_add(words->file, symbols, n, count);
}

BpeCorpus *likelihood_words_set(LikelihoodWords *words)
{
    return &words->set;
}

static bool has_pair(const LikelihoodWords *words, const int32_t *symbols, uint32_t n)
{
    for (uint32_t i = 0; i + 1 < n; i++)
        if (pair_table_count(&words->pairs, pair_key(symbols[i], symbols[i + 1])))
            return true;
    return false;
}

static uint32_t take_word(void *context, int32_t *symbols, uint32_t n, int64_t count)
{
    LikelihoodWords *words = context;
    BpeCorpus *set = &words->set;
    if (words->is_full || !has_pair(words, symbols, n))
        return n;
    words->is_full = (set->n_words + 1) * WORD_BYTES + (int64_t)(words->n_symbols + n) * SYMBOL_BYTES > words->set_bytes;
    if (words->is_full)
        return n;
    if ((size_t)set->n_words == words->word_capacity) {
        words->word_capacity = words->word_capacity + words->word_capacity / 4 + 1024;
        set->begin = mem_realloc(set->begin, words->word_capacity * sizeof *set->begin);
        set->length = mem_realloc(set->length, words->word_capacity * sizeof *set->length);
        set->count = mem_realloc(set->count, words->word_capacity * sizeof *set->count);
    }
    if (words->n_symbols + n > words->symbol_capacity) {
        words->symbol_capacity = words->symbol_capacity + words->symbol_capacity / 4 + n + 4096;
        set->symbols = mem_realloc(set->symbols, words->symbol_capacity * sizeof *set->symbols);
    }
    set->begin[set->n_words] = words->n_symbols;
    set->length[set->n_words] = n;
    set->count[set->n_words++] = count;
    memcpy(set->symbols + words->n_symbols, symbols, n * sizeof *symbols);
    words->n_symbols += n;
    return n;
}

/* The words that were taken are those that hold a pair of the set, in the same order. */
static uint32_t put_word(void *context, int32_t *symbols, uint32_t n, int64_t count)
{
    (void)count;
    LikelihoodWords *words = context;
    if (!has_pair(words, symbols, n))
        return n;
    assert(words->next < words->set.n_words);
    int64_t w = words->next++;
    memcpy(symbols, words->set.symbols + words->set.begin[w], words->set.length[w] * sizeof *symbols);
    return words->set.length[w];
}

static Err put_back(LikelihoodWords *words)
{
    words->next = 0;
    if (words->set.n_words)
        TRY(word_file_pass(words->file, NULL, false, put_word, words));
    assert(words->next == words->set.n_words);
    words->set.n_words = 0;
    words->n_symbols = 0;
    pair_table_release(&words->pairs);
    return OK;
}

Err likelihood_words_hold(LikelihoodWords *words, const uint64_t *keys, int n, int *n_held)
{
    TRY(put_back(words));
    for (*n_held = n;; *n_held /= 4) {
        for (int i = 0; i < *n_held; i++) {
            uint32_t pair = pair_table_index(&words->pairs, keys[i]);
            words->pairs.counts[pair] = 1;
        }
        words->is_full = false;
        if (*n_held > 0)
            TRY(word_file_pass(words->file, NULL, false, take_word, words));
        if (!words->is_full)
            return OK;
        words->set.n_words = 0;
        words->n_symbols = 0;
        pair_table_release(&words->pairs);
    }
}

Err likelihood_words_pass(LikelihoodWords *words, LikelihoodVisit visit, void *context)
{
    TRY(put_back(words));
    return word_file_pass(words->file, NULL, false, visit, context);
}

size_t likelihood_words_bytes(const LikelihoodWords *words)
{
    return word_file_bytes(words->file) + (size_t)words->set_bytes;
}
