/* tokenizer_json_read.c - Hugging Face's tokenizer.json. What a file asks for and this room lacks is refused by name, never skipped. */
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/unigram.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    JsonReader *r;
    Tokenizer *tok;
    Arena *arena;
    int depth;  /* of nested Sequences */
} Reader;

static char *keep(const char *text, size_t n)
{
    char *copy = mem_alloc(n + 1);
    memcpy(copy, text, n);
    return copy;
}

/* A string or null. */
static Err optional_string(Reader *in, char **value)
{
    if (json_peek(in->r) == JSON_NULL)
        return json_null(in->r);
    const char *text;
    size_t n;
    TRY(json_string(in->r, in->arena, &text, &n));
    free(*value);
    *value = keep(text, n);
    return OK;
}

static Err optional_bool(Reader *in, bool *value)
{
    return json_peek(in->r) == JSON_NULL ? json_null(in->r) : json_bool(in->r, value);
}

/* {"String": "..."} or {"Regex": "..."}. */
static Err read_pattern(Reader *in, char **text, bool *is_regex)
{
    JsonText key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        if (!json_text_is(key, "String") && !json_text_is(key, "Regex"))
            return json_fail(in->r, "expected a pattern, String or Regex");
        *is_regex = json_text_is(key, "Regex");
        TRY(optional_string(in, text));
    }
    return *text ? OK : json_fail(in->r, "a pattern holds neither String nor Regex");
}

/* The value of "type" of the object that comes next, without consuming it. */
static Err peek_type(Reader *in, const char **type)
{
    JsonReader ahead = *in->r;
    JsonText key;
    *type = NULL;
    TRY(json_object_begin(&ahead));
    while (json_object_next(&ahead, &key)) {
        if (json_text_is(key, "type"))
            TRY(json_string(&ahead, in->arena, type, NULL));
        else
            TRY(json_skip(&ahead));
    }
    if (!*type && ahead.err == OK)
        return json_fail(in->r, "expected \"type\"");
    return ahead.err;
}

static Err read_sequence(Reader *in, const char *list_key, Err (*read_one)(Reader *in))
{
    JsonText key;
    if (++in->depth > 8)
        return json_fail(in->r, "sequences nested too deeply");
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        if (!json_text_is(key, list_key)) {
            TRY(json_skip(in->r));
            continue;
        }
        TRY(json_array_begin(in->r));
        while (json_array_next(in->r))
            TRY(read_one(in));
    }
    in->depth--;
    return in->r->err;
}

/* Index of `name` in a NULL-ended list, -1 when absent. */
static int index_of(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static Err unknown(Reader *in, const char *what, const char *type)
{
    json_fail(in->r, "%s \"%s\" is not supported", what, type);
    return ERR_UNSUPPORTED;
}

static Err base64_decode(Reader *in, char **bytes, size_t *n_bytes)
{
    const char *text;
    size_t n;
    TRY(json_string(in->r, in->arena, &text, &n));
    uint32_t bits = 0;
    int n_bits = 0;
    *bytes = arena_alloc(in->arena, n + 1);
    *n_bytes = 0;
    for (size_t i = 0; i < n && text[i] != '='; i++) {
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!at)
            return json_fail(in->r, "expected base64");
        bits = bits << 6 | (uint32_t)(at - alphabet);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            (*bytes)[(*n_bytes)++] = (char)(bits >> n_bits);
        }
    }
    return OK;
}

static Err read_charsmap(Reader *in, NormalizerStep *step)
{
    char *blob;
    size_t n;
    TRY(base64_decode(in, &blob, &n));
    return charsmap_open(&step->charsmap, in->tok->name, blob, n);
}

