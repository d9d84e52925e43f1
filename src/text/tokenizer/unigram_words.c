/* unigram_words.c - see unigram_words.h. */
#include "text/tokenizer/unigram_words.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/unigram_score.h"
#include "text/tokenizer/unigram_walk.h"
#include "text/tokenizer/word_spans.h"

enum { WORDS_AT_ONCE = 128, COARSE_BATCHES = 64 };

typedef struct {
    Piece text;
    size_t begin;
    const WordSpan *spans;               /* words, from `begin` on */
    uint64_t keys[WORDS_AT_ONCE][2]; /* of the small ones */
    uint32_t buckets[WORDS_AT_ONCE];
    CutWord large[WORDS_AT_ONCE];    /* the others */
    KnownWord known[WORDS_AT_ONCE];  /* n 0: to be encoded alone */
    int64_t begins[WORDS_AT_ONCE];   /* of their ids */
    int32_t fresh[WORDS_AT_ONCE];    /* to be remembered */
    int n_words, n_fresh, n_unsure;  /* words; new ones; of those in the cache or new, without a cut that is sure where they stand */
    int64_t n_ids;                   /* of known words */
    size_t n_fresh_bytes;
    int n_coarse;  /* so many batches to come are cut by exact sums */
} Batch;

static inline size_t length_of(const Batch *batch, int i)
{
    return batch->spans[i].end - batch->spans[i].begin;
}

static inline Piece word_of(const Batch *batch, int i)
{
    return (Piece){.bytes = batch->text.bytes + batch->begin + batch->spans[i].begin, .n = length_of(batch, i)};
}

static CutWord placed(const WordCache *cache, const Batch *batch, int i)
{
    CutWord word = {.begin = batch->begin + batch->spans[i].begin, .end = batch->begin + batch->spans[i].end};
    word_cache_place(cache, &word, batch->text.bytes, batch->text.n);
    return word;
}

/* Places first, so that all entries are on their way before the first is read. */
static void announce(const WordCache *cache, Batch *batch)
{
    const char *bytes = batch->text.bytes + batch->begin;
    size_t n_left = batch->text.n - batch->begin;
    for (int i = 0; i < batch->n_words; i++) {
        size_t n = length_of(batch, i), begin = batch->spans[i].begin;
        if (n <= SMALL_WORD_BYTES) {
            word_small_key(batch->keys[i], bytes + begin, n, begin + 16 <= n_left);
            batch->buckets[i] = (uint32_t)word_small_bucket(batch->keys[i]);
            __builtin_prefetch(&cache->small[2 * batch->buckets[i]]);
        } else {
            batch->large[i] = placed(cache, batch, i);
        }
    }
}

static void look_up(const WordCache *cache, Batch *batch)
{
    size_t n_fresh_bytes = 0;
    int64_t n_ids = 0;
    int n_fresh = 0;
    for (int i = 0; i < batch->n_words; i++) {
        size_t n = length_of(batch, i);
        KnownWord known;
        if (n <= SMALL_WORD_BYTES) {
            known = word_cache_look_small(cache, batch->keys[i], batch->buckets[i]);
            if (__builtin_expect(known.n == LOOK_AMONG_LARGE, 0))
                known = word_cache_look_large(cache, placed(cache, batch, i), batch->text.bytes, batch->text.n);
        } else {
            known = word_cache_look_large(cache, batch->large[i], batch->text.bytes, batch->text.n);
        }
        batch->known[i] = known;
        n_ids += known.n;
        bool is_fresh = (known.n == 0) & (n <= WALK_BYTES_MAX);
        batch->fresh[n_fresh] = i;
        n_fresh += is_fresh;
        n_fresh_bytes += n & -(size_t)is_fresh;
    }
    batch->n_fresh = n_fresh;
    batch->n_ids = n_ids;
    batch->n_fresh_bytes = n_fresh_bytes;
}

static bool is_line(char c)
{
    return c == '\n' || c == '\t' || c == '\r';
}

