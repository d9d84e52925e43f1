/* clumps.c - see clumps.h: which neighbours cling together, and the text clump by clump. */
#include "text/tokenizer/clumps.h"
#include "text/tokenizer/plain_word.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/unigram_walk.h"
#include "text/tokenizer/word_cut.h"
#include "base/scan.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { SPACE_MARK = 0x2581, N_COMMON = 1 << 16, N_BITS = 64, MARK_BIT = N_BITS - 1 };

/* Of a character: a bit of its own (but others may have it), and those of what may follow and come before. */
typedef struct {
    uint64_t bit, after, before;
    uint64_t is_other;  /* normalising may change this character, or what stands beside it */
} ClumpRow;

struct Clumps {
    ClumpRow *rows;             /* the first two, of characters that no piece joins to another, are empty but for is_other */
    uint32_t n_rows, capacity;
    uint16_t row_of[N_COMMON];
    float largest_score;        /* what a token can add to the score of a path, whatever its sign */
};

enum { ROW_PLAIN, ROW_OTHER, N_EMPTY_ROWS };
static ClumpRow *row_for(Clumps *clumps, uint32_t c)
{
    if (clumps->row_of[c] < N_EMPTY_ROWS) {
        if (clumps->n_rows == clumps->capacity) {
            clumps->capacity = clumps->capacity * 2 + 1024;
            clumps->rows = mem_realloc(clumps->rows, clumps->capacity * sizeof *clumps->rows);
        }
        uint32_t bit = c == SPACE_MARK ? MARK_BIT : clumps->n_rows % MARK_BIT;
        clumps->rows[clumps->n_rows] = (ClumpRow){.bit = 1ull << bit, .is_other = clumps->row_of[c] == ROW_OTHER};
        clumps->row_of[c] = (uint16_t)clumps->n_rows++;
    }
    return &clumps->rows[clumps->row_of[c]];
}

/* All neighbours within a piece. Characters beyond U+FFFF are never looked up. */
static void join_chars(Clumps *clumps, const char *text, size_t n)
{
    uint32_t last = N_COMMON, c;
    for (size_t at = 0; at < n; last = c) {
        at += (size_t)utf8_decode(&c, text + at, text + n);
        if (c >= N_COMMON || last >= N_COMMON)
            continue;
        row_for(clumps, last)->after |= row_for(clumps, c)->bit;
        row_for(clumps, c)->before |= row_for(clumps, last)->bit;
    }
}

static void join_merged(Clumps *clumps, const Tokenizer *tok)
{
    for (uint32_t i = 0; i < tok->merges.n_slots; i++) {
        int32_t id = tok->merges.slots[i].merged;
        size_t n;
        if ((int32_t)(tok->merges.slots[i].pair >> 32) < 0)
            continue;
        const char *text = id < tok->vocab.n_ids ? vocab_text(&tok->vocab, id, &n) : vocab_text(&tok->phantoms, id - tok->vocab.n_ids, &n);
        if (text)
            join_chars(clumps, text, n);
    }
}

static void join_pieces(Clumps *clumps, const Tokenizer *tok, const ModelFast *fast)
{
    TrieKey *keys = mem_alloc((size_t)tok->unigram->n * sizeof *keys);
    size_t n_keys = unigram_keys(tok->unigram, &tok->vocab, keys);
    for (size_t i = 0; i < n_keys; i++)
        join_chars(clumps, keys[i].bytes, keys[i].n);
    free(keys);
    for (int32_t id = 0; id < tok->unigram->n; id++)
        clumps->largest_score = fmaxf(clumps->largest_score, fabsf(fast->path_scores[id]));
}

static bool spells_strangers(const Tokenizer *tok, const ModelFast *fast)
{
    for (int b = 0; b < 256; b++)
        if (!tok->byte_fallback || tok->byte_id[b] < 0)
            return false;
    bool is_unigram = tok->model == MODEL_UNIGRAM && fast->walk && fast->walk->tells_bytes;
    return !tok->jamo_fallback && (is_unigram || (tok->model == MODEL_BPE && tok->by_pieces && tok->merges.n_merges > 0));
}

