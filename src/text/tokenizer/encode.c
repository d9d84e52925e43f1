/* encode.c - text to ids: the road through added tokens, normalizer, pre-tokenizer and model. */
#include "text/tokenizer/bpe_chars.h"
#include "text/tokenizer/char_trie.h"
#include "text/tokenizer/clump_rules.h"
#include "text/tokenizer/lone_chars.h"
#include "text/tokenizer/bert_chars.h"
#include "text/tokenizer/plain_word.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/unigram_forms.h"
#include "text/tokenizer/unigram_walk.h"
#include "text/tokenizer/word_cut.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A scratch is taken from the tokenizer and given back: as many exist as threads ever encoded at once. */
EncodeScratch *encode_scratch_take(const Tokenizer *tok)
{
    Tokenizer *owner = (Tokenizer *)tok;  /* the slots hold no part of what the tokenizer says */
    for (int i = 0; i < N_SCRATCH_SLOTS; i++) {
        EncodeScratch *scratch = atomic_exchange(&owner->scratch[i], NULL);
        if (scratch)
            return scratch;
    }
    EncodeScratch *scratch = mem_alloc(sizeof *scratch);
    scratch->arena = arena_new();
    scratch->word_arena = arena_new();
    return scratch;
}

static void scratch_free(EncodeScratch *scratch)
{
    if (!scratch)
        return;
    arena_free(scratch->arena);
    arena_free(scratch->word_arena);
    bpe_scratch_release(&scratch->bpe);
    free(scratch->symbols);
    pretoken_cache_release(&scratch->cache);
    word_cache_release(&scratch->words);
    bert_chars_free(scratch->bert);
    free(scratch->batch);
    unigram_forms_free(scratch->forms);
    plain_words_release(&scratch->plain);
    free(scratch->ids);
    free(scratch->model);
    free(scratch->walk);
    free(scratch);
}

void encode_scratch_give(const Tokenizer *tok, EncodeScratch *scratch)
{
    Tokenizer *owner = (Tokenizer *)tok;
    arena_reset(scratch->arena);
    for (int i = 0; i < N_SCRATCH_SLOTS && scratch; i++) {
        EncodeScratch *expected = NULL;
        if (atomic_compare_exchange_strong(&owner->scratch[i], &expected, scratch))
            scratch = NULL;
    }
    scratch_free(scratch);
}

void tokenizer_release_scratch(Tokenizer *tok)
{
    for (int i = 0; i < N_SCRATCH_SLOTS; i++)
        scratch_free(atomic_exchange(&tok->scratch[i], NULL));
}

void *encode_scratch_model(EncodeScratch *scratch, size_t n_bytes)
{
    if (scratch->n_model_bytes < n_bytes) {
        free(scratch->model);
        scratch->n_model_bytes = n_bytes * 2;
        scratch->model = mem_alloc(scratch->n_model_bytes);
    }
    return scratch->model;
}

void *encode_scratch_walk(EncodeScratch *scratch, size_t n_bytes)
{
    if (scratch->n_walk_bytes < n_bytes) {
        free(scratch->walk);
        scratch->n_walk_bytes = n_bytes * 2;
        scratch->walk = mem_alloc(scratch->n_walk_bytes);
    }
    return scratch->walk;
}

void token_buffer_grow(TokenBuffer *buffer, int64_t n_more)
{
    buffer->capacity = (buffer->n + n_more) * 2 + 256;
    buffer->ids = mem_realloc(buffer->ids, (size_t)buffer->capacity * sizeof *buffer->ids);
    if (buffer->wants_offsets)
        buffer->offsets = mem_realloc(buffer->offsets, (size_t)buffer->capacity * sizeof *buffer->offsets);
}

void token_buffer_push(TokenBuffer *buffer, int32_t id, size_t begin, size_t end)
{
    token_buffer_reserve(buffer, 1);
    buffer->ids[buffer->n] = id;
    if (buffer->wants_offsets)
        buffer->offsets[buffer->n] = (TokenOffset){(int64_t)begin, (int64_t)end};
    buffer->n++;
}

