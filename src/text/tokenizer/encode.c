/* encode.c - text to ids: the road through added tokens, normalizer, pre-tokenizer and model. */
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/jamo.h"
#include "text/tokenizer/tokenizer_internal.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A scratch is taken from the tokenizer and given back: as many exist as threads ever encoded at once. */
static EncodeScratch *scratch_take(const Tokenizer *tok)
{
    Tokenizer *owner = (Tokenizer *)tok;  /* the slots hold no part of what the tokenizer says */
    for (int i = 0; i < N_SCRATCH_SLOTS; i++) {
        EncodeScratch *scratch = atomic_exchange(&owner->scratch[i], NULL);
        if (scratch)
            return scratch;
    }
    EncodeScratch *scratch = mem_alloc(sizeof *scratch);
    scratch->arena = arena_new();
    return scratch;
}

static void scratch_free(EncodeScratch *scratch)
{
    if (!scratch)
        return;
    arena_free(scratch->arena);
    bpe_scratch_release(&scratch->bpe);
    free(scratch->symbols);
    free(scratch->cache);
    free(scratch->model);
    free(scratch);
}

static void scratch_give(const Tokenizer *tok, EncodeScratch *scratch)
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

void token_buffer_push(TokenBuffer *buffer, int32_t id, size_t begin, size_t end)
{
    if (buffer->n == buffer->capacity) {
        buffer->capacity = buffer->capacity ? buffer->capacity * 2 : 256;
        buffer->ids = mem_realloc(buffer->ids, (size_t)buffer->capacity * sizeof *buffer->ids);
        if (buffer->wants_offsets)
            buffer->offsets = mem_realloc(buffer->offsets, (size_t)buffer->capacity * sizeof *buffer->offsets);
    }
    buffer->ids[buffer->n] = id;
    if (buffer->wants_offsets)
        buffer->offsets[buffer->n] = (TokenOffset){(int64_t)begin, (int64_t)end};
    buffer->n++;
}

static BpeSymbol *symbols_reserve(EncodeScratch *scratch, size_t n)
{
    if (scratch->n_symbols_max < n) {
        free(scratch->symbols);
        scratch->n_symbols_max = n * 2;
        scratch->symbols = mem_alloc(scratch->n_symbols_max * sizeof *scratch->symbols);
    }
    return scratch->symbols;
}

static size_t byte_symbols(const Tokenizer *tok, BpeSymbol *symbols, Piece piece)
{
    size_t n = 0;
    for (size_t i = 0; i < piece.n; i++) {
        bool last = i + 1 == piece.n;
        int32_t id = (last ? tok->last_byte_id : tok->byte_id)[(unsigned char)piece.bytes[i]];
        if (id < 0)
            id = tok->unk_id;
        if (id >= 0)
            symbols[n++] = (BpeSymbol){id, (uint32_t)i, (uint32_t)i + 1};
    }
    return n;
}

/* The id of a character in its place of the word: dressed with prefix and suffix. */
static int32_t dressed_id(const Tokenizer *tok, const char *bytes, size_t n, bool first, bool last)
{
    const char *prefix = !first && tok->prefix ? tok->prefix : "", *suffix = last && tok->suffix ? tok->suffix : "";
    if (!*prefix && !*suffix)
        return tokenizer_find_model(tok, bytes, n);
    char text[512];
    size_t n_prefix = strlen(prefix), n_suffix = strlen(suffix);
    if (n_prefix + n + n_suffix > sizeof text)
        return -1;
    memcpy(text, prefix, n_prefix);
    memcpy(text + n_prefix, bytes, n);
    memcpy(text + n_prefix + n, suffix, n_suffix);
    return tokenizer_find_model(tok, text, n_prefix + n + n_suffix);
}

static bool has_all_bytes(const Tokenizer *tok, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tok->byte_id[(unsigned char)bytes[i]] < 0)
            return false;
    return true;
}

