/* bpe_learn.c - what both trainers of merges need: counted words as symbols, the token of a pair, and which trainer it is to be. */
#include "text/tokenizer/bpe_train.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

uint32_t word_cutter_next(WordCutter *cutter, const char *bytes, uint32_t n_bytes)
{
    if (n_bytes > cutter->capacity) {
        cutter->capacity = (size_t)n_bytes * 2;
        cutter->symbols = mem_realloc(cutter->symbols, cutter->capacity * sizeof *cutter->symbols);
    }
    return cutter->cut(cutter->context, bytes, n_bytes, cutter->symbols);
}

BpeCorpus bpe_corpus_new(int64_t n_words, uint64_t n_symbols)
{
    return (BpeCorpus){
        .symbols = mem_alloc(n_symbols * sizeof(int32_t)),
        .begin = mem_alloc((size_t)n_words * sizeof(uint64_t)),
        .length = mem_alloc((size_t)n_words * sizeof(uint32_t)),
        .count = mem_alloc((size_t)n_words * sizeof(int64_t)),
        .n_words = n_words,
    };
}

BpeCorpus bpe_corpus_of(const WordCounts *counts, BpeCut cut, void *context)
{
    BpeCorpus corpus = bpe_corpus_new(counts->n, (uint64_t)counts->n_word_bytes);
    uint64_t at = 0;
    for (int64_t w = 0; w < counts->n; w++) {
        const Word *word = &counts->words[w];
        corpus.begin[w] = at;
        corpus.count[w] = word->count;
        corpus.length[w] = cut(context, counts->pool + word->offset, word->n_bytes, corpus.symbols + at);
        at += corpus.length[w];
    }
    return corpus;
}

void bpe_corpus_release(BpeCorpus *corpus)
{
    free(corpus->symbols);
    free(corpus->begin);
    free(corpus->length);
    free(corpus->count);
}

/* left + right without the prefix of the latter. The caller frees it. */
static char *joined_text(const Tokenizer *tok, int32_t left, int32_t right, size_t *n)
{
    size_t n_left, n_right, n_prefix = tok->prefix ? strlen(tok->prefix) : 0;
    const char *a = vocab_text(&tok->vocab, left, &n_left), *b = vocab_text(&tok->vocab, right, &n_right);
    char *text = mem_alloc(n_left + n_right);
    memcpy(text, a, n_left);
    memcpy(text + n_left, b + n_prefix, n_right - n_prefix);
    *n = n_left + n_right - n_prefix;
    return text;
}

int32_t bpe_existing_token(const Tokenizer *tok, int32_t left, int32_t right)
{
    size_t n;
    char *text = joined_text(tok, left, right, &n);
    int32_t id = vocab_find(&tok->vocab, text, n);
    free(text);
    return id;
}

Err bpe_merged_token(Tokenizer *tok, int32_t left, int32_t right, int32_t *id)
{
    size_t n;
    char *text = joined_text(tok, left, right, &n);
    Err err = OK;
    *id = vocab_find(&tok->vocab, text, n);
    if (*id < 0) {
        *id = tok->vocab.n_ids;
        err = vocab_add(&tok->vocab, *id, text, n);
    }
    free(text);
    return err;
}

BpeRules bpe_rules_of(Tokenizer *tok, const BpeTrainOptions *options, Arena *arena)
{
    return (BpeRules){
        .tok = tok,
        .max_symbols = options->max_token_symbols,
        .save_path = options->work_dir && options->save_seconds >= 0 ? arena_printf(arena, "%s/rules", options->work_dir) : NULL,
        .save_seconds = options->save_seconds,
        .identity = options->identity,
    };
}

Err bpe_learn(Tokenizer *tok, WordCounts *counts, BpeCut cut, void *context, const BpeTrainOptions *options)
{
    BpeTrainOptions known = *options;
    const int64_t of_text[] = {counts->n, counts->n_word_bytes, counts->n_text_bytes, options->min_frequency, options->max_token_symbols,
                               tok->vocab.n_ids};
    known.identity = options->identity ^ hash_bytes(of_text, sizeof of_text);
    Err err;
    if (counts->spill) {
        err = bpe_train_file(tok, counts, cut, context, &known);
        word_counts_release(counts);
        return err;
    }
    BpeCorpus corpus = bpe_corpus_of(counts, cut, context);
    word_counts_release(counts);
    err = bpe_train(tok, &corpus, &known);
    bpe_corpus_release(&corpus);
    return err;
}