static Err read_normalizer(Reader *in)
{
    static const char *const names[] = {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "StripAccents", "Replace", "Prepend",
                                        "BertNormalizer", "Precompiled", NULL};
    const char *type;
    if (json_peek(in->r) == JSON_NULL)
        return json_null(in->r);
    TRY(peek_type(in, &type));
    if (strcmp(type, "Sequence") == 0)
        return read_sequence(in, "normalizers", read_normalizer);
    int kind = index_of(names, type);
    if (kind < 0)
        return unknown(in, "normalizer", type);
    NormalizerStep *step = tokenizer_push_normalizer(in->tok, (NormalizerKind)kind);
    step->clean_text = step->chinese_chars = step->lowercase = step->left = step->right = true;
    bool accents_given = false, is_regex = false;
    JsonText key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        if (json_text_is(key, "strip_left"))
            TRY(json_bool(in->r, &step->left));
        else if (json_text_is(key, "strip_right"))
            TRY(json_bool(in->r, &step->right));
        else if (json_text_is(key, "clean_text"))
            TRY(json_bool(in->r, &step->clean_text));
        else if (json_text_is(key, "handle_chinese_chars"))
            TRY(json_bool(in->r, &step->chinese_chars));
        else if (json_text_is(key, "lowercase"))
            TRY(json_bool(in->r, &step->lowercase));
        else if (json_text_is(key, "strip_accents")) {
            accents_given = json_peek(in->r) != JSON_NULL;
            TRY(optional_bool(in, &step->strip_accents));
        } else if (json_text_is(key, "content") || json_text_is(key, "prepend"))
            TRY(optional_string(in, &step->content));
        else if (json_text_is(key, "pattern"))
            TRY(read_pattern(in, &step->pattern, &is_regex));
        else if (json_text_is(key, "precompiled_charsmap"))
            TRY(read_charsmap(in, step));
        else
            TRY(json_skip(in->r));
    }
    TRY(in->r->err);
    if (!accents_given)
        step->strip_accents = step->lowercase;
    bool needs_content = step->kind == NORMALIZER_REPLACE || step->kind == NORMALIZER_PREPEND;
    if ((needs_content && !step->content) || (step->kind == NORMALIZER_REPLACE && !step->pattern) ||
        (step->kind == NORMALIZER_CHARSMAP && !step->charsmap))
        return json_fail(in->r, "normalizer \"%s\" is incomplete", type);
    return is_regex ? splitter_open_regex(&step->regex, step->pattern) : OK;
}

static Err read_behavior(Reader *in, SplitBehavior *behavior)
{
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous", NULL};
    const char *text;
    TRY(json_string(in->r, in->arena, &text, NULL));
    int kind = index_of(names, text);
    if (kind < 0)
        return json_fail(in->r, "unknown split behavior \"%s\"", text);
    *behavior = (SplitBehavior)kind;
    return OK;
}

static Err read_prepend_scheme(Reader *in, MetaspacePrepend *prepend)
{
    static const char *const names[] = {"always", "first", "never", NULL};
    const char *text;
    TRY(json_string(in->r, in->arena, &text, NULL));
    int kind = index_of(names, text);
    if (kind < 0)
        return json_fail(in->r, "unknown prepend_scheme \"%s\"", text);
    *prepend = (MetaspacePrepend)kind;
    return OK;
}

/* \w is Alphabetic, marks, decimal digits, connectors and joiners to tokenizers' regular expressions. */
#define WORD_CHARS "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}"

