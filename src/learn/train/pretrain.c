/* pretrain.c - the pretraining Task. */
#include "learn/train/pretrain.h"

#include "learn/generate/generate.h"
#include "learn/objective/objective.h"
#include "learn/train/pretrain_data.h"
#include "learn/train/recipe_size.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Pretrain {
    Arena *arena;
    const Recipe *recipe;
    PretrainData data;
    ModelConfig config;
    Store *store;
    Generator *generator;   /* for samples; NULL: none wanted */
    bool generator_bound;
    bool missing_tokenizer;  /* planning only */
    Batch scratch;          /* one micro batch, to count targets */
    Task task;
};

/* ---- the program ---- */

static Node *pretrain_build(void *context, Graph *g, bool training)
{
    Pretrain *p = context;
    const Recipe *r = p->recipe;
    int64_t n_tokens = p->recipe->train.micro_batch_size * p->recipe->data.seq_len;
    ModelInputs inputs = model_inputs(g, n_tokens, false);
    if (training && model_has_dropout(&p->config))
        model_inputs_dropout(g, &inputs, (uint64_t)r->seed);
    int bound = graph_bound(g, "n_tokens", n_tokens);
    Node *labels = graph_input(g, "labels", DTYPE_I32, shape_1(n_tokens), bound);
    Node *weights = graph_input(g, "weights", DTYPE_F32, shape_1(n_tokens), bound);
    CrossEntropyOptions options = model_loss_options(&p->config);
    if (training) {  /* evaluation is plain: a perplexity of smoothed targets would mean nothing */
        options.smoothing = r->loss.smoothing;
        options.smoothing_kind = r->loss.smoothing_to;
        options.z_loss = r->loss.z_loss;
        options.has_ignored = r->loss.ignore_index >= 0;
        options.ignored = r->loss.ignore_index;
    }
    return objective_causal(g, model_hidden(g, &p->config, &inputs), model_head(g, &p->config), labels, weights, options);
}

static Err pretrain_init(void *context, Store *store)
{
    Pretrain *p = context;
    if (p->recipe->model.from)
        return model_load(&p->config, store, p->recipe->model.from);
    model_init(&p->config, store, (uint64_t)p->recipe->seed);
    return OK;
}

static Err pretrain_load(void *context, Store *store, const char *dir)
{
    Pretrain *p = context;
    return model_load(&p->config, store, dir);
}

/* ---- batches ---- */

static int64_t pretrain_n_micro(void *context)
{
    Pretrain *p = context;
    return p->recipe->train.batch_size / p->recipe->train.micro_batch_size;
}

/* Takes from the targets what loss.ignore_index says is none. */
static void ignore_targets(const Pretrain *p, Batch *batch)
{
    const int64_t ignored = p->recipe->loss.ignore_index;
    for (int64_t n = 0; n < batch->n_tokens && ignored >= 0; n++)
        if (batch->labels[n] == ignored && batch->weights[n] != 0.0f) {
            batch->weights[n] = 0.0f;
            batch->n_targets--;
        }
}

static int64_t pretrain_count_targets(void *context, int64_t step)
{
    Pretrain *p = context;
    int64_t n_targets = 0, n_rows = p->recipe->train.micro_batch_size;
    for (int64_t micro = 0; micro < pretrain_n_micro(p); micro++) {
        batch_source_fill(p->data.train, step, micro * n_rows, n_rows, &p->scratch);
        ignore_targets(p, &p->scratch);
        n_targets += p->scratch.n_targets;
    }
    return n_targets;
}

/* The batch's arrays are the program's inputs themselves. */
static Batch batch_in_program(Pretrain *p, Program *program)
{
    Batch batch = p->scratch;  /* `sequences` stays there: no input of this model */
    batch.tokens = program_input(program, "tokens")->data;
    batch.labels = program_input(program, "labels")->data;
    batch.weights = program_input(program, "weights")->data;
    batch.positions = program_input(program, "positions")->data;
    batch.ranges = program_input(program, "ranges")->data;
    return batch;
}

