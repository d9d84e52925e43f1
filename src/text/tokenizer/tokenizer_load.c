/* tokenizer_load.c - finds out what kind of tokenizer lies at a path and reads it. */
#include "text/tokenizer/tokenizer_internal.h"
#include "text/tokenizer/tokenizer_ranks.h"
#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* "<s>" or {"content": "<s>", ...} or null. */
static Err read_role(JsonReader *r, Arena *arena, const Tokenizer *tok, int32_t *id)
{
    const char *text = NULL;
    JsonText key;
    if (json_peek(r) == JSON_STRING) {
        TRY(json_string(r, arena, &text, NULL));
    } else if (json_peek(r) == JSON_OBJECT) {
        TRY(json_object_begin(r));
        while (json_object_next(r, &key))
            TRY(json_text_is(key, "content") ? json_string(r, arena, &text, NULL) : json_skip(r));
        TRY(r->err);
    } else
        return json_skip(r);
    if (text && tokenizer_id_of(tok, text) >= 0)
        *id = tokenizer_id_of(tok, text);
    return OK;
}

/* Roles and limits from tokenizer_config.json, which is kept for writing back. */
static Err read_config(Tokenizer *tok, const char *path)
{
    static const char *const roles[N_SPECIALS] = {"bos_token", "eos_token", "pad_token", "unk_token", "mask_token", "sep_token",
                                                  "cls_token"};
    Arena *arena = arena_new();
    const char *bytes;
    size_t n;
    JsonReader *r = mem_alloc(sizeof *r);
    Err err = file_read(&bytes, &n, arena, path);
    if (err == OK) {
        JsonText key;
        json_reader_init(r, path, bytes, n);
        err = json_object_begin(r);
        while (err == OK && json_object_next(r, &key)) {
            int role = 0;
            while (role < N_SPECIALS && !json_text_is(key, roles[role]))
                role++;
            double length;
            if (role < N_SPECIALS)
                err = read_role(r, arena, tok, &tok->specials[role]);
            else if (json_text_is(key, "model_max_length") && json_peek(r) == JSON_NUMBER) {
                err = json_double(r, &length);
                tok->model_max_length = err == OK && length > 0 && length < 1e15 ? (int64_t)length : 0;
            } else
                err = json_skip(r);
        }
        if (err == OK)
            err = json_reader_end(r);
        tok->config_json = mem_strdup(bytes);
    }
    free(r);
    arena_free(arena);
    return err;
}

static Err load_json_file(Tokenizer **out, const char *path)
{
    FileMap map;
    TRY(file_map(&map, path));
    Err err = tokenizer_read_json(out, path, (const char *)map.bytes, map.n_bytes);
    file_unmap(&map);
    return err;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

/* do_lower_case and its kin of a BERT-style tokenizer_config.json. */
static Err read_bert_options(BertOptions *bert, const char *path, Arena *arena)
{
    const char *bytes;
    size_t n;
    *bert = (BertOptions){-1, -1, 1, file_exists(path)};
    if (!file_exists(path))
        return OK;
    TRY(file_read(&bytes, &n, arena, path));
    JsonReader *r = arena_alloc(arena, sizeof *r);
    JsonText key;
    json_reader_init(r, path, bytes, n);
    TRY(json_object_begin(r));
    while (json_object_next(r, &key)) {
        int *value = json_text_is(key, "do_lower_case") ? &bert->lowercase : json_text_is(key, "strip_accents") ? &bert->strip_accents
                     : json_text_is(key, "tokenize_chinese_chars") ? &bert->chinese_chars : NULL;
        bool is_true;
        if (!value || json_peek(r) != JSON_BOOL) {
            TRY(json_skip(r));
            continue;
        }
        TRY(json_bool(r, &is_true));
        *value = is_true;
    }
    return json_reader_end(r);
}

static const char *folder_of(const char *path, Arena *arena)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_strndup(arena, path, (size_t)(slash - path)) : ".";
}

static Err load_vocab_txt(Tokenizer **out, const char *path, Arena *arena)
{
    const char *bytes;
    size_t n;
    BertOptions bert;
    TRY(read_bert_options(&bert, arena_printf(arena, "%s/tokenizer_config.json", folder_of(path, arena)), arena));
    TRY(file_read(&bytes, &n, arena, path));
    return tokenizer_read_vocab_txt(out, path, bytes, n, &bert);
}

