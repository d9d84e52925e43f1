/* unigram_encode.c - see unigram.h: the best path through a text. */
#include "text/tokenizer/char_trie.h"
#include "text/tokenizer/jamo.h"
#include "text/tokenizer/sampling.h"
#include "text/tokenizer/unigram_forms.h"
#include "text/tokenizer/unigram_lattice.h"
#include "text/tokenizer/unigram_reader.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The best way to reach a place between two characters: the unit of the piece that ends there, or of the character that no piece covers. */
typedef struct {
    double score;
    uint32_t unit, start;
} Step;

enum { LONG_CHARS = 4096 };

/* Sums in double, or rounded to float at every step as SentencePiece's are. With `wants_margin` (double only) the least difference between two
 * ways that met anywhere is returned. */
typedef struct {
    bool rounded, wants_margin;
    double from;  /* score at the start */
} PathRule;

static inline void offer(PathRule rule, Step *step, double score, uint32_t unit, uint32_t start, double *margin)
{
    double kept = rule.rounded ? (double)(float)score : score, difference = fabs(score - step->score);
    bool better = score > step->score;
    if (rule.wants_margin)
        *margin = difference < *margin ? difference : *margin;
    step->score = better ? kept : step->score;
    step->unit = better ? unit : step->unit;
    step->start = better ? start : step->start;
}

/* The last place that the best ways to all places of [first, last] have in common. */
static uint32_t common_place(const Step *steps, uint32_t first, uint32_t last)
{
    uint32_t common = first;
    for (uint32_t place = first + 1; place <= last; place++)
        for (uint32_t other = place; other != common;)
            if (other > common)
                other = steps[other].start;
            else
                common = steps[common].start;
    return common;
}

/* Compiled for each rule. labels[n] is trie->none. Ends at the first place from `n_enough` on that no piece reaches over, so that every way comes by it;
 * in a long text without one, at a place by which the best ways come to all places that can be next, if labels up to n tell all of these; or else at n.
 * Returns where. Searching on from there finds the same path: it passes by that place, and every way beside it only loses. */
__attribute__((always_inline)) static inline uint32_t best_path(const CharTrie *trie, const uint32_t *labels, uint32_t n, uint32_t n_enough, Step *steps, PathRule rule, double *margin)
{
    static const Step unreached = {-INFINITY, 0, 0};
    uint32_t start = 0, reach = 0, seen = 0, long_enough = n_enough == UINT32_MAX ? UINT32_MAX : LONG_CHARS;
    steps[0] = (Step){rule.from, 0, 0};
    double least = FLT_MAX;
    for (; start < n && !(start == reach && start >= n_enough); start++) {
        if (start == long_enough && seen < n) {
            uint32_t common = common_place(steps, start, reach);
            if (common > start / 2) {
                start = common;
                break;
            }
            long_enough *= 2;
        }
        uint32_t at = labels[start], end = start + 1;
        double here = steps[start].score, score = trie->scores[at] + here;
        if (rule.rounded && trie->ids[at] < 0)
            score = (double)(float)score;
        if (end > reach)
            steps[reach = end] = unreached;
        offer(rule, &steps[end], score, at, start, &least);
        for (uint64_t unit = trie->units[at]; unit & CHAR_TRIE_GOES_ON;) {
            at = char_trie_child(unit, labels[end]);
            unit = trie->units[at];
            if (char_trie_label(unit) != labels[end])
                break;
            if (++end > reach)
                steps[reach = end] = unreached;
            offer(rule, &steps[end], trie->scores[at] + here, at, start, &least);
        }
        seen = end > seen ? end : seen;
    }
    *margin = least;
    return start;
}

static uint32_t best_path_rounded(const CharTrie *trie, const uint32_t *labels, uint32_t n, uint32_t n_enough, Step *steps, double from)
{
    double margin;
    return best_path(trie, labels, n, n_enough, steps, (PathRule){.rounded = true, .from = from}, &margin);
}

