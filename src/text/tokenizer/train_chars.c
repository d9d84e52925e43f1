/* train_chars.c - trainers whose symbols are characters: BPE with </w> (Sennrich et al. 2016), WordPiece by likelihood (Schuster & Nakajima
 * 2012), and the BPE with ## that BERT-style trainers really run. */
#include "text/tokenizer/bpe_train.h"
#include "text/tokenizer/likelihood_train.h"
#include "text/tokenizer/train.h"

#include <stdlib.h>
#include <string.h>

/* Writes the character as it stands in its place of a word: behind the prefix unless first, before the suffix if last. */
static size_t dress(const Tokenizer *tok, const char *bytes, size_t n, bool first, bool last, char *out)
{
    size_t n_prefix = !first && tok->prefix ? strlen(tok->prefix) : 0, n_suffix = last && tok->suffix ? strlen(tok->suffix) : 0;
    memcpy(out, tok->prefix ? tok->prefix : "", n_prefix);
    memcpy(out + n_prefix, bytes, n);
    memcpy(out + n_prefix + n, tok->suffix ? tok->suffix : "", n_suffix);
    return n_prefix + n + n_suffix;
}

/* Plain characters first, ascending, then their dressed forms as far as the words hold them: an order that depends on the counts alone. At
 * most half of the vocabulary is alphabet; rarer characters are left to unk. */
static Err add_alphabet(Tokenizer *tok, const WordCounts *counts, const TokenizerTrainOptions *options)
{
    Arena *arena = arena_new();
    int64_t n, n_room = (options->vocab_size - tok->vocab.n_ids) / 2;
    int n_forms = tok->prefix || tok->suffix ? 2 : 1;
    CharCount *chars = NULL;
    Err err = train_count_chars(&chars, &n, arena, counts);
    if (err == OK)
        train_keep_frequent(chars, &n, n_room / n_forms);
    for (int form = 0; form < n_forms && err == OK; form++)
        for (int64_t i = 0; i < n && err == OK; i++) {
            char bytes[UTF8_BYTES_MAX], text[64];
            size_t n_bytes = (size_t)utf8_encode(bytes, chars[i].code_point);
            n_bytes = form == 0 ? (memcpy(text, bytes, n_bytes), n_bytes) : dress(tok, bytes, n_bytes, false, true, text);
            err = train_add_token(tok, text, n_bytes);
        }
    arena_free(arena);
    return err;
}

/* Characters outside the alphabet are passed over. */
static uint32_t cut_word(void *context, const char *bytes, uint32_t n_bytes, int32_t *symbols)
{
    const Tokenizer *tok = context;
    const char *end = bytes + n_bytes;
    uint32_t n_symbols = 0;
    for (const char *c = bytes; c < end;) {
        uint32_t code_point;
        char text[64];
        size_t n = (size_t)utf8_decode(&code_point, c, end);
        int32_t id = vocab_find(&tok->vocab, text, dress(tok, c, n, c == bytes, c + n == end, text));
        if (id >= 0)
            symbols[n_symbols++] = id;
        c += n;
    }
    return n_symbols;
}

typedef Err (*LearnMerges)(Tokenizer *tok, WordCounts *counts, const BpeTrainOptions *options);

static Err learn(Tokenizer *tok, const TokenizerTrainOptions *options, TrainUse use, TokenizerSource source, LearnMerges learn_merges)
{
    if (!options->unk)
        return err_set(ERR_USAGE, "this type of tokenizer needs an unk token");
    TRY(train_add_specials(tok, options));
    tok->unk_id = tokenizer_id_of(tok, options->unk);
    WordCounts counts;
    BpeTrainOptions bpe = train_bpe_options(tok, options);
    TRY(train_count_words(&counts, tok, options, use, source));
    Err err = add_alphabet(tok, &counts, options);
    if (err == OK)
        err = learn_merges(tok, &counts, &bpe);
    word_counts_release(&counts);
    return err == OK ? train_finish(tok, options) : err;
}

static Err learn_bpe(Tokenizer *tok, WordCounts *counts, const BpeTrainOptions *options)
{
    return bpe_learn(tok, counts, cut_word, tok, options);
}

Err train_char_bpe(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source)
{
    tokenizer_push_pretokenizer(tok, PRETOKENIZER_WHITESPACE_SPLIT);
    tokenizer_push_decoder(tok, DECODER_BPE)->text = mem_strdup("</w>");
    tok->suffix = mem_strdup("</w>");
    return learn(tok, options, train_use_of_merges, source, learn_bpe);
}

/* BERT's rules without its lower-casing: spaces round ideographs, words cut at white space and punctuation. */
static void push_bert_rules(Tokenizer *tok)
{
    NormalizerStep *step = tokenizer_push_normalizer(tok, NORMALIZER_BERT);
    step->clean_text = step->chinese_chars = true;
    tokenizer_push_pretokenizer(tok, PRETOKENIZER_BERT);
    tokenizer_push_decoder(tok, DECODER_WORDPIECE)->text = mem_strdup("##");
    tok->prefix = mem_strdup("##");
}

/* The merges found the vocabulary; encoding is by longest match and has no use for them. */
static void drop_merges(Tokenizer *tok)
{
    bpe_merges_release(&tok->merges);
    free(tok->rules);
    tok->rules = NULL;
    tok->n_rules = 0;
}

static Err learn_by_count(Tokenizer *tok, WordCounts *counts, const BpeTrainOptions *options)
{
    Err err = learn_bpe(tok, counts, options);
    drop_merges(tok);
    return err;
}

static Err learn_by_likelihood(Tokenizer *tok, WordCounts *counts, const BpeTrainOptions *options)
{
    Err err = likelihood_learn(tok, counts, cut_word, tok, options);
    drop_merges(tok);
    return err;
}

Err train_bert_bpe(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source)
{
    push_bert_rules(tok);
    return learn(tok, options, train_use_of_merges, source, learn_by_count);
}

Err train_wordpiece(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source)
{
    push_bert_rules(tok);
    return learn(tok, options, train_use_of_likelihood, source, learn_by_likelihood);
}