Clumps *clumps_new(const Tokenizer *tok, const ModelFast *fast)
{
    WordCut cut = word_cut_of(tok);
    if ((cut != WORD_CUT_SPACES && cut != WORD_CUT_ONE_SPACE) || tok->n_pretokenizers || tok->vocab.n_ids > UINT16_MAX || !spells_strangers(tok, fast))
        return NULL;
    uint8_t *others = plain_chars_others(tok, cut);
    if (!others)
        return NULL;
    Clumps *clumps = mem_alloc(sizeof *clumps);
    clumps->rows = mem_alloc(N_EMPTY_ROWS * sizeof *clumps->rows);
    clumps->n_rows = clumps->capacity = N_EMPTY_ROWS;
    clumps->rows[ROW_OTHER].is_other = true;
    for (uint32_t c = 0; c < N_COMMON; c++)
        clumps->row_of[c] = c != SPACE_MARK && (c == CLUMP_FAR_CHAR || others[c / 8] >> c % 8 & 1) ? ROW_OTHER : ROW_PLAIN;
    free(others);
    if (tok->model == MODEL_UNIGRAM)
        join_pieces(clumps, tok, fast);
    else
        join_merged(clumps, tok);
    return clumps;
}

void clumps_free(Clumps *clumps)
{
    if (!clumps)
        return;
    free(clumps->rows);
    free(clumps);
}

/* A stretch of the text on its way, cut before a space: whole words, the first behind a mark. */
typedef struct {
    const Clumps *clumps;
    const Tokenizer *tok;
    EncodeScratch *scratch;
    WordCut cut;
    Piece text;
    size_t begin, n_bytes;         /* of the stretch */
    TokenBuffer *out;
    int64_t n_scored;              /* ids that are in the path's score */
    ClumpBlock block;              /* places in the stretch; UINT32_MAX: a mark that no space stands for */
} Stretch;

/* Brings the score of the path up to the last id. */
static void settle_score(Stretch *stretch)
{
    if (stretch->tok->model != MODEL_UNIGRAM)
        return;
    const float *scores = model_fast(stretch->tok)->path_scores;
    float score = (float)stretch->scratch->path_score;
    for (int64_t i = stretch->n_scored; i < stretch->out->n; i++)
        score += scores[stretch->out->ids[i]];
    stretch->scratch->path_score = score;
    stretch->n_scored = stretch->out->n;
}

/* The least note that is sure anywhere in the stretch: no bound of the path's score is far from it, or it is settled. */
static float least_note(Stretch *stretch)
{
    enum { FAR = 50000 };
    if (stretch->tok->model != MODEL_UNIGRAM)
        return 0.0f;
    double largest = stretch->clumps->largest_score, further = (double)stretch->block.n_chars * largest;
    if ((double)(stretch->out->n - stretch->n_scored) * largest > FAR + fabs(stretch->scratch->path_score))
        settle_score(stretch);
    double score = fabs(stretch->scratch->path_score) + (double)(stretch->out->n - stretch->n_scored) * largest + further;
    return (float)(UNIGRAM_FLOAT_ERROR * unigram_largest_sum(stretch->tok->unigram, score, NOTED_CHARS_MAX) * (1.0 + FLT_EPSILON));
}

static void find_clumps(const Clumps *clumps, ClumpBlock *block)
{
    uint64_t bit = 0, after = 0, is_other = 0;
    size_t n = 0;
    for (size_t i = 0; i < block->n_chars; i++) {
        const ClumpRow *row = &clumps->rows[clumps->row_of[block->chars[i]]];
        block->starts[n] = (uint32_t)i;
        n += (size_t)(((after & row->bit) == 0) | ((bit & row->before) == 0));
        bit = row->bit;
        after = row->after;
        is_other |= row->is_other;
    }
    block->starts[n] = (uint32_t)block->n_chars;
    block->n_clumps = n;
    block->is_plain = !is_other;
}