/* Bytes for a stretch that no piece covers, or one unk. */
static void put_bytes_or_unk(const Tokenizer *tok, Piece piece, size_t begin, size_t end, TokenBuffer *out)
{
    bool bytes = tok->byte_fallback;
    for (size_t i = begin; bytes && i < end; i++)
        bytes = tok->byte_id[(unsigned char)piece.bytes[i]] >= 0;
    if (!bytes) {
        if (tok->unk_id >= 0)
            token_buffer_push(out, tok->unk_id, begin, end);
        return;
    }
    token_buffer_reserve(out, (int64_t)(end - begin));
    for (size_t i = begin; i < end; i++, out->n++) {
        out->ids[out->n] = tok->byte_id[(unsigned char)piece.bytes[i]];
        if (out->wants_offsets)
            out->offsets[out->n] = (TokenOffset){(int64_t)i, (int64_t)i + 1};
    }
}

/* Whether a syllable that the vocabulary can spell in jamo starts here; *end is behind the character. */
static bool is_jamo_syllable(const Tokenizer *tok, Piece piece, size_t begin, size_t *end, int32_t ids[3], int *n_ids)
{
    uint32_t c;
    *end = begin + (size_t)utf8_decode(&c, piece.bytes + begin, piece.bytes + piece.n);
    return hangul_is_syllable(c) && jamo_ids_of(tok, c, ids, n_ids);
}

/* Jamo for the syllables of a stretch that no piece covers; bytes or one unk for each run of the rest. */
static void put_unknown(const Tokenizer *tok, Piece piece, size_t begin, size_t end, TokenBuffer *out)
{
    size_t rest = begin, next;
    for (size_t at = begin; tok->jamo_fallback && at < end; at = next) {
        int32_t ids[3];
        int n_ids;
        if (!is_jamo_syllable(tok, piece, at, &next, ids, &n_ids))
            continue;
        if (rest < at)
            put_bytes_or_unk(tok, piece, rest, at, out);
        for (int i = 0; i < n_ids; i++)
            token_buffer_push(out, ids[i], at + (size_t)i, i + 1 == n_ids ? next : at + (size_t)i + 1);
        rest = next;
    }
    if (rest < end)
        put_bytes_or_unk(tok, piece, rest, end, out);
}

void unigram_put_parts(const Tokenizer *tok, Piece piece, const UnigramPart *parts, size_t n, TokenBuffer *out)
{
    for (size_t i = 0; i < n; i++) {
        size_t begin = parts[i].begin;
        if (parts[i].id != tok->unk_id) {
            token_buffer_push(out, parts[i].id, begin, parts[i].end);
            continue;
        }
        while (i + 1 < n && parts[i + 1].id == tok->unk_id)
            i++;
        put_unknown(tok, piece, begin, parts[i].end, out);
    }
}

/* A text as the search sees it, and then what is left of it: it is searched in parts where it can be cut. */
typedef struct {
    Piece piece;
    uint32_t *labels;    /* n + 1 */
    uint32_t *places;    /* n + 1: where each character begins in the piece */
    uint32_t *ends;      /* room for n */
    Step *steps;         /* n + 1 */
    uint32_t n;
    uint32_t n_enough;   /* characters of a part; UINT32_MAX: there is only one */
    bool after_unk;      /* the part before ended in one */
} Lattice;
enum { PART_CHARS = 256 };

/* May a run of unknown characters be met in two parts? Not where it becomes one token with an offset, or jamo among bytes or unk. */
static bool may_be_cut(const Tokenizer *tok, const TokenBuffer *out)
{
    bool tells_all = model_fast(tok)->scores_tell_bytes;  /* then all bytes have tokens */
    for (int b = 0; b < 256 && tok->byte_fallback && !tells_all; b++)
        if (tok->byte_id[b] < 0)
            return false;
    return !tok->jamo_fallback && !out->wants_offsets;
}

/* For so many characters; steps and ends stay where they are. */
static void lattice_make_room(Lattice *lattice, EncodeScratch *scratch, size_t n)
{
    lattice->steps = encode_scratch_model(scratch, (n + 2) * (sizeof(Step) + sizeof(uint32_t)));
    lattice->ends = (uint32_t *)(lattice->steps + n + 2);
}

/* What the reader holds. */
static void lattice_read(Lattice *lattice, const UnigramReader *reader)
{
    lattice->piece = (Piece){.bytes = reader->bytes, .n = reader->n_bytes};
    lattice->labels = reader->labels;
    lattice->places = reader->places;
    lattice->n = reader->n;
}