static Err read_pretokenizer(Reader *in)
{
    static const char *const names[] = {"Split", "ByteLevel", "Whitespace", "WhitespaceSplit", "BertPreTokenizer", "Metaspace",
                                        "Punctuation", "Digits", NULL};
    const char *type;
    if (json_peek(in->r) == JSON_NULL)
        return json_null(in->r);
    TRY(peek_type(in, &type));
    if (strcmp(type, "Sequence") == 0)
        return read_sequence(in, "pretokenizers", read_pretokenizer);
    int kind = index_of(names, type);
    if (kind < 0)
        return unknown(in, "pre-tokenizer", type);
    PretokenizerStep *step = tokenizer_push_pretokenizer(in->tok, (PretokenizerKind)kind);
    step->behavior = SPLIT_ISOLATED;
    step->trim_offsets = step->metaspace_split = true;
    bool use_regex = true, is_regex = false, prefix_space = true, invert = false;
    char *pattern = NULL;
    JsonText key;
    Err err = json_object_begin(in->r);
    while (err == OK && json_object_next(in->r, &key)) {
        if (json_text_is(key, "add_prefix_space"))
            err = json_bool(in->r, &prefix_space);
        else if (json_text_is(key, "trim_offsets"))
            err = json_bool(in->r, &step->trim_offsets);
        else if (json_text_is(key, "use_regex"))
            err = json_bool(in->r, &use_regex);
        else if (json_text_is(key, "pattern"))
            err = read_pattern(in, &pattern, &is_regex);
        else if (json_text_is(key, "behavior"))
            err = read_behavior(in, &step->behavior);
        else if (json_text_is(key, "invert"))
            err = json_bool(in->r, &invert);
        else if (json_text_is(key, "replacement"))
            err = optional_string(in, &step->literal);
        else if (json_text_is(key, "prepend_scheme"))
            err = read_prepend_scheme(in, &step->prepend);
        else if (json_text_is(key, "split"))
            err = json_bool(in->r, &step->metaspace_split);
        else if (json_text_is(key, "individual_digits"))
            err = json_bool(in->r, &step->individual_digits);
        else
            err = json_skip(in->r);
    }
    if (err == OK)
        err = in->r->err;
    step->invert = invert;
    if (err == OK && step->kind == PRETOKENIZER_BYTE_LEVEL) {
        step->add_prefix_space = prefix_space;
        if (use_regex)
            err = splitter_open(&step->splitter, "gpt2", SPLIT_UNICODE_LATEST);
    } else if (err == OK && step->kind == PRETOKENIZER_SPLIT && !pattern) {
        err = json_fail(in->r, "Split without a pattern");
    } else if (err == OK && step->kind == PRETOKENIZER_SPLIT && is_regex) {
        err = splitter_open(&step->splitter, pattern, SPLIT_UNICODE_LATEST);
    } else if (err == OK && step->kind == PRETOKENIZER_SPLIT) {
        step->literal = pattern;
        pattern = NULL;
    } else if (err == OK && step->kind == PRETOKENIZER_WHITESPACE) {
        step->behavior = SPLIT_REMOVED;
        step->invert = true;
        err = splitter_open(&step->splitter, "[" WORD_CHARS "]+|[^" WORD_CHARS "\\s]+", SPLIT_UNICODE_LATEST);
    } else if (err == OK && step->kind == PRETOKENIZER_METASPACE) {
        if (!step->literal)
            step->literal = mem_strdup("\xE2\x96\x81");
        if (!prefix_space)
            step->prepend = METASPACE_NEVER;
    }
    free(pattern);
    return err;
}

