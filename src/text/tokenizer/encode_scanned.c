/* encode_scanned.c - texts that a scanner cuts: many pieces at a time, in steps, so that what one piece waits for in memory is on its way while the
 * others are looked at. Pieces that are known come from the cache; those that are not are matched together. */
#include "text/tokenizer/tokenizer_internal.h"

enum { PIECES_AT_ONCE = BPE_RUNS_MAX };
typedef struct {
    size_t ends[PIECES_AT_ONCE];
    union {
        ShortKey small;
        LongKey large;
    } keys[PIECES_AT_ONCE];
    uint32_t buckets[PIECES_AT_ONCE];
    const int32_t *known[PIECES_AT_ONCE];  /* ids in the cache, NULL: none */
    int64_t begins[PIECES_AT_ONCE];        /* of a piece that was not known: where its ids begin in what is put out */
    BpeRun runs[PIECES_AT_ONCE];           /* those of them that are matched, in order */
    int32_t room[PIECES_AT_ONCE * LONG_PIECE_BYTES];
} Batch;

/* Keys first, so that the places of all pieces in the cache are on their way before the first is read. */
static void announce(const PretokenCache *cache, const BpeMatcher *matcher, Piece text, size_t at, Batch *batch, int n)
{
    for (int i = 0; i < n; at = batch->ends[i++]) {
        size_t length = batch->ends[i] - at;
        if (length == 1 && matcher)
            continue;
        if (length <= SHORT_PIECE_BYTES) {
            batch->keys[i].small = short_key(text.bytes + at, length, at + sizeof(ShortKey) <= text.n);
            batch->buckets[i] = (uint32_t)short_bucket(batch->keys[i].small);
            __builtin_prefetch(&cache->shorts[2 * batch->buckets[i]]);
        } else if (length <= LONG_PIECE_BYTES) {
            batch->keys[i].large = long_key(text.bytes + at, length, at + sizeof(LongKey) <= text.n);
            batch->buckets[i] = (uint32_t)long_bucket(batch->keys[i].large);
            __builtin_prefetch(&cache->longs[2 * batch->buckets[i]]);
            __builtin_prefetch(&cache->longs[2 * batch->buckets[i] + 1]);
        }
    }
}

static const int32_t *find(const PretokenCache *cache, const Batch *batch, int i, const char *bytes, size_t length)
{
    if (length > LONG_PIECE_BYTES)
        return NULL;
    if (length > SHORT_PIECE_BYTES)
        return long_find(cache, batch->keys[i].large, batch->buckets[i]);
    const int32_t *ids = short_find(cache, batch->keys[i].small, batch->buckets[i]);
    return ids && ids[0] == LOOK_AMONG_LONG ? pretoken_cache_find_long(cache, bytes, length) : ids;
}

/* Pieces of one byte have a table of their own, the rest is looked for, and what is not there is matched. */
static void match_unknown(const Tokenizer *tok, const BpeMatcher *matcher, EncodeScratch *scratch, Piece text, size_t at, Batch *batch, int n)
{
    int n_runs = 0;
    const ModelFast *fast = model_fast(tok);
    for (int i = 0; i < n; at = batch->ends[i++]) {
        const char *bytes = text.bytes + at;
        size_t length = batch->ends[i] - at;
        bool is_single = matcher && length == 1;
        batch->known[i] = is_single ? fast->single[(unsigned char)*bytes] : find(&scratch->cache, batch, i, bytes, length);
        if (!batch->known[i] && matcher && length <= LONG_PIECE_BYTES) {
            batch->runs[n_runs] = (BpeRun){.bytes = bytes, .n = length, .ids = batch->room + n_runs * LONG_PIECE_BYTES};
            n_runs++;
        }
    }
    if (n_runs > 0)
        bpe_match_runs(matcher, &scratch->bpe, batch->runs, n_runs);
}

static bool is_among_longs(const PretokenCache *cache, const int32_t *ids)
{
    return (uintptr_t)ids - (uintptr_t)cache->longs < (2u << LONG_BUCKET_BITS) * sizeof *cache->longs;
}

static void put_out(const Tokenizer *tok, EncodeScratch *scratch, bool is_matched, Piece text, size_t at, Batch *batch, int n, TokenBuffer *out)
{
    token_buffer_reserve(out, (int64_t)(batch->ends[n - 1] - at) + SHORT_PIECE_IDS * n);
    const BpeRun *run = batch->runs;
    for (int i = 0; i < n; at = batch->ends[i++]) {
        size_t length = batch->ends[i] - at;
        const int32_t *ids = batch->known[i];
        batch->begins[i] = out->n;
        if (ids) {
            memcpy(out->ids + out->n, ids, SHORT_PIECE_IDS * sizeof *ids);
            int k = 1 + (ids[1] >= 0) + (ids[2] >= 0) + (ids[3] >= 0);
            bool is_long = length > SHORT_PIECE_BYTES || (k == SHORT_PIECE_IDS && is_among_longs(&scratch->cache, ids));
            for (; is_long && k < LONG_PIECE_IDS && ids[k] >= 0; k++)
                out->ids[out->n + k] = ids[k];
            out->n += k;
        } else if (is_matched && length <= LONG_PIECE_BYTES) {
            memcpy(out->ids + out->n, run->ids, run->n_ids * sizeof *ids);
            out->n += (int64_t)run->n_ids;
            run++;
        } else {
            model_encode(tok, scratch, piece_part(text, at, batch->ends[i]), out);
            token_buffer_reserve(out, (int64_t)(batch->ends[n - 1] - batch->ends[i]) + SHORT_PIECE_IDS * n);
        }
    }
}

/* Only now, because what was found in the cache had to stay there. A piece that came twice is put once. */
static void remember(PretokenCache *cache, Piece text, size_t at, const Batch *batch, int n, const TokenBuffer *out)
{
    for (int i = 0; i < n; at = batch->ends[i++]) {
        size_t length = batch->ends[i] - at;
        int64_t end = i + 1 < n ? batch->begins[i + 1] : out->n;
        if (!batch->known[i] && !find(cache, batch, i, text.bytes + at, length))
            pretoken_cache_put(cache, text.bytes + at, length, out->ids + batch->begins[i], end - batch->begins[i]);
    }
}

void encode_scanned(const Tokenizer *tok, EncodeScratch *scratch, const Splitter *scanner, Piece text, TokenBuffer *out)
{
    const BpeMatcher *matcher = bpe_byte_matcher(tok);
    PretokenCache *cache = encode_scratch_cache(scratch);
    Batch batch;
    for (size_t at = 0, next; at < text.n; at = next) {
        int n = splitter_ends(scanner, text.bytes, text.n, at, batch.ends, PIECES_AT_ONCE);
        next = batch.ends[n - 1];
        announce(cache, matcher, text, at, &batch, n);
        match_unknown(tok, matcher, scratch, text, at, &batch, n);
        put_out(tok, scratch, matcher != NULL, text, at, &batch, n, out);
        remember(cache, text, at, &batch, n, out);
    }
}
