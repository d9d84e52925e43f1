/* unigram.c - see unigram.h: reading a vocabulary and finding the best path. Training is in unigram_train.c. */
#include "text/tokenizer/jamo.h"
#include "text/tokenizer/sampling.h"
#include "text/tokenizer/unigram_lattice.h"
#include "text/unicode/char_run.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double unknown_penalty = 10.0;

Unigram *unigram_new(void)
{
    return mem_alloc(sizeof(Unigram));
}

void unigram_free(Unigram *unigram)
{
    if (!unigram)
        return;
    free(unigram->scores);
    free(unigram->user_defined);
    free(unigram->hidden);
    trie_release(&unigram->trie);
    free(unigram);
}

void unigram_push(Unigram *unigram, double score)
{
    if (unigram->n == unigram->capacity) {
        unigram->capacity = unigram->capacity ? unigram->capacity * 2 : 1024;
        unigram->scores = mem_realloc(unigram->scores, (size_t)unigram->capacity * sizeof *unigram->scores);
    }
    unigram->scores[unigram->n++] = score;
}

void unigram_finish(Unigram *unigram, const Vocab *vocab)
{
    unigram->min_score = DBL_MAX;
    unigram->max_score = -DBL_MAX;
    TrieKey *keys = mem_alloc((size_t)unigram->n * sizeof *keys);
    size_t n_keys = 0;
    for (int32_t id = 0; id < unigram->n; id++) {
        if (unigram->hidden && unigram->hidden[id])
            continue;
        size_t n;
        const char *text = vocab_text(vocab, id, &n);
        if (text && n)
            keys[n_keys++] = (TrieKey){text, n, id};
        if (unigram->user_defined && unigram->user_defined[id])
            continue;
        if (unigram->scores[id] < unigram->min_score)
            unigram->min_score = unigram->scores[id];
        if (unigram->scores[id] > unigram->max_score)
            unigram->max_score = unigram->scores[id];
    }
    trie_build(&unigram->trie, keys, n_keys);
    free(keys);
}

Err unigram_read_vocab(Unigram **out, JsonReader *r, Arena *arena, Vocab *vocab)
{
    if (*out)
        return json_fail(r, "a second \"vocab\"");
    Unigram *unigram = *out = unigram_new();
    TRY(json_array_begin(r));
    while (json_array_next(r)) {
        const char *piece = NULL;
        size_t n = 0;
        double score = 0.0;
        int n_parts = 0;
        TRY(json_array_begin(r));
        for (; json_array_next(r); n_parts++)
            TRY(n_parts == 0 ? json_string(r, arena, &piece, &n) : n_parts == 1 ? json_double(r, &score) : json_skip(r));
        TRY(r->err);
        if (n_parts != 2 || !(score <= 0.0 || score >= 0.0))
            return json_fail(r, "expected [piece, score]");
        Err err = vocab_add(vocab, unigram->n, piece, n);
        if (err != OK)
            return json_fail(r, "piece \"%.40s\" appears twice", piece);
        unigram_push(unigram, score);
    }
    TRY(r->err);
    if (unigram->n == 0)
        return json_fail(r, "an empty vocabulary");
    unigram_finish(unigram, vocab);
    return OK;
}

/* The best way to reach a place of the text: the piece that ends there. */
typedef struct {
    double score;
    int32_t id;
    uint32_t start;
} Step;
enum { UNREACHED = UINT32_MAX };

/* Sums in double, or rounded to float at every step as SentencePiece's are. `margin` (double only; may be NULL) becomes the least
 * difference between two ways that met anywhere. */
typedef struct {
    bool rounded;
    double from;  /* score at the start */
    double *margin;
} PathRule;

static inline void offer(PathRule rule, Step *step, double score, int32_t id, size_t start)
{
    double kept = rule.rounded ? (double)(float)score : score;
    if (step->start == (uint32_t)UNREACHED) {
        *step = (Step){kept, id, (uint32_t)start};
        return;
    }
    if (rule.margin && fabs(score - step->score) < *rule.margin)
        *rule.margin = fabs(score - step->score);
    if (score > step->score)
        *step = (Step){kept, id, (uint32_t)start};
}

double unigram_unknown_score(const Unigram *unigram)
{
    double score = unigram->min_score - unknown_penalty;
    return unigram->single_precision ? (double)(float)score : score;
}

static inline double score_of(const Unigram *unigram, int32_t id, size_t n_bytes)
{
    bool preferred = unigram->user_defined && unigram->user_defined[id];
    return preferred ? (double)(float)((float)n_bytes * (float)unigram->max_score) - 0.1 : unigram->scores[id];
}

double unigram_score(const Unigram *unigram, int32_t id, size_t n_bytes)
{
    return score_of(unigram, id, n_bytes);
}

static inline size_t char_bytes(const char *at, const char *end)
{
    if ((unsigned char)*at < 0x80)
        return 1;
    if (is_syllable(at, (size_t)(end - at)))
        return SYLLABLE_BYTES;
    uint32_t c;
    return (size_t)utf8_decode(&c, at, end);
}

