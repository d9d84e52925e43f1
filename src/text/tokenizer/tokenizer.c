/* tokenizer.c - making, finishing and asking a Tokenizer; decoding. */
#include "text/tokenizer/tokenizer.h"
#include "text/tokenizer/byte_level.h"
#include "text/tokenizer/decoder.h"
#include "text/tokenizer/jamo.h"
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/unigram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

Tokenizer *tokenizer_new(ModelKind model, const char *name)
{
    Tokenizer *tok = mem_alloc(sizeof *tok);
    tok->model = model;
    tok->name = mem_strdup(name);
    vocab_init(&tok->vocab);
    tok->unk_id = -1;
    tok->max_word_chars = 100;
    for (int i = 0; i < N_SPECIALS; i++)
        tok->specials[i] = -1;
    memset(tok->byte_id, 0xFF, sizeof tok->byte_id);
    memset(tok->jamo_id, 0xFF, sizeof tok->jamo_id);
    return tok;
}

void tokenizer_free(Tokenizer *tok)
{
    if (!tok)
        return;
    for (int i = 0; i < tok->n_normalizers; i++)
        normalizer_step_release(&tok->normalizers[i]);
    for (int i = 0; i < tok->n_pretokenizers; i++)
        pretokenizer_step_release(&tok->pretokenizers[i]);
    for (int i = 0; i < tok->n_decoders; i++)
        decoder_step_release(&tok->decoders[i]);
    for (int i = 0; i < tok->n_added; i++)
        free(tok->added[i].content);
    free(tok->normalizers);
    free(tok->pretokenizers);
    free(tok->decoders);
    free(tok->added);
    free(tok->added_only);
    free(tok->unreadable);
    free(tok->prefix);
    free(tok->suffix);
    free(tok->rules);
    free(tok->post_processor_json);
    free(tok->config_json);
    free(tok->chat_template);
    free(tok->name);
    bpe_merges_release(&tok->merges);
    if (tok->by_pieces)
        vocab_release(&tok->phantoms);
    unigram_free(tok->unigram);
    if (tok->spm) {
        free(tok->spm->types);
        free(tok->spm->scores);
        free(tok->spm);
    }
    vocab_release(&tok->vocab);
    tokenizer_release_scratch(tok);
    model_fast_free(tok->fast);
    free(tok);
}

#define PUSH(array, count) \
    ((array) = mem_realloc((array), ((size_t)(count) + 1) * sizeof *(array)), memset(&(array)[count], 0, sizeof *(array)), &(array)[(count)++])

NormalizerStep *tokenizer_push_normalizer(Tokenizer *tok, NormalizerKind kind)
{
    NormalizerStep *step = PUSH(tok->normalizers, tok->n_normalizers);
    step->kind = kind;
    return step;
}

PretokenizerStep *tokenizer_push_pretokenizer(Tokenizer *tok, PretokenizerKind kind)
{
    PretokenizerStep *step = PUSH(tok->pretokenizers, tok->n_pretokenizers);
    step->kind = kind;
    return step;
}

DecoderStep *tokenizer_push_decoder(Tokenizer *tok, DecoderKind kind)
{
    DecoderStep *step = PUSH(tok->decoders, tok->n_decoders);
    step->kind = kind;
    return step;
}

AddedToken *tokenizer_push_added(Tokenizer *tok, const char *text, size_t n_bytes, int32_t id)
{
    AddedToken *token = PUSH(tok->added, tok->n_added);
    token->content = mem_alloc(n_bytes + 1);
    memcpy(token->content, text, n_bytes);
    token->n_bytes = n_bytes;
    token->id = id;
    return token;
}

Err tokenizer_add_special(Tokenizer *tok, const char *text, int32_t id)
{
    TRY(vocab_add(&tok->vocab, id, text, strlen(text)));
    tokenizer_push_added(tok, text, strlen(text), id)->special = true;
    return OK;
}

void tokenizer_push_rule(Tokenizer *tok, int64_t *capacity, MergeRule rule)
{
    if (tok->n_rules == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 1024;
        tok->rules = mem_realloc(tok->rules, (size_t)*capacity * sizeof *tok->rules);
    }
    tok->rules[tok->n_rules++] = rule;
}

int32_t tokenizer_find_bytes(const Tokenizer *tok, Arena *arena, const char *bytes, size_t n_bytes)
{
    char small[256];
    char *text = n_bytes * 2 <= sizeof small ? small : arena_alloc(arena, n_bytes * 2);
    return tokenizer_find_model(tok, text, byte_level_write(text, bytes, n_bytes));
}

bool tokenizer_is_added_only(const Tokenizer *tok, int32_t id)
{
    return tok->added_only && id < tok->vocab.n_ids && tok->added_only[id];
}

int32_t tokenizer_find_model(const Tokenizer *tok, const char *text, size_t n_bytes)
{
    int32_t id = vocab_find(&tok->vocab, text, n_bytes);
    return id >= 0 && tok->unreadable && tok->unreadable[id] ? -1 : id;
}

