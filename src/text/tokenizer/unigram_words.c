/* unigram_words.c - see unigram_words.h. */
#include "text/tokenizer/unigram_words.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/unigram_walk.h"
#include "text/tokenizer/word_spans.h"

enum { WORDS_AT_ONCE = 128 };

typedef struct {
    CutWord words[WORDS_AT_ONCE];
    KnownWord known[WORDS_AT_ONCE];  /* n 0: to be encoded alone */
    int64_t begins[WORDS_AT_ONCE];   /* of the ids of those in `fresh` */
    int32_t fresh[WORDS_AT_ONCE];    /* to be remembered */
    int n_words, n_fresh;
    size_t n_fresh_bytes;
} Batch;

/* Places first, so that all entries are on their way before the first is read. */
static void look_up(const WordCache *cache, Piece text, size_t begin, const WordSpan *spans, Batch *batch)
{
    for (int i = 0; i < batch->n_words; i++) {
        CutWord *word = &batch->words[i];
        word->begin = begin + spans[i].begin;
        word->end = begin + spans[i].end;
        word_cache_place(cache, word, text.bytes, text.n);
    }
    size_t n_bytes = 0;
    batch->n_fresh = 0;
    for (int i = 0; i < batch->n_words; i++) {
        const CutWord *word = &batch->words[i];
        size_t n = word->end - word->begin;
        batch->known[i] = word_cache_look(cache, word, text.bytes, text.n);
        bool is_fresh = (batch->known[i].n == 0) & (n <= WALK_BYTES_MAX);
        batch->fresh[batch->n_fresh] = i;
        batch->n_fresh += is_fresh;
        n_bytes += is_fresh ? n : 0;
    }
    batch->n_fresh_bytes = n_bytes;
}

static bool is_line(char c)
{
    return c == '\n' || c == '\t' || c == '\r';
}

/* Words that begin a line go on behind the line end, without a mark. */
static bool has_mark(const UnigramWalk *walk, Piece text, const CutWord *word)
{
    return !(walk->lines_part && word->begin < word->end && is_line(text.bytes[word->begin]));
}

bool unigram_words_starts_line(const Tokenizer *tok, Piece text, const CutWord *word)
{
    const UnigramWalk *walk = model_fast(tok)->walk;
    return walk && !has_mark(walk, text, word);
}