/* Words that begin a line go on behind the line end, without a mark. */
static bool has_mark(const UnigramWalk *walk, Piece word)
{
    return !(walk->lines_part && word.n > 0 && is_line(word.bytes[0]));
}

bool unigram_words_starts_line(const Tokenizer *tok, Piece word)
{
    const UnigramWalk *walk = model_fast(tok)->walk;
    return walk && !has_mark(walk, word);
}

/* Bytes of the character that begins with this one. */
static inline size_t char_bytes(char first)
{
    unsigned char byte = (unsigned char)first;
    return 1u + (byte >= 0xC0) + (byte >= 0xE0) + (byte >= 0xF0);
}

static size_t skip_chars(const char *bytes, size_t at, uint32_t n)
{
    for (; n > 0; n--)
        at += char_bytes(bytes[at]);
    return at;
}

/* Unknown characters as their bytes. */
static void spell_unknown(const Tokenizer *tok, const char *bytes, WalkWord *word)
{
    uint16_t ids[WALK_CHARS_MAX];  /* as many as bytes, and a mark */
    uint32_t n = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < word->n_ids; i++) {
        size_t end = skip_chars(bytes, at, word->lengths[i] - (uint32_t)(i == 0 && word->has_mark));
        if (word->ids[i] != WALK_UNKNOWN)
            ids[n++] = word->ids[i];
        for (; word->ids[i] == WALK_UNKNOWN && at < end; at++)
            ids[n++] = (uint16_t)tok->byte_id[(unsigned char)bytes[at]];
        at = end;
    }
    memcpy(word->ids, ids, n * sizeof *ids);
    word->n_ids = n;
}

/* Each as unk; false when two stand side by side. */
static bool name_unknown(const Tokenizer *tok, WalkWord *word)
{
    bool is_alone = true;
    for (uint32_t i = 0; i < word->n_ids; i++) {
        is_alone &= i == 0 || word->ids[i] != WALK_UNKNOWN || word->ids[i - 1] != tok->unk_id;
        word->ids[i] = word->ids[i] == WALK_UNKNOWN ? (uint16_t)tok->unk_id : word->ids[i];
    }
    return is_alone;
}

/* A cut that is not told in full is left to be made alone. `bytes` are the word behind a line end that begins it. */
static KnownWord known_of(const Tokenizer *tok, const UnigramWalk *walk, const char *bytes, WalkWord *word)
{
    if (word->has_unknown && walk->tells_bytes)
        spell_unknown(tok, bytes, word);
    else if (word->has_unknown && !(walk->tells_unk && name_unknown(tok, word)))
        return (KnownWord){.n = 0};
    if (word->n_chars > 0 && word->n_ids == 0)
        return (KnownWord){.n = 0};
    for (uint32_t i = word->n_ids; i < SMALL_WORD_IDS; i++)
        word->ids[i] = (uint16_t)tok->vocab.n_ids;
    KnownWord known = {.ids = word->ids, .n = (int32_t)word->n_ids};
    if (!word->has_mark) {
        word->before = (uint16_t)tok->byte_id[(unsigned char)bytes[-1]];
        known = (KnownWord){.ids = &word->before, .n = (int32_t)word->n_ids + 1};
    }
    float note = unigram_note_of_gap(tok->unigram, word->gap, word->n_chars + !word->has_mark);
    memcpy(&known.note, &note, sizeof note);
    return known;
}

/* Puts the fresh words into *cuts; pushed[k] is the number of its k-th. Words that are not plain are left to be encoded alone. A line end that begins one is
 * no part of its lattice: it stands for itself. */
static void push_fresh(EncodeScratch *scratch, const UnigramWalk *walk, const Batch *batch, WalkBatch *cuts, int32_t *pushed)
{
    void *memory = encode_scratch_walk(scratch, walk_batch_bytes(batch->n_fresh_bytes, batch->n_fresh));
    walk_batch_init(cuts, memory, batch->n_fresh_bytes, batch->n_fresh);
    const char *text_end = batch->text.bytes + batch->text.n;
    for (int i = 0; i < batch->n_fresh; i++) {
        Piece word = word_of(batch, batch->fresh[i]);
        bool is_marked = has_mark(walk, word);
        pushed[cuts->n_words] = batch->fresh[i];
        word.bytes += !is_marked;
        walk_batch_push(cuts, walk, word.bytes, word.n - !is_marked, (size_t)(text_end - word.bytes), is_marked);
    }
}