/* The key of up to CLUMP_CHARS_MAX characters: no word's, as that has a length in its last byte. That of more has no word's length there, either. */
static inline void clump_key(const uint16_t *chars, size_t n, uint64_t key[2])
{
    static const uint16_t window[16] = {0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF};
    uint64_t eight[2], mask[2];
    memcpy(eight, chars, sizeof eight);
    memcpy(mask, window + 8 - (n < 8 ? n : 8), sizeof mask);
    key[0] = eight[0] & mask[0];
    key[1] = (eight[1] & mask[1]) | (n > CLUMP_CHARS_MAX ? 0xFFull << 56 : 0);
}

/* Places first, so that all entries are on their way before the first is read. */
static void announce(const WordCache *cache, ClumpBlock *block)
{
    for (size_t i = 0; i < block->n_clumps; i++) {
        size_t start = block->starts[i];
        clump_key(block->chars + start, block->starts[i + 1] - start, block->keys[i]);
        size_t bucket = word_small_bucket(block->keys[i]);
        block->buckets[i] = (uint32_t)bucket;
        __builtin_prefetch(&cache->small[2 * bucket]);
    }
}

/* Puts out clumps from the i-th on as long as they are known and sure; returns where that ends. */
static size_t put_known(Stretch *stretch, size_t i, float note_min)
{
    enum { MORE = 8 };
    TokenBuffer *out = stretch->out;
    token_buffer_reserve(out, (int64_t)((stretch->block.n_clumps - i) * CLUMP_IDS_MAX + MORE));
    return KERNEL_PICK(clump_put)(stretch->scratch->words.small, &stretch->block, i, note_min, out->ids, &out->n);
}

static inline bool is_white(char c, bool lines)
{
    return c == ' ' || (lines && (c == '\n' || c == '\t' || c == '\r'));
}

static bool is_collapsed(const Stretch *stretch)
{
    return stretch->cut == WORD_CUT_SPACES;
}

static bool parts_at_lines(const Stretch *stretch)
{
    return is_collapsed(stretch) && stretch->scratch->plain.lines_are_spaces;
}

/* The raw text of characters [begin, end), of which a mark at the start is no part, nor is white space that is collapsed into the mark behind them. */
static Piece raw_text(const Stretch *stretch, size_t begin, size_t end)
{
    uint32_t last = end < stretch->block.n_chars ? stretch->block.places[end] : (uint32_t)stretch->n_bytes;
    uint32_t first = stretch->block.places[begin] + (stretch->block.chars[begin] == SPACE_MARK);
    const char *bytes = stretch->text.bytes + stretch->begin;
    while (last > first && is_collapsed(stretch) && is_white(bytes[last - 1], parts_at_lines(stretch)))
        last--;
    return (Piece){.bytes = bytes + first, .n = last - first};
}

static void put_raw(Stretch *stretch, Piece raw, bool has_mark)
{
    settle_score(stretch);
    if (stretch->tok->model == MODEL_UNIGRAM)
        unigram_encode_word(stretch->tok, stretch->scratch, raw, has_mark, stretch->out);
    else if (has_mark)
        word_cut_encode_fresh(stretch->tok, stretch->scratch, raw, stretch->out);
    else
        bpe_encode(stretch->tok, stretch->scratch, raw, stretch->out);
    stretch->n_scored = stretch->out->n;
}

static bool is_space(const Stretch *stretch, size_t i)
{
    return stretch->block.chars[i] == SPACE_MARK;
}

/* The word that holds a character, with its marks. */
static void word_around(const Stretch *stretch, size_t at, size_t *begin, size_t *end)
{
    *begin = at;
    while (!is_space(stretch, *begin))
        --*begin;
    while (*begin > 0 && is_space(stretch, *begin - 1))
        --*begin;
    *end = at;
    while (*end < stretch->block.n_chars && is_space(stretch, *end))
        ++*end;
    while (*end < stretch->block.n_chars && !is_space(stretch, *end))
        ++*end;
}

