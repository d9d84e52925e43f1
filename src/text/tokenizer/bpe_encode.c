/* bpe_encode.c - a piece of text to the tokens of a byte-pair vocabulary: start symbols, then their merges; or, where the vocabulary
 * allows, the matcher that finds the same tokens without merging. */
#include "text/tokenizer/bpe_chars.h"
#include "text/tokenizer/byte_level.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/jamo.h"
#include "text/tokenizer/lone_chars.h"
#include "text/tokenizer/sampling.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/unicode/char_run.h"

#include <stdlib.h>
#include <string.h>

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

/* What stands for a character that is no token: its jamo, its bytes, or unk (one for a run of them when fused), or nothing; in
 * SentencePiece's BPE an unknown symbol. Returns how many symbols there are now. */
static size_t strange_symbols(const Tokenizer *tok, BpeSymbol *symbols, size_t n, Piece piece, size_t at, size_t end)
{
    if (tok->by_pieces) {
        symbols[n++] = (BpeSymbol){-1, (uint32_t)at, (uint32_t)end};
    } else if (tok->jamo_fallback && is_syllable(piece.bytes + at, end - at)) {
        for (size_t more = jamo_symbols(tok, piece.bytes + at, end - at, symbols + n); more > 0; more--, n++) {
            symbols[n].begin += (uint32_t)at;
            symbols[n].end += (uint32_t)at;
        }
    } else if (tok->byte_fallback && has_all_bytes(tok, piece.bytes + at, end - at)) {
        for (size_t i = at; i < end; i++)
            symbols[n++] = (BpeSymbol){tok->byte_id[(unsigned char)piece.bytes[i]], (uint32_t)i, (uint32_t)i + 1};
    } else if (tok->unk_id >= 0) {
        if (tok->fuse_unk && n > 0 && symbols[n - 1].id == tok->unk_id && symbols[n - 1].end == at)
            symbols[n - 1].end = (uint32_t)end;
        else
            symbols[n++] = (BpeSymbol){tok->unk_id, (uint32_t)at, (uint32_t)end};
    }
    return n;
}