static void cut_fresh(const Tokenizer *tok, EncodeScratch *scratch, const UnigramWalk *walk, Batch *batch)
{
    int32_t pushed[WORDS_AT_ONCE];
    WalkBatch cuts;
    push_fresh(scratch, walk, batch, &cuts, pushed);
    KERNEL_PICK(walk_words)(walk->nodes, &cuts);
    for (int i = 0; i < cuts.n_words; i++) {
        batch->known[pushed[i]] = known_of(tok, walk, word_of(batch, pushed[i]).bytes + !cuts.words[i].has_mark, &cuts.words[i]);
        batch->n_ids += batch->known[pushed[i]].n;
    }
}

/* A word's ids behind the others; eight at once. */
static inline void put_known(const KnownWord *known, int32_t *out)
{
    typedef uint16_t Narrow __attribute__((vector_size(16)));
    typedef int32_t Wide __attribute__((vector_size(32)));
    enum { LANES = sizeof(Wide) / sizeof(int32_t) };
    Narrow narrow;
    memcpy(&narrow, known->ids, sizeof narrow);
    Wide wide = __builtin_convertvector(narrow, Wide);
    memcpy(out, &wide, sizeof wide);
    for (int32_t i = LANES; i < known->n; i++)
        out[i] = known->ids[i];
}

/* A word whose cut is not known, or not sure where it stands. */
static void put_alone(const Tokenizer *tok, EncodeScratch *scratch, Piece word, KnownWord *known, TokenBuffer *out)
{
    int64_t begin = out->n;
    known->ids = NULL;
    known->note = unigram_encode_word(tok, scratch, word, has_mark(model_fast(tok)->walk, word), out);
    known->n = known->note >= 0 ? (int32_t)(out->n - begin) : 0;
}

/* A known word whose note is not above what is sure in all of the batch may be sure where it stands. */
static bool is_sure_here(PathScore *score, const KnownWord *known, float note)
{
    path_score_settle(score);
    return known->n > 0 && unigram_is_sure(score->tok->unigram, score->scratch->path_score, note);
}

/* The ids in order. */
static void put_out(const Tokenizer *tok, EncodeScratch *scratch, Batch *batch, PathScore *score, TokenBuffer *out)
{
    const int n_words = batch->n_words;
    const int64_t n_room = WORD_IDS_ROOM * n_words + (int64_t)batch->n_fresh_bytes;
    token_buffer_reserve(out, n_room);
    float note_min = path_score_least_note(score, (size_t)batch->n_ids);
    int32_t *ids = out->ids;
    int64_t n_ids = out->n;
    batch->n_unsure = 0;
    for (int i = 0; i < n_words; i++) {
        KnownWord *known = &batch->known[i];
        float note;
        memcpy(&note, &known->note, sizeof note);
        batch->begins[i] = n_ids;
        if (__builtin_expect((known->n == 0) | !(note > note_min), 0)) {
            out->n = n_ids;
            if (!is_sure_here(score, known, note)) {
                batch->n_unsure += known->n > 0;
                put_alone(tok, scratch, word_of(batch, i), known, out);
                path_score_is_settled(score);
                token_buffer_reserve(out, n_room);
                note_min = fmaxf(note_min, path_score_least_note(score, (size_t)batch->n_ids));
                ids = out->ids;
                n_ids = out->n;
                continue;
            }
        }
        put_known(known, ids + n_ids);
        n_ids += known->n;
    }
    out->n = n_ids;
}

