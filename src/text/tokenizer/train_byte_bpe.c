/* train_byte_bpe.c - byte-level BPE (Radford et al. 2019): the alphabet is all 256 bytes, so any text is covered. */
#include "text/tokenizer/bpe_train.h"
#include "text/tokenizer/byte_level.h"
#include "text/tokenizer/train.h"

/* The alphabet in order of its characters, as Hugging Face's trainer numbers it. */
static Err add_alphabet(Tokenizer *tok)
{
    for (uint32_t c = 0; c < 512; c++) {
        char text[UTF8_BYTES_MAX];
        if (byte_level_byte(c) >= 0)
            TRY(train_add_token(tok, text, (size_t)utf8_encode(text, c)));
    }
    for (int b = 0; b < 256; b++) {
        char byte = (char)b, text[2];
        tok->byte_id[b] = vocab_find(&tok->vocab, text, byte_level_write(text, &byte, 1));
    }
    return OK;
}

static BpeCorpus corpus_of(const Tokenizer *tok, const WordCounts *counts)
{
    uint64_t n_symbols = 0;
    for (int64_t w = 0; w < counts->n; w++)
        n_symbols += counts->words[w].n_bytes;
    BpeCorpus corpus = bpe_corpus_new(counts->n, n_symbols);
    uint64_t at = 0;
    for (int64_t w = 0; w < counts->n; w++) {
        const Word *word = &counts->words[w];
        corpus.begin[w] = at;
        corpus.length[w] = word->n_bytes;
        corpus.count[w] = word->count;
        for (uint32_t i = 0; i < word->n_bytes; i++)
            corpus.symbols[at++] = tok->byte_id[(unsigned char)counts->pool[word->offset + i]];
    }
    return corpus;
}

/* GPT-2's pattern is part of ByteLevel; any other stands before it. */
static Err push_rules(Tokenizer *tok, const TokenizerTrainOptions *options)
{
    TRY(train_push_split(tok, options));
    bool is_gpt2 = tok->n_pretokenizers && splitter_kind(tok->pretokenizers[0].splitter) == SPLIT_GPT2;
    if (is_gpt2)
        tok->pretokenizers[0].kind = PRETOKENIZER_BYTE_LEVEL;
    else
        tokenizer_push_pretokenizer(tok, PRETOKENIZER_BYTE_LEVEL);
    tokenizer_push_decoder(tok, DECODER_BYTE_LEVEL);
    return OK;
}

Err train_byte_bpe(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source)
{
    if (options->vocab_size < options->n_specials + 256)
        return err_set(ERR_USAGE, "vocab_size %lld is too small: the bytes and %d special tokens take %d", (long long)options->vocab_size,
                       options->n_specials, options->n_specials + 256);
    TRY(train_add_specials(tok, options));
    TRY(add_alphabet(tok));
    TRY(push_rules(tok, options));
    WordCounts counts;
    TRY(train_count_words(&counts, tok, options, false, source));
    BpeCorpus corpus = corpus_of(tok, &counts);
    word_counts_release(&counts);
    BpeTrainOptions bpe = {
        .vocab_size = options->vocab_size,
        .min_frequency = options->min_frequency,
        .max_token_symbols = options->max_token_chars,
        .quiet = options->quiet,
    };
    Err err = bpe_train(tok, &corpus, &bpe);
    bpe_corpus_release(&corpus);
    return err == OK ? train_finish(tok, options) : err;
}