static ModelFast *fast_new(const Tokenizer *tok)
{
    ModelFast *fast = mem_alloc(sizeof *fast);
    if (tok->model == MODEL_BPE)
        bpe_make_fast(tok, fast);
    else if (tok->model == MODEL_WORDPIECE)
        wordpiece_make_fast(tok, fast);
    else if (tok->model == MODEL_UNIGRAM)
        unigram_make_fast(tok, fast);
    fast->clumps = clump_rules_new(tok, fast);
    return fast;
}

void model_fast_free(ModelFast *fast)
{
    if (!fast)
        return;
    bpe_matcher_free(fast->matcher);
    trie_release(&fast->first);
    trie_release(&fast->more);
    lone_chars_free(fast->lone);
    bpe_chars_free(fast->plain);
    clump_rules_free(fast->clumps);
    unigram_walk_free(fast->walk);
    if (fast->chars)
        char_trie_release(fast->chars);
    free(fast->chars);
    free(fast->path_scores);
    free(fast);
}

/* Of two that are made at once one is thrown away. */
const ModelFast *model_fast(const Tokenizer *tok)
{
    Tokenizer *owner = (Tokenizer *)tok;  /* the slot holds no part of what the tokenizer says */
    ModelFast *fast = atomic_load(&owner->fast), *expected = NULL;
    if (fast)
        return fast;
    fast = fast_new(tok);
    if (atomic_compare_exchange_strong(&owner->fast, &expected, fast))
        return fast;
    model_fast_free(fast);
    return expected;
}

void wordlevel_encode(const Tokenizer *tok, Piece piece, TokenBuffer *out)
{
    int32_t id = tokenizer_find_model(tok, piece.bytes, piece.n);
    if (id < 0)
        id = tok->unk_id;
    if (id >= 0)
        token_buffer_push(out, id, 0, piece.n);
}

void model_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    switch (tok->model) {
    case MODEL_BPE: bpe_encode(tok, scratch, piece, out); break;
    case MODEL_WORDPIECE: wordpiece_encode(tok, scratch, piece, out); break;
    case MODEL_UNIGRAM: unigram_encode(tok, scratch, piece, out); break;
    case MODEL_WORDLEVEL: wordlevel_encode(tok, piece, out); break;
    }
}

PretokenCache *encode_scratch_cache(EncodeScratch *scratch)
{
    if (!scratch->cache.block)
        pretoken_cache_init(&scratch->cache);
    return &scratch->cache;
}

/* A piece that is looked up first, and remembered when it was not known. */
static void encode_remembered(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    if (piece.n == 0 || piece.n > LONG_PIECE_BYTES || out->wants_offsets) {
        model_encode(tok, scratch, piece, out);
        return;
    }
    PretokenCache *cache = encode_scratch_cache(scratch);
    const int32_t *ids = NULL;
    int n_max = SHORT_PIECE_IDS;
    if (piece.n <= SHORT_PIECE_BYTES) {
        ShortKey key = short_key(piece.bytes, piece.n, false);
        ids = short_find(cache, key, short_bucket(key));
    }
    if (ids ? ids[0] == LOOK_AMONG_LONG : piece.n > SHORT_PIECE_BYTES) {
        ids = pretoken_cache_find_long(cache, piece.bytes, piece.n);
        n_max = LONG_PIECE_IDS;
    }
    if (ids) {
        for (int i = 0; i < n_max && ids[i] >= 0; i++)
            token_buffer_push(out, ids[i], 0, 0);
        return;
    }
    int64_t before = out->n;
    model_encode(tok, scratch, piece, out);
    if (out->n > before)
        pretoken_cache_put(cache, piece.bytes, piece.n, out->ids + before, out->n - before);
}

/* Puts the offsets of a piece's tokens into terms of the text given. */
static void map_offsets(TokenBuffer *out, int64_t first, Piece piece)
{
    for (int64_t i = first; i < out->n; i++) {
        TokenOffset *offset = &out->offsets[i];
        *offset = (TokenOffset){piece.source[offset->begin], piece.source[offset->end]};
        if (offset->end < offset->begin)
            offset->end = offset->begin;
    }
}

static void encode_piece(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    int64_t first = out->n;
    encode_remembered(tok, scratch, piece, out);
    if (out->wants_offsets)
        map_offsets(out, first, piece);
}


