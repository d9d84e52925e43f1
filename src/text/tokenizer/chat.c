/* chat.c - finds a tokenizer's chat template, renders and encodes it. */
#include "text/tokenizer/chat.h"
#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

struct ChatTemplate {
    const Tokenizer *tok;
    JinjaTemplate *jinja;
};

Err chat_open_text(ChatTemplate **out, const Tokenizer *tok, const char *name, const char *source, size_t n_bytes)
{
    JinjaTemplate *jinja;
    TRY(jinja_parse(&jinja, name, source, n_bytes));
    *out = mem_alloc(sizeof **out);
    **out = (ChatTemplate){tok, jinja};
    return OK;
}

void chat_free(ChatTemplate *chat)
{
    if (!chat)
        return;
    jinja_free(chat->jinja);
    free(chat);
}

/* A text, or [{"name": "default", "template": "..."}, ...] of which one is wanted. */
static Err read_template(JsonReader *r, Arena *arena, const char *wanted, const char **source, size_t *n)
{
    if (json_peek(r) == JSON_STRING)
        return json_string(r, arena, source, n);
    TRY(json_array_begin(r));
    while (json_array_next(r)) {
        JsonText key;
        const char *name = "", *text = NULL;
        size_t n_text = 0;
        TRY(json_object_begin(r));
        while (json_object_next(r, &key)) {
            if (json_text_is(key, "name"))
                TRY(json_string(r, arena, &name, NULL));
            else if (json_text_is(key, "template"))
                TRY(json_string(r, arena, &text, &n_text));
            else
                TRY(json_skip(r));
        }
        TRY(r->err);
        if (text && strcmp(name, wanted) == 0) {
            *source = text;
            *n = n_text;
        }
    }
    return r->err;
}

static Err template_of_config(Arena *arena, const char *path, const char *wanted, const char **source, size_t *n)
{
    const char *bytes;
    size_t n_bytes;
    JsonText key;
    TRY(file_read(&bytes, &n_bytes, arena, path));
    JsonReader *r = ARENA_ARRAY(arena, JsonReader, 1);
    json_reader_init(r, path, bytes, n_bytes);
    TRY(json_object_begin(r));
    while (json_object_next(r, &key))
        TRY(json_text_is(key, "chat_template") && json_peek(r) != JSON_NULL ? read_template(r, arena, wanted, source, n) : json_skip(r));
    return json_reader_end(r);
}

static Err find_template(Arena *arena, const char *dir, const char *wanted, const char **path, const char **source, size_t *n)
{
    bool is_default = strcmp(wanted, "default") == 0;
    *source = NULL;
    *path = is_default ? arena_printf(arena, "%s/chat_template.jinja", dir) : arena_printf(arena, "%s/additional_chat_templates/%s.jinja", dir, wanted);
    if (file_exists(*path))
        return file_read(source, n, arena, *path);
    *path = arena_printf(arena, "%s/tokenizer_config.json", dir);
    if (file_exists(*path))
        TRY(template_of_config(arena, *path, wanted, source, n));
    if (*source)
        return OK;
    return err_set(ERR_FORMAT, "%s: no chat template \"%s\" (chat_template.jinja, or chat_template in tokenizer_config.json)", dir, wanted);
}

Err chat_open(ChatTemplate **out, const Tokenizer *tok, const char *dir, const char *name)
{
    Arena *arena = arena_new();
    const char *path, *source;
    size_t n;
    Err err = find_template(arena, dir, name ? name : "default", &path, &source, &n);
    if (err == OK)
        err = chat_open_text(out, tok, path, source, n);
    arena_free(arena);
    return err;
}

Err chat_render(const ChatTemplate *chat, Arena *arena, const char *variables, size_t n_bytes, ChatText *out)
{
    static const char *const names[N_SPECIALS] = {
        [SPECIAL_BOS] = "bos_token", [SPECIAL_EOS] = "eos_token", [SPECIAL_PAD] = "pad_token", [SPECIAL_UNK] = "unk_token",
        [SPECIAL_MASK] = "mask_token", [SPECIAL_SEP] = "sep_token", [SPECIAL_CLS] = "cls_token",
    };
    const char *texts[N_SPECIALS];
    for (int i = 0; i < N_SPECIALS; i++) {
        int32_t id = chat->tok ? tokenizer_special_id(chat->tok, (SpecialToken)i) : -1;
        texts[i] = id >= 0 ? tokenizer_text_of(chat->tok, id) : NULL;
    }
    JinjaVariables all = {.json = variables, .n_json_bytes = n_bytes, .names = names, .texts = texts, .n_trusted = N_SPECIALS};
    return jinja_render(chat->jinja, &all, arena, out);
}

TokenSpan chat_encode(const ChatTemplate *chat, Arena *arena, const ChatText *text, TokenOffset **offsets)
{
    return tokenizer_encode_marked(chat->tok, arena, text->bytes, text->data, text->n_bytes, offsets);
}
