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

/* A word of the new text as tokens of the old vocabulary. */
typedef struct {
    const Tokenizer *tok;
    EncodeScratch *scratch;
    TokenBuffer out;
} Cutter;

static uint32_t cut_word(void *context, const char *bytes, uint32_t n_bytes, int32_t *symbols)
{
    Cutter *cutter = context;
    cutter->out.n = 0;
    model_encode(cutter->tok, cutter->scratch, (Piece){.bytes = bytes, .n = n_bytes}, &cutter->out);
    if (cutter->out.n)
        memcpy(symbols, cutter->out.ids, (size_t)cutter->out.n * sizeof *symbols);
    return (uint32_t)cutter->out.n;
}

static Err extend_bpe(Tokenizer *tok, const TokenizerTrainOptions *options, WordCounts *counts)
{
    Cutter cutter = {.tok = tok, .scratch = encode_scratch_take(tok)};
    BpeTrainOptions bpe = train_bpe_options(tok, options);
    bpe.max_token_symbols = 0;
    bpe.save_seconds = -1;  /* rules taken up would cut the words, too */
    Err err = bpe_learn(tok, counts, cut_word, &cutter, &bpe);
    free(cutter.out.ids);
    encode_scratch_give(tok, cutter.scratch);
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
    TRY(train_count_words(&counts, tok, options, merges ? train_use_of_bytes : train_use_of_pieces, source));
    Err err = merges ? extend_bpe(tok, options, &counts) : extend_unigram(tok, options, &counts);
    word_counts_release(&counts);
    return err == OK ? settle(tok) : err;
}