/* Each token's name for dropout: its row's number since the start of training, and its place there. */
static void fill_draws(const Pretrain *p, Program *program, const Batch *batch)
{
    int32_t *draws = program_input(program, "draws")->data;
    const int64_t seq_len = p->recipe->data.seq_len;
    for (int64_t n = 0; n < batch->n_tokens; n++) {
        const uint64_t sample = (uint64_t)(batch->first_sample + n / seq_len);
        draws[3 * n] = (int32_t)(uint32_t)sample;
        draws[3 * n + 1] = (int32_t)(uint32_t)(sample >> 32);
        draws[3 * n + 2] = (int32_t)(n % seq_len);
    }
}

static void pretrain_fill(void *context, Program *program, int64_t step, int64_t micro)
{
    Pretrain *p = context;
    int64_t n_rows = p->recipe->train.micro_batch_size;
    Batch batch = batch_in_program(p, program);
    batch_source_fill(p->data.train, step, micro * n_rows, n_rows, &batch);
    ignore_targets(p, &batch);
    if (program_has_input(program, "draws"))
        fill_draws(p, program, &batch);
}

static int64_t pretrain_n_rows(void *context)
{
    Pretrain *p = context;
    return p->recipe->train.micro_batch_size;
}

/* The file of a piece: data.text, or one of the shards; a mixture's parts are a shard each. */
static const char *piece_file(const Pretrain *p, const BatchPieces *pieces, int i)
{
    const Recipe *r = p->recipe;
    if (r->data.text)
        return r->data.text;
    return r->data.train.value[r->data.weights.n ? pieces->part : pieces->piece[i].shard];
}

static void pretrain_locate(void *context, int64_t step, int64_t row, Arena *arena, SamplePlace *place)
{
    Pretrain *p = context;
    BatchPieces pieces;
    int64_t sample = step * p->recipe->train.batch_size + row, n_text = p->recipe->data.seq_len;
    batch_source_pieces(p->data.train, sample, &pieces);
    *place = (SamplePlace){.sample = sample, .n_pieces = pieces.n};
    for (int i = 0; i < SAMPLE_PIECES_MAX && i < pieces.n; i++)
        place->piece[i] = (SamplePiece){piece_file(p, &pieces, i), pieces.piece[i].document, pieces.piece[i].first, pieces.piece[i].n_tokens};
    Batch batch = batch_alloc(arena, p->recipe->data.seq_len);
    batch_source_fill(p->data.train, step, row, 1, &batch);
    n_text = n_text < SAMPLE_TEXT_TOKENS ? n_text : SAMPLE_TEXT_TOKENS;
    place->text = tokenizer_decode(p->data.tok, arena, batch.tokens, n_text, false).bytes;
}

static int64_t eval_rows(const Pretrain *p)
{
    if (!p->data.val)
        return 0;
    int64_t n_rows = batch_source_eval_n_rows(p->data.val), limit = p->recipe->train.eval_rows;
    return limit > 0 && limit < n_rows ? limit : n_rows;
}

static int64_t pretrain_n_eval(void *context)
{
    Pretrain *p = context;
    int64_t n_rows = p->recipe->train.micro_batch_size;
    return (eval_rows(p) + n_rows - 1) / n_rows;
}

static void pretrain_fill_eval(void *context, Program *program, int64_t index, TaskLoss *loss)
{
    Pretrain *p = context;
    int64_t n_rows = p->recipe->train.micro_batch_size, first = index * n_rows, end = eval_rows(p);
    Batch batch = batch_in_program(p, program);
    batch_source_eval_fill(p->data.val, first, n_rows, &batch);
    ignore_targets(p, &batch);
    /* Rows beyond a limited evaluation count for nothing. */
    for (int64_t n = (end - first) * p->recipe->data.seq_len; n < batch.n_tokens; n++)
        batch.weights[n] = 0.0f;
    loss->n_tokens = batch.n_tokens;
    for (int64_t n = 0; n < batch.n_tokens; n++)
        if (batch.weights[n] != 0.0f) {
            loss->n_targets++;
            loss->n_bytes += p->data.token_bytes[batch.labels[n]];
        }
}

