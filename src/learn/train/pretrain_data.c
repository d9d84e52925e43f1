/* pretrain_data.c - from a text file, or shards, to batch sources. */
#include "learn/train/pretrain_data.h"

#include "base/log.h"
#include "text/corpus/document.h"

#include <stdlib.h>
#include <string.h>

/* Tokens of one side of the split, growing. */
typedef struct {
    int32_t *tokens;
    int64_t n, capacity;
    int64_t *begins;
    int64_t n_begins, begins_capacity;
} TokenList;

static void list_add(TokenList *list, TokenSpan span, int32_t eos)
{
    if (list->n_begins == list->begins_capacity) {
        list->begins_capacity = 2 * list->begins_capacity + 64;
        list->begins = mem_realloc(list->begins, sizeof(int64_t) * (size_t)list->begins_capacity);
    }
    list->begins[list->n_begins++] = list->n;
    int64_t need = list->n + span.n + 1;
    if (need > list->capacity) {
        list->capacity = 2 * need;
        list->tokens = mem_realloc(list->tokens, sizeof(int32_t) * (size_t)list->capacity);
    }
    memcpy(list->tokens + list->n, span.ids, sizeof(int32_t) * (size_t)span.n);
    list->n += span.n;
    if (eos >= 0)
        list->tokens[list->n++] = eos;
}

/* Every document of the file, one after another. */
typedef struct {
    char **texts;
    size_t *n_bytes;
    int64_t n, capacity;
} Texts;

static Err read_texts(Texts *texts, Arena *arena, const char *path)
{
    DocumentOptions options = document_options_default();
    options.bytes_max = INT64_C(4) << 30;
    DocumentReader *reader;
    TRY(document_reader_open(&reader, path, &options));
    Document document;
    Err err = OK;
    while (document_reader_next(reader, &document, &err)) {
        if (texts->n == texts->capacity) {
            texts->capacity = 2 * texts->capacity + 64;
            texts->texts = mem_realloc(texts->texts, sizeof(char *) * (size_t)texts->capacity);
            texts->n_bytes = mem_realloc(texts->n_bytes, sizeof(size_t) * (size_t)texts->capacity);
        }
        texts->texts[texts->n] = arena_strndup(arena, document.text, document.n_bytes);
        texts->n_bytes[texts->n++] = document.n_bytes;
    }
    const DocumentCounts *counts = document_reader_counts(reader);
    if (err == OK && counts->n_skipped)
        log_warn("%lld records were skipped, first: %s", (long long)counts->n_skipped, counts->reason);
    if (err == OK && texts->n == 0)
        err = err_set(ERR_FORMAT, "%s: no text in it", path);
    document_reader_free(reader);
    return err;
}

static void texts_free(Texts *texts)
{
    free(texts->texts);
    free(texts->n_bytes);
}

static Err train_char_tokenizer(Tokenizer **tok, const Texts *texts)
{
    TokenizerTrainOptions options = tokenizer_train_options_default();
    options.type = TOKENIZER_CHAR;
    options.vocab_size = 0x110000;
    options.n_specials = 0;
    options.bos = options.eos = options.pad = options.unk = options.mask = NULL;
    options.quiet = true;
    size_t total = 0;
    for (int64_t i = 0; i < texts->n; i++)
        total += texts->n_bytes[i];
    char *all = mem_alloc(total), *at = all;
    for (int64_t i = 0; i < texts->n; i++) {
        memcpy(at, texts->texts[i], texts->n_bytes[i]);
        at += texts->n_bytes[i];
    }
    Err err = tokenizer_train_text(tok, &options, all, total);
    free(all);
    return err;
}

/* The byte at which the first floor(share * characters) characters end. */
static size_t split_point(const char *text, size_t n_bytes, double share)
{
    int64_t n_chars = 0;
    for (size_t i = 0; i < n_bytes; i++)
        n_chars += ((unsigned char)text[i] & 0xC0) != 0x80;
    int64_t wanted = (int64_t)((double)n_chars * share), seen = 0;
    for (size_t i = 0; i < n_bytes; i++)
        if (((unsigned char)text[i] & 0xC0) != 0x80 && seen++ == wanted)
            return i;
    return n_bytes;
}