static size_t skip_chars(const char *bytes, size_t at, uint32_t n)
{
    for (; n > 0; n--)
        at += (size_t)utf8_length_of((unsigned char)bytes[at]);
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

/* A cut that is not told in full is left to be made alone. */
static KnownWord known_of(const Tokenizer *tok, const UnigramWalk *walk, const char *bytes, WalkWord *word)
{
    if (word->has_unknown && walk->tells_bytes)
        spell_unknown(tok, bytes, word);
    else if (word->has_unknown && !(walk->tells_unk && name_unknown(tok, word)))
        return (KnownWord){.n = 0};
    for (uint32_t i = word->n_ids; i < SMALL_WORD_IDS; i++)
        word->ids[i] = (uint16_t)tok->vocab.n_ids;
    KnownWord known = {.ids = word->ids, .n = (int32_t)word->n_ids};
    float note = unigram_note_of_gap(tok->unigram, word->gap, word->n_chars);
    memcpy(&known.note, &note, sizeof note);
    return known;
}

/* Words that are not plain are left to be encoded alone. */
static void cut_fresh(const Tokenizer *tok, const UnigramWalk *walk, Piece text, Batch *batch, WalkBatch *cuts)
{
    int32_t pushed[WORDS_AT_ONCE];
    for (int i = 0; i < batch->n_fresh; i++) {
        const CutWord *word = &batch->words[batch->fresh[i]];
        pushed[cuts->n_words] = batch->fresh[i];
        walk_batch_push(cuts, walk, text.bytes + word->begin, word->end - word->begin, has_mark(walk, text, word));
    }
    KERNEL_PICK(walk_words)(walk->nodes, cuts);
    for (int i = 0; i < cuts->n_words; i++)
        batch->known[pushed[i]] = known_of(tok, walk, text.bytes + batch->words[pushed[i]].begin, &cuts->words[i]);
}

/* A word's ids behind the others, and what they add to the score of the path; five at once, of which the last may be paddings, which add nothing. */
static inline float put_known(const KnownWord *known, const float *scores, float path_score, int32_t *out)
{
    const uint16_t *ids = known->ids;
    int32_t a = ids[0], b = ids[1], c = ids[2], d = ids[3], e = ids[4];
    out[0] = a, out[1] = b, out[2] = c, out[3] = d, out[4] = e;
    path_score = path_score + scores[a];
    path_score = path_score + scores[b];
    path_score = path_score + scores[c];
    path_score = path_score + scores[d];
    path_score = path_score + scores[e];
    for (int32_t i = SMALL_WORD_IDS; i < known->n; i++) {
        out[i] = ids[i];
        path_score += scores[ids[i]];
    }
    return path_score;
}

/* A word whose cut is not known, or not sure where it stands. */
static void put_alone(const Tokenizer *tok, EncodeScratch *scratch, Piece word, bool has_mark, KnownWord *known, TokenBuffer *out)
{
    int64_t begin = out->n;
    known->note = unigram_encode_word(tok, scratch, word, has_mark, out);
    known->n = known->note >= 0 ? (int32_t)(out->n - begin) : 0;
}

/* The ids in order, and the score of the path with them. */
static void put_out(const Tokenizer *tok, EncodeScratch *scratch, Piece text, Batch *batch, TokenBuffer *out)
{
    const ModelFast *fast = model_fast(tok);
    const float *scores = fast->path_scores;
    int64_t n_room = WORD_IDS_ROOM * batch->n_words + (int64_t)batch->n_fresh_bytes;
    token_buffer_reserve(out, n_room);
    float path_score = (float)scratch->path_score;
    for (int i = 0; i < batch->n_words; i++) {
        KnownWord *known = &batch->known[i];
        float note;
        memcpy(&note, &known->note, sizeof note);
        batch->begins[i] = out->n;
        if (__builtin_expect((known->n == 0) | !unigram_is_sure(tok->unigram, path_score, note), 0)) {
            const CutWord *word = &batch->words[i];
            scratch->path_score = path_score;
            put_alone(tok, scratch, piece_part(text, word->begin, word->end), has_mark(fast->walk, text, word), known, out);
            path_score = (float)scratch->path_score;
            token_buffer_reserve(out, n_room);
            continue;
        }
        path_score = put_known(known, scores, path_score, out->ids + out->n);
        out->n += known->n;
    }
    scratch->path_score = path_score;
}

/* Only now, because what was found in the cache had to stay there. */
static void remember(WordCache *cache, Piece text, const Batch *batch, const TokenBuffer *out)
{
    for (int i = 0; i < batch->n_fresh; i++) {
        int32_t k = batch->fresh[i];
        word_cache_put(cache, batch->words[k], text.bytes, text.n, out->ids + batch->begins[k], batch->known[k].n, batch->known[k].note);
    }
}

static void encode_batch(const Tokenizer *tok, EncodeScratch *scratch, Piece text, size_t begin, const WordSpan *spans, Batch *batch, TokenBuffer *out)
{
    look_up(&scratch->words, text, begin, spans, batch);
    WalkBatch cuts;
    if (batch->n_fresh > 0) {
        void *memory = encode_scratch_walk(scratch, walk_batch_bytes(batch->n_fresh_bytes, batch->n_fresh));
        walk_batch_init(&cuts, memory, batch->n_fresh_bytes, batch->n_fresh);
        cut_fresh(tok, model_fast(tok)->walk, text, batch, &cuts);
    }
    put_out(tok, scratch, text, batch, out);
    remember(&scratch->words, text, batch, out);
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
    Batch batch;
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
            encode_batch(tok, scratch, text, stretch.begin, spans + i, &batch, out);
        }
    }
}