const Splitter *tokenizer_only_scanner(const Tokenizer *tok)
{
    const Splitter *scanner = NULL;
    for (int i = 0; i < tok->n_pretokenizers; i++) {
        const PretokenizerStep *step = &tok->pretokenizers[i];
        bool cuts = step->splitter != NULL;
        if (step->add_prefix_space || (step->kind != PRETOKENIZER_SPLIT && step->kind != PRETOKENIZER_BYTE_LEVEL) ||
            (step->kind == PRETOKENIZER_SPLIT && (step->behavior != SPLIT_ISOLATED || !cuts)) ||
            (cuts && (scanner || splitter_kind(step->splitter) == SPLIT_REGEX)))
            return NULL;
        if (cuts)
            scanner = step->splitter;
    }
    return scanner;
}

static void encode_normalized(const Tokenizer *tok, EncodeScratch *scratch, Piece text, TokenBuffer *out)
{
    const Splitter *scanner = tokenizer_only_scanner(tok);
    if (scanner && !out->wants_offsets) {
        encode_scanned(tok, scratch, scanner, text, out);
        return;
    }
    if (scanner) {
        SplitSpan span;
        for (size_t at = 0; splitter_next(scanner, text.bytes, text.n, at, &span); at = span.end)
            encode_piece(tok, scratch, piece_part(text, span.begin, span.end), out);
        return;
    }
    Pieces pieces = {0};
    pretokenizer_run(tok->pretokenizers, tok->n_pretokenizers, scratch->arena, text, &pieces);
    for (size_t i = 0; i < pieces.n; i++)
        encode_piece(tok, scratch, pieces.items[i], out);
}

static void push_added(TokenBuffer *out, Segment segment)
{
    token_buffer_push(out, segment.id, 0, segment.text.n);
    if (out->wants_offsets)
        map_offsets(out, out->n - 1, segment.text);
}

void encode_word(const Tokenizer *tok, EncodeScratch *scratch, Piece word, TokenBuffer *out)
{
    Arena *arena = scratch->word_arena;
    Pieces pieces = {0};
    word = normalizer_run(tok->normalizers, tok->n_normalizers, arena, word);
    pretokenizer_run(tok->pretokenizers, tok->n_pretokenizers, arena, word, &pieces);
    for (size_t i = 0; i < pieces.n; i++)
        model_encode(tok, scratch, pieces.items[i], out);
    arena_reset(arena);
}

static WordCut word_cut(const Tokenizer *tok, EncodeScratch *scratch)
{
    if (!scratch->is_cut_known) {
        scratch->cut = word_cut_of(tok);
        scratch->plain = plain_words_of(tok, scratch->cut);
    }
    scratch->is_cut_known = true;
    return scratch->cut;
}

void encode_text(const Tokenizer *tok, EncodeScratch *scratch, Piece text, bool parse_special, TokenBuffer *out)
{
    Segments raw = {0};
    added_split(tok, scratch->arena, text, false, parse_special, scratch->data, &raw);
    for (size_t i = 0; i < raw.n; i++) {
        if (i > 0)
            scratch->path_score = 0.0;  /* a text of its own */
        if (raw.items[i].id >= 0) {
            push_added(out, raw.items[i]);
            continue;
        }
        if (word_cut(tok, scratch) != WORD_CUT_NONE && !out->wants_offsets) {
            word_cut_encode(tok, scratch, scratch->cut, raw.items[i].text, out);
            continue;
        }
        Piece normal = normalizer_run(tok->normalizers, tok->n_normalizers, scratch->arena, raw.items[i].text);
        Segments segments = {0};
        added_split(tok, scratch->arena, normal, true, parse_special, scratch->data, &segments);
        for (size_t k = 0; k < segments.n; k++)
            if (segments.items[k].id >= 0)
                push_added(out, segments.items[k]);
            else
                encode_normalized(tok, scratch, segments.items[k].text, out);
    }
}

static uint32_t *identity_map(Arena *arena, size_t n)
{
    uint32_t *source = ARENA_ARRAY(arena, uint32_t, n + 1);
    for (size_t i = 0; i <= n; i++)
        source[i] = (uint32_t)i;
    return source;
}