static inline void best_path(const Unigram *unigram, int32_t unk_id, Piece piece, Step *steps, PathRule rule)
{
    for (size_t i = 1; i <= piece.n; i++)
        steps[i].start = UNREACHED;
    steps[0] = (Step){rule.from, -1, 0};
    double unknown = unigram_unknown_score(unigram);
    for (size_t start = 0; start < piece.n;) {
        size_t length = char_bytes(piece.bytes + start, piece.bytes + piece.n);
        double here = steps[start].score;
        bool covered = false;
        TrieNode node = trie_root(&unigram->trie);
        for (size_t end = start; end < piece.n && trie_step(&unigram->trie, &node, (unsigned char)piece.bytes[end]);) {
            end++;
            int32_t id = trie_value(node);
            if (id < 0)
                continue;
            offer(rule, &steps[end], score_of(unigram, id, end - start) + here, id, start);
            covered |= end - start == length;
        }
        if (!covered) {
            double score = unknown + here;
            offer(rule, &steps[start + length], rule.rounded ? (double)(float)score : score, unk_id, start);
        }
        start += length;
    }
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
    for (size_t i = begin; i < end; i++)
        token_buffer_push(out, tok->byte_id[(unsigned char)piece.bytes[i]], i, i + 1);
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

/* Emits the path that ends at piece.n, its ends from the last to the first being ends[0, n). */
static void put_path(const Tokenizer *tok, Piece piece, const Step *steps, const uint32_t *ends, size_t n, TokenBuffer *out)
{
    while (n > 0) {
        size_t end = ends[--n], begin = steps[end].start;
        if (steps[end].id != tok->unk_id) {
            token_buffer_push(out, steps[end].id, begin, end);
            continue;
        }
        while (n > 0 && steps[ends[n - 1]].id == tok->unk_id)
            end = ends[--n];
        put_unknown(tok, piece, begin, end, out);
    }
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

static size_t path_ends(const Step *steps, size_t n_bytes, uint32_t *ends)
{
    size_t n = 0;
    for (size_t end = n_bytes; end > 0; end = steps[end].start)
        ends[n++] = (uint32_t)end;
    return n;
}

static Step *steps_for(EncodeScratch *scratch, Piece piece, uint32_t **ends)
{
    Step *steps = encode_scratch_model(scratch, (piece.n + 1) * (sizeof(Step) + sizeof(uint32_t)));
    *ends = (uint32_t *)(steps + piece.n + 1);
    return steps;
}

void unigram_encode(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    if (scratch->sampler && scratch->sampler->sampling->draws_cut) {
        unigram_sample(tok, scratch, piece, out);
        return;
    }
    uint32_t *ends;
    Step *steps = steps_for(scratch, piece, &ends);
    if (tok->unigram->single_precision)
        best_path(tok->unigram, tok->unk_id, piece, steps, (PathRule){.rounded = true});
    else
        best_path(tok->unigram, tok->unk_id, piece, steps, (PathRule){.rounded = false});
    put_path(tok, piece, steps, ends, path_ends(steps, piece.n, ends), out);
}

/* Words behind one another, summed in float as one text. A word's best path is the same wherever it stands as long as rounding cannot decide
 * between two ways: each of its k <= n sums errs by at most 2^-24 of its size, so two ways that differ by more than 2 (n + 1) such errors stay in
 * their order. A note is the least difference found, in double from 0, divided by 2 (n + 1). */
static const double float_error = 0x1p-24;

static double largest_sum(const Unigram *unigram, double from, size_t n_bytes)
{
    return fabs(from) + (double)n_bytes * (unknown_penalty - unigram->min_score);
}

int32_t unigram_encode_after(const Tokenizer *tok, EncodeScratch *scratch, Piece piece, TokenBuffer *out)
{
    const Unigram *unigram = tok->unigram;
    uint32_t *ends;
    Step *steps = steps_for(scratch, piece, &ends);
    double margin = FLT_MAX;
    best_path(unigram, tok->unk_id, piece, steps, (PathRule){.margin = &margin});
    float note = (float)(margin / (2.0 * (double)(piece.n + 1)));
    bool is_sure = note > float_error * largest_sum(unigram, scratch->path_score, piece.n);
    if (!is_sure)
        best_path(unigram, tok->unk_id, piece, steps, (PathRule){.rounded = true, .from = scratch->path_score});
    size_t n = path_ends(steps, piece.n, ends);
    bool all_known = true;
    for (size_t i = n; i-- > 0;) {
        int32_t id = steps[ends[i]].id;
        all_known &= id != tok->unk_id;
        double score = id == tok->unk_id ? unigram_unknown_score(unigram) : unigram->scores[id];
        scratch->path_score = (double)(float)(scratch->path_score + score);
    }
    put_path(tok, piece, steps, ends, n, out);
    int32_t bits;
    memcpy(&bits, &note, sizeof bits);
    return is_sure && all_known ? bits : -1;
}

bool unigram_follows(const Tokenizer *tok, EncodeScratch *scratch, const int32_t *ids, int n, int32_t note)
{
    float margin;
    memcpy(&margin, &note, sizeof margin);
    if (!(margin > float_error * largest_sum(tok->unigram, scratch->path_score, LONG_PIECE_BYTES)))
        return false;
    for (int i = 0; i < n; i++)
        scratch->path_score = (double)(float)(scratch->path_score + tok->unigram->scores[ids[i]]);
    return true;
}
