/* extend.c - a vocabulary that grows: new tokens behind the old ones, learnt from new text.
 *
 * BPE: the new text's words are cut by the old merges, and merging goes on from there; old merges come first, as before. Unigram: a model of the
 * new text is learnt, and its best pieces that the old vocabulary lacks come in with the log probability they have there. */
#include "text/tokenizer/bpe_train.h"
#include "text/tokenizer/train.h"
#include "text/tokenizer/unigram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The words of the new text as tokens of the old vocabulary. */
static BpeCorpus corpus_of(const Tokenizer *tok, const WordCounts *counts)
{
    uint64_t n_symbols = 0, at = 0;
    for (int64_t w = 0; w < counts->n; w++)
        n_symbols += counts->words[w].n_bytes;
    BpeCorpus corpus = bpe_corpus_new(counts->n, n_symbols);
    EncodeScratch *scratch = encode_scratch_take(tok);
    TokenBuffer out = {0};
    for (int64_t w = 0; w < counts->n; w++) {
        const Word *word = &counts->words[w];
        out.n = 0;
        model_encode(tok, scratch, (Piece){.bytes = counts->pool + word->offset, .n = word->n_bytes}, &out);
        corpus.begin[w] = at;
        corpus.count[w] = word->count;
        corpus.length[w] = (uint32_t)out.n;
        if (out.n)
            memcpy(corpus.symbols + at, out.ids, (size_t)out.n * sizeof *out.ids);
        at += (uint64_t)out.n;
    }
    free(out.ids);
    encode_scratch_give(tok, scratch);
    return corpus;
}

static Err extend_bpe(Tokenizer *tok, const TokenizerTrainOptions *options, const WordCounts *counts)
{
    BpeCorpus corpus = corpus_of(tok, counts);
    BpeTrainOptions bpe = {.vocab_size = options->vocab_size, .min_frequency = options->min_frequency, .quiet = options->quiet};
    Err err = bpe_train(tok, &corpus, &bpe);
    bpe_corpus_release(&corpus);
    return err;
}

static int by_score(const void *a, const void *b, void *of_model)
{
    const double *scores = of_model;
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return scores[x] != scores[y] ? (scores[x] < scores[y]) - (scores[x] > scores[y]) : (x > y) - (x < y);
}

static Err extend_unigram(Tokenizer *tok, const TokenizerTrainOptions *options, const WordCounts *counts)
{
    Tokenizer *learnt = tokenizer_new(MODEL_UNIGRAM, "new pieces");
    Err err = unigram_learn(learnt, counts, options, NULL, NULL);
    int32_t n = err == OK ? learnt->vocab.n_ids : 0, *order = mem_alloc((size_t)n * sizeof *order + 1);
    for (int32_t id = 0; id < n; id++)
        order[id] = id;
    if (n)
        qsort_r(order, (size_t)n, sizeof *order, by_score, learnt->unigram->scores);
    for (int32_t i = 0; i < n && err == OK && tok->vocab.n_tokens < options->vocab_size; i++) {
        size_t n_bytes;
        const char *text = vocab_text(&learnt->vocab, order[i], &n_bytes);
        if (vocab_find(&tok->vocab, text, n_bytes) >= 0)
            continue;
        while (tok->unigram->n < tok->vocab.n_ids)  /* added tokens behind the model's own */
            unigram_push(tok->unigram, 0.0);
        err = vocab_add(&tok->vocab, tok->vocab.n_ids, text, n_bytes);
        unigram_push(tok->unigram, learnt->unigram->scores[order[i]]);
    }
    free(order);
    tokenizer_free(learnt);
    return err;
}

/* What was derived from the old vocabulary is derived anew. */
static Err settle(Tokenizer *tok)
{
    model_fast_free(tok->fast);
    tok->fast = NULL;
    tokenizer_release_scratch(tok);
    free(tok->added_only);
    free(tok->unreadable);
    tok->added_only = tok->unreadable = NULL;
    if (tok->unigram) {
        free(tok->unigram->hidden);
        tok->unigram->hidden = NULL;
        trie_release(&tok->unigram->trie);
        unigram_finish(tok->unigram, &tok->vocab);
    }
    return tokenizer_finish(tok);
}

Err tokenizer_extend(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source)
{
    bool merges = tok->model == MODEL_BPE && tok->byte_level && tok->rules, pieces = tok->model == MODEL_UNIGRAM && !tok->spm;
    if (!merges && !pieces)
        return err_set(ERR_UNSUPPORTED, "%s: only byte-level BPE with a list of merges and unigram models in tokenizer.json can be extended; "
                       "`tokenizer convert` writes others as such where they can be", tok->name);
    if (options->vocab_size <= tok->vocab.n_tokens)
        return err_set(ERR_USAGE, "%s: the vocabulary has %d tokens already; vocab_size is %lld", tok->name, tok->vocab.n_tokens,
                       (long long)options->vocab_size);
    WordCounts counts;
    TRY(train_count_words(&counts, tok, options, pieces, source));
    Err err = merges ? extend_bpe(tok, options, &counts) : extend_unigram(tok, options, &counts);
    word_counts_release(&counts);
    return err == OK ? settle(tok) : err;
}
