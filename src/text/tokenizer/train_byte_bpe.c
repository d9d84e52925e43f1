/* train_byte_bpe.c - byte-level BPE (Radford et al. 2019): the alphabet is all 256 bytes, so any text is covered. The jamo type is the same with
 * 67 jamo more in its alphabet: Hangul syllables start as jamo instead of bytes. */
#include "text/tokenizer/bpe_train.h"
#include "text/tokenizer/byte_level.h"
#include "text/tokenizer/jamo.h"
#include "text/tokenizer/train.h"

#include <stdlib.h>

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
    for (int jamo = 0; jamo < HANGUL_N_JAMO && tok->jamo; jamo++) {
        char text[UTF8_BYTES_MAX];
        tok->jamo_id[jamo] = tok->vocab.n_ids;
        TRY(train_add_token(tok, text, (size_t)utf8_encode(text, hangul_jamo_char(jamo))));
    }
    return OK;
}

typedef struct {
    const Tokenizer *tok;
    BpeSymbol *jamo;  /* of one word */
    size_t n_jamo;
} Cutter;

static uint32_t cut_word(void *context, const char *bytes, uint32_t n_bytes, int32_t *symbols)
{
    Cutter *cutter = context;
    const Tokenizer *tok = cutter->tok;
    if (!tok->jamo) {
        for (uint32_t i = 0; i < n_bytes; i++)
            symbols[i] = tok->byte_id[(unsigned char)bytes[i]];
        return n_bytes;
    }
    if (cutter->n_jamo < n_bytes) {
        cutter->n_jamo = (size_t)n_bytes * 2;
        cutter->jamo = mem_realloc(cutter->jamo, cutter->n_jamo * sizeof *cutter->jamo);
    }
    size_t n = jamo_symbols(tok, bytes, n_bytes, cutter->jamo);
    for (size_t i = 0; i < n; i++)
        symbols[i] = cutter->jamo[i].id;
    return (uint32_t)n;
}

/* GPT-2's pattern is part of ByteLevel; any other stands before it. */
static Err push_rules(Tokenizer *tok, const TokenizerTrainOptions *options)
{
    TRY(train_push_split(tok, options));
    TRY(train_push_particles(tok, options));
    bool is_gpt2 = tok->n_pretokenizers == 1 && splitter_kind(tok->pretokenizers[0].splitter) == SPLIT_GPT2;
    if (is_gpt2)
        tok->pretokenizers[0].kind = PRETOKENIZER_BYTE_LEVEL;
    else
        tokenizer_push_pretokenizer(tok, PRETOKENIZER_BYTE_LEVEL);
    tok->pretokenizers[tok->n_pretokenizers - 1].jamo = tok->jamo;
    tokenizer_push_decoder(tok, tok->jamo ? DECODER_JAMO : DECODER_BYTE_LEVEL);
    return OK;
}

Err train_byte_bpe(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source)
{
    tok->jamo = options->type == TOKENIZER_JAMO;
    int n_alphabet = 256 + (tok->jamo ? HANGUL_N_JAMO : 0);
    if (options->vocab_size < options->n_specials + n_alphabet)
        return err_set(ERR_USAGE, "vocab_size %lld is too small: the %s and %d special tokens take %d", (long long)options->vocab_size,
                       tok->jamo ? "bytes, jamo" : "bytes", options->n_specials, options->n_specials + n_alphabet);
    TRY(train_add_specials(tok, options));
    TRY(add_alphabet(tok));
    TRY(push_rules(tok, options));
    Cutter cutter = {.tok = tok};
    BpeTrainOptions bpe = train_bpe_options(tok, options);
    WordCounts counts;
    TRY(train_count_words(&counts, tok, options, train_use_of_bytes, source));
    Err err = bpe_learn(tok, &counts, cut_word, &cutter, &bpe);
    free(cutter.jamo);
    return err == OK ? train_finish(tok, options) : err;
}