/* Only now, because what was found in the cache had to stay there. */
static void remember(WordCache *cache, const Batch *batch, const TokenBuffer *out)
{
    for (int i = 0; i < batch->n_fresh; i++) {
        int32_t k = batch->fresh[i];
        const KnownWord *known = &batch->known[k];
        size_t n = length_of(batch, k);
        if (n <= SMALL_WORD_BYTES && known->ids && known->n <= SMALL_WORD_IDS)
            word_cache_put_small(cache, batch->keys[k], batch->buckets[k], known->ids, known->n, known->note);
        else if (known->n > 0)
            word_cache_put(cache, n > SMALL_WORD_BYTES ? batch->large[k] : placed(cache, batch, k), batch->text.bytes, batch->text.n,
                           out->ids + batch->begins[k], known->n, known->note);
    }
}

/* Behind a long text sums are so coarse that few cuts are sure: where many words are new, or most are not sure, it is better to cut each in its place and
 * to remember none. What the last batch that was not cut so had tells; now and then there is another. */
static void judge_coarseness(const Tokenizer *tok, const EncodeScratch *scratch, Batch *batch)
{
    bool can_be = model_fast(tok)->walk->is_coarse && fabs(scratch->path_score) < WALK_PATH_MAX / 2;
    bool is_dear = 3 * batch->n_unsure + 2 * batch->n_fresh > 2 * batch->n_words && batch->n_unsure > batch->n_words / 8;
    batch->n_coarse = can_be && is_dear ? COARSE_BATCHES : 0;
}

/* The ids of a cut without unknown characters, from a word with a mark. */
static inline void put_cut(const WalkWord *cut, TokenBuffer *out)
{
    enum { LANES = 8 };
    token_buffer_reserve(out, WALK_CHARS_MAX + LANES);
    int32_t *ids = out->ids + out->n;
    for (uint32_t i = 0; i < cut->n_ids; i += LANES)
        for (uint32_t k = i; k < i + LANES; k++)
            ids[k] = cut->ids[k];
    out->n += cut->n_ids;
}

/* Each word in its place. */
static void encode_coarse(const Tokenizer *tok, EncodeScratch *scratch, Batch *batch, TokenBuffer *out)
{
    const ModelFast *fast = model_fast(tok);
    float (*behind)(WalkBatch *batch, WalkWord *word, float path_score) = KERNEL_PICK(walk_behind);
    int32_t pushed[WORDS_AT_ONCE + 1];
    WalkBatch cuts;
    batch->n_fresh = 0;
    batch->n_fresh_bytes = 0;
    for (int i = 0; i < batch->n_words; i++)
        if (length_of(batch, i) <= WALK_BYTES_MAX) {
            batch->fresh[batch->n_fresh++] = i;
            batch->n_fresh_bytes += length_of(batch, i);
        }
    push_fresh(scratch, fast->walk, batch, &cuts, pushed);
    pushed[cuts.n_words] = batch->n_words;
    KERNEL_PICK(walk_steps)(fast->walk->nodes, &cuts);
    for (int i = 0, k = 0; i < batch->n_words; i++) {
        Piece word = word_of(batch, i);
        WalkWord *cut = &cuts.words[k];
        KnownWord known = {.n = 0};
        float path_score = (float)scratch->path_score;
        if (pushed[k] == i) {
            k++;
            if (!cut->has_mark)
                path_score = path_score + fast->path_scores[tok->byte_id[(unsigned char)word.bytes[0]]];
            path_score = behind(&cuts, cut, path_score);
            if (cut->n_ids > 0 && !cut->has_unknown && cut->has_mark) {
                put_cut(cut, out);
                scratch->path_score = (double)path_score;
                continue;
            }
            known = known_of(tok, fast->walk, word.bytes + !cut->has_mark, cut);
        }
        if (known.n == 0) {
            put_alone(tok, scratch, word, &known, out);
            continue;
        }
        token_buffer_reserve(out, known.n);
        for (int32_t n = 0; n < known.n; n++)
            out->ids[out->n++] = known.ids[n];
        scratch->path_score = (double)path_score;
    }
}