/* The ids of one text are found where those of the one before were, if they were not very many. */
static void take_ids(EncodeScratch *scratch, TokenBuffer *out)
{
    out->ids = scratch->ids;
    out->capacity = scratch->n_ids_max;
    scratch->ids = NULL;
    scratch->n_ids_max = 0;
}

static void give_ids(EncodeScratch *scratch, TokenBuffer *out)
{
    enum { IDS_KEPT_MAX = 1 << 20 };
    if (out->capacity > IDS_KEPT_MAX)
        return;
    scratch->ids = out->ids;
    scratch->n_ids_max = out->capacity;
    out->ids = NULL;
}

static TokenSpan encode_all(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes, int flags, const uint8_t *data,
                            Sampler *sampler, TokenOffset **offsets)
{
    EncodeScratch *scratch = encode_scratch_take(tok);
    scratch->data = data;
    scratch->sampler = sampler;
    TokenBuffer out = {.wants_offsets = offsets != NULL};
    if (!offsets)
        take_ids(scratch, &out);
    scratch->path_score = 0.0;
    scratch->score_goes_on = false;
    Piece piece = {text, n_bytes, offsets ? identity_map(scratch->arena, n_bytes) : NULL, true};
    for (int i = 0; flags & TOKENIZER_ADD_SPECIAL && i < tok->n_post_before; i++)
        token_buffer_push(&out, tok->post_before[i], 0, 0);
    encode_text(tok, scratch, piece, flags & TOKENIZER_PARSE_SPECIAL, &out);
    for (int i = 0; flags & TOKENIZER_ADD_SPECIAL && i < tok->n_post_after; i++)
        token_buffer_push(&out, tok->post_after[i], n_bytes, n_bytes);
    TokenSpan span = {arena_alloc_unset(arena, (size_t)out.n * sizeof *span.ids), out.n};
    if (out.n)
        memcpy(span.ids, out.ids, (size_t)out.n * sizeof *span.ids);
    if (offsets) {
        *offsets = ARENA_ARRAY(arena, TokenOffset, out.n);
        if (out.n)
            memcpy(*offsets, out.offsets, (size_t)out.n * sizeof **offsets);
    }
    if (!offsets)
        give_ids(scratch, &out);
    free(out.ids);
    free(out.offsets);
    scratch->data = NULL;
    scratch->sampler = NULL;
    encode_scratch_give(tok, scratch);
    return span;
}

TokenSpan tokenizer_encode_with(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes, int flags,
                                TokenOffset **offsets)
{
    return encode_all(tok, arena, text, n_bytes, flags, NULL, NULL, offsets);
}

TokenSpan tokenizer_encode_marked(const Tokenizer *tok, Arena *arena, const char *text, const uint8_t *data, size_t n_bytes, TokenOffset **offsets)
{
    return encode_all(tok, arena, text, n_bytes, TOKENIZER_PARSE_SPECIAL, data, NULL, offsets);
}

TokenSpan encode_with_sampler(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes, int flags, Sampler *sampler,
                              TokenOffset **offsets)
{
    assert(offsets);
    return encode_all(tok, arena, text, n_bytes, flags, NULL, sampler, offsets);
}

TokenSpan tokenizer_encode(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes)
{
    return tokenizer_encode_with(tok, arena, text, n_bytes, 0, NULL);
}

void token_offsets_to_chars(TokenOffset *offsets, int64_t n, const char *text, size_t n_bytes)
{
    int64_t *char_of = mem_alloc((n_bytes + 1) * sizeof *char_of), n_chars = 0;  /* the character that holds a byte */
    for (size_t at = 0; at < n_bytes; n_chars++) {
        uint32_t c;
        size_t end = at + (size_t)utf8_decode(&c, text + at, text + n_bytes);
        while (at < end)
            char_of[at++] = n_chars;
    }
    char_of[n_bytes] = n_chars;
    for (int64_t i = 0; i < n; i++) {
        bool is_empty = offsets[i].begin == offsets[i].end;
        offsets[i].end = is_empty ? char_of[offsets[i].begin] : char_of[offsets[i].end - 1] + 1;
        offsets[i].begin = char_of[offsets[i].begin];
    }
    free(char_of);
}