static Lattice lattice_for(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, const TokenBuffer *out)
{
    size_t n_max = piece.n + 2;
    Step *steps = encode_scratch_model(scratch, n_max * (sizeof(Step) + 3 * sizeof(uint32_t)));
    uint32_t *labels = (uint32_t *)(steps + n_max);
    uint32_t n_enough = piece.n > PART_CHARS && may_be_cut(tok, out) ? PART_CHARS : UINT32_MAX;
    return (Lattice){.piece = piece, .steps = steps, .labels = labels, .places = labels + n_max, .ends = labels + 2 * n_max, .n_enough = n_enough};
}

static void read_labels(const CharTrie *trie, Lattice *lattice)
{
    uint32_t n = 0;
    for (size_t at = 0; at < lattice->piece.n;) {
        lattice->places[n] = (uint32_t)at;
        lattice->labels[n++] = char_table_read(&trie->labels, lattice->piece.bytes, &at, lattice->piece.n) & ~UNIGRAM_PLAIN_CHAR;
    }
    lattice->labels[n] = trie->none;
    lattice->places[n] = (uint32_t)lattice->piece.n;
    lattice->n = n;
}

/* Goes on behind a part. */
static void leave_part(Lattice *lattice, uint32_t n)
{
    lattice->labels += n;
    lattice->places += n;
    lattice->n -= n;
}

/* The ends of the path to `end`, from the last on; returns how many, and whether each of its pieces is known. */
static uint32_t find_ends(const Tokenizer *tok, const CharTrie *trie, const Lattice *lattice, uint32_t end, bool *all_known)
{
    uint32_t n = 0;
    *all_known = true;
    for (; end > 0; end = lattice->steps[end].start) {
        int32_t id = trie->ids[lattice->steps[end].unit];
        *all_known &= id >= 0 && id != tok->unk_id;
        lattice->ends[n++] = end;
    }
    return n;
}

/* One unk for a run of unknown characters. */
static void put_known_and_unk(const Tokenizer *tok, const CharTrie *trie, Lattice *lattice, uint32_t n, TokenBuffer *out)
{
    token_buffer_reserve(out, n);
    bool after_unk = lattice->after_unk;
    while (n > 0) {
        int32_t id = trie->ids[lattice->steps[lattice->ends[--n]].unit];
        bool is_unk = id < 0 || id == tok->unk_id;
        out->ids[out->n] = is_unk ? tok->unk_id : id;
        out->n += !is_unk || (!after_unk && tok->unk_id >= 0);
        after_unk = is_unk;
    }
    lattice->after_unk = after_unk;
}

/* Emits the path with the given ends. */
static void put_path(const Tokenizer *tok, const CharTrie *trie, Lattice *lattice, uint32_t n, bool all_known, TokenBuffer *out)
{
    const Step *steps = lattice->steps;
    if (all_known && !out->wants_offsets) {
        token_buffer_reserve(out, n);
        while (n > 0)
            out->ids[out->n++] = trie->ids[steps[lattice->ends[--n]].unit];
        lattice->after_unk = false;
        return;
    }
    if (!out->wants_offsets && !tok->byte_fallback && !tok->jamo_fallback) {
        put_known_and_unk(tok, trie, lattice, n, out);
        return;
    }
    while (n > 0) {
        uint32_t end = lattice->ends[--n];
        size_t begin = lattice->places[steps[end].start];
        int32_t id = trie->ids[steps[end].unit];
        if (id >= 0 && id != tok->unk_id) {
            token_buffer_push(out, id, begin, lattice->places[end]);
            continue;
        }
        for (; n > 0; n--) {
            id = trie->ids[steps[lattice->ends[n - 1]].unit];
            if (id >= 0 && id != tok->unk_id)
                break;
            end = lattice->ends[n - 1];
        }
        put_unknown(tok, lattice->piece, begin, lattice->places[end], out);
    }
}

