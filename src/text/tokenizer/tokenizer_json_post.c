/* tokenizer_json_post.c - the post-processor of a tokenizer.json: what it puts round a text. */
#include "text/tokenizer/tokenizer_json.h"

#include <string.h>

/* Ids of a special token by name, from the "special_tokens" of a template. */
static Err post_push(TokenizerJsonReader *in, bool after, int64_t id)
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

static Err read_template_piece(TokenizerJsonReader *in, Template *single, bool *seen_text)
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

static Err read_template(TokenizerJsonReader *in)
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
static Err read_cls_sep(TokenizerJsonReader *in)
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

Err tokenizer_json_read_post_processor(TokenizerJsonReader *in)
{
    const char *type;
    if (json_peek(in->r) == JSON_NULL)
        return json_null(in->r);
    TRY(tokenizer_json_peek_type(in, &type));
    if (strcmp(type, "Sequence") == 0)
        return tokenizer_json_sequence(in, "processors", tokenizer_json_read_post_processor);
    if (strcmp(type, "ByteLevel") == 0)
        return json_skip(in->r);  /* concerns offsets only */
    if (strcmp(type, "TemplateProcessing") == 0)
        return read_template(in);
    if (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0)
        return read_cls_sep(in);
    return tokenizer_json_unknown(in, "post-processor", type);
}