static void encode_batch(const Tokenizer *tok, EncodeScratch *scratch, Batch *batch, PathScore *score, TokenBuffer *out)
{
    if (batch->n_coarse > 0) {
        batch->n_coarse--;
        path_score_settle(score);
        encode_coarse(tok, scratch, batch, out);
        path_score_is_settled(score);
        return;
    }
    announce(&scratch->words, batch);
    look_up(&scratch->words, batch);
    if (batch->n_fresh > 0)
        cut_fresh(tok, scratch, model_fast(tok)->walk, batch);
    put_out(tok, scratch, batch, score, out);
    remember(&scratch->words, batch, out);
    judge_coarseness(tok, scratch, batch);
}

/* The white space from `at` on, where lines part words: a line end begins the word behind it, and behind a space it has a mark before it. Returns the
 * words made of it; *begin is where the one behind it begins. */
static WordSpan *cut_white_space(const char *stretch, size_t at, size_t end, bool after_space, WordSpan *spans, uint32_t *begin)
{
    *begin = (uint32_t)end;
    for (; at < end; at++) {
        bool is_space = stretch[at] == ' ';
        if (!is_space && after_space)
            *spans++ = (WordSpan){(uint32_t)at, (uint32_t)at};
        if (!is_space && at + 1 == end)
            *begin = (uint32_t)at;
        else if (!is_space)
            *spans++ = (WordSpan){(uint32_t)at, (uint32_t)at + 1};
        after_space = is_space;
    }
    return spans;
}

/* The same words where lines part them; up to n_bytes. */
static size_t part_at_lines(const char *stretch, size_t n_bytes, bool is_start, const WordSpan *words, size_t n, WordSpan *spans)
{
    WordSpan *first = spans;
    size_t at = 0;
    uint32_t begin;
    for (size_t i = 0; i < n; at = words[i++].end) {
        if (words[i].begin == at + 1) {
            begin = words[i].begin - (stretch[at] != ' ');
            bool needs_mark = begin == 0 && is_start;
            *spans = (WordSpan){0, 0};
            spans += needs_mark;
        } else {
            spans = cut_white_space(stretch, at, words[i].begin, at == 0 && is_start, spans, &begin);
        }
        *spans++ = (WordSpan){begin, words[i].end};
    }
    if (at < n_bytes) {
        spans = cut_white_space(stretch, at, n_bytes, at == 0 && is_start, spans, &begin);
        if (begin < n_bytes)
            *spans++ = (WordSpan){begin, (uint32_t)n_bytes};
    }
    return (size_t)(spans - first);
}

void unigram_words_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece text, TokenBuffer *out)
{
    const UnigramWalk *walk = model_fast(tok)->walk;
    bool lines = walk->lines_part || scratch->plain.lines_are_spaces;
    WordStretch stretch = {0};
    WordSpan *parts = NULL;
    size_t n_parts_max = 0;
    PathScore score = path_score_of(tok, scratch, out);
    Batch batch;
    batch.text = text;
    batch.n_coarse = 0;
    while (word_stretch_next(&stretch, scratch->arena, lines, text)) {
        size_t n_words = stretch.n_words;
        const WordSpan *spans = stretch.words;
        if (walk->lines_part) {
            if (n_parts_max < stretch.n_bytes_max) {
                n_parts_max = stretch.n_bytes_max;
                parts = arena_alloc_unset(scratch->arena, (n_parts_max + 2) * sizeof *parts);
            }
            n_words = part_at_lines(text.bytes + stretch.begin, stretch.n_bytes, stretch.begin == 0, stretch.words, n_words, parts);
            spans = parts;
        }
        for (size_t i = 0; i < n_words; i += (size_t)batch.n_words) {
            batch.n_words = n_words - i < WORDS_AT_ONCE ? (int)(n_words - i) : WORDS_AT_ONCE;
            batch.begin = stretch.begin;
            batch.spans = spans + i;
            encode_batch(tok, scratch, &batch, &score, out);
        }
    }
    if (scratch->score_goes_on)
        path_score_settle(&score);
}