void unigram_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    if (scratch->sampler && scratch->sampler->sampling->draws_cut) {
        unigram_sample(tok, scratch, piece, out);
        return;
    }
    const CharTrie *trie = model_fast(tok)->chars;
    Lattice lattice = lattice_for(tok, scratch, piece, out);
    read_labels(trie, &lattice);
    double from = 0.0, margin;
    while (lattice.n > 0) {
        uint32_t end;
        if (tok->unigram->single_precision)
            end = best_path_rounded(trie, lattice.labels, lattice.n, lattice.n_enough, lattice.steps, from);
        else
            end = best_path(trie, lattice.labels, lattice.n, lattice.n_enough, lattice.steps, (PathRule){.rounded = false, .from = from}, &margin);
        bool all_known;
        uint32_t n = find_ends(tok, trie, &lattice, end, &all_known);
        from = lattice.steps[end].score;
        put_path(tok, trie, &lattice, n, all_known, out);
        leave_part(&lattice, end);
    }
}

static const double hopeless_margin = 2.0;

/* A score in single precision behind one: of two floats, the sum rounded once. */
static inline double sum_behind(double path_score, double score)
{
    return (double)((float)path_score + (float)score);
}

/* What each sum of a text of so many characters may err by here, and how many such errors may part two ways; false where no cut can be sure. */
static inline bool may_be_sure(const Tokenizer *tok, const EncodeScratch *scratch, uint32_t n_chars, double *error, double *n_errors)
{
    *error = UNIGRAM_FLOAT_ERROR * unigram_largest_sum(tok->unigram, scratch->path_score, n_chars);
    *n_errors = 2.0 * ((double)n_chars + 1.0);
    return n_chars <= NOTED_CHARS_MAX && *error * *n_errors < hopeless_margin;
}

/* The path of a part of a lattice behind the texts before it; see unigram_encode_word. Leaves the part behind. Only of a short one is a note wanted. */
static int32_t encode_part(const Tokenizer *tok, EncodeScratch *scratch, Lattice *lattice, TokenBuffer *out)
{
    const ModelFast *fast = model_fast(tok);
    const CharTrie *trie = fast->chars;
    uint32_t end = lattice->n;
    double error, n_errors, margin;
    bool is_sure = false, all_known;
    float note = 0.0f;
    if (may_be_sure(tok, scratch, end, &error, &n_errors)) {
        best_path(trie, lattice->labels, end, UINT32_MAX, lattice->steps, (PathRule){.wants_margin = true}, &margin);
        note = (float)(margin / n_errors);
        is_sure = note > error;
    }
    if (!is_sure)
        end = best_path_rounded(trie, lattice->labels, end, lattice->n_enough, lattice->steps, scratch->path_score);
    uint32_t n = find_ends(tok, trie, lattice, end, &all_known);
    for (uint32_t i = n; i-- > 0 && is_sure;)
        scratch->path_score = sum_behind(scratch->path_score, trie->scores[lattice->steps[lattice->ends[i]].unit]);
    if (!is_sure)
        scratch->path_score = lattice->steps[end].score;
    put_path(tok, trie, lattice, n, all_known, out);
    leave_part(lattice, end);
    int32_t bits;
    memcpy(&bits, &note, sizeof bits);
    return is_sure && (all_known || fast->scores_tell_bytes) ? bits : -1;
}

/* A short word of plain characters, whose normal form is a mark (if it has one) and itself; false for any other. The mark begins and ends where the word
 * begins. */
static bool read_plain_labels(const ModelFast *fast, Lattice *lattice, bool has_mark)
{
    uint32_t n = 0, all = UNIGRAM_PLAIN_CHAR;
    if (has_mark) {
        lattice->places[n] = 0;
        lattice->labels[n++] = fast->mark_label & ~UNIGRAM_PLAIN_CHAR;
    }
    for (size_t at = 0; at < lattice->piece.n && all && n < NOTED_CHARS_MAX;) {
        lattice->places[n] = (uint32_t)at;
        uint32_t value = char_table_read(&fast->chars->labels, lattice->piece.bytes, &at, lattice->piece.n);
        all &= at == lattice->piece.n || n + 1 < NOTED_CHARS_MAX ? value : 0;
        lattice->labels[n++] = value & ~UNIGRAM_PLAIN_CHAR;
    }
    lattice->labels[n] = fast->chars->none;
    lattice->places[n] = (uint32_t)lattice->piece.n;
    lattice->n = n;
    return all;
}

/* Has any piece the character of this unit and the next? */
static inline bool goes_on(const CharTrie *trie, uint64_t unit, uint32_t next)
{
    return unit & CHAR_TRIE_GOES_ON && char_trie_label(trie->units[char_trie_child(unit, next)]) == next;
}

