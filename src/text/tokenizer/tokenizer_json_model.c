/* tokenizer_json_model.c - the model of a tokenizer.json: its vocabulary and merges, in both forms of merges. */
#include "text/tokenizer/tokenizer_json.h"
#include "text/tokenizer/unigram.h"

#include <stdlib.h>
#include <string.h>

/* {"token": id, ...} */
static Err read_vocab_object(TokenizerJsonReader *in)
{
    JsonText key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        int64_t id;
        size_t n;
        const char *text = json_text_value(key, in->arena, &n);
        TRY(json_int(in->r, &id));
        if (id < 0 || id > VOCAB_ID_MAX)
            return json_fail(in->r, "token id %lld is out of range", (long long)id);
        Err err = vocab_add(&in->tok->vocab, (int32_t)id, text, n);
        if (err != OK)
            return err_prefix(err, "%s", in->tok->name);
    }
    return in->r->err;
}

typedef struct {
    const char *left, *right;
    size_t n_left, n_right;
} MergeText;

/* "a b" (the older form, split at its only space) or ["a", "b"]. */
static Err read_merge(TokenizerJsonReader *in, MergeText *merge)
{
    if (json_peek(in->r) == JSON_STRING) {
        size_t n;
        TRY(json_string(in->r, in->arena, &merge->left, &n));
        const char *space = memchr(merge->left, ' ', n);
        if (!space || memchr(space + 1, ' ', n - (size_t)(space + 1 - merge->left)))
            return json_fail(in->r, "a merge is two tokens with one space between, not \"%.40s\"", merge->left);
        merge->n_left = (size_t)(space - merge->left);
        merge->right = space + 1;
        merge->n_right = n - merge->n_left - 1;
        return OK;
    }
    TRY(json_array_begin(in->r));
    int n_parts = 0;
    while (json_array_next(in->r)) {
        const char *text;
        size_t n;
        TRY(json_string(in->r, in->arena, &text, &n));
        if (n_parts == 0)
            merge->left = text, merge->n_left = n;
        else
            merge->right = text, merge->n_right = n;
        n_parts++;
    }
    TRY(in->r->err);
    return n_parts == 2 ? OK : json_fail(in->r, "a merge has two parts, not %d", n_parts);
}

typedef struct {
    MergeText *items;
    size_t n, capacity;
} MergeTexts;

static Err read_merges(TokenizerJsonReader *in, MergeTexts *list)
{
    TRY(json_array_begin(in->r));
    while (json_array_next(in->r)) {
        if (list->n == list->capacity) {
            list->capacity = list->capacity ? list->capacity * 2 : 1024;
            list->items = mem_realloc(list->items, list->capacity * sizeof *list->items);
        }
        TRY(read_merge(in, &list->items[list->n]));
        list->n++;
    }
    return in->r->err;
}

Err tokenizer_add_merge(Tokenizer *tok, int64_t *capacity, const char *left, size_t n_left, const char *right, size_t n_right)
{
    size_t n_prefix = tok->prefix ? strlen(tok->prefix) : 0;
    int32_t a = vocab_find(&tok->vocab, left, n_left), b = vocab_find(&tok->vocab, right, n_right), merged = -1;
    if (a >= 0 && b >= 0 && n_right >= n_prefix) {
        char *text = mem_alloc(n_left + n_right);
        memcpy(text, left, n_left);
        memcpy(text + n_left, right + n_prefix, n_right - n_prefix);
        merged = vocab_find(&tok->vocab, text, n_left + n_right - n_prefix);
        free(text);
    }
    if (merged < 0)
        return err_set(ERR_FORMAT, "%s: merge %lld, \"%.*s\" \"%.*s\", names a token that the vocabulary lacks", tok->name,
                       (long long)tok->n_rules, n_left < 60 ? (int)n_left : 60, left, n_right < 60 ? (int)n_right : 60, right);
    bpe_merges_put(&tok->merges, a, b, (uint32_t)tok->n_rules, merged);
    tokenizer_push_rule(tok, capacity, (MergeRule){a, b, merged});
    return OK;
}

