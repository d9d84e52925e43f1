/* train.c - tokenizer_train: options, the choice of the family, and the plain families (characters, bytes). */
#include "text/tokenizer/train.h"
#include "text/tokenizer/byte_level.h"
#include "base/file.h"
#include "text/tokenizer/jamo.h"
#include "text/tokenizer/korean.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TokenizerTrainOptions tokenizer_train_options_default(void)
{
    return (TokenizerTrainOptions){
        .type = TOKENIZER_BYTE_BPE,
        .vocab_size = 32768,
        .pattern = "gpt2",
        .n_specials = 1,
        .specials = {"<|endoftext|>"},
        .bos = "<|endoftext|>",
        .eos = "<|endoftext|>",
        .min_frequency = 2,
        .save_seconds = 60,
    };
}

TokenizerTrainOptions tokenizer_train_options_for(TokenizerType type)
{
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.type = type;
    switch (type) {
    case TOKENIZER_BYTE_BPE:
    case TOKENIZER_JAMO:
        break;
    case TOKENIZER_WORDPIECE:
    case TOKENIZER_BERT_BPE: {
        static const char *const bert[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
        memcpy(options.specials, bert, sizeof bert);
        options.n_specials = 5;
        options.bos = options.eos = NULL;
        options.pad = "[PAD]";
        options.unk = "[UNK]";
        options.mask = "[MASK]";
        break;
    }
    case TOKENIZER_CHAR_BPE:
    case TOKENIZER_UNIGRAM:
    case TOKENIZER_WORD: {
        static const char *const usual[] = {"<unk>", "<s>", "</s>"};
        memcpy(options.specials, usual, sizeof usual);
        options.n_specials = 3;
        options.unk = "<unk>";
        options.bos = "<s>";
        options.eos = "</s>";
        break;
    }
    case TOKENIZER_CHAR:
    case TOKENIZER_BYTE:
        options.n_specials = 0;
        options.bos = options.eos = NULL;
        break;
    }
    return options;
}

/* Of the rules that cut documents into words. */
static uint64_t rules_identity(const Tokenizer *rules, bool repair)
{
    uint64_t hash = repair;
    for (int i = 0; i < rules->n_normalizers; i++)
        hash = hash * 31 + (uint64_t)rules->normalizers[i].kind + 1;
    for (int i = 0; i < rules->n_pretokenizers; i++) {
        const PretokenizerStep *step = &rules->pretokenizers[i];
        const char *pattern = step->splitter ? splitter_pattern(step->splitter) : step->literal ? step->literal : "";
        hash = hash * 31 + (uint64_t)step->kind * 8 + (uint64_t)step->behavior + 1;
        hash ^= hash_bytes(pattern, strlen(pattern));
    }
    return hash;
}

/* Measured on Korean and English words, rounded up; of pieces: unigram_seed.h's arrays over the distinct words. */
const TrainUse train_use_of_list = {.repair = true};
const TrainUse train_use_of_bytes = {.per_word = 28, .per_byte = 17};
const TrainUse train_use_of_merges = {.per_word = 28, .per_byte = 17, .repair = true};
const TrainUse train_use_of_likelihood = {.per_word = 20, .per_byte = 20, .repair = true};
const TrainUse train_use_of_pieces = {.per_word = 24, .per_byte = 24, .repair = true};

Err train_count_words(WordCounts *counts, const Tokenizer *rules, const TokenizerTrainOptions *options, TrainUse use, TokenizerSource source)
{
    WordCountOptions count_options = {
        .rules = rules,
        .repair = use.repair,
        .n_threads = options->n_threads,
        .memory_bytes_max = options->memory_bytes_max,
        .use_per_word = use.per_word,
        .use_per_byte = use.per_byte,
        .work_dir = options->work_dir,
        .identity = rules_identity(rules, use.repair),
        .total_bytes = options->total_bytes,
        .quiet = options->quiet,
    };
    return word_counts_read(counts, &count_options, source);
}

BpeTrainOptions train_bpe_options(const Tokenizer *tok, const TokenizerTrainOptions *options)
{
    return (BpeTrainOptions){
        .vocab_size = options->vocab_size,
        .min_frequency = options->min_frequency,
        .max_token_symbols = options->max_token_chars,
        .work_dir = options->work_dir,
        .identity = rules_identity(tok, false) * 31 + (uint64_t)options->type,
        .save_seconds = options->save_seconds,
        .memory_bytes_max = options->memory_bytes_max,
        .quiet = options->quiet,
    };
}

Err train_add_token(Tokenizer *tok, const char *text, size_t n_bytes)
{
    return vocab_find(&tok->vocab, text, n_bytes) >= 0 ? OK : vocab_add(&tok->vocab, tok->vocab.n_ids, text, n_bytes);
}

Err train_add_specials(Tokenizer *tok, const TokenizerTrainOptions *options)
{
    for (int i = 0; i < options->n_specials; i++) {
        if (tokenizer_id_of(tok, options->specials[i]) >= 0)
            return err_set(ERR_USAGE, "special token \"%s\" is given twice", options->specials[i]);
        TRY(tokenizer_add_special(tok, options->specials[i], tok->vocab.n_ids));
    }
    return OK;
}

Err train_finish(Tokenizer *tok, const TokenizerTrainOptions *options)
{
    const char *const roles[N_SPECIALS] = {
        [SPECIAL_BOS] = options->bos, [SPECIAL_EOS] = options->eos, [SPECIAL_PAD] = options->pad,
        [SPECIAL_UNK] = options->unk, [SPECIAL_MASK] = options->mask,
    };
    for (int i = 0; i < N_SPECIALS; i++)
        if (roles[i])
            tok->specials[i] = tokenizer_id_of(tok, roles[i]);
    return tokenizer_finish(tok);
}

Err train_push_split(Tokenizer *tok, const TokenizerTrainOptions *options)
{
    Splitter *splitter;
    const char *pattern = options->pattern ? options->pattern : "gpt2";
    TRY(splitter_open(&splitter, strcmp(pattern, "eojeol") == 0 ? korean_eojeol_pattern() : pattern, SPLIT_UNICODE_LATEST));
    if (splitter_kind(splitter) == SPLIT_NONE) {
        splitter_free(splitter);
        return OK;
    }
    PretokenizerStep *step = tokenizer_push_pretokenizer(tok, PRETOKENIZER_SPLIT);
    step->behavior = SPLIT_ISOLATED;
    step->splitter = splitter;
    return OK;
}

Err train_push_particles(Tokenizer *tok, const TokenizerTrainOptions *options)
{
    if (!options->particles)
        return OK;
    Arena *arena = arena_new();
    Splitter *splitter;
    Err err = splitter_open(&splitter, korean_particle_pattern(arena), SPLIT_UNICODE_LATEST);
    arena_free(arena);
    TRY(err);
    PretokenizerStep *step = tokenizer_push_pretokenizer(tok, PRETOKENIZER_SPLIT);
    step->behavior = SPLIT_ISOLATED;
    step->splitter = splitter;
    return OK;
}

Err train_add_fallback(Tokenizer *tok, const TokenizerTrainOptions *options)
{
    char text[16];
    for (int b = 0; b < 256 && options->fallback != FALLBACK_NONE; b++)
        TRY(train_add_token(tok, text, (size_t)snprintf(text, sizeof text, "<0x%02X>", b)));
    for (int jamo = 0; jamo < HANGUL_N_JAMO && options->fallback == FALLBACK_JAMO; jamo++)
        TRY(train_add_token(tok, text, jamo_fallback_text(text, jamo)));
    tok->byte_fallback = options->fallback != FALLBACK_NONE;
    tok->jamo_fallback = options->fallback == FALLBACK_JAMO;
    if (tok->byte_fallback)
        tokenizer_push_decoder(tok, DECODER_BYTE_FALLBACK);
    if (tok->jamo_fallback)  /* behind the bytes: it opens with what it held back */
        tokenizer_push_decoder(tok, DECODER_JAMO_FALLBACK);
    return OK;
}

static int by_code_point(const void *a, const void *b)
{
    const CharCount *x = a, *y = b;
    return (x->code_point > y->code_point) - (x->code_point < y->code_point);
}

static int by_count(const void *a, const void *b)
{
    const CharCount *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : by_code_point(a, b);
}

typedef struct {
    int64_t *by_char, n;
} CharCounter;

static Err count_chars(void *context, const char *bytes, uint32_t n_bytes, int64_t count)
{
    CharCounter *counter = context;
    for (const char *at = bytes, *end = bytes + n_bytes; at < end;) {
        uint32_t c;
        at += utf8_decode(&c, at, end);
        if (c == UTF8_ILL_FORMED)
            continue;
        counter->n += counter->by_char[c] == 0;
        counter->by_char[c] += count;
    }
    return OK;
}

Err train_count_chars(CharCount **chars, int64_t *n, Arena *arena, const WordCounts *counts)
{
    CharCounter counter = {.by_char = mem_alloc((UNICODE_MAX + 1) * sizeof *counter.by_char)};
    Err err = word_counts_each(counts, count_chars, &counter);
    *chars = ARENA_ARRAY(arena, CharCount, counter.n);
    *n = 0;
    for (uint32_t c = 0; c <= UNICODE_MAX; c++)
        if (counter.by_char[c])
            (*chars)[(*n)++] = (CharCount){c, counter.by_char[c]};
    free(counter.by_char);
    return err;
}

void train_keep_frequent(CharCount *chars, int64_t *n, int64_t n_kept)
{
    if (*n <= n_kept)
        return;
    qsort(chars, (size_t)*n, sizeof *chars, by_count);
    *n = n_kept < 0 ? 0 : n_kept;
    qsort(chars, (size_t)*n, sizeof *chars, by_code_point);
}

/* One token a code point, ascending. What is left out becomes unk, or nothing where there is no unk. */
Err train_char(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source)
{
    TRY(train_add_specials(tok, options));
    if (options->unk)
        tok->unk_id = tokenizer_id_of(tok, options->unk);
    TRY(train_add_fallback(tok, options));
    tokenizer_push_decoder(tok, DECODER_FUSE);
    Tokenizer *rules = tokenizer_new(MODEL_BPE, "characters");  /* words only make counting cheaper */
    WordCounts counts;
    TokenizerTrainOptions by_words = *options;
    by_words.pattern = "gpt2";
    if (options->nfc)
        tokenizer_push_normalizer(rules, NORMALIZER_NFC);
    Err err = train_push_split(rules, &by_words);
    if (err == OK)
        err = train_count_words(&counts, rules, options, train_use_of_list, source);
    tokenizer_free(rules);
    if (err != OK)
        return err;
    Arena *arena = arena_new();
    int64_t n;
    CharCount *chars = NULL;
    err = train_count_chars(&chars, &n, arena, &counts);
    if (err == OK)
        train_keep_frequent(chars, &n, options->vocab_size - tok->vocab.n_ids);
    for (int64_t i = 0; i < n && err == OK; i++) {
        char bytes[UTF8_BYTES_MAX];
        err = train_add_token(tok, bytes, (size_t)utf8_encode(bytes, chars[i].code_point));
    }
    arena_free(arena);
    word_counts_release(&counts);
    return err == OK ? train_finish(tok, options) : err;
}

/* id = byte; special tokens follow. Nothing is learnt, so the documents are not read. */
Err train_byte(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source)
{
    (void)source;
    for (int b = 0; b < 256; b++) {
        char byte = (char)b, text[2];
        TRY(train_add_token(tok, text, byte_level_write(text, &byte, 1)));
    }
    TRY(train_add_specials(tok, options));
    tokenizer_push_pretokenizer(tok, PRETOKENIZER_BYTE_LEVEL);
    tokenizer_push_decoder(tok, DECODER_BYTE_LEVEL);
    return train_finish(tok, options);
}

static Err check_options(const TokenizerTrainOptions *options)
{
    const char *const roles[] = {options->bos, options->eos, options->pad, options->unk, options->mask};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        bool found = roles[i] == NULL;
        for (int k = 0; k < options->n_specials && !found; k++)
            found = strcmp(options->specials[k], roles[i]) == 0;
        if (!found)
            return err_set(ERR_USAGE, "\"%s\" has a role but is not among the special tokens", roles[i]);
    }
    TokenizerType type = options->type;
    if (options->particles && type != TOKENIZER_BYTE_BPE && type != TOKENIZER_JAMO && type != TOKENIZER_UNIGRAM)
        return err_set(ERR_USAGE, "particles can be cut off only where pieces join without a space: byte-bpe, jamo and unigram");
    if (options->fallback != FALLBACK_NONE && type != TOKENIZER_CHAR && type != TOKENIZER_UNIGRAM)
        return err_set(ERR_USAGE, "a fallback belongs to char and unigram; byte-bpe and jamo cover every text as they are");
    if (options->vocab_size < 1 || options->vocab_size > VOCAB_ID_MAX)
        return err_set(ERR_USAGE, "vocab_size %lld is not between 1 and %d", (long long)options->vocab_size, VOCAB_ID_MAX);
    return OK;
}

