/* unigram.c - see unigram.h: reading a vocabulary, and the tables that encoding goes by (unigram_encode.c). Training is in unigram_train.c. */
#include "text/tokenizer/char_trie.h"
#include "text/tokenizer/jamo.h"
#include "text/tokenizer/plain_word.h"
#include "text/tokenizer/sampling.h"
#include "text/tokenizer/unigram_lattice.h"
#include "text/tokenizer/unigram_walk.h"
#include "text/tokenizer/word_cut.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SPACE_MARK = 0x2581, LAST_COMMON = 0xFFFF };

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

size_t unigram_keys(const Unigram *unigram, const Vocab *vocab, TrieKey *keys)
{
    size_t n_keys = 0;
    for (int32_t id = 0; id < unigram->n; id++) {
        size_t n;
        const char *text = unigram->hidden && unigram->hidden[id] ? NULL : vocab_text(vocab, id, &n);
        if (text && n)
            keys[n_keys++] = (TrieKey){text, n, id};
    }
    return n_keys;
}

void unigram_finish(Unigram *unigram, const Vocab *vocab)
{
    unigram->min_score = DBL_MAX;
    unigram->max_score = -DBL_MAX;
    TrieKey *keys = mem_alloc((size_t)unigram->n * sizeof *keys);
    size_t n_keys = unigram_keys(unigram, vocab, keys);
    for (int32_t id = 0; id < unigram->n; id++) {
        if (unigram->hidden && unigram->hidden[id])
            continue;
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

double unigram_unknown_score(const Unigram *unigram)
{
    double score = unigram->min_score - UNIGRAM_UNKNOWN_PENALTY;
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

static double score_of_key(const void *context, const TrieKey *key)
{
    return score_of(context, key->value, key->n);
}

/* What a token adds to the score of its path. Where unknown characters become bytes, their first byte has it all. */
static void put_path_scores(const Tokenizer *tok, ModelFast *fast)
{
    int32_t n_ids = tok->vocab.n_ids > tok->unigram->n ? tok->vocab.n_ids : tok->unigram->n;
    fast->path_scores = mem_alloc(((size_t)n_ids + 1) * sizeof *fast->path_scores);
    for (int32_t id = 0; id < tok->unigram->n; id++)
        fast->path_scores[id] = (float)tok->unigram->scores[id];
    const uint8_t *hidden = tok->unigram->hidden;
    fast->scores_tell_bytes = tok->byte_fallback && hidden;
    for (int b = 0; b < 256 && fast->scores_tell_bytes; b++) {
        int32_t id = tok->byte_id[b];
        fast->scores_tell_bytes = id >= 0 && id < tok->unigram->n && hidden[id];
        if (fast->scores_tell_bytes)
            fast->path_scores[id] = (b & 0xC0) == 0x80 ? 0.0f : (float)unigram_unknown_score(tok->unigram);
    }
    int32_t unk = tok->unk_id;
    fast->score_tells_unk = !tok->byte_fallback && unk >= 0 && unk < tok->unigram->n && hidden && hidden[unk];
    if (fast->score_tells_unk)
        fast->path_scores[unk] = (float)unigram_unknown_score(tok->unigram);
    for (int32_t id = 0; id < n_ids; id++)
        fast->largest_path_score = fmax(fast->largest_path_score, fabs(fast->path_scores[id]));
}

/* Beyond U+FFFF most pages hold neither others nor characters of pieces: they share one. */
static void mark_plain(CharTable *labels, const uint8_t *others)
{
    enum { PAGE = 1 << CHAR_PAGE_BITS };
    static const uint8_t none[PAGE / 8];
    uint32_t shared = 0;
    for (uint32_t page = 0; page <= UNICODE_MAX; page += PAGE) {
        bool is_empty = page > LAST_COMMON && char_table_is_bare(labels, page) && memcmp(others + page / 8, none, sizeof none) == 0;
        if (is_empty && shared > 0) {
            char_table_share(labels, page, shared);
            continue;
        }
        for (uint32_t c = page; c < page + PAGE; c++)
            if (!(others[c / 8] >> c % 8 & 1))
                char_table_put(labels, c, char_table_get(labels, c) | UNIGRAM_PLAIN_CHAR);
        shared = is_empty ? page : shared;
    }
}

/* Labels with a mark of the plain ones, and, for a character that is no piece, the score of an unknown one. */
void unigram_make_fast(const Tokenizer *tok, ModelFast *fast)
{
    const Unigram *unigram = tok->unigram;
    TrieKey *keys = mem_alloc((size_t)unigram->n * sizeof *keys);
    size_t n_keys = unigram_keys(unigram, &tok->vocab, keys);
    CharTrie *trie = fast->chars = mem_alloc(sizeof *trie);
    char_trie_build(trie, keys, n_keys, score_of_key, unigram);
    free(keys);
    put_path_scores(tok, fast);
    for (uint32_t label = 0; label <= trie->none; label++)
        if (trie->ids[label] < 0)
            trie->scores[label] = unigram_unknown_score(unigram);
    fast->mark_label = char_table_get(&trie->labels, SPACE_MARK);
    uint8_t *others = trie->ids[fast->mark_label] < 0 ? NULL : plain_chars_others(tok, word_cut_of(tok));
    if (others)
        mark_plain(&trie->labels, others);
    free(others);
    fast->walk = unigram_walk_new(tok, fast);
}