static void mark_unreadable(Tokenizer *tok, int32_t id)
{
    if (!tok->unreadable)
        tok->unreadable = mem_alloc((size_t)tok->vocab.n_ids);
    tok->unreadable[id] = 1;
}

/* Added tokens are matched before the model sees the text; special ones only when the caller asks. One of a single character stays a character. */
static void mark_added(Tokenizer *tok)
{
    for (int i = 0; i < tok->n_added; i++) {
        const AddedToken *token = &tok->added[i];
        if (token->added_only || (token->special && utf8_count(token->content, token->n_bytes) > 1))
            mark_unreadable(tok, token->id);
    }
    for (int i = 0; i < tok->n_added; i++) {
        if (!tok->added[i].added_only)
            continue;
        if (!tok->added_only)
            tok->added_only = mem_alloc((size_t)tok->vocab.n_ids);
        tok->added_only[tok->added[i].id] = 1;
    }
}

static void find_byte_ids(Tokenizer *tok)
{
    for (int b = 0; b < 256; b++) {
        char text[32];
        size_t n = 0;
        if (tok->byte_level) {
            char byte = (char)b;
            n = byte_level_write(text, &byte, 1);
        } else if (tok->byte_fallback)
            n = (size_t)snprintf(text, sizeof text, "<0x%02X>", b);
        tok->byte_id[b] = n ? vocab_find(&tok->vocab, text, n) : -1;
        tok->last_byte_id[b] = tok->byte_id[b];
        if (tok->byte_level && tok->suffix && strlen(tok->suffix) < sizeof text - 3) {
            size_t n_suffix = strlen(tok->suffix);
            memcpy(text + n, tok->suffix, n_suffix);
            tok->last_byte_id[b] = vocab_find(&tok->vocab, text, n + n_suffix);
        }
    }
}

static void find_jamo_ids(Tokenizer *tok)
{
    for (int jamo = 0; jamo < HANGUL_N_JAMO; jamo++) {
        char text[8];
        size_t n = tok->jamo ? (size_t)utf8_encode(text, hangul_jamo_char(jamo)) : jamo_fallback_text(text, jamo);
        tok->jamo_id[jamo] = tok->jamo || tok->jamo_fallback ? vocab_find(&tok->vocab, text, n) : -1;
    }
}

/* Unigram: special tokens and those of a fallback are no pieces, whatever scores a file gives them (SentencePiece's own rule). */
static void hide_pieces(Tokenizer *tok)
{
    Unigram *unigram = tok->unigram;
    if (!unigram || unigram->hidden)
        return;
    bool any = false;
    uint8_t *hidden = mem_alloc((size_t)unigram->n);
    for (int32_t id = 0; id < unigram->n; id++)
        any |= hidden[id] = tok->unreadable && tok->unreadable[id];
    for (int i = 0; i < 256 + HANGUL_N_JAMO; i++) {
        int32_t id = i < 256 ? tok->byte_id[i] : tok->jamo_id[i - 256];
        if (id < 0 || id >= unigram->n)
            continue;
        hidden[id] = 1;
        any = true;
    }
    if (!any) {
        free(hidden);
        return;
    }
    unigram->hidden = hidden;
    trie_release(&unigram->trie);
    unigram_finish(unigram, &tok->vocab);
}

/* Roles that no configuration names are taken from the usual spellings. */
static void find_specials(Tokenizer *tok)
{
    static const struct {
        SpecialToken which;
        const char *text;
    } usual[] = {
        {SPECIAL_BOS, "<s>"}, {SPECIAL_BOS, "<bos>"}, {SPECIAL_BOS, "<|begin_of_text|>"}, {SPECIAL_BOS, "<|startoftext|>"},
        {SPECIAL_BOS, "[BOS]"}, {SPECIAL_BOS, "<|endoftext|>"},
        {SPECIAL_EOS, "</s>"}, {SPECIAL_EOS, "<eos>"}, {SPECIAL_EOS, "<|end_of_text|>"}, {SPECIAL_EOS, "[EOS]"},
        {SPECIAL_EOS, "<|endoftext|>"},
        {SPECIAL_PAD, "<pad>"}, {SPECIAL_PAD, "[PAD]"},
        {SPECIAL_UNK, "<unk>"}, {SPECIAL_UNK, "[UNK]"},
        {SPECIAL_MASK, "<mask>"}, {SPECIAL_MASK, "[MASK]"}, {SPECIAL_SEP, "[SEP]"}, {SPECIAL_CLS, "[CLS]"},
    };
    if (tok->specials[SPECIAL_UNK] < 0)
        tok->specials[SPECIAL_UNK] = tok->unk_id;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        int32_t id = vocab_find_text(&tok->vocab, usual[i].text);
        if (tok->specials[usual[i].which] < 0 && id >= 0 && tokenizer_is_special(tok, id))
            tok->specials[usual[i].which] = id;
    }
}