Err tokenizer_train(Tokenizer **out, const TokenizerTrainOptions *options, TokenizerSource source)
{
    typedef struct {
        ModelKind model;
        Err (*train)(Tokenizer *tok, const TokenizerTrainOptions *options, TokenizerSource source);
        const char *name;
    } Family;
    static const Family families[] = {
        [TOKENIZER_BYTE_BPE] = {MODEL_BPE, train_byte_bpe, "byte-bpe"},
        [TOKENIZER_CHAR_BPE] = {MODEL_BPE, train_char_bpe, "char-bpe"},
        [TOKENIZER_WORDPIECE] = {MODEL_WORDPIECE, train_wordpiece, "wordpiece"},
        [TOKENIZER_BERT_BPE] = {MODEL_WORDPIECE, train_bert_bpe, "bert-bpe"},
        [TOKENIZER_UNIGRAM] = {MODEL_UNIGRAM, train_unigram, "unigram"},
        [TOKENIZER_WORD] = {MODEL_WORDLEVEL, train_word, "word"},
        [TOKENIZER_CHAR] = {MODEL_BPE, train_char, "char"},
        [TOKENIZER_BYTE] = {MODEL_BPE, train_byte, "byte"},
        [TOKENIZER_JAMO] = {MODEL_BPE, train_byte_bpe, "jamo"},
    };
    TRY(check_options(options));
    assert((size_t)options->type < sizeof families / sizeof families[0]);
    const Family *family = &families[options->type];
    Tokenizer *tok = tokenizer_new(family->model, family->name);
    if (options->nfc)
        tokenizer_push_normalizer(tok, NORMALIZER_NFC);
    Err err = family->train(tok, options, source);
    if (err == OK)
        *out = tok;
    else
        tokenizer_free(tok);
    return err;
}

typedef struct {
    const char *text;
    size_t n_bytes;
} OneText;

static Err next_of_one(void *context, const char **text, size_t *n_bytes)
{
    OneText *one = context;
    *text = one->text;
    *n_bytes = one->n_bytes;
    one->text = NULL;
    return OK;
}

Err tokenizer_train_text(Tokenizer **out, const TokenizerTrainOptions *options, const char *text, size_t n_bytes)
{
    OneText one = {text, n_bytes};
    return tokenizer_train(out, options, (TokenizerSource){next_of_one, &one});
}
