/* tokenizer_json_read.c - Hugging Face's tokenizer.json: the file, its added tokens, and what the readers of its parts share. */
#include "text/tokenizer/tokenizer_json.h"

#include <stdlib.h>
#include <string.h>

char *tokenizer_json_keep(const char *text, size_t n)
{
    char *copy = mem_alloc(n + 1);
    memcpy(copy, text, n);
    return copy;
}

Err tokenizer_json_optional_string(TokenizerJsonReader *in, char **value)
{
    if (json_peek(in->r) == JSON_NULL)
        return json_null(in->r);
    const char *text;
    size_t n;
    TRY(json_string(in->r, in->arena, &text, &n));
    free(*value);
    *value = tokenizer_json_keep(text, n);
    return OK;
}

Err tokenizer_json_optional_bool(TokenizerJsonReader *in, bool *value)
{
    return json_peek(in->r) == JSON_NULL ? json_null(in->r) : json_bool(in->r, value);
}

Err tokenizer_json_pattern(TokenizerJsonReader *in, char **text, bool *is_regex)
{
    JsonText key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        if (!json_text_is(key, "String") && !json_text_is(key, "Regex"))
            return json_fail(in->r, "expected a pattern, String or Regex");
        *is_regex = json_text_is(key, "Regex");
        TRY(tokenizer_json_optional_string(in, text));
    }
    return *text ? OK : json_fail(in->r, "a pattern holds neither String nor Regex");
}

Err tokenizer_json_peek_type(TokenizerJsonReader *in, const char **type)
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

Err tokenizer_json_sequence(TokenizerJsonReader *in, const char *list_key, Err (*read_one)(TokenizerJsonReader *in))
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

int tokenizer_json_index(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

Err tokenizer_json_unknown(TokenizerJsonReader *in, const char *what, const char *type)
{
    json_fail(in->r, "%s \"%s\" is not supported", what, type);
    return ERR_UNSUPPORTED;
}

static Err read_added_token(TokenizerJsonReader *in)
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

static Err read_post_processor(TokenizerJsonReader *in)
{
    JsonReader start = *in->r;
    const char *raw;
    size_t n;
    TRY(json_raw(in->r, &raw, &n));
    in->tok->post_processor_json = tokenizer_json_keep(raw, n);
    *in->r = start;
    return tokenizer_json_read_post_processor(in);
}

static Err read_added_tokens(TokenizerJsonReader *in)
{
    TRY(json_array_begin(in->r));
    while (json_array_next(in->r))
        TRY(read_added_token(in));
    return in->r->err;
}

enum { PART_MODEL, PART_DECODER, PART_POST_PROCESSOR, PART_NORMALIZER, PART_PRETOKENIZER, PART_ADDED_TOKENS, N_PARTS };

static Err read_part(TokenizerJsonReader *in, int part)
{
    switch (part) {
    case PART_MODEL: return tokenizer_json_read_model(in);
    case PART_DECODER: return tokenizer_json_read_decoder(in);
    case PART_POST_PROCESSOR: return read_post_processor(in);
    case PART_NORMALIZER: return tokenizer_json_read_normalizer(in);
    case PART_PRETOKENIZER: return tokenizer_json_read_pretokenizer(in);
    default: return read_added_tokens(in);
    }
}

static Err read_file(TokenizerJsonReader *in, bool *has_model, bool *has_decoder)
{
    static const char *const names[N_PARTS] = {"model", "decoder", "post_processor", "normalizer", "pre_tokenizer", "added_tokens"};
    bool seen[N_PARTS] = {false};
    JsonText key;
    TRY(json_object_begin(in->r));
    while (json_object_next(in->r, &key)) {
        int part = 0;
        while (part < N_PARTS && !json_text_is(key, names[part]))
            part++;
        if (part == N_PARTS) {
            TRY(json_skip(in->r));
            continue;
        }
        if (seen[part])
            return json_fail(in->r, "a second \"%s\"", names[part]);
        seen[part] = true;
        *has_decoder |= part == PART_DECODER && json_peek(in->r) != JSON_NULL;
        TRY(read_part(in, part));
    }
    *has_model = seen[PART_MODEL];
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
    TokenizerJsonReader in = {reader, tokenizer_new(MODEL_BPE, name), arena_new(), 0};
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