/* ---- people, files ---- */

static Err pretrain_sample(void *context, const Store *store, Arena *arena, int64_t step, const char **text)
{
    (void)store;
    Pretrain *p = context;
    if (!p->generator)
        return OK;
    if (!p->generator_bound)
        TRY(generator_bind(p->generator));
    p->generator_bound = true;
    TokenSpan prompt = tokenizer_encode(p->data.tok, arena, p->recipe->train.sample, strlen(p->recipe->train.sample));
    GenerateOptions options = {.sample = {.temperature = p->recipe->train.sample_temperature, .top_p = 1.0, .seed = (uint64_t)step},
                               .max_tokens = p->recipe->train.sample_tokens, .slide = true};
    Generated generated;
    TRY(generate(p->generator, p->data.tok, &prompt, 1, &options, NULL, arena, &generated));
    *text = arena_printf(arena, "%s%.*s", p->recipe->train.sample, (int)generated.n_bytes, generated.text);
    return OK;
}

static int64_t pretrain_extra_bytes(void *context)
{
    Pretrain *p = context;
    return p->generator ? generator_plan(p->generator)->slab_bytes + generator_plan(p->generator)->input_bytes : 0;
}

static Err pretrain_save(void *context, const Store *store, const char *dir)
{
    Pretrain *p = context;
    TRY(model_save(&p->config, store, dir));
    return tokenizer_save(p->data.tok, dir);
}

static void field_hash(JsonWriter *json, const char *key, uint64_t hash)
{
    char hex[17];
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)hash);
    json_field_string(json, key, hex);
}

static void pretrain_write_state(void *context, int64_t step, JsonWriter *json)
{
    Pretrain *p = context;
    DataCursor cursor = batch_source_cursor(p->data.train, step);
    json_field_int(json, "samples", cursor.samples);
    json_field_int(json, "epoch", cursor.epoch);
    json_field_int(json, "sample_in_epoch", cursor.sample_in_epoch);
    field_hash(json, "data_hash", cursor.source_hash);
    field_hash(json, "tokenizer_hash", tokenizer_hash(p->data.tok));
}

/* ---- making it ---- */

static Err pretrain_read_config(Pretrain *p)
{
    const Recipe *r = p->recipe;
    if (!r->size)
        return model_config_read(&p->config, p->arena, r->model.config ? r->model.config : r->model.from);
    RecipeSize size;
    TRY(recipe_size_derive(&size, r->size, r->data.seq_len, p->arena));
    const char *json = recipe_size_config(&size, r->data.seq_len, p->arena);
    return model_config_parse(&p->config, p->arena, "size", json, strlen(json));
}

static Err pretrain_open_model(Pretrain *p)
{
    const Recipe *r = p->recipe;
    TRY(pretrain_read_config(p));
    if (p->data.tok) {
        int64_t vocab_size = tokenizer_vocab_size(p->data.tok);
        if (r->model.from && vocab_size > p->config.vocab_size)
            return err_set(ERR_USAGE, "%s: the model has %lld tokens, the tokenizer %lld", r->model.from,
                           (long long)p->config.vocab_size, (long long)vocab_size);
        if (!r->model.from)
            p->config.vocab_size = vocab_size;
        p->config.bos_id = tokenizer_special_id(p->data.tok, SPECIAL_BOS);
        int32_t eos = tokenizer_special_id(p->data.tok, SPECIAL_EOS);
        p->config.n_eos = eos >= 0;
        p->config.eos_id[0] = eos;
        p->config.pad_id = tokenizer_special_id(p->data.tok, SPECIAL_PAD);
    }
    if (p->missing_tokenizer && p->config.vocab_size == 0)
        return err_set(ERR_USAGE, "%s: no such tokenizer, and the model's config has no vocab_size to plan with", r->data.tokenizer);
    TRY(model_config_check(&p->config));
    if (r->model.dropout >= 0)
        p->config.dropout_embedding = p->config.dropout_hidden = p->config.dropout_attention = r->model.dropout;
    Err err = model_config_set_context(&p->config, r->data.seq_len);
    if (err != OK)
        return err_prefix(err, "data.seq_len");
    p->store = store_new();
    model_declare(&p->config, p->store, &(ModelDeclareOptions){.dtype = DTYPE_F32, .trainable = true});
    return OK;
}