static bool is_plain(const Stretch *stretch, size_t begin, size_t end)
{
    const Clumps *clumps = stretch->clumps;
    bool plain = true;
    for (size_t i = begin; i < end; i++)
        plain &= !clumps->rows[clumps->row_of[stretch->block.chars[i]]].is_other;
    return plain;
}

/* Remembers a clump of a unigram model; false when it has too many ids. */
static bool learn(Stretch *stretch, const uint16_t *chars, size_t n, const uint64_t key[2], size_t bucket)
{
    uint16_t ids[CLUMP_IDS_MAX];
    float note;
    int n_ids = unigram_cut_clump(stretch->tok, chars, (int)n, ids, &note);
    int32_t bits;
    memcpy(&bits, &note, sizeof bits);
    if (n_ids > 0)
        word_cache_put_small(&stretch->scratch->words, key, bucket, ids, n_ids, bits);
    return n_ids > 0;
}

/* Remembers a clump of a byte-pair model by the ids just put out. */
static void learn_ids(Stretch *stretch, const uint64_t key[2], size_t bucket, const int32_t *put, int64_t n)
{
    const float sure = FLT_MAX;
    uint16_t ids[CLUMP_IDS_MAX];
    int32_t bits;
    memcpy(&bits, &sure, sizeof bits);
    for (int64_t i = 0; i < CLUMP_IDS_MAX; i++)
        ids[i] = (uint16_t)(i < n ? put[i] : stretch->tok->vocab.n_ids);
    word_cache_put_small(&stretch->scratch->words, key, bucket, ids, (int32_t)n, bits);
}

/* The whole word of the i-th clump where normalising has a say; returns the next clump to be put out, i when it has none. */
static size_t put_word(Stretch *stretch, size_t i)
{
    size_t begin, end;
    word_around(stretch, stretch->block.starts[i], &begin, &end);
    if (is_plain(stretch, begin, end))
        return i;
    while (stretch->block.starts[i] > begin)
        i--;
    stretch->out->n = stretch->block.begins[i];
    put_raw(stretch, raw_text(stretch, begin, end), true);
    while (stretch->block.starts[i] < end)
        i++;
    return i;
}

/* A clump that is new, not sure, or too long; returns the next to be put out. */
static size_t put_other(Stretch *stretch, size_t i)
{
    ClumpBlock *block = &stretch->block;
    size_t next = block->is_plain ? i : put_word(stretch, i), start = block->starts[i], n = block->starts[i + 1] - start, bucket = block->buckets[i];
    if (next > i)
        return next;
    const uint64_t *key = block->keys[i];
    bool is_new = n <= CLUMP_CHARS_MAX && word_cache_look_small(&stretch->scratch->words, key, bucket).n == 0;
    if (is_new && stretch->tok->model == MODEL_UNIGRAM && learn(stretch, block->chars + start, n, key, bucket))
        return i;
    int64_t before = stretch->out->n;
    put_raw(stretch, raw_text(stretch, start, start + n), is_space(stretch, start));
    if (is_new && stretch->tok->model == MODEL_BPE && stretch->out->n - before <= CLUMP_IDS_MAX)
        learn_ids(stretch, key, bucket, stretch->out->ids + before, stretch->out->n - before);
    return i + 1;
}