static Err load_vocab_merges(Tokenizer **out, const char *vocab_path, const char *merges_path, Arena *arena)
{
    const char *vocab, *merges;
    size_t n_vocab, n_merges;
    TRY(file_read(&vocab, &n_vocab, arena, vocab_path));
    TRY(file_read(&merges, &n_merges, arena, merges_path));
    return tokenizer_read_vocab_merges(out, vocab_path, vocab, n_vocab, merges, n_merges);
}

/* The merges that lie beside a vocab.json or an encoder.json, NULL when there are none. */
static const char *merges_beside(const char *vocab_path, Arena *arena)
{
    static const char *const names[] = {"merges.txt", "vocab.bpe"};
    for (int i = 0; i < 2; i++) {
        const char *path = arena_printf(arena, "%s/%s", folder_of(vocab_path, arena), names[i]);
        if (file_exists(path))
            return path;
    }
    return NULL;
}

/* SentencePiece and tiktoken both use ".model": a protocol buffer opens with field 1 as bytes, a rank file is lines of base64. llm.c's file has
 * a magic number. */
static Err load_model(Tokenizer **out, const char *path, const TokenizerLoadOptions *options)
{
    FileMap map;
    TRY(file_map(&map, path));
    const char *bytes = (const char *)map.bytes;
    bool is_proto = map.n_bytes > 0 && bytes[0] == 0x0A;
    Err err = is_proto ? tokenizer_read_sentencepiece(out, path, bytes, map.n_bytes)
              : tokenizer_is_llmc(bytes, map.n_bytes)
                  ? tokenizer_read_llmc(out, path, bytes, map.n_bytes, options->pattern)
                       : tokenizer_read_tiktoken(out, path, bytes, map.n_bytes, options->pattern);
    file_unmap(&map);
    return err;
}

static Err load_dir(Tokenizer **out, const char *dir, const TokenizerLoadOptions *options, Arena *arena)
{
    static const char *const names[] = {"tokenizer.json", "vocab.json", "encoder.json", "tokenizer.model", "spiece.model", "vocab.txt"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = arena_printf(arena, "%s/%s", dir, names[i]);
        if (!file_exists(path) || file_is_dir(path))
            continue;
        TRY(tokenizer_load_with(out, path, options));
        const char *config = arena_printf(arena, "%s/tokenizer_config.json", dir);
        Err err = file_exists(config) ? read_config(*out, config) : OK;
        const char *chat = arena_printf(arena, "%s/chat_template.jinja", dir), *bytes;
        size_t n;
        if (err == OK && file_exists(chat)) {
            err = file_read(&bytes, &n, arena, chat);
            (*out)->chat_template = err == OK ? mem_strdup(bytes) : NULL;
        }
        if (err != OK)
            tokenizer_free(*out);
        return err;
    }
    return err_set(ERR_IO, "%s: no tokenizer in it (tokenizer.json, vocab.json and merges.txt, tokenizer.model, vocab.txt)", dir);
}

static Err load_path(Tokenizer **out, const char *path, const TokenizerLoadOptions *options, Arena *arena)
{
    if (file_is_dir(path))
        return load_dir(out, path, options, arena);
    if (!file_exists(path))
        return err_set(ERR_IO, "%s: no such file or directory", path);
    if (ends_with(path, "vocab.json") || ends_with(path, "encoder.json")) {
        const char *merges = merges_beside(path, arena);
        if (merges)
            return load_vocab_merges(out, path, merges, arena);
    }
    if (ends_with(path, ".json"))
        return load_json_file(out, path);
    if (ends_with(path, "merges.txt"))
        return load_vocab_merges(out, arena_printf(arena, "%s/vocab.json", folder_of(path, arena)), path, arena);
    if (ends_with(path, ".txt"))
        return load_vocab_txt(out, path, arena);
    if (ends_with(path, ".model") || ends_with(path, ".tiktoken") || ends_with(path, ".bin"))
        return load_model(out, path, options);
    return err_set(ERR_UNSUPPORTED, "%s: not a tokenizer by its name (.json, .model, .tiktoken, vocab.txt, llm.c's .bin)", path);
}

Err tokenizer_load_with(Tokenizer **out, const char *path, const TokenizerLoadOptions *options)
{
    Arena *arena = arena_new();
    Err err = load_path(out, path, options, arena);
    arena_free(arena);
    return err;
}

Err tokenizer_load(Tokenizer **out, const char *path)
{
    TokenizerLoadOptions options = {0};
    return tokenizer_load_with(out, path, &options);
}

Err tokenizer_load_json(Tokenizer **out, const char *name, const char *bytes, size_t n_bytes)
{
    return tokenizer_read_json(out, name, bytes, n_bytes);
}