static int by_id(const void *a, const void *b)
{
    const AddedToken *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static Err hash_of(Tokenizer *tok)
{
    Arena *arena = arena_new();
    const char *text;
    size_t n;
    Err err = tokenizer_write_json(tok, arena, true, &text, &n);
    if (err == OK)
        tok->hash = XXH3_64bits(text, n);
    arena_free(arena);
    return err;
}

Err tokenizer_finish(Tokenizer *tok)
{
    tok->byte_level = tok->n_pretokenizers > 0 && tok->pretokenizers[tok->n_pretokenizers - 1].kind == PRETOKENIZER_BYTE_LEVEL;
    tok->jamo = tok->byte_level && tok->pretokenizers[tok->n_pretokenizers - 1].jamo;
    if (tok->byte_level && tok->model != MODEL_BPE)
        return err_set(ERR_UNSUPPORTED, "%s: ByteLevel before a model other than BPE", tok->name);
    for (int i = 0; i + 1 < tok->n_pretokenizers; i++)
        if (tok->pretokenizers[i].kind == PRETOKENIZER_BYTE_LEVEL)
            return err_set(ERR_UNSUPPORTED, "%s: a pre-tokenizer after ByteLevel", tok->name);
    if (tok->n_added)
        qsort(tok->added, (size_t)tok->n_added, sizeof *tok->added, by_id);
    mark_added(tok);
    find_byte_ids(tok);
    find_jamo_ids(tok);
    hide_pieces(tok);
    find_specials(tok);
    return hash_of(tok);
}

TokenizerType tokenizer_type(const Tokenizer *tok)
{
    switch (tok->model) {
    case MODEL_WORDPIECE: return TOKENIZER_WORDPIECE;
    case MODEL_UNIGRAM: return TOKENIZER_UNIGRAM;
    case MODEL_WORDLEVEL: return TOKENIZER_WORD;
    case MODEL_BPE: break;
    }
    bool merges = tok->merges.n_merges > 0;
    if (tok->jamo)
        return TOKENIZER_JAMO;
    if (tok->byte_level)
        return merges ? TOKENIZER_BYTE_BPE : TOKENIZER_BYTE;
    return merges ? TOKENIZER_CHAR_BPE : TOKENIZER_CHAR;
}

int64_t tokenizer_vocab_size(const Tokenizer *tok)
{
    return tok->vocab.n_ids;
}

uint64_t tokenizer_hash(const Tokenizer *tok)
{
    return tok->hash;
}

int32_t tokenizer_special_id(const Tokenizer *tok, SpecialToken which)
{
    return tok->specials[which];
}

bool tokenizer_is_special(const Tokenizer *tok, int32_t id)
{
    int low = 0, high = tok->n_added;
    while (low < high) {
        int middle = (low + high) / 2;
        if (tok->added[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tok->n_added && tok->added[low].id == id && tok->added[low].special;
}

int32_t tokenizer_id_of(const Tokenizer *tok, const char *text)
{
    return vocab_find_text(&tok->vocab, text);
}

const char *tokenizer_text_of(const Tokenizer *tok, int32_t id)
{
    return vocab_text(&tok->vocab, id, NULL);
}

TokenText tokenizer_decode(const Tokenizer *tok, Arena *arena, const int32_t *ids, int64_t n, bool keep_special)
{
    DecodeState state;
    ByteBuffer out = {0};
    decode_state_init(&state, tok, keep_special);
    for (int64_t i = 0; i < n; i++)
        decode_token(&state, ids[i], &out);
    decode_finish(&state, &out);
    TokenText text = {arena_strndup(arena, out.n ? out.bytes : "", out.n), out.n};
    byte_buffer_release(&out);
    decode_state_release(&state);
    return text;
}

struct TokenStream {
    DecodeState state;
    ByteBuffer held;   /* decoded, not yet given out */
    ByteBuffer given;  /* what the last call returned */
};

TokenStream *token_stream_new(const Tokenizer *tok, bool keep_special)
{
    TokenStream *stream = mem_alloc(sizeof *stream);
    decode_state_init(&stream->state, tok, keep_special);
    return stream;
}

void token_stream_free(TokenStream *stream)
{
    if (!stream)
        return;
    decode_state_release(&stream->state);
    byte_buffer_release(&stream->held);
    byte_buffer_release(&stream->given);
    free(stream);
}

/* Moves all but the last n_kept bytes from held to given. */
static TokenText stream_give(TokenStream *stream, size_t n_kept)
{
    size_t n = stream->held.n - n_kept;
    stream->given.n = 0;
    byte_buffer_put(&stream->given, stream->held.bytes ? stream->held.bytes : "", n);
    if (n)
        memmove(stream->held.bytes, stream->held.bytes + n, n_kept);
    stream->held.n = n_kept;
    return (TokenText){stream->given.bytes, stream->given.n};
}

TokenText token_stream_push(TokenStream *stream, int32_t id)
{
    decode_token(&stream->state, id, &stream->held);
    return stream_give(stream, stream->held.n ? utf8_incomplete_tail(stream->held.bytes, stream->held.n) : 0);
}

TokenText token_stream_finish(TokenStream *stream)
{
    decode_finish(&stream->state, &stream->held);
    TokenText rest = stream_give(stream, 0);
    decode_state_release(&stream->state);
    decode_state_init(&stream->state, stream->state.tok, stream->state.keep_special);
    return rest;
}
