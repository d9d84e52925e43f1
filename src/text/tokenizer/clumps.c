/* clumps.c - see clumps.h: the text clump by clump. */
#include "text/tokenizer/clumps.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/unigram_score.h"
#include "text/tokenizer/unigram_words.h"
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
    PathScore score;
    size_t n_put;                  /* characters whose ids are put out */
    size_t passed, n_passed;       /* words of block.begins that lie before the place asked for last, and the characters in them */
    WalkBatch walked;              /* the block's cuts */
    size_t n_cuts_passed;
    ClumpBlock block;
} Stretch;

static inline float float_of(int32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline int32_t bits_of(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The least note that is sure anywhere in the rest of the stretch. */
static float least_note(Stretch *stretch)
{
    return path_score_least_note(&stretch->score, stretch->block.n_chars - stretch->n_put);
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

/* Where a character of the stretch begins; of its end, where it ends. */
static size_t place_of(Stretch *stretch, size_t i)
{
    const ClumpBlock *block = &stretch->block;
    if (i == block->n_chars)
        return stretch->n_bytes;
    size_t n_before = i - block->has_mark;
    if (n_before < stretch->n_passed)
        stretch->passed = stretch->n_passed = 0;
    for (size_t n; n_before - stretch->n_passed >= (n = (size_t)__builtin_popcountll(block->begins[stretch->passed])); stretch->passed++)
        stretch->n_passed += n;
    uint64_t word = block->begins[stretch->passed];
    for (size_t n = n_before - stretch->n_passed; n > 0; n--)
        word &= word - 1;
    return stretch->passed * 64 + (size_t)__builtin_ctzll(word);
}

/* The raw text of characters [begin, end), of which a mark at the start is no part, nor is white space that is collapsed into the mark behind them. */
static Piece raw_text(Stretch *stretch, size_t begin, size_t end)
{
    const ClumpBlock *block = &stretch->block;
    bool is_made = begin == 0 && block->has_mark;
    size_t first = is_made ? 0 : place_of(stretch, begin) + (block->chars[begin] == CLUMP_SPACE_MARK);
    size_t last = place_of(stretch, end);
    const char *bytes = stretch->text.bytes + stretch->begin;
    while (last > first && is_collapsed(stretch) && is_white(bytes[last - 1], parts_at_lines(stretch)))
        last--;
    return (Piece){.bytes = bytes + first, .n = last - first};
}

/* Characters [begin, end) from their bytes, behind those before them. Returns a note for words that are remembered, or -1. */
static int32_t put_raw(Stretch *stretch, size_t begin, size_t end, bool has_mark)
{
    Piece raw = raw_text(stretch, begin, end);
    put_before(stretch, begin);
    path_score_settle(&stretch->score);
    int32_t note = 0;
    if (stretch->tok->model == MODEL_UNIGRAM)
        note = unigram_encode_word(stretch->tok, stretch->scratch, raw, has_mark, stretch->out);
    else if (has_mark)
        word_cut_encode_fresh(stretch->tok, stretch->scratch, raw, stretch->out);
    else
        bpe_encode(stretch->tok, stretch->scratch, raw, stretch->out);
    path_score_is_settled(&stretch->score);
    stretch->n_put = end;
    return note;
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

/* Where such a word stands in the text; of no bytes, or of one that begins a line, none is remembered. */
static CutWord word_at(Stretch *stretch, size_t begin, size_t end, bool *is_kept)
{
    Piece raw = raw_text(stretch, begin, end);
    CutWord word = {.begin = (size_t)(raw.bytes - stretch->text.bytes), .end = (size_t)(raw.bytes - stretch->text.bytes) + raw.n};
    *is_kept = raw.n > 0 && !unigram_words_starts_line(stretch->tok, raw);
    return word;
}

/* Words that are not plain have places of their own, which are on their way before the first is looked up: those of many ids stand among the large ones. */
static void announce_words(Stretch *stretch)
{
    const ClumpBlock *block = &stretch->block;
    const WordCache *cache = &stretch->scratch->words;
    for (size_t k = 0, begin, end = 0; k < block->n_others && !block->is_plain; k++) {
        if (block->starts[block->others[k]] < end)
            continue;
        word_around(stretch, block->starts[block->others[k]], &begin, &end);
        bool is_kept, is_short;
        if (is_plain(stretch, begin, end))
            continue;
        CutWord word = word_at(stretch, begin, end, &is_kept);
        is_short = word.end - word.begin <= UTF8_BYTES_MAX;
        if (is_kept)
            word_cache_place(cache, &word, stretch->text.bytes, stretch->text.n);
        if (is_kept && !is_short)
            word_cache_place_large(cache, &word, stretch->text.bytes, stretch->text.n);
    }
}

/* A word that normalising changes, or in which it might. It is remembered as words are; where what is remembered is not sure it is encoded. */
static void put_word(Stretch *stretch, size_t begin, size_t end, float note_min)
{
    WordCache *cache = &stretch->scratch->words;
    Piece text = stretch->text;
    int32_t note = 0;
    bool is_kept;
    CutWord word = word_at(stretch, begin, end, &is_kept);
    put_before(stretch, begin);
    if (is_kept) {
        token_buffer_reserve(stretch->out, WORD_IDS_ROOM);
        word_cache_place(cache, &word, text.bytes, text.n);
        int n = word_cache_find(cache, &word, text.bytes, text.n, stretch->out->ids + stretch->out->n, &note);
        if (n > 0 && (stretch->tok->model == MODEL_BPE || float_of(note) > note_min)) {
            stretch->out->n += n;
            stretch->n_put = end;
            return;
        }
    }
    int64_t before = stretch->out->n;
    note = put_raw(stretch, begin, end, true);
    if (is_kept && note >= 0)
        word_cache_put(cache, word, text.bytes, text.n, stretch->out->ids + before, stretch->out->n - before, note);
}

/* Remembers a short clump of a byte-pair model by the ids just put out. */
static void learn_put(Stretch *stretch, size_t i, int64_t before)
{
    const ClumpBlock *block = &stretch->block;
    const float sure = FLT_MAX;
    uint16_t ids[CLUMP_IDS_MAX];
    int64_t n = stretch->out->n - before;
    if (!clump_is_short(block->ends[i] - block->starts[i], n))
        return;
    for (int64_t k = 0; k < CLUMP_IDS_MAX; k++)
        ids[k] = k < n ? (uint16_t)stretch->out->ids[before + k] : CLUMP_NO_ID;
    word_cache_put_small(&stretch->scratch->words, block->keys[i], block->buckets[i], ids, (int32_t)n, bits_of(sure));
}

static void put_found(ClumpBlock *block, size_t start, size_t n_chars, const uint16_t *ids)
{
    for (size_t k = 0; k < n_chars; k++)
        block->found[start + k] = k < CLUMP_IDS_MAX ? ids[k] : CLUMP_NO_ID;
}

/* Ids that do not go where characters stand. */
static void put_cut(Stretch *stretch, size_t i, const uint16_t *ids, int n)
{
    put_before(stretch, stretch->block.starts[i]);
    token_buffer_reserve(stretch->out, n);
    for (int k = 0; k < n; k++)
        stretch->out->ids[stretch->out->n++] = ids[k];
    stretch->n_put = stretch->block.ends[i];
}

/* Is a clump sure where it stands? Then its ids are put out. */
static bool put_if_sure(Stretch *stretch, size_t i, const uint16_t *ids, int n, float note)
{
    put_before(stretch, stretch->block.starts[i]);
    path_score_settle(&stretch->score);
    bool is_sure = unigram_is_sure(stretch->tok->unigram, stretch->scratch->path_score, note);
    if (is_sure)
        put_cut(stretch, i, ids, n);
    return is_sure;
}

/* Remembers and puts out a clump that a unigram model has cut; false when it was not cut, or not surely. */
static bool learn_cut(Stretch *stretch, size_t i, float note_min)
{
    ClumpBlock *block = &stretch->block;
    size_t start = block->starts[i], n = block->ends[i] - start;
    uint16_t ids[CLUMP_CUT_IDS];
    float note;
    while (stretch->n_cuts_passed < block->n_cuts && block->cuts[stretch->n_cuts_passed] < i)
        stretch->n_cuts_passed++;
    if (stretch->n_cuts_passed == block->n_cuts || block->cuts[stretch->n_cuts_passed] != i)
        return false;
    int n_ids = unigram_clump_ids(stretch->tok, &stretch->walked.words[stretch->n_cuts_passed], block->chars + start, ids, &note);
    if (n_ids == 0)
        return false;
    if (!clump_is_short(n, n_ids)) {
        if (note > note_min)
            put_cut(stretch, i, ids, n_ids);
        return note > note_min || put_if_sure(stretch, i, ids, n_ids, note);
    }
    for (int k = n_ids; k < CLUMP_IDS_MAX; k++)
        ids[k] = CLUMP_NO_ID;
    word_cache_put_small(&stretch->scratch->words, block->keys[i], block->buckets[i], ids, n_ids, bits_of(note));
    if (note > note_min)
        put_found(block, start, n, ids);
    return note > note_min || put_if_sure(stretch, i, ids, n_ids, note);
}

/* A clump that was not found: it is new, not sure, or too long, or of a word that is not plain. Returns whether anything was put out. */
static bool put_other(Stretch *stretch, size_t i, float note_min)
{
    size_t start = stretch->block.starts[i], begin, end;
    if (!stretch->block.is_plain) {
        word_around(stretch, start, &begin, &end);
        if (!is_plain(stretch, begin, end)) {
            put_word(stretch, begin, end, note_min);
            return true;
        }
    }
    const ClumpBlock *block = &stretch->block;
    KnownWord known = word_cache_look_small(&stretch->scratch->words, block->keys[i], block->buckets[i]);
    bool is_unigram = stretch->tok->model == MODEL_UNIGRAM;
    if (known.n > 0 && float_of(known.note) > note_min) {
        put_found(&stretch->block, start, block->ends[i] - start, known.ids);
        return false;
    }
    if (is_unigram && known.n > 0 && put_if_sure(stretch, i, known.ids, known.n, float_of(known.note)))
        return true;
    if (is_unigram && known.n == 0 && learn_cut(stretch, i, note_min))
        return stretch->n_put > start;
    put_before(stretch, start);
    int64_t before = stretch->out->n;
    put_raw(stretch, start, block->ends[i], is_space(stretch, start));
    if (!is_unigram && known.n == 0)
        learn_put(stretch, i, before);
    return true;
}

/* Cuts what was not found, all at once. */
static void cut_others(Stretch *stretch)
{
    ClumpBlock *block = &stretch->block;
    block->n_cuts = 0;
    stretch->n_cuts_passed = 0;
    if (stretch->tok->model != MODEL_UNIGRAM || block->n_others == 0)
        return;
    const UnigramWalk *walk = model_fast(stretch->tok)->walk;
    size_t n_chars = 0;
    for (size_t k = 0; k < block->n_others; k++)
        n_chars += block->ends[block->others[k]] - block->starts[block->others[k]];
    void *memory = encode_scratch_walk(stretch->scratch, walk_batch_bytes(n_chars, (int)block->n_others));
    walk_batch_init(&stretch->walked, memory, n_chars, (int)block->n_others);
    for (size_t k = 0; k < block->n_others; k++) {
        uint32_t i = block->others[k];
        size_t n = block->ends[i] - block->starts[i];
        block->cuts[block->n_cuts] = i;
        block->n_cuts += n <= CLUMP_CUT_CHARS && unigram_push_clump(walk, &stretch->walked, block->chars + block->starts[i], n);
    }
    KERNEL_PICK(walk_words)(walk->nodes, &stretch->walked);
}

/* False when the stretch is not well-formed UTF-8. Where bytes may not be read beyond the text they are copied first. */
static bool read_chars(Stretch *stretch, bool needs_mark)
{
    char copy[CLUMP_BLOCK_BYTES + CLUMP_READ_ROOM];
    const char *bytes = stretch->text.bytes + stretch->begin;
    ClumpBlock *block = &stretch->block;
    if (stretch->begin + stretch->n_bytes + CLUMP_READ_ROOM > stretch->text.n) {
        memcpy(copy, bytes, stretch->n_bytes);
        memset(copy + stretch->n_bytes, 0, CLUMP_READ_ROOM);
        bytes = copy;
    }
    block->has_mark = needs_mark;
    block->chars[0] = CLUMP_SPACE_MARK;
    size_t n = KERNEL_PICK(clump_chars)(bytes, stretch->n_bytes, is_collapsed(stretch), parts_at_lines(stretch), block->chars + needs_mark, block->begins);
    if (n == CLUMP_ILL_FORMED)
        return false;
    block->n_chars = needs_mark + n;
    memset(block->chars + block->n_chars, 0, 8 * sizeof *block->chars);
    return true;
}

/* Where characters take so few bytes, clumps are as long as words. */
static bool is_dense(const Stretch *stretch)
{
    return scan_count_chars(stretch->text.bytes + stretch->begin, stretch->n_bytes) * 3 <= stretch->n_bytes * 2;
}

/* Where what is put out raises the least note, all that is left of the block is looked up again: by so much more than need be that it is not so at each word. */
#define NOTE_SLACK 1.125f

static void encode_clumps(Stretch *stretch)
{
    const SmallEntry *small = stretch->scratch->words.small;
    ClumpBlock *block = &stretch->block;
    KERNEL_PICK(clump_cut)(stretch->rules, block);
    KERNEL_PICK(clump_announce)(small, block);
    stretch->n_put = stretch->passed = stretch->n_passed = 0;
    float note_min = least_note(stretch), next_min;
    KERNEL_PICK(clump_find)(small, block, 0, note_min);
    announce_words(stretch);
    cut_others(stretch);
    for (size_t k = 0; k < block->n_others; k++) {
        size_t i = block->others[k];
        if (block->starts[i] < stretch->n_put || !put_other(stretch, i, note_min) || (next_min = least_note(stretch)) <= note_min)
            continue;
        note_min = next_min * NOTE_SLACK;
        KERNEL_PICK(clump_find)(small, block, i + 1, note_min);
        k = (size_t)-1;
    }
    put_before(stretch, block->n_chars);
}

/* The words from there to the stretch, the space before them left out. */
static void encode_words(Stretch *stretch, size_t from, bool needs_mark)
{
    if (from == stretch->begin)
        return;
    path_score_settle(&stretch->score);
    bool goes_on = stretch->scratch->score_goes_on;
    stretch->scratch->score_goes_on = true;
    word_cut_encode_words(stretch->tok, stretch->scratch, stretch->cut, piece_part(stretch->text, from + !needs_mark, stretch->begin), stretch->out);
    stretch->scratch->score_goes_on = goes_on;
    path_score_is_settled(&stretch->score);
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
    stretch.score = path_score_of(tok, scratch, out);
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
        if (stretch.n_bytes > CLUMP_BLOCK_BYTES || !is_dense(&stretch) || !read_chars(&stretch, stretch.begin == first))
            continue;
        encode_words(&stretch, words, words == first);
        encode_clumps(&stretch);
        words = stretch.begin + stretch.n_bytes;
    }
    encode_words(&stretch, words, words == first);
    if (scratch->score_goes_on)
        path_score_settle(&stretch.score);
}
