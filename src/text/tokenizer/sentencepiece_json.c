/* sentencepiece_json.c - a SentencePiece model in the words of tokenizer.json: normalizers that do what its own normaliser does, and merges for
 * its scores. */
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/tokenizer_json.h"
#include "text/tokenizer/unigram.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

static Err cannot(const Tokenizer *tok, const char *what)
{
    return err_set(ERR_UNSUPPORTED, "%s: tokenizer.json cannot say %s", tok->name, what);
}

static NormalizerStep *push_replace(Tokenizer *view, const char *pattern, const char *content)
{
    NormalizerStep *step = tokenizer_push_normalizer(view, NORMALIZER_REPLACE);
    step->pattern = mem_strdup(pattern);
    step->content = mem_strdup(content);
    return step;
}

/* In SentencePiece's order: spaces in front go, runs become one, spaces are written U+2581, those at the end go, one is put in front. */
static Err push_normalizers(Tokenizer *view, const NormalizerStep *spm)
{
    if (spm->remove_extra_spaces) {
        NormalizerStep *front = push_replace(view, "\\A +", "");
        TRY(splitter_open_regex(&front->regex, front->pattern));
        NormalizerStep *runs = push_replace(view, " {2,}", " ");
        TRY(splitter_open_regex(&runs->regex, runs->pattern));
    }
    if (spm->escape_spaces)
        push_replace(view, " ", "\u2581");
    if (spm->remove_extra_spaces) {
        NormalizerStep *end = push_replace(view, spm->escape_spaces ? "\u2581+\\z" : " +\\z", "");
        TRY(splitter_open_regex(&end->regex, end->pattern));
    }
    if (spm->add_dummy_prefix)
        tokenizer_push_normalizer(view, NORMALIZER_PREPEND)->content = mem_strdup(spm->escape_spaces ? "\u2581" : " ");
    return OK;
}

/* The best score first. Pieces of one score merge from the left: for runs of one character ("\u2581\u2581\u2581") that is the longest first. */
static int by_score(const void *a, const void *b, void *context)
{
    const Tokenizer *tok = context;
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    float s = tok->spm->scores[x], t = tok->spm->scores[y];
    if (s != t)
        return (s < t) - (s > t);
    size_t n_x, n_y;
    vocab_text(&tok->vocab, x, &n_x);
    vocab_text(&tok->vocab, y, &n_y);
    return n_x != n_y ? (n_x < n_y) - (n_x > n_y) : (x > y) - (x < y);
}

/* Both are runs of one and the same character. */
static bool are_runs(const Tokenizer *tok, int32_t a, int32_t b)
{
    size_t n_a, n_b;
    const char *x = vocab_text(&tok->vocab, a, &n_a), *y = vocab_text(&tok->vocab, b, &n_b);
    uint32_t c;
    size_t n = (size_t)utf8_decode(&c, x, x + n_a);
    bool runs = n_a % n == 0 && n_b % n == 0;
    for (size_t at = 0; at < n_a && runs; at += n)
        runs = memcmp(x + at, x, n) == 0;
    for (size_t at = 0; at < n_b && runs; at += n)
        runs = memcmp(y + at, x, n) == 0;
    return runs;
}

/* Two cuts x|y and y|z of one piece: where x y z stand in a row, SentencePiece takes the left pair, a list of merges the one it names first. */
static bool is_ambiguous(const Tokenizer *tok, const char *text, size_t n)
{
    for (size_t border = 1; border < n; border++)
        if (memcmp(text, text + n - border, border) == 0 && vocab_find(&tok->vocab, text, border) >= 0 &&
            vocab_find(&tok->vocab, text, n - border) >= 0 && vocab_find(&tok->vocab, text + border, n - border) >= 0)
            return true;
    return false;
}