/* Where bytes may not be read beyond the text they are copied first. */
static void read_chars(Stretch *stretch, bool needs_mark)
{
    char copy[CLUMP_BLOCK_BYTES + CLUMP_READ_ROOM];
    const char *bytes = stretch->text.bytes + stretch->begin;
    if (stretch->begin + stretch->n_bytes + CLUMP_READ_ROOM > stretch->text.n) {
        memcpy(copy, bytes, stretch->n_bytes);
        memset(copy + stretch->n_bytes, 0, CLUMP_READ_ROOM);
        bytes = copy;
    }
    stretch->block.chars[0] = SPACE_MARK;
    stretch->block.places[0] = UINT32_MAX;
    stretch->block.n_chars = needs_mark + KERNEL_PICK(clump_chars)(bytes, stretch->n_bytes, is_collapsed(stretch), parts_at_lines(stretch),
                                                             stretch->block.chars + needs_mark, stretch->block.places + needs_mark);
    memset(stretch->block.chars + stretch->block.n_chars, 0, 8 * sizeof *stretch->block.chars);
}

/* Where characters take so few bytes, clumps are as long as words. */
static bool is_dense(const char *bytes, size_t n)
{
    return scan_count_chars(bytes, n) * 3 <= n * 2 && scan_is_utf8(bytes, n);
}

static void encode_clumps(Stretch *stretch, bool needs_mark)
{
    read_chars(stretch, needs_mark);
    find_clumps(stretch->clumps, &stretch->block);
    announce(&stretch->scratch->words, &stretch->block);
    float note_min = least_note(stretch);
    for (size_t i = 0; (i = put_known(stretch, i, note_min)) < stretch->block.n_clumps;)
        i = put_other(stretch, i);
}

/* The words from there to the stretch, the space before them left out. */
static void encode_words(Stretch *stretch, size_t from, bool needs_mark)
{
    if (from == stretch->begin)
        return;
    settle_score(stretch);
    word_cut_encode_words(stretch->tok, stretch->scratch, stretch->cut, piece_part(stretch->text, from + !needs_mark, stretch->begin), stretch->out);
    stretch->n_scored = stretch->out->n;
}

/* The end of the last word that ends within a block, or of the first. */
static size_t stretch_end(const Stretch *stretch)
{
    const char *bytes = stretch->text.bytes;
    bool lines = parts_at_lines(stretch);
    size_t n = stretch->text.n, end = stretch->begin + CLUMP_BLOCK_BYTES;
    if (end >= n)
        return n;
    while (end > stretch->begin && !(is_white(bytes[end], lines) && !is_white(bytes[end - 1], lines)))
        end--;
    if (end > stretch->begin)
        return end;
    for (end += CLUMP_BLOCK_BYTES; end < n && !(is_white(bytes[end], lines) && !is_white(bytes[end - 1], lines)); end++)
        ;
    return end;
}

void clumps_encode(const Clumps *clumps, const Tokenizer *tok, EncodeScratch *scratch, WordCut cut, Piece text, TokenBuffer *out)
{
    Stretch stretch;
    stretch.clumps = clumps;
    stretch.tok = tok;
    stretch.scratch = scratch;
    stretch.cut = cut;
    stretch.out = out;
    stretch.n_scored = out->n;
    stretch.text = text;
    stretch.begin = 0;
    bool lines = parts_at_lines(&stretch);
    while (is_collapsed(&stretch) && stretch.text.n > 0 && is_white(text.bytes[stretch.text.n - 1], lines))
        stretch.text.n--;
    while (is_collapsed(&stretch) && stretch.begin < stretch.text.n && is_white(text.bytes[stretch.begin], lines))
        stretch.begin++;
    const size_t first = stretch.begin;
    size_t words = first;  /* what stands from here to the stretch is left to be encoded by words */
    for (; stretch.begin < stretch.text.n; stretch.begin += stretch.n_bytes) {
        stretch.n_bytes = stretch_end(&stretch) - stretch.begin;
        if (stretch.n_bytes > CLUMP_BLOCK_BYTES || !is_dense(text.bytes + stretch.begin, stretch.n_bytes))
            continue;
        encode_words(&stretch, words, words == first);
        encode_clumps(&stretch, stretch.begin == first);
        words = stretch.begin + stretch.n_bytes;
    }
    encode_words(&stretch, words, words == first);
    if (scratch->score_goes_on)
        settle_score(&stretch);
}