static Err read_decoder(Reader *in)
{
    static const char *const names[] = {"ByteLevel", "WordPiece", "Metaspace", "BPEDecoder", "ByteFallback", "Fuse", "Strip",
                                        "Replace", NULL};
    const char *type;
    if (json_peek(in->r) == JSON_NULL)
        return json_null(in->r);
    TRY(peek_type(in, &type));
    if (strcmp(type, "Sequence") == 0)
        return read_sequence(in, "decoders", read_decoder);
    int kind = index_of(names, type);
    if (kind < 0)
        return unknown(in, "decoder", type);
    DecoderStep *step = tokenizer_push_decoder(in->tok, (DecoderKind)kind);
    step->cleanup = true;
    bool is_regex = false, prefix_space = true;
    int64_t start = 0, stop = 0;
    JsonText key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        bool is_content = json_text_is(key, "content");
        if (json_text_is(key, "prefix") || json_text_is(key, "suffix") || json_text_is(key, "replacement") ||
            (is_content && step->kind == DECODER_STRIP))
            TRY(optional_string(in, &step->text));
        else if (is_content)
            TRY(optional_string(in, &step->content));
        else if (json_text_is(key, "pattern"))
            TRY(read_pattern(in, &step->text, &is_regex));
        else if (json_text_is(key, "cleanup"))
            TRY(json_bool(in->r, &step->cleanup));
        else if (json_text_is(key, "prepend_scheme"))
            TRY(read_prepend_scheme(in, &step->prepend));
        else if (json_text_is(key, "add_prefix_space"))
            TRY(json_bool(in->r, &prefix_space));
        else if (json_text_is(key, "start"))
            TRY(json_int(in->r, &start));
        else if (json_text_is(key, "stop"))
            TRY(json_int(in->r, &stop));
        else
            TRY(json_skip(in->r));
    }
    TRY(in->r->err);
    step->start = start < 0 ? 0 : start > 1 << 20 ? 1 << 20 : (int)start;
    step->stop = stop < 0 ? 0 : stop > 1 << 20 ? 1 << 20 : (int)stop;
    if (is_regex)
        return unknown(in, "decoder", "Replace by Regex");
    if (step->kind == DECODER_METASPACE && !prefix_space)
        step->prepend = METASPACE_NEVER;
    bool needs_text = step->kind != DECODER_BYTE_LEVEL && step->kind != DECODER_FUSE && step->kind != DECODER_BYTE_FALLBACK;
    if (needs_text && !step->text)
        step->text = mem_strdup(step->kind == DECODER_WORDPIECE ? "##" : step->kind == DECODER_BPE ? "</w>" : "\xE2\x96\x81");
    if (step->kind == DECODER_REPLACE && !step->content)
        step->content = mem_strdup("");
    return OK;
}

static Err read_added_token(Reader *in)
{
    const char *content = NULL;
    size_t n = 0;
    int64_t id = -1;
    AddedToken flags = {0};
    JsonText key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        if (json_text_is(key, "id"))
            TRY(json_int(in->r, &id));
        else if (json_text_is(key, "content"))
            TRY(json_string(in->r, in->arena, &content, &n));
        else if (json_text_is(key, "special"))
            TRY(json_bool(in->r, &flags.special));
        else if (json_text_is(key, "single_word"))
            TRY(json_bool(in->r, &flags.single_word));
        else if (json_text_is(key, "lstrip"))
            TRY(json_bool(in->r, &flags.lstrip));
        else if (json_text_is(key, "rstrip"))
            TRY(json_bool(in->r, &flags.rstrip));
        else if (json_text_is(key, "normalized"))
            TRY(json_bool(in->r, &flags.normalized));
        else
            TRY(json_skip(in->r));
    }
    TRY(in->r->err);
    if (!content || id < 0 || id > VOCAB_ID_MAX)
        return json_fail(in->r, "an added token without content or with a bad id");
    AddedToken *token = tokenizer_push_added(in->tok, content, n, (int32_t)id);
    token->special = flags.special;
    token->single_word = flags.single_word;
    token->lstrip = flags.lstrip;
    token->rstrip = flags.rstrip;
    token->normalized = flags.normalized;
    return OK;
}

/* {"token": id, ...} */
static Err read_vocab_object(Reader *in)
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
static Err read_merge(Reader *in, MergeText *merge)
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

static Err read_merges(Reader *in, MergeTexts *list)
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
    int kind = type ? index_of(names, type) : MODEL_BPE;
    *known = kind >= 0;
    return kind < 0 ? MODEL_BPE : (ModelKind)kind;
}

static Err read_model_fields(Reader *in, MergeTexts *merges, char **unk_token, int64_t *unk_id)
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
            TRY(optional_string(in, unk_token));
        else if (json_text_is(key, "unk_id"))
            TRY(json_peek(in->r) == JSON_NULL ? json_null(in->r) : json_int(in->r, unk_id));
        else if (json_text_is(key, "continuing_subword_prefix"))
            TRY(optional_string(in, &tok->prefix));
        else if (json_text_is(key, "end_of_word_suffix"))
            TRY(optional_string(in, &tok->suffix));
        else if (json_text_is(key, "fuse_unk"))
            TRY(json_bool(in->r, &tok->fuse_unk));
        else if (json_text_is(key, "byte_fallback"))
            TRY(json_bool(in->r, &tok->byte_fallback));
        else if (json_text_is(key, "ignore_merges"))
            TRY(json_bool(in->r, &tok->ignore_merges));
        else if (json_text_is(key, "max_input_chars_per_word"))
            TRY(json_int(in->r, &tok->max_word_chars));
        else
            TRY(json_skip(in->r));
    }
    return in->r->err;
}