static Err pretrain_open_generator(Pretrain *p)
{
    if (!p->recipe->train.sample || !p->data.tok)
        return OK;
    GeneratorOptions options = generator_options_default(&p->config);
    int64_t n_prompt = (int64_t)strlen(p->recipe->train.sample) + 1;
    TokenSpan prompt = tokenizer_encode(p->data.tok, p->arena, p->recipe->train.sample, strlen(p->recipe->train.sample));
    if (prompt.n == 0 || prompt.n >= p->config.seq_len_max)
        return err_set(ERR_USAGE, "train.sample has %lld tokens, must have 1 .. %lld", (long long)prompt.n, (long long)p->config.seq_len_max - 1);
    int64_t wanted = n_prompt + p->recipe->train.sample_tokens;
    if (wanted < options.context)
        options.context = wanted;
    return generator_new(&p->generator, &p->config, p->store, &options);
}

Err pretrain_new(Pretrain **out, const Recipe *recipe, bool plan_only)
{
    *out = NULL;
    Pretrain *p = mem_alloc(sizeof *p);
    p->arena = arena_new();
    p->recipe = recipe;
    Err err;
    if (plan_only && strcmp(recipe->data.tokenizer, "char") != 0) {
        err = pretrain_data_open_tokenizer(&p->data, recipe);
        p->missing_tokenizer = err == ERR_IO;  /* not made yet: the config's vocab_size counts */
        if (p->missing_tokenizer)
            err = OK;
    } else {
        err = pretrain_data_open(&p->data, recipe);
    }
    if (err == OK)
        err = pretrain_open_model(p);
    if (err == OK)
        err = pretrain_open_generator(p);
    if (err != OK) {
        pretrain_free(p);
        return err;
    }
    p->scratch = batch_alloc(p->arena, recipe->train.micro_batch_size * recipe->data.seq_len);
    p->task = (Task){.name = "pretrain", .context = p, .build = pretrain_build, .init = pretrain_init, .load = pretrain_load,
                     .n_micro = pretrain_n_micro, .count_targets = pretrain_count_targets, .fill = pretrain_fill,
                     .n_rows = pretrain_n_rows, .locate = pretrain_locate,
                     .n_eval = pretrain_n_eval, .fill_eval = pretrain_fill_eval, .sample = pretrain_sample, .extra_bytes = pretrain_extra_bytes,
                     .save = pretrain_save, .write_state = pretrain_write_state};
    *out = p;
    return OK;
}

void pretrain_free(Pretrain *p)
{
    if (!p)
        return;
    generator_free(p->generator);
    store_free(p->store);
    pretrain_data_close(&p->data);
    arena_free(p->arena);
    free(p);
}

const Task *pretrain_task(Pretrain *p)
{
    return &p->task;
}

Store *pretrain_store(Pretrain *p)
{
    return p->store;
}

const ModelConfig *pretrain_config(const Pretrain *p)
{
    return &p->config;
}

const Tokenizer *pretrain_tokenizer(const Pretrain *p)
{
    return p->data.tok;
}

int64_t pretrain_n_train_tokens(const Pretrain *p)
{
    return p->data.train ? batch_source_n_tokens(p->data.train) : 0;
}