/* A character that is no token becomes its bytes, or unk (one for a run of them when fused), or nothing. */
static size_t char_symbols(const Tokenizer *tok, BpeSymbol *symbols, Piece piece)
{
    size_t n = 0;
    bool after_unk = false;
    for (size_t at = 0; at < piece.n;) {
        uint32_t c;
        size_t length = (size_t)utf8_decode(&c, piece.bytes + at, piece.bytes + piece.n), end = at + length;
        int32_t id = dressed_id(tok, piece.bytes + at, length, at == 0, end == piece.n);
        if (id >= 0) {
            symbols[n++] = (BpeSymbol){id, (uint32_t)at, (uint32_t)end};
            after_unk = false;
        } else if (tok->jamo_fallback && hangul_is_syllable(c)) {
            for (size_t more = jamo_symbols(tok, piece.bytes + at, length, symbols + n); more > 0; more--, n++) {
                symbols[n].begin += (uint32_t)at;
                symbols[n].end += (uint32_t)at;
            }
            after_unk = false;
        } else if (tok->byte_fallback && has_all_bytes(tok, piece.bytes + at, length)) {
            for (size_t i = at; i < end; i++)
                symbols[n++] = (BpeSymbol){tok->byte_id[(unsigned char)piece.bytes[i]], (uint32_t)i, (uint32_t)i + 1};
            after_unk = false;
        } else if (tok->unk_id >= 0) {
            if (after_unk && tok->fuse_unk)
                symbols[n - 1].end = (uint32_t)end;
            else
                symbols[n++] = (BpeSymbol){tok->unk_id, (uint32_t)at, (uint32_t)end};
            after_unk = true;
        }
        at = end;
    }
    return n;
}

/* Start symbols of SentencePiece's BPE: user-defined symbols whole, characters by piece or phantom, -1 for what no piece contains. Returns how
 * many; *frozen says whether a user-defined symbol is among them (those never merge). */
static size_t piece_symbols(const Tokenizer *tok, BpeSymbol *symbols, Piece piece, bool *frozen)
{
    const Charsmap *map = tok->normalizers[0].charsmap;
    size_t n = 0;
    *frozen = false;
    for (size_t at = 0; at < piece.n;) {
        size_t length = charsmap_symbol_at(map, piece.bytes + at, piece.n - at);
        uint32_t c;
        if (length)
            *frozen = true;
        else
            length = (size_t)utf8_decode(&c, piece.bytes + at, piece.bytes + piece.n);
        int32_t id = tokenizer_find_model(tok, piece.bytes + at, length);
        if (id < 0 || tokenizer_is_special(tok, id)) {
            id = vocab_find(&tok->phantoms, piece.bytes + at, length);
            id = id < 0 ? -1 : tok->vocab.n_ids + id;
        }
        symbols[n++] = (BpeSymbol){id, (uint32_t)at, (uint32_t)(at + length)};
        at += length;
    }
    return n;
}

/* Merges between user-defined symbols only. */
static size_t merge_between_frozen(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, BpeSymbol *symbols, size_t n)
{
    const Charsmap *map = tok->normalizers[0].charsmap;
    size_t kept = 0;
    for (size_t begin = 0; begin < n;) {
        size_t end = begin;
        while (end < n && !charsmap_symbol_at(map, piece.bytes + symbols[end].begin, piece.n - symbols[end].begin))
            end++;
        size_t left = bpe_merge(&tok->merges, &scratch->bpe, symbols + begin, end - begin);
        memmove(symbols + kept, symbols + begin, left * sizeof *symbols);
        kept += left;
        if (end < n)
            symbols[kept++] = symbols[end++];
        begin = end;
    }
    return kept;
}

static void pieces_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    bool frozen, after_unk = false;
    BpeSymbol *symbols = symbols_reserve(scratch, piece.n);
    size_t n = piece_symbols(tok, symbols, piece, &frozen);
    n = frozen ? merge_between_frozen(tok, scratch, piece, symbols, n) : bpe_merge(&tok->merges, &scratch->bpe, symbols, n);
    for (size_t i = 0; i < n; i++) {
        BpeSymbol s = symbols[i];
        bool known = s.id >= 0 && s.id < tok->vocab.n_ids;
        if (known) {
            token_buffer_push(out, s.id, s.begin, s.end);
        } else if (tok->byte_fallback && has_all_bytes(tok, piece.bytes + s.begin, s.end - s.begin)) {
            for (size_t k = s.begin; k < s.end; k++)
                token_buffer_push(out, tok->byte_id[(unsigned char)piece.bytes[k]], k, k + 1);
        } else if (!after_unk) {
            token_buffer_push(out, tok->unk_id, s.begin, s.end);
        } else if (out->wants_offsets) {
            out->offsets[out->n - 1].end = s.end;
        }
        after_unk = !known;
    }
}

