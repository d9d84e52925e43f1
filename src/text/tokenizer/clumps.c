/* clumps.c - see clumps.h: the text clump by clump. */
#include "text/tokenizer/clumps.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/word_cut.h"
#include "base/scan.h"

#include <float.h>
#include <string.h>

/* A stretch of the text on its way, cut before a space: whole words, the first behind a mark. */
typedef struct {
    const ClumpRules *rules;
    const Tokenizer *tok;
    EncodeScratch *scratch;
    WordCut cut;
    Piece text;
    size_t begin, n_bytes;         /* of the stretch */
    TokenBuffer *out;
    int64_t n_scored;              /* ids that are in the path's score */
    size_t n_put;                  /* characters whose ids are put out */
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
    double largest = stretch->rules->largest_score, further = (double)stretch->block.n_chars * largest;
    if ((double)(stretch->out->n - stretch->n_scored) * largest > FAR + fabs(stretch->scratch->path_score))
        settle_score(stretch);
    double score = fabs(stretch->scratch->path_score) + (double)(stretch->out->n - stretch->n_scored) * largest + further;
    return (float)(UNIGRAM_FLOAT_ERROR * unigram_largest_sum(stretch->tok->unigram, score, NOTED_CHARS_MAX) * (1.0 + FLT_EPSILON));
}

/* Puts out the ids of the characters before `end`. */
static void put_before(Stretch *stretch, size_t end)
{
    TokenBuffer *out = stretch->out;
    token_buffer_reserve(out, (int64_t)(end - stretch->n_put) * CLUMP_CHAR_IDS + CLUMP_PUT_ROOM);
    out->n += (int64_t)KERNEL_PICK(clump_put)(stretch->rules, &stretch->block, stretch->n_put, end, out->ids + out->n);
    stretch->n_put = end;
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
    uint32_t first = stretch->block.places[begin] + (stretch->block.chars[begin] == CLUMP_SPACE_MARK);
    const char *bytes = stretch->text.bytes + stretch->begin;
    while (last > first && is_collapsed(stretch) && is_white(bytes[last - 1], parts_at_lines(stretch)))
        last--;
    return (Piece){.bytes = bytes + first, .n = last - first};
}

/* Characters [begin, end) from their bytes, behind those before them. */
static void put_raw(Stretch *stretch, size_t begin, size_t end, bool has_mark)
{
    Piece raw = raw_text(stretch, begin, end);
    put_before(stretch, begin);
    settle_score(stretch);
    if (stretch->tok->model == MODEL_UNIGRAM)
        unigram_encode_word(stretch->tok, stretch->scratch, raw, has_mark, stretch->out);
    else if (has_mark)
        word_cut_encode_fresh(stretch->tok, stretch->scratch, raw, stretch->out);
    else
        bpe_encode(stretch->tok, stretch->scratch, raw, stretch->out);
    stretch->n_scored = stretch->out->n;
    stretch->n_put = end;
}

static bool is_space(const Stretch *stretch, size_t i)
{
    return stretch->block.chars[i] == CLUMP_SPACE_MARK;
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
    bool plain = true;
    for (size_t i = begin; i < end; i++)
        plain &= stretch->rules->alone[stretch->block.chars[i]] != CLUMP_OTHER;
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
        ids[i] = i < n ? (uint16_t)put[i] : CLUMP_NO_ID;
    word_cache_put_small(&stretch->scratch->words, key, bucket, ids, (int32_t)n, bits);
}

/* The whole word of the i-th clump where normalising has a say; returns the next clump to be found, i when it has none. */
static size_t put_word(Stretch *stretch, size_t i)
{
    size_t begin, end;
    word_around(stretch, stretch->block.starts[i], &begin, &end);
    if (is_plain(stretch, begin, end))
        return i;
    put_raw(stretch, begin, end, true);
    while (i < stretch->block.n_clumps && stretch->block.starts[i] < end)
        i++;
    return i;
}

/* A clump that is new, not sure, or too long; returns the next to be found. */
static size_t put_other(Stretch *stretch, size_t i)
{
    ClumpBlock *block = &stretch->block;
    size_t next = block->is_plain ? i : put_word(stretch, i), start = block->starts[i], end = block->ends[i], n = end - start, bucket = block->buckets[i];
    if (next > i)
        return next;
    const uint64_t *key = block->keys[i];
    bool is_new = n <= CLUMP_CHARS_MAX && word_cache_look_small(&stretch->scratch->words, key, bucket).n == 0;
    if (is_new && stretch->tok->model == MODEL_UNIGRAM && learn(stretch, block->chars + start, n, key, bucket))
        return i;
    put_before(stretch, start);
    int64_t before = stretch->out->n;
    put_raw(stretch, start, end, is_space(stretch, start));
    int64_t n_ids = stretch->out->n - before;
    if (is_new && stretch->tok->model == MODEL_BPE && n_ids <= CLUMP_IDS_MAX && n_ids <= (int64_t)n)
        learn_ids(stretch, key, bucket, stretch->out->ids + before, n_ids);
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
    stretch->block.chars[0] = CLUMP_SPACE_MARK;
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
    const SmallEntry *small = stretch->scratch->words.small;
    ClumpBlock *block = &stretch->block;
    KERNEL_PICK(clump_cut)(stretch->rules, block);
    KERNEL_PICK(clump_announce)(small, block);
    float note_min = least_note(stretch);
    stretch->n_put = 0;
    for (size_t i = 0; (i = KERNEL_PICK(clump_find)(small, block, i, note_min)) < block->n_clumps;)
        i = put_other(stretch, i);
    put_before(stretch, block->n_chars);
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

void clumps_encode(const ClumpRules *rules, const Tokenizer *tok, EncodeScratch *scratch, WordCut cut, Piece text, TokenBuffer *out)
{
    Stretch stretch;
    stretch.rules = rules;
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