static Err read_model(Reader *in)
{
    const char *type;
    bool known;
    JsonReader ahead = *in->r;
    if (peek_type(in, &type) != OK) {  /* older BPE files have no type */
        *in->r = ahead;
        type = NULL;
    }
    Tokenizer *tok = in->tok;
    tok->model = model_kind_of(type, &known);
    if (!known)
        return unknown(in, "model", type);
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

/* Ids of a special token by name, from the "special_tokens" of a template. */
static Err post_push(Reader *in, bool after, int64_t id)
{
    Tokenizer *tok = in->tok;
    int *n = after ? &tok->n_post_after : &tok->n_post_before;
    if (*n == POST_PIECES_MAX || id < 0 || id > VOCAB_ID_MAX)
        return json_fail(in->r, "the post-processor adds too many tokens or a bad id");
    (after ? tok->post_after : tok->post_before)[(*n)++] = (int32_t)id;
    return OK;
}

/* "single": [{"SpecialToken": {"id": "[CLS]", ...}}, {"Sequence": {"id": "A", ...}}, ...]: names before and after the text. */
typedef struct {
    const char *before[POST_PIECES_MAX], *after[POST_PIECES_MAX];
    int n_before, n_after;
} Template;

static Err read_template_piece(Reader *in, Template *single, bool *seen_text)
{
    JsonText kind, key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &kind)) {
        bool is_text = json_text_is(kind, "Sequence");
        const char *name = "";
        TRY(json_object_begin(in->r));
        while (json_object_next(in->r, &key)) {
            if (json_text_is(key, "id"))
                TRY(json_string(in->r, in->arena, &name, NULL));
            else
                TRY(json_skip(in->r));
        }
        if (is_text)
            *seen_text = true;
        else if (*seen_text && single->n_after < POST_PIECES_MAX)
            single->after[single->n_after++] = name;
        else if (!*seen_text && single->n_before < POST_PIECES_MAX)
            single->before[single->n_before++] = name;
        else
            return json_fail(in->r, "the template adds more than %d tokens", POST_PIECES_MAX);
    }
    return in->r->err;
}

static Err read_template(Reader *in)
{
    Template single = {0};
    JsonReader start = *in->r;
    JsonText key, name, field;
    bool seen_text = false;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        if (!json_text_is(key, "single")) {
            TRY(json_skip(in->r));
            continue;
        }
        TRY(json_array_begin(in->r));
        while (json_array_next(in->r))
            TRY(read_template_piece(in, &single, &seen_text));
    }
    TRY(in->r->err);
    for (int k = 0; k < single.n_before + single.n_after; k++) {
        bool after = k >= single.n_before;
        const char *wanted = after ? single.after[k - single.n_before] : single.before[k];
        *in->r = start;
        TRY(json_object_begin(in->r));
        while (json_object_next(in->r, &key)) {
            if (!json_text_is(key, "special_tokens")) {
                TRY(json_skip(in->r));
                continue;
            }
            TRY(json_object_begin(in->r));
            while (json_object_next(in->r, &name)) {
                bool is_wanted = json_text_is(name, wanted);
                TRY(json_object_begin(in->r));
                while (json_object_next(in->r, &field)) {
                    if (!is_wanted || !json_text_is(field, "ids")) {
                        TRY(json_skip(in->r));
                        continue;
                    }
                    int64_t id;
                    TRY(json_array_begin(in->r));
                    while (json_array_next(in->r)) {
                        TRY(json_int(in->r, &id));
                        TRY(post_push(in, after, id));
                    }
                }
            }
        }
        TRY(in->r->err);
    }
    return OK;
}