/* Characters that make the whole of their parts, as many as follow one another, and what they become. Room is reserved. Returns how many. */
static uint32_t put_alone(const Tokenizer *tok, const CharTrie *trie, Lattice *lattice, bool is_finished, float *path_score, TokenBuffer *out)
{
    const uint32_t *labels = lattice->labels, n = lattice->n;
    const int32_t unk = tok->unk_id;
    const bool spells = tok->byte_fallback;
    int32_t *ids = out->ids + out->n;
    bool after_unk = lattice->after_unk;
    float score = *path_score;
    uint32_t i = 0;
    for (; i < n; i++) {
        const uint32_t at = labels[i], next = labels[i + 1];
        const uint64_t unit = trie->units[at];
        if (goes_on(trie, unit, next) || (unit & CHAR_TRIE_GOES_ON && i + 1 == n && !is_finished))
            break;
        const int32_t id = trie->ids[at];
        const bool is_unknown = id < 0 || id == unk;
        score += (float)trie->scores[at];
        for (uint32_t b = lattice->places[i]; is_unknown && spells && b < lattice->places[i + 1]; b++)
            *ids++ = tok->byte_id[(unsigned char)lattice->piece.bytes[b]];
        if (is_unknown && spells)
            continue;
        *ids = is_unknown ? unk : id;
        ids += !is_unknown || (!after_unk && unk >= 0);
        after_unk = is_unknown;
    }
    *path_score = score;
    lattice->after_unk = after_unk;
    out->n = ids - out->ids;
    leave_part(lattice, i);
    return i;
}

/* Encodes what the reader holds, cut wherever no piece reaches over. Most parts are one character, of which nothing need be searched. Returns where
 * the part begins that what is still to be read may change. */
static uint32_t encode_stretch(const Tokenizer *tok, EncodeScratch *scratch, const UnigramReader *reader, Lattice *lattice, TokenBuffer *out)
{
    const CharTrie *trie = model_fast(tok)->chars;
    float path_score = (float)scratch->path_score;
    uint32_t n_enough = 1;  /* of a part: more where one follows the other */
    token_buffer_reserve(out, (int64_t)reader->n * UTF8_BYTES_MAX);
    for (lattice_read(lattice, reader); lattice->n > 0;) {
        for (uint32_t n = put_alone(tok, trie, lattice, reader->is_finished, &path_score, out); n > 0 && n_enough > 2; n--)
            n_enough = n_enough / 2 + 1;
        if (lattice->n == 0 || (lattice->n == 1 && !reader->is_finished))
            break;
        uint32_t half = lattice->n / 2 + 1, part = reader->is_finished || n_enough < half ? n_enough : half;  /* not in vain up to the end of what is held */
        uint32_t end = best_path_rounded(trie, lattice->labels, lattice->n, part, lattice->steps, (double)path_score);
        if (end == lattice->n && !reader->is_finished)
            break;
        bool all_known;
        uint32_t n = find_ends(tok, trie, lattice, end, &all_known);
        path_score = (float)lattice->steps[end].score;
        put_path(tok, trie, lattice, n, all_known, out);
        leave_part(lattice, end);
        n_enough = n_enough < PART_CHARS ? 2 * n_enough : PART_CHARS;
    }
    scratch->path_score = (double)path_score;
    return reader->n - lattice->n;
}

/* The same of a whole word: what each character adds to the path. False where a piece has more than one. */
static bool score_alone(const CharTrie *trie, const UnigramReader *reader, float *scores)
{
    for (uint32_t i = 0; i < reader->n; i++) {
        const uint32_t at = reader->labels[i];
        if (goes_on(trie, trie->units[at], reader->labels[i + 1]))
            return false;
        scores[i] = (float)trie->scores[at];
    }
    return true;
}

