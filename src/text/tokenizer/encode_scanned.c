/* encode_scanned.c - texts that a scanner cuts: many pieces at a time, in steps, so that what one piece waits for in memory is on its way while the
 * others are looked at. Pieces that are known come from the cache; those that are not are matched together. */
#include "text/tokenizer/lone_bytes.h"
#include "text/tokenizer/luck.h"
#include "text/tokenizer/tokenizer_internal.h"

enum { PIECES_AT_ONCE = BPE_RUNS_MAX };
_Static_assert((int)PIECES_AT_ONCE <= (int)LONE_PIECES_MAX, "a batch may all be lone bytes");
/* Texts in which next to nothing comes again gain nothing from a cache: of so many pieces one must have been known. */
enum { STRANGERS_TO_ONE = 4 };
typedef struct {
    bool looks;                    /* in the cache */
    bool is_lone[PIECES_AT_ONCE];  /* where texts are not familiar: pieces of lone bytes, with no need to look */
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

/* Pieces of one byte and of two have tables of their own. */
static inline bool is_tiny(const BpeMatcher *matcher, size_t length)
{
    return matcher && length <= 2;
}

/* Keys first, so that the places of all pieces in the cache are on their way before the first is read. */
static void announce(const PretokenCache *cache, const BpeMatcher *matcher, Piece text, size_t at, Batch *batch, int n)
{
    for (int i = 0; i < n; at = batch->ends[i++]) {
        size_t length = batch->ends[i] - at;
        if (batch->is_lone[i] || is_tiny(matcher, length))
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

/* What is neither tiny nor known is matched. Returns how many were looked for, and in *n_known how many were found. */
static int match_unknown(const Tokenizer *tok, const BpeMatcher *matcher, EncodeScratch *scratch, Piece text, size_t at, Batch *batch, int n, int *n_known)
{
    int n_runs = 0, n_looked = 0;
    *n_known = 0;
    for (int i = 0; i < n; at = batch->ends[i++]) {
        const char *bytes = text.bytes + at;
        size_t length = batch->ends[i] - at;
        if (batch->is_lone[i] || is_tiny(matcher, length)) {
            batch->known[i] = tok->byte_id;  /* it will be asked when it is put out */
            if (!batch->is_lone[i] && length == 2)
                __builtin_prefetch(byte_edges_ahead(bpe_matcher_byte_edges(matcher), bytes));
            continue;
        }
        batch->known[i] = batch->looks ? find(&scratch->cache, batch, i, bytes, length) : NULL;
        n_looked++;
        *n_known += batch->known[i] != NULL;
        if (!batch->known[i] && matcher && length <= LONG_PIECE_BYTES) {
            batch->runs[n_runs] = (BpeRun){.bytes = bytes, .n = length, .ids = batch->room + n_runs * LONG_PIECE_BYTES};
            n_runs++;
        }
    }
    if (n_runs > 0)
        bpe_match_runs(matcher, &scratch->bpe, batch->runs, n_runs, text.bytes + text.n);
    return n_looked;
}

static bool is_among_longs(const PretokenCache *cache, const int32_t *ids)
{
    return (uintptr_t)ids - (uintptr_t)cache->longs < (2u << LONG_BUCKET_BITS) * sizeof *cache->longs;
}

/* Writes two ids when there is one. */
static inline int put_tiny(const Tokenizer *tok, const ByteEdges *edges, const char *bytes, size_t length, int32_t *ids)
{
    ids[0] = tok->byte_id[(unsigned char)bytes[0]];
    if (length == 1)
        return 1;
    TrieNode couple = edges->couples[couple_of(bytes)];
    ids[0] = byte_edges_is_two(couple) ? trie_value(couple) : ids[0];
    ids[1] = tok->byte_id[(unsigned char)bytes[1]];
    return 2 - byte_edges_is_two(couple);
}

/* The ids of a piece from the cache, at most LONG_PIECE_IDS; SHORT_PIECE_IDS places are written at least. Returns how many. */
static inline int put_known(const PretokenCache *cache, const int32_t *known, size_t length, int32_t *ids)
{
    memcpy(ids, known, SHORT_PIECE_IDS * sizeof *ids);
    int n = 1 + (known[1] >= 0) + (known[2] >= 0) + (known[3] >= 0);
    bool is_long = length > SHORT_PIECE_BYTES || (n == SHORT_PIECE_IDS && is_among_longs(cache, known));
    for (; is_long && n < LONG_PIECE_IDS && known[n] >= 0; n++)
        ids[n] = known[n];
    return n;
}

static void put_out(const Tokenizer *tok, EncodeScratch *scratch, const BpeMatcher *matcher, Piece text, size_t at, Batch *batch, int n, TokenBuffer *out)
{
    token_buffer_reserve(out, (int64_t)(batch->ends[n - 1] - at) + SHORT_PIECE_IDS * n);
    const BpeRun *run = batch->runs;
    const ByteEdges *edges = matcher ? bpe_matcher_byte_edges(matcher) : NULL;
    int32_t *ids = out->ids;
    int64_t n_ids = out->n;
    for (int i = 0; i < n; at = batch->ends[i++]) {
        size_t length = batch->ends[i] - at;
        const int32_t *known = batch->known[i];
        batch->begins[i] = n_ids;
        if (batch->is_lone[i]) {
            for (; i + 1 < n && batch->is_lone[i + 1]; i++)
                batch->begins[i + 1] = n_ids;  /* of a lone one nobody asks */
            for (; at < batch->ends[i]; at++)
                ids[n_ids++] = tok->byte_id[(unsigned char)text.bytes[at]];
        } else if (is_tiny(matcher, length)) {
            n_ids += put_tiny(tok, edges, text.bytes + at, length, ids + n_ids);
        } else if (known) {
            n_ids += put_known(&scratch->cache, known, length, ids + n_ids);
        } else if (matcher && length <= LONG_PIECE_BYTES) {
            memcpy(ids + n_ids, run->ids, run->n_ids * sizeof *ids);
            n_ids += (int64_t)run->n_ids;
            run++;
        } else {
            out->n = n_ids;
            model_encode(tok, scratch, piece_part(text, at, batch->ends[i]), out);
            token_buffer_reserve(out, (int64_t)(batch->ends[n - 1] - batch->ends[i]) + SHORT_PIECE_IDS * n);
            ids = out->ids;
            n_ids = out->n;
        }
    }
    out->n = n_ids;
}

/* Only now, because what was found in the cache had to stay there. A piece that came twice is put once. */
static void remember(PretokenCache *cache, Piece text, size_t at, const Batch *batch, int n, const TokenBuffer *out)
{
    for (int i = 0; i < n; at = batch->ends[i++]) {
        size_t length = batch->ends[i] - at;
        int64_t end = i + 1 < n ? batch->begins[i + 1] : out->n;
        if (batch->known[i] || find(cache, batch, i, text.bytes + at, length))
            continue;
        const int32_t *ids = out->ids + batch->begins[i];
        if (length <= SHORT_PIECE_BYTES && end - batch->begins[i] <= SHORT_PIECE_IDS)
            short_put(cache, batch->keys[i].small, batch->buckets[i], ids, end - batch->begins[i]);
        else
            pretoken_cache_put(cache, text.bytes + at, length, ids, end - batch->begins[i]);
    }
}

void encode_scanned(const Tokenizer *tok, EncodeScratch *scratch, const Splitter *scanner, Piece text, TokenBuffer *out)
{
    const BpeMatcher *matcher = bpe_byte_matcher(tok);
    PretokenCache *cache = encode_scratch_cache(scratch);
    Batch batch;
    int n_hard = 0;  /* of the scanner */
    Luck luck = {LUCK_BATCHES_KEPT * PIECES_AT_ONCE, LUCK_BATCHES_KEPT * PIECES_AT_ONCE, 0};
    for (size_t at = 0, next; at < text.n; at = next) {
        int n = splitter_ends(scanner, text.bytes, text.n, at, batch.ends, PIECES_AT_ONCE, &n_hard);
        next = batch.ends[n - 1];
        bool familiar = !matcher || luck_lasts(&luck, STRANGERS_TO_ONE);
        batch.looks = !matcher || luck_try(&luck, STRANGERS_TO_ONE);
        if (familiar)
            memset(batch.is_lone, 0, sizeof batch.is_lone);
        else
            lone_bytes_find(bpe_matcher_byte_edges(matcher), text.bytes, at, batch.ends, n, batch.is_lone);
        if (batch.looks)
            announce(cache, matcher, text, at, &batch, n);
        int n_known, n_looked = match_unknown(tok, matcher, scratch, text, at, &batch, n, &n_known);
        put_out(tok, scratch, matcher, text, at, &batch, n, out);
        if (batch.looks) {
            luck_note(&luck, n_looked, n_known);
            remember(cache, text, at, &batch, n, out);
        }
    }
}