/* BertProcessing and RobertaProcessing: "cls": ["[CLS]", 101], "sep": ["[SEP]", 102]. */
static Err read_cls_sep(Reader *in)
{
    JsonText key;
    int64_t cls = -1, sep = -1;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        if (!json_text_is(key, "cls") && !json_text_is(key, "sep")) {
            TRY(json_skip(in->r));
            continue;
        }
        int64_t *id = json_text_is(key, "cls") ? &cls : &sep;
        TRY(json_array_begin(in->r));
        while (json_array_next(in->r))
            TRY(json_peek(in->r) == JSON_NUMBER ? json_int(in->r, id) : json_skip(in->r));
    }
    TRY(in->r->err);
    TRY(post_push(in, false, cls));
    return post_push(in, true, sep);
}

static Err read_post_processor(Reader *in)
{
    const char *type;
    if (json_peek(in->r) == JSON_NULL)
        return json_null(in->r);
    TRY(peek_type(in, &type));
    if (strcmp(type, "Sequence") == 0)
        return read_sequence(in, "processors", read_post_processor);
    if (strcmp(type, "ByteLevel") == 0)
        return json_skip(in->r);  /* concerns offsets only */
    if (strcmp(type, "TemplateProcessing") == 0)
        return read_template(in);
    if (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0)
        return read_cls_sep(in);
    return unknown(in, "post-processor", type);
}

static Err read_file(Reader *in, bool *has_model, bool *has_decoder)
{
    JsonText key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        if (json_text_is(key, "added_tokens")) {
            TRY(json_array_begin(in->r));
            while (json_array_next(in->r))
                TRY(read_added_token(in));
        } else if (json_text_is(key, "normalizer"))
            TRY(read_normalizer(in));
        else if (json_text_is(key, "pre_tokenizer"))
            TRY(read_pretokenizer(in));
        else if (json_text_is(key, "decoder")) {
            *has_decoder = json_peek(in->r) != JSON_NULL;
            TRY(read_decoder(in));
        } else if (json_text_is(key, "model")) {
            *has_model = true;
            TRY(read_model(in));
        } else if (json_text_is(key, "post_processor")) {
            JsonReader start = *in->r;
            const char *raw;
            size_t n;
            TRY(json_raw(in->r, &raw, &n));
            in->tok->post_processor_json = keep(raw, n);
            *in->r = start;
            TRY(read_post_processor(in));
        } else
            TRY(json_skip(in->r));
    }
    return json_reader_end(in->r);
}

static Err add_added_tokens(Tokenizer *tok)
{
    for (int i = 0; i < tok->n_added; i++) {
        AddedToken *token = &tok->added[i];
        token->added_only = vocab_find(&tok->vocab, token->content, token->n_bytes) < 0;
        Err err = vocab_add(&tok->vocab, token->id, token->content, token->n_bytes);
        if (err != OK)
            return err_prefix(err, "%s", tok->name);
    }
    return OK;
}

Err tokenizer_read_json(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes)
{
    JsonReader *reader = mem_alloc(sizeof *reader);
    json_reader_init(reader, name, bytes, n_bytes);
    Reader in = {reader, tokenizer_new(MODEL_BPE, name), arena_new(), 0};
    bool has_model = false, has_decoder = false;
    Err err = read_file(&in, &has_model, &has_decoder);
    if (err == OK && !has_model)
        err = err_set(ERR_FORMAT, "%s: no \"model\"", name);
    if (err == OK)
        err = add_added_tokens(in.tok);
    in.tok->decodes_with_spaces = !has_decoder;
    if (err == OK)
        err = tokenizer_finish(in.tok);
    arena_free(in.arena);
    free(reader);
    if (err == OK)
        *out = in.tok;
    else
        tokenizer_free(in.tok);
    return err;
}