/* Remembers a word that is not plain, which became the ids behind `begin`. Returns what unigram_encode_word does. */
static int32_t learn_form(const Tokenizer *tok, EncodeScratch *scratch, Piece word, bool has_mark, const UnigramReader *reader, int32_t note,
                          const TokenBuffer *out, int64_t begin)
{
    const ModelFast *fast = model_fast(tok);
    const float sure = INFINITY;
    float scores[UNIGRAM_FORM_CHARS];
    if (!unigram_forms_may_hold(word, reader->n))
        return note;
    UnigramForm form = {.n = reader->n, .note = -1};
    if (score_alone(fast->chars, reader, scores)) {
        form.ids = out->ids + begin;
        form.n_ids = (uint32_t)(out->n - begin);
        form.scores = scores;
        if (fast->scores_tell_bytes || (fast->score_tells_unk && form.n_ids == form.n))
            memcpy(&form.note, &sure, sizeof form.note);
        note = form.note;
    } else {
        form.n_bytes = reader->n_bytes;
        form.places = reader->places;
        form.labels = reader->labels;
        form.bytes = reader->bytes;
    }
    unigram_forms_put(&scratch->forms, word, has_mark, form);
    return note;
}

/* A word met again, whose ids are known. */
static void put_again(EncodeScratch *scratch, const UnigramForm *form, TokenBuffer *out)
{
    float path_score = (float)scratch->path_score;
    for (uint32_t i = 0; i < form->n; i++)
        path_score += form->scores[i];
    scratch->path_score = (double)path_score;
    token_buffer_reserve(out, form->n_ids);
    memcpy(out->ids + out->n, form->ids, form->n_ids * sizeof *form->ids);
    out->n += form->n_ids;
}

/* What the reader holds of a word, and what it then reads. */
static int32_t encode_read(const Tokenizer *tok, EncodeScratch *scratch, UnigramReader *reader, bool is_whole, TokenBuffer *out)
{
    Lattice lattice = {.n_enough = UINT32_MAX};
    double error, n_errors;
    if (is_whole || (reader->is_finished && may_be_sure(tok, scratch, reader->n, &error, &n_errors))) {
        lattice_make_room(&lattice, scratch, reader->n);
        lattice_read(&lattice, reader);
        return lattice.n > 0 ? encode_part(tok, scratch, &lattice, out) : -1;
    }
    for (;;) {
        lattice_make_room(&lattice, scratch, reader->n);
        uint32_t n_done = encode_stretch(tok, scratch, reader, &lattice, out);
        if (reader->is_finished)
            return -1;
        unigram_reader_next(reader, n_done);
    }
}

int32_t unigram_encode_word(const Tokenizer *tok, EncodeScratch *scratch, Piece word, bool has_mark, TokenBuffer *out)
{
    if (word.n < NOTED_CHARS_MAX * UTF8_BYTES_MAX) {
        Lattice plain = lattice_for(tok, scratch, word, out);
        if (read_plain_labels(model_fast(tok), &plain, has_mark))
            return encode_part(tok, scratch, &plain, out);
    }
    const UnigramForm *form = unigram_forms_find(scratch->forms, word, has_mark);
    if (form && form->ids) {
        put_again(scratch, form, out);
        return form->note;
    }
    const bool is_whole = !may_be_cut(tok, out);
    const int64_t begin = out->n;
    UnigramReader reader;
    if (form)
        reader = (UnigramReader){.is_finished = true, .n = form->n, .n_bytes = form->n_bytes, .places = form->places, .labels = form->labels, .bytes = form->bytes};
    else
        unigram_reader_init(&reader, tok, scratch->word_arena, word, has_mark, is_whole || unigram_forms_may_hold(word, 0));
    const bool is_new = !form && reader.is_finished;
    int32_t note = encode_read(tok, scratch, &reader, is_whole, out);
    if (is_new)
        note = learn_form(tok, scratch, word, has_mark, &reader, note, out, begin);
    arena_reset(scratch->word_arena);
    return note;
}

bool unigram_follows(const Tokenizer *tok, EncodeScratch *scratch, const int32_t *ids, int n, int32_t note)
{
    float margin;
    memcpy(&margin, &note, sizeof margin);
    if (!unigram_is_sure(tok->unigram, scratch->path_score, margin))
        return false;
    const float *scores = model_fast(tok)->path_scores;
    float path_score = (float)scratch->path_score + scores[ids[0]];
    path_score = path_score + scores[ids[1]];  /* a padding adds nothing */
    path_score = path_score + scores[ids[2]];
    path_score = path_score + scores[ids[3]];
    for (int i = 4; i < n; i++)
        path_score += scores[ids[i]];
    scratch->path_score = (double)path_score;
    return true;
}