static ModelKind model_kind_of(const char *type, bool *known)
{
    static const char *const names[] = {"BPE", "WordPiece", "Unigram", "WordLevel", NULL};
    int kind = type ? tokenizer_json_index(names, type) : MODEL_BPE;
    *known = kind >= 0;
    return kind < 0 ? MODEL_BPE : (ModelKind)kind;
}

static Err read_model_fields(TokenizerJsonReader *in, MergeTexts *merges, char **unk_token, int64_t *unk_id)
{
    Tokenizer *tok = in->tok;
    JsonText key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        if (json_text_is(key, "vocab")) {
            if (json_peek(in->r) == JSON_ARRAY)
                TRY(unigram_read_vocab(&tok->unigram, in->r, in->arena, &tok->vocab));
            else
                TRY(read_vocab_object(in));
        } else if (json_text_is(key, "merges"))
            TRY(read_merges(in, merges));
        else if (json_text_is(key, "unk_token"))
            TRY(tokenizer_json_optional_string(in, unk_token));
        else if (json_text_is(key, "unk_id"))
            TRY(json_peek(in->r) == JSON_NULL ? json_null(in->r) : json_int(in->r, unk_id));
        else if (json_text_is(key, "continuing_subword_prefix"))
            TRY(tokenizer_json_optional_string(in, &tok->prefix));
        else if (json_text_is(key, "end_of_word_suffix"))
            TRY(tokenizer_json_optional_string(in, &tok->suffix));
        else if (json_text_is(key, "fuse_unk"))
            TRY(json_bool(in->r, &tok->fuse_unk));
        else if (json_text_is(key, "byte_fallback"))
            TRY(json_bool(in->r, &tok->byte_fallback));
        else if (json_text_is(key, "jamo_fallback"))
            TRY(json_bool(in->r, &tok->jamo_fallback));
        else if (json_text_is(key, "ignore_merges"))
            TRY(json_bool(in->r, &tok->ignore_merges));
        else if (json_text_is(key, "max_input_chars_per_word"))
            TRY(json_int(in->r, &tok->max_word_chars));
        else
            TRY(json_skip(in->r));
    }
    return in->r->err;
}

Err tokenizer_json_read_model(TokenizerJsonReader *in)
{
    const char *type;
    bool known;
    JsonReader ahead = *in->r;
    if (tokenizer_json_peek_type(in, &type) != OK) {  /* older BPE files have no type */
        *in->r = ahead;
        type = NULL;
    }
    Tokenizer *tok = in->tok;
    tok->model = model_kind_of(type, &known);
    if (!known)
        return tokenizer_json_unknown(in, "model", type);
    MergeTexts merges = {0};
    char *unk_token = NULL;
    int64_t unk_id = -1, capacity = 0;
    Err err = read_model_fields(in, &merges, &unk_token, &unk_id);
    if (err == OK && tok->model == MODEL_BPE) {
        bpe_merges_init(&tok->merges, merges.n);
        for (size_t i = 0; i < merges.n && err == OK; i++)
            err = tokenizer_add_merge(tok, &capacity, merges.items[i].left, merges.items[i].n_left, merges.items[i].right,
                                      merges.items[i].n_right);
    }
    if (err == OK && (tok->model == MODEL_UNIGRAM) != (tok->unigram != NULL))
        err = json_fail(in->r, "the vocabulary is a list of [piece, score] for Unigram and only there");
    if (err == OK && tok->model == MODEL_UNIGRAM) {
        if (unk_id >= tok->vocab.n_ids)
            err = json_fail(in->r, "unk_id %lld is no token", (long long)unk_id);
        else
            tok->unk_id = (int32_t)unk_id;
    } else if (err == OK && unk_token && *unk_token) {
        tok->unk_id = vocab_find_text(&tok->vocab, unk_token);
        if (tok->unk_id < 0 && tok->model != MODEL_BPE)
            err = json_fail(in->r, "the unknown token \"%s\" is not in the vocabulary", unk_token);
    }
    free(unk_token);
    free(merges.items);
    return err;
}