static size_t char_symbols(const Tokenizer *tok, BpeSymbol *symbols, Piece piece)
{
    size_t n = 0;
    for (size_t at = 0; at < piece.n;) {
        uint32_t c;
        size_t length = (size_t)utf8_decode(&c, piece.bytes + at, piece.bytes + piece.n), end = at + length;
        int32_t id = dressed_id(tok, piece.bytes + at, length, at == 0, end == piece.n);
        if (id >= 0)
            symbols[n++] = (BpeSymbol){id, (uint32_t)at, (uint32_t)end};
        else
            n = strange_symbols(tok, symbols, n, piece, at, end);
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

static int passes_over(void *context)
{
    Sampler *sampler = context;
    return sampler_draw(sampler) < sampler->sampling->dropout;
}

static bool drops_out(const EncodeScratch *scratch)
{
    return scratch->sampler && scratch->sampler->sampling->dropout > 0.0;
}

static size_t merge(const Tokenizer *tok, EncodeScratch *scratch, BpeSymbol *symbols, size_t n)
{
    if (drops_out(scratch))
        return bpe_merge_dropout(&tok->merges, &scratch->bpe, symbols, n, (BpeDropout){passes_over, scratch->sampler});
    return bpe_merge(&tok->merges, &scratch->bpe, symbols, n);
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
        size_t left = merge(tok, scratch, symbols + begin, end - begin);
        memmove(symbols + kept, symbols + begin, left * sizeof *symbols);
        kept += left;
        if (end < n)
            symbols[kept++] = symbols[end++];
        begin = end;
    }
    return kept;
}

static size_t merge_pieces(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, BpeSymbol *symbols)
{
    bool frozen;
    size_t n = piece_symbols(tok, symbols, piece, &frozen);
    return frozen ? merge_between_frozen(tok, scratch, piece, symbols, n) : merge(tok, scratch, symbols, n);
}

/* Room is reserved. */
static inline void put_id(TokenBuffer *out, int32_t id, size_t begin, size_t end)
{
    out->ids[out->n] = id;
    if (out->wants_offsets)
        out->offsets[out->n] = (TokenOffset){(int64_t)begin, (int64_t)end};
    out->n++;
}

/* Phantoms and unknown symbols become bytes or unk, a run of them one unk. */
static void put_pieces(const Tokenizer *tok, Piece piece, const BpeSymbol *symbols, size_t n, TokenBuffer *out)
{
    bool after_unk = false;
    token_buffer_reserve(out, (int64_t)piece.n);  /* no byte becomes two ids */
    for (size_t i = 0; i < n; i++) {
        BpeSymbol s = symbols[i];
        bool known = s.id >= 0 && s.id < tok->vocab.n_ids;
        if (known) {
            put_id(out, s.id, s.begin, s.end);
        } else if (tok->byte_fallback && has_all_bytes(tok, piece.bytes + s.begin, s.end - s.begin)) {
            for (size_t k = s.begin; k < s.end; k++)
                put_id(out, tok->byte_id[(unsigned char)piece.bytes[k]], k, k + 1);
        } else if (!after_unk) {
            put_id(out, tok->unk_id, s.begin, s.end);
        } else if (out->wants_offsets) {
            out->offsets[out->n - 1].end = s.end;
        }
        after_unk = !known;
    }
}

/* Does the character stand at `at`, too? Compares no more than it must: a call takes longer. */
static inline bool is_same_char(const char *at, const char *end, const char *c, size_t length)
{
    size_t n = 0;
    while (n < length && at + n < end && at[n] == c[n])
        n++;
    return n == length;
}

/* What a character that no piece covers, or a phantom, is put out as. Returns how many ids. */
static inline size_t unknown_ids(const Tokenizer *tok, const char *bytes, size_t n, bool after_unknown, int32_t *ids)
{
    if (tok->byte_fallback && has_all_bytes(tok, bytes, n)) {
        for (size_t i = 0; i < n; i++)
            ids[i] = tok->byte_id[(unsigned char)bytes[i]];
        return n;
    }
    ids[0] = tok->unk_id;
    return !after_unknown;
}

/* Straight to the ids, where no offsets are wanted: stretches that the matcher knows, and between them what it does not. */
static void match_pieces(const Tokenizer *tok, const BpeMatcher *matcher, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    int32_t *found = encode_scratch_model(scratch, piece.n * sizeof *found), *ids;
    bool after_unknown = false;
    token_buffer_reserve(out, (int64_t)piece.n);  /* no byte becomes two ids */
    ids = out->ids + out->n;
    for (size_t at = 0; at < piece.n;) {
        size_t n;
        bpe_match(matcher, &scratch->bpe, piece.bytes + at, piece.n - at, found, &n);
        for (size_t i = 0; i < n; i++) {
            size_t length = bpe_matcher_length(matcher, found[i]);
            bool is_phantom = found[i] >= tok->vocab.n_ids;
            if (is_phantom)
                ids += unknown_ids(tok, piece.bytes + at, length, after_unknown, ids);
            else
                *ids++ = found[i];
            after_unknown = is_phantom;
            at += length;
        }
        if (at == piece.n)
            break;
        const char *stranger = piece.bytes + at;  /* it often comes again, as U+FFFD does */
        uint32_t c;
        size_t length = (size_t)utf8_decode_quick(&c, stranger, piece.bytes + piece.n);
        for (; is_same_char(piece.bytes + at, piece.bytes + piece.n, stranger, length); at += length, after_unknown = true)
            ids += unknown_ids(tok, stranger, length, after_unknown, ids);
    }
    out->n = ids - out->ids;
}

static size_t start_of_bytes(const void *context, BpeSymbol *symbols, const char *bytes, size_t n)
{
    return byte_symbols(context, symbols, (Piece){.bytes = bytes, .n = n});
}

static size_t start_of_chars(const void *context, BpeSymbol *symbols, const char *bytes, size_t n)
{
    return char_symbols(context, symbols, (Piece){.bytes = bytes, .n = n});
}

static size_t start_of_pieces(const void *context, BpeSymbol *symbols, const char *bytes, size_t n)
{
    bool frozen;
    return piece_symbols(context, symbols, (Piece){.bytes = bytes, .n = n}, &frozen);
}

/* What stands for bytes no token has (byte and jamo tokens, unk) must never merge: the matcher stops before it. */
static bool strangers_merge(const Tokenizer *tok)
{
    for (uint32_t i = 0; i < tok->merges.n_slots; i++) {
        int32_t parts[2] = {(int32_t)(tok->merges.slots[i].pair >> 32), (int32_t)(uint32_t)tok->merges.slots[i].pair};
        for (int k = 0; k < 2 && parts[0] >= 0; k++) {
            if (parts[k] == tok->unk_id)
                return true;
            for (int b = 0; b < 256 && tok->byte_fallback; b++)
                if (tok->byte_id[b] == parts[k])
                    return true;
            for (int j = 0; j < HANGUL_N_JAMO && tok->jamo_fallback; j++)
                if (tok->jamo_id[j] == parts[k])
                    return true;
        }
    }
    return false;
}

static bool can_match(const Tokenizer *tok)
{
    if (tok->merges.n_merges == 0 || tok->jamo || tok->prefix || tok->suffix)
        return false;
    if (!tok->byte_level)
        return !strangers_merge(tok) && !(tok->by_pieces && charsmap_has_symbols(tok->normalizers[0].charsmap));
    for (int b = 0; b < 256; b++)
        if (tok->byte_id[b] < 0)
            return false;
    return true;
}

/* The longest token of texts of one character that stays apart from itself, where that character is why texts must be merged. */
static BpeRepeat find_repeat(const Tokenizer *tok, const BpeMatcher *matcher, BpeStart start)
{
    enum { UNITS_MAX = 64 };
    size_t n_refused;
    const char *refused = bpe_matcher_refused(matcher, &n_refused);
    uint32_t c;
    size_t n_unit = refused ? (size_t)utf8_decode(&c, refused, refused + n_refused) : 0;
    if (!refused || tok->byte_level || n_refused % n_unit || memcmp(refused, refused + n_unit, n_refused - n_unit) != 0)
        return (BpeRepeat){0};
    char text[2 * UNITS_MAX * UTF8_BYTES_MAX];
    BpeSymbol symbols[2 * UNITS_MAX * UTF8_BYTES_MAX];
    BpeScratch scratch = {0};
    BpeRepeat repeat = {.unit = refused, .n_unit = n_unit};
    for (size_t i = 0; i < 2 * UNITS_MAX; i++)
        memcpy(text + i * n_unit, refused, n_unit);
    for (size_t m = UNITS_MAX; m > 1 && !repeat.n_units; m--) {
        int32_t id = tokenizer_find_model(tok, text, m * n_unit);
        size_t n = id >= 0 ? bpe_merge(&tok->merges, &scratch, symbols, start(tok, symbols, text, 2 * m * n_unit)) : 0;
        if (n == 2 && symbols[0].id == id && symbols[1].id == id) {
            repeat.n_units = m;
            repeat.id = id;
        }
    }
    bpe_scratch_release(&scratch);
    return repeat;
}

void bpe_make_fast(const Tokenizer *tok, ModelFast *fast)
{
    fast->lone = lone_chars_new(tok);
    if (!can_match(tok))
        return;
    int32_t n_phantoms = tok->by_pieces ? tok->phantoms.n_ids : 0, n_ids = tok->vocab.n_ids + n_phantoms;
    Arena *arena = arena_new();
    TrieKey *keys = mem_alloc((size_t)n_ids * sizeof *keys);
    size_t n_keys = 0;
    for (int32_t id = 0; id < n_ids; id++) {
        size_t n;
        const char *text = id < tok->vocab.n_ids ? vocab_text(&tok->vocab, id, &n) : vocab_text(&tok->phantoms, id - tok->vocab.n_ids, &n);
        if (!text || n == 0 || tokenizer_is_added_only(tok, id))
            continue;
        if (tok->byte_level) {
            char *bytes = arena_alloc(arena, n);
            int64_t n_bytes = byte_level_read(bytes, text, n);
            if (n_bytes > 0)
                keys[n_keys++] = (TrieKey){bytes, (size_t)n_bytes, id};
        } else
            keys[n_keys++] = (TrieKey){text, n, id};
    }
    BpeStart start = tok->byte_level ? start_of_bytes : tok->by_pieces ? start_of_pieces : start_of_chars;
    fast->matcher = bpe_matcher_new(&tok->merges, keys, n_keys, n_ids, start, tok);
    if (fast->matcher)
        fast->repeat = find_repeat(tok, fast->matcher, start);
    fast->finds_whole_pieces = fast->matcher && bpe_matcher_n_tokens(fast->matcher) == n_keys;
    if (fast->matcher && !tok->byte_level && (!tok->ignore_merges || fast->finds_whole_pieces))
        fast->plain = bpe_chars_new(tok, fast->matcher, keys, bpe_matcher_n_tokens(fast->matcher));
    free(keys);
    arena_free(arena);
}

/* Bytes: the matcher covers everything. */
static void match_bytes(const BpeMatcher *matcher, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    token_buffer_reserve(out, (int64_t)piece.n);
    size_t n;
    bpe_match(matcher, &scratch->bpe, piece.bytes, piece.n, out->ids + out->n, &n);
    if (out->wants_offsets)
        for (size_t i = 0, at = 0; i < n; i++) {
            size_t length = bpe_matcher_length(matcher, out->ids[out->n + (int64_t)i]);
            out->offsets[out->n + (int64_t)i] = (TokenOffset){(int64_t)at, (int64_t)(at + length)};
            at += length;
        }
    out->n += (int64_t)n;
}

/* Characters, all of them known and no offsets wanted: straight to the ids. False, and nothing done, otherwise. */
static bool match_known_chars(const Tokenizer *tok, const BpeMatcher *matcher, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    if (out->wants_offsets)
        return false;
    token_buffer_reserve(out, (int64_t)piece.n);
    int32_t *ids = out->ids + out->n;
    size_t n;
    if (bpe_match(matcher, &scratch->bpe, piece.bytes, piece.n, ids, &n) < piece.n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= tok->vocab.n_ids)
            return false;
    out->n += (int64_t)n;
    return true;
}

/* Characters: stretches that the matcher knows, and between them what it does not, as start symbols. */
static size_t match_chars(const Tokenizer *tok, const BpeMatcher *matcher, EncodeScratch *scratch, Piece piece, BpeSymbol *symbols)
{
    int32_t *ids = encode_scratch_model(scratch, piece.n * sizeof *ids);
    size_t n_symbols = 0, length = 0;
    const char *stranger = NULL;  /* the last character that began no token; it often comes again, as U+FFFD does */
    for (size_t at = 0; at < piece.n; at += length) {
        size_t n = 0;
        if (!stranger || piece.n - at < length || memcmp(piece.bytes + at, stranger, length) != 0)
            bpe_match(matcher, &scratch->bpe, piece.bytes + at, piece.n - at, ids, &n);
        for (size_t i = 0; i < n; i++) {
            size_t end = at + bpe_matcher_length(matcher, ids[i]);
            symbols[n_symbols++] = (BpeSymbol){ids[i], (uint32_t)at, (uint32_t)end};
            at = end;
        }
        if (at == piece.n)
            break;
        uint32_t c;
        length = (size_t)utf8_decode_quick(&c, piece.bytes + at, piece.bytes + piece.n);
        stranger = piece.bytes + at;
        n_symbols = strange_symbols(tok, symbols, n_symbols, piece, at, at + length);
    }
    return n_symbols;
}

static size_t merge_symbols(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, BpeSymbol *symbols)
{
    if (tok->by_pieces)
        return merge_pieces(tok, scratch, piece, symbols);
    size_t n = tok->jamo ? jamo_symbols(tok, piece.bytes, piece.n, symbols)
               : tok->byte_level ? byte_symbols(tok, symbols, piece) : char_symbols(tok, symbols, piece);
    return merge(tok, scratch, symbols, n);
}

static void put_symbols(const Tokenizer *tok, Piece piece, const BpeSymbol *symbols, size_t n, TokenBuffer *out)
{
    if (tok->by_pieces)
        put_pieces(tok, piece, symbols, n, out);
    else
        for (size_t i = 0; i < n; i++)
            token_buffer_push(out, symbols[i].id, symbols[i].begin, symbols[i].end);
}

/* A text with long runs of one character (bpe_repeat.h). False, and nothing done, when it has none. */
static bool merge_shortened(const Tokenizer *tok, const BpeRepeat *repeat, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    if (out->wants_offsets || drops_out(scratch))
        return false;
    BpeShortRun *runs;
    size_t n_runs;
    piece.bytes = bpe_repeat_shorten(repeat, scratch->arena, piece.bytes, piece.n, &piece.n, &runs, &n_runs);
    if (!piece.bytes)
        return false;
    BpeSymbol *symbols = symbols_reserve(scratch, piece.n);
    size_t n = merge_symbols(tok, scratch, piece, symbols), *at = ARENA_ARRAY(scratch->arena, size_t, n_runs), from = 0;
    if (!bpe_repeat_find(repeat, symbols, n, runs, n_runs, at))
        return false;
    for (size_t i = 0; i < n_runs; from = at[i++]) {
        put_symbols(tok, piece, symbols + from, at[i] - from, out);
        token_buffer_reserve(out, (int64_t)runs[i].n_left_out);
        for (size_t k = runs[i].n_left_out; k > 0; k--)
            out->ids[out->n++] = repeat->id;
    }
    put_symbols(tok, piece, symbols + from, n - from, out);
    return true;
}

const BpeMatcher *bpe_byte_matcher(const Tokenizer *tok)
{
    const ModelFast *fast = tok->model == MODEL_BPE && tok->byte_level ? model_fast(tok) : NULL;
    if (!fast || !fast->matcher || !bpe_matcher_takes_all(fast->matcher) || (tok->ignore_merges && !fast->finds_whole_pieces))
        return NULL;
    return fast->matcher;
}

void bpe_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    const ModelFast *fast = model_fast(tok);
    const BpeMatcher *matcher = drops_out(scratch) ? NULL : fast->matcher;
    if (tok->ignore_merges && !fast->finds_whole_pieces && !drops_out(scratch)) {
        int32_t id = tok->byte_level ? tokenizer_find_bytes(tok, scratch->arena, piece.bytes, piece.n)
                                     : tokenizer_find_model(tok, piece.bytes, piece.n);
        if (id >= 0) {
            token_buffer_push(out, id, 0, piece.n);
            return;
        }
    }
    if (matcher && !bpe_matcher_takes(matcher, piece.bytes, piece.n))
        matcher = NULL;
    if (matcher && tok->byte_level) {
        match_bytes(matcher, scratch, piece, out);
        return;
    }
    if (matcher && match_known_chars(tok, matcher, scratch, piece, out))
        return;
    if (matcher && tok->by_pieces && !out->wants_offsets) {
        match_pieces(tok, matcher, scratch, piece, out);
        return;
    }
    if (!matcher && merge_shortened(tok, &fast->repeat, scratch, piece, out))
        return;
    BpeSymbol *symbols = symbols_reserve(scratch, piece.n);
    put_symbols(tok, piece, symbols, matcher ? match_chars(tok, matcher, scratch, piece, symbols) : merge_symbols(tok, scratch, piece, symbols), out);
}