void bpe_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    if (tok->by_pieces) {
        pieces_encode(tok, scratch, piece, out);
        return;
    }
    if (tok->ignore_merges) {
        int32_t id = tok->byte_level ? tokenizer_find_bytes(tok, scratch->arena, piece.bytes, piece.n)
                                     : tokenizer_find_model(tok, piece.bytes, piece.n);
        if (id >= 0) {
            token_buffer_push(out, id, 0, piece.n);
            return;
        }
    }
    BpeSymbol *symbols = symbols_reserve(scratch, piece.n);
    size_t n = tok->jamo ? jamo_symbols(tok, piece.bytes, piece.n, symbols)
               : tok->byte_level ? byte_symbols(tok, symbols, piece) : char_symbols(tok, symbols, piece);
    n = bpe_merge(&tok->merges, &scratch->bpe, symbols, n);
    for (size_t i = 0; i < n; i++)
        token_buffer_push(out, symbols[i].id, symbols[i].begin, symbols[i].end);
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

/* Remembers what short pieces became: nine in ten pieces of a text have been seen just before. */
static void encode_remembered(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    if (piece.n > PRETOKEN_KEY_BYTES || out->wants_offsets) {
        model_encode(tok, scratch, piece, out);
        return;
    }
    if (!scratch->cache)
        scratch->cache = mem_alloc(PRETOKEN_SLOTS * sizeof *scratch->cache);
    Pretoken *slot = &scratch->cache[XXH3_64bits(piece.bytes, piece.n) % PRETOKEN_SLOTS];
    if (slot->n_key == piece.n && memcmp(slot->key, piece.bytes, piece.n) == 0) {
        for (int32_t i = 0; i < slot->n_ids; i++)
            token_buffer_push(out, slot->ids[i], 0, 0);
        return;
    }
    int64_t before = out->n;
    model_encode(tok, scratch, piece, out);
    if (out->n - before > PRETOKEN_IDS)
        return;
    memcpy(slot->key, piece.bytes, piece.n);
    slot->n_key = (uint8_t)piece.n;
    slot->n_ids = (int32_t)(out->n - before);
    for (int32_t i = 0; i < slot->n_ids; i++)
        slot->ids[i] = out->ids[before + i];
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

static void encode_text(const Tokenizer *tok, EncodeScratch *scratch, Piece text, bool parse_special, TokenBuffer *out)
{
    Segments raw = {0};
    added_split(tok, scratch->arena, text, false, parse_special, &raw);
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.items[i].id >= 0) {
            push_added(out, raw.items[i]);
            continue;
        }
        Piece normal = normalizer_run(tok->normalizers, tok->n_normalizers, scratch->arena, raw.items[i].text);
        Segments segments = {0};
        added_split(tok, scratch->arena, normal, true, parse_special, &segments);
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

TokenSpan tokenizer_encode_with(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes, int flags,
                                TokenOffset **offsets)
{
    EncodeScratch *scratch = scratch_take(tok);
    TokenBuffer out = {.wants_offsets = offsets != NULL};
    Piece piece = {text, n_bytes, offsets ? identity_map(scratch->arena, n_bytes) : NULL, true};
    for (int i = 0; flags & TOKENIZER_ADD_SPECIAL && i < tok->n_post_before; i++)
        token_buffer_push(&out, tok->post_before[i], 0, 0);
    encode_text(tok, scratch, piece, flags & TOKENIZER_PARSE_SPECIAL, &out);
    for (int i = 0; flags & TOKENIZER_ADD_SPECIAL && i < tok->n_post_after; i++)
        token_buffer_push(&out, tok->post_after[i], n_bytes, n_bytes);
    TokenSpan span = {ARENA_ARRAY(arena, int32_t, out.n), out.n};
    if (out.n)
        memcpy(span.ids, out.ids, (size_t)out.n * sizeof *span.ids);
    if (offsets) {
        *offsets = ARENA_ARRAY(arena, TokenOffset, out.n);
        if (out.n)
            memcpy(*offsets, out.offsets, (size_t)out.n * sizeof **offsets);
    }
    free(out.ids);
    free(out.offsets);
    scratch_give(tok, scratch);
    return span;
}

TokenSpan tokenizer_encode(const Tokenizer *tok, Arena *arena, const char *text, size_t n_bytes)
{
    return tokenizer_encode_with(tok, arena, text, n_bytes, 0, NULL);
}