/* Every cut of every piece, the best score first. */
static Err push_merges(Tokenizer *view, const Tokenizer *tok)
{
    int32_t n = tok->vocab.n_ids, *order = mem_alloc((size_t)n * sizeof *order);
    int64_t capacity = 0, n_ambiguous = 0;
    for (int32_t id = 0; id < n; id++)
        order[id] = id;
    qsort_r(order, (size_t)n, sizeof *order, by_score, (void *)(uintptr_t)tok);
    Err err = OK;
    for (int32_t i = 0; i < n && err == OK; i++) {
        int32_t id = order[i];
        size_t length;
        const char *text = vocab_text(&tok->vocab, id, &length);
        bool found = utf8_count(text, length) < 2 || tok->spm->types[id] != PIECE_NORMAL;
        for (size_t cut = length - 1; cut > 0 && cut < length && tok->spm->types[id] == PIECE_NORMAL; cut--) {
            int32_t left = vocab_find(&tok->vocab, text, cut), right = vocab_find(&tok->vocab, text + cut, length - cut);
            if (left < 0 || right < 0 || tok->spm->types[left] != PIECE_NORMAL || tok->spm->types[right] != PIECE_NORMAL)
                continue;
            tokenizer_push_rule(view, &capacity, (MergeRule){left, right, id});
            found = true;
        }
        n_ambiguous += is_ambiguous(tok, text, length);
        if (!found)
            err = err_set(ERR_UNSUPPORTED, "%s: tokenizer.json cannot say piece %d, \"%s\": its parts are no pieces", tok->name, id, text);
        else if (i > 0 && utf8_count(text, length) > 1 && tok->spm->types[order[i - 1]] == PIECE_NORMAL &&
                 tok->spm->scores[id] == tok->spm->scores[order[i - 1]] && !are_runs(tok, id, order[i - 1]))
            err = err_set(ERR_UNSUPPORTED, "%s: tokenizer.json cannot say that pieces %d and %d have one score", tok->name, order[i - 1], id);
    }
    free(order);
    if (err == OK && n_ambiguous)
        log_warn("%s: %lld pieces are the same from both ends (\"====\"): in odd runs of them, tokenizers may cut at other places", tok->name,
                 (long long)n_ambiguous);
    return err;
}

static Err check_pieces(const Tokenizer *tok, const NormalizerStep *spm)
{
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        if (tok->spm->types[id] == PIECE_UNUSED)
            return cannot(tok, "unused pieces");
        if (tok->spm->types[id] == PIECE_USER_DEFINED && (spm->add_dummy_prefix || spm->remove_extra_spaces))
            return cannot(tok, "user-defined pieces together with a dummy prefix or removed spaces");
    }
    return OK;
}

static Err fill(Tokenizer *view, const Tokenizer *tok)
{
    const NormalizerStep *spm = &tok->normalizers[0];
    size_t n_map;
    charsmap_blob(spm->charsmap, &n_map);
    if (n_map)
        return cannot(tok, "SentencePiece's compiled normalisation (its own step Precompiled looks up other stretches of text)");
    if (spm->spaces_behind)
        return cannot(tok, "spaces behind words");
    TRY(check_pieces(tok, spm));
    TRY(push_normalizers(view, spm));
    for (int i = 0; i < tok->n_added; i++)
        tokenizer_push_added(view, tok->added[i].content, tok->added[i].n_bytes, tok->added[i].id)->special = true;
    for (int32_t id = 0; id < tok->vocab.n_ids; id++) {
        size_t n;
        const char *text = vocab_text(&tok->vocab, id, &n);
        TRY(vocab_add(&view->vocab, id, text, n));
        if (tok->spm->types[id] == PIECE_USER_DEFINED)
            tokenizer_push_added(view, text, n, id);
    }
    for (int i = 0; i < tok->n_decoders; i++) {
        DecoderStep *step = tokenizer_push_decoder(view, tok->decoders[i].kind);
        *step = tok->decoders[i];
        step->text = step->text ? mem_strdup(step->text) : NULL;
        step->content = step->content ? mem_strdup(step->content) : NULL;
    }
    view->unk_id = tok->unk_id;
    view->byte_fallback = tok->byte_fallback;
    view->fuse_unk = tok->fuse_unk;
    memcpy(view->specials, tok->specials, sizeof view->specials);
    if (tok->model == MODEL_UNIGRAM) {
        view->unigram = unigram_new();
        for (int32_t id = 0; id < tok->unigram->n; id++)
            unigram_push(view->unigram, tok->unigram->scores[id]);
        unigram_finish(view->unigram, &view->vocab);
        return OK;
    }
    TRY(push_merges(view, tok));
    bpe_merges_init(&view->merges, (size_t)view->n_rules);
    for (int64_t i = 0; i < view->n_rules; i++)
        bpe_merges_put(&view->merges, view->rules[i].left, view->rules[i].right, (uint32_t)i, view->rules[i].merged);
    return OK;
}

Err tokenizer_sentencepiece_to_json(const Tokenizer *tok, Tokenizer **out)
{
    Tokenizer *view = tokenizer_new(tok->model, tok->name);
    Err err = fill(view, tok);
    if (err == OK)
        err = tokenizer_finish(view);
    if (err == OK)
        *out = view;
    else
        tokenizer_free(view);
    return err;
}