static void encode_texts(const Texts *texts, const Tokenizer *tok, double split, TokenList *train, TokenList *val)
{
    Arena *arena = arena_new();
    if (texts->n == 1) {
        size_t at = split_point(texts->texts[0], texts->n_bytes[0], split);
        list_add(train, tokenizer_encode(tok, arena, texts->texts[0], at), -1);
        arena_reset(arena);
        list_add(val, tokenizer_encode(tok, arena, texts->texts[0] + at, texts->n_bytes[0] - at), -1);
    } else {
        int32_t eos = tokenizer_special_id(tok, SPECIAL_EOS);
        double total = 0, done = 0;
        for (int64_t i = 0; i < texts->n; i++)
            total += (double)texts->n_bytes[i];
        for (int64_t i = 0; i < texts->n; i++) {
            TokenList *side = done < split * total ? train : val;
            list_add(side, tokenizer_encode(tok, arena, texts->texts[i], texts->n_bytes[i]), eos);
            done += (double)texts->n_bytes[i];
            arena_reset(arena);
        }
    }
    arena_free(arena);
}

static BatchOptions batch_options(const Recipe *r, const Tokenizer *tok)
{
    BatchOptions options = batch_options_default();
    options.seq_len = r->data.seq_len;
    options.batch_size = r->train.batch_size;
    options.stride = r->data.stride;
    options.vocab_size = tokenizer_vocab_size(tok);
    options.seed = (uint64_t)r->seed;
    options.mode = r->data.mode;
    options.order = r->data.order;
    return options;
}

/* Evaluation walks the text in order and needs no random offsets. */
static BatchOptions eval_options(const Recipe *r, const Tokenizer *tok)
{
    BatchOptions options = batch_options(r, tok);
    options.order = BATCH_SEQUENTIAL;
    options.stride = 0;
    return options;
}

static Err open_text(PretrainData *data, const Recipe *r)
{
    Arena *arena = arena_new();
    Texts texts = {0};
    TokenList train = {0}, val = {0};
    BatchOptions options;
    Err err;
    TRY_GOTO(err, read_texts(&texts, arena, r->data.text), done);
    if (!data->tok)
        TRY_GOTO(err, train_char_tokenizer(&data->tok, &texts), done);
    encode_texts(&texts, data->tok, r->data.split, &train, &val);
    data->train_tokens = train.tokens;
    data->train_begins = train.begins;
    data->val_tokens = val.tokens;
    data->val_begins = val.begins;
    options = batch_options(r, data->tok);
    TRY_GOTO(err, batch_source_open_tokens(&data->train, train.tokens, train.n, train.begins, train.n_begins, &options), done);
    options = eval_options(r, data->tok);
    if (val.n > 1)
        err = batch_source_open_tokens(&data->val, val.tokens, val.n, val.begins, val.n_begins, &options);
done:
    if (err != OK)
        err_prefix(err, "%s", r->data.text);
    texts_free(&texts);
    arena_free(arena);
    return err;
}

static Err open_shards(PretrainData *data, const Recipe *r)
{
    BatchOptions options = batch_options(r, data->tok);
    BatchMixPart parts[OPTION_LIST_MAX];
    for (int i = 0; i < r->data.weights.n; i++)
        parts[i] = (BatchMixPart){&r->data.train.value[i], 1, r->data.weights.value[i]};
    TRY(r->data.weights.n ? batch_source_open_mix(&data->train, parts, r->data.weights.n, &options)
                          : batch_source_open_shards(&data->train, r->data.train.value, r->data.train.n, &options));
    options = eval_options(r, data->tok);
    return r->data.val.n ? batch_source_open_shards(&data->val, r->data.val.value, r->data.val.n, &options) : OK;
}

/* Bytes of text an id stands for; special tokens stand for none. */
static void count_token_bytes(PretrainData *data)
{
    Arena *arena = arena_new();
    int64_t vocab_size = tokenizer_vocab_size(data->tok);
    data->token_bytes = mem_alloc(sizeof(int32_t) * (size_t)vocab_size);
    for (int32_t id = 0; id < vocab_size; id++) {
        data->token_bytes[id] = (int32_t)tokenizer_decode(data->tok, arena, &id, 1, false).n_bytes;
        if (id % 1024 == 0)
            arena_reset(arena);
    }
    arena_free(arena);
}

Err pretrain_data_open_tokenizer(PretrainData *data, const Recipe *recipe)
{
    return strcmp(recipe->data.tokenizer, "char") == 0 ? OK : tokenizer_load(&data->tok, recipe->data.tokenizer);
}

Err pretrain_data_open(PretrainData *data, const Recipe *recipe)
{
    TRY(pretrain_data_open_tokenizer(data, recipe));
    TRY(recipe->data.text ? open_text(data, recipe) : open_shards(data, recipe));
    count_token_bytes(data);
    return OK;
}

void pretrain_data_close(PretrainData *data)
{
    batch_source_free(data->train);
    batch_source_free(data->val);
    tokenizer_free(data->tok);
    free(data->train_tokens);
    free(data->val_tokens);
    free(data->train_begins);
    free(data->val_begins);
    free(data->token_bytes);
    *data = (PretrainData){0};
}
