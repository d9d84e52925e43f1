/* model.c - the table of families, and what they share: declaring parameters, counting, inputs, caches, the head. */
#include "learn/model/model.h"

#include "base/options.h"
#include "engine/op/op.h"
#include "learn/model/model_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const ModelFamily *const families[] = {&model_gpt2, &model_llama, &model_mistral, &model_qwen2, &model_qwen3,
                                             &model_gemma, &model_gemma2, &model_opt, &model_bloom};

const ModelFamily *model_family_find(const char *model_type, const char **known)
{
    if (known)
        *known = "gpt2, llama, mistral, qwen2, qwen3, gemma, gemma2, opt, bloom";
    for (int i = 0; i < N_ELEMENTS(families); i++)
        if (strcmp(families[i]->model_type, model_type) == 0)
            return families[i];
    return NULL;
}

/* ---- parameters ---- */

void model_params_add(ModelParams *params, const char *name, Shape shape, ParamRole role, InitKind init, double std)
{
    if (params->n == params->capacity) {
        int capacity = params->capacity ? 2 * params->capacity : 64;
        ModelParam *grown = ARENA_ARRAY(params->arena, ModelParam, capacity);
        memcpy(grown, params->param, sizeof *grown * (size_t)params->n);
        params->param = grown;
        params->capacity = capacity;
    }
    params->param[params->n++] = (ModelParam){name, shape, role, init, std};
}

void model_params_add_layernorm(ModelParams *p, const char *path, int64_t width)
{
    model_params_add(p, arena_printf(p->arena, "%s.weight", path), shape_1(width), ROLE_VECTOR, INIT_ONES, 0);
    model_params_add(p, arena_printf(p->arena, "%s.bias", path), shape_1(width), ROLE_VECTOR, INIT_ZEROS, 0);
}

void model_params_add_linear(ModelParams *p, const char *path, int64_t n_out, int64_t n_in, double std, bool bias)
{
    model_params_add(p, arena_printf(p->arena, "%s.weight", path), shape_2(n_out, n_in), ROLE_MATRIX, INIT_NORMAL, std);
    if (bias)
        model_params_add(p, arena_printf(p->arena, "%s.bias", path), shape_1(n_out), ROLE_VECTOR, INIT_ZEROS, 0);
}

ModelParams model_params(const ModelConfig *config, Arena *arena)
{
    ModelParams params = {.arena = arena, .param = ARENA_ARRAY(arena, ModelParam, 64), .capacity = 64};
    config->family->params(config, &params);
    return params;
}

/* Matrices and vectors go to buckets of their own: weight decay is for matrices, and so are bf16 and fp16. */
void model_declare(const ModelConfig *config, Store *store, const ModelDeclareOptions *options)
{
    const bool trainable = options->trainable;
    const DType vector_dtype = dtype_is_half(options->dtype) ? DTYPE_F32 : options->dtype;
    int matrices = store_add_bucket(store, &(BucketSpec){trainable ? "decay" : "frozen", options->dtype, trainable, trainable});
    int vectors = matrices;
    if (trainable || vector_dtype != options->dtype)
        vectors = store_add_bucket(store, &(BucketSpec){trainable ? "no_decay" : "frozen_vectors", vector_dtype, trainable, false});

    Arena *arena = arena_new();
    ModelParams params = model_params(config, arena);
    for (int i = 0; i < params.n; i++)
        store_add_param(store, params.param[i].role == ROLE_VECTOR ? vectors : matrices, params.param[i].name, params.param[i].shape);
    arena_free(arena);
}

int64_t model_n_params(const ModelConfig *config)
{
    Arena *arena = arena_new();
    ModelParams params = model_params(config, arena);
    int64_t n = 0;
    for (int i = 0; i < params.n; i++)
        n += shape_count(params.param[i].shape);
    arena_free(arena);
    return n;
}

int model_matrices(ModelMatrix **matrices, const ModelConfig *config, Arena *arena)
{
    ModelParams params = model_params(config, arena);
    int n = 0;
    *matrices = ARENA_ARRAY(arena, ModelMatrix, params.n);
    for (int i = 0; i < params.n; i++) {
        ParamRole role = params.param[i].role;
        bool is_head = role == ROLE_HEAD || (role == ROLE_EMBEDDING && config->tied);
        if (role != ROLE_MATRIX && !is_head)
            continue;
        bool in_out = role == ROLE_MATRIX && config->family->in_out;
        const int64_t *dim = params.param[i].shape.dim;
        (*matrices)[n++] = (ModelMatrix){.n_in = dim[in_out ? 0 : 1], .n_out = dim[in_out ? 1 : 0], .in_out = in_out, .is_head = is_head};
    }
    return n;
}

double model_train_flops_per_token(const ModelConfig *config, int64_t seq_len)
{
    Arena *arena = arena_new();
    ModelMatrix *matrices;
    int n = model_matrices(&matrices, config, arena);
    double weights = 0;  /* that a token meets in products */
    for (int i = 0; i < n; i++)
        weights += (double)matrices[i].n_in * (double)matrices[i].n_out;
    arena_free(arena);
    double d_attention = (double)config->n_head * (double)config->head_dim;
    return 6 * weights + 6 * (double)config->n_layer * (double)seq_len * d_attention;
}

/* ---- what a sequence sees ---- */

int64_t model_layer_window(const ModelConfig *config, int64_t layer)
{
    if (config->layer_slides)
        return config->layer_slides[layer] ? config->window : 0;
    switch (config->family->llama.window) {
    case WINDOW_ALL: return config->window;
    case WINDOW_EVEN: return layer % 2 == 0 ? config->window : 0;
    case WINDOW_UPPER: return layer >= config->max_window_layers ? config->window : 0;
    }
    return 0;
}

Err model_config_set_context(ModelConfig *config, int64_t context)
{
    if (context < 1 || (context > config->seq_len_max && config->rope.scaling != ROPE_DYNAMIC))
        return err_set(ERR_USAGE, "sequences of %lld tokens: the model takes 1 .. %lld", (long long)context, (long long)config->seq_len_max);
    config->rope.seq_len = context;
    return OK;
}

/* ---- graphs ---- */

Node *model_param(Graph *g, const char *format, ...)
{
    char name[128];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return graph_param(g, name);
}

Node *model_activation(Graph *g, const ModelConfig *config, Node *x)
{
    switch ((Activation)config->activation) {
    case ACTIVATION_GELU_TANH: return gelu_tanh(g, x);
    case ACTIVATION_GELU_ERF: return gelu_erf(g, x);
    case ACTIVATION_RELU: return relu(g, x);
    case ACTIVATION_SILU: break;
    }
    assert(!"silu comes with a gate");
    return x;
}

Node *model_embedding(Graph *g, const char *table, Node *ids)
{
    Node *rows = embedding(g, graph_param(g, table), ids);
    return dtype_is_half(node_dtype(rows)) ? cast(g, rows, DTYPE_F32) : rows;
}

ModelInputs model_inputs(Graph *g, int64_t n_tokens_max, bool cached)
{
    int bound = graph_bound(g, "n_tokens", n_tokens_max);
    return (ModelInputs){
        .tokens = graph_input(g, "tokens", DTYPE_I32, shape_1(n_tokens_max), bound),
        .positions = graph_input(g, "positions", DTYPE_I32, shape_1(n_tokens_max), bound),
        .ranges = graph_input(g, "ranges", DTYPE_I32, shape_2(n_tokens_max, 2), bound),
        .slots = cached ? graph_input(g, "slots", DTYPE_I32, shape_1(n_tokens_max), bound) : NULL,
    };
}

bool model_has_dropout(const ModelConfig *config)
{
    return config->dropout_embedding > 0 || config->dropout_hidden > 0 || config->dropout_attention > 0;
}

void model_inputs_dropout(Graph *g, ModelInputs *inputs, uint64_t seed)
{
    const int64_t n = node_dim(inputs->tokens, 0);
    inputs->draws = graph_input(g, "draws", DTYPE_I32, shape_2(n, 3), graph_bound(g, "n_tokens", n));
    inputs->dropout_seed = seed;
}

Node *model_dropout(Graph *g, const ModelInputs *inputs, Node *x, double rate)
{
    return inputs->draws && rate > 0 ? dropout(g, x, inputs->draws, rate, inputs->dropout_seed) : x;
}

AttentionOptions model_attention_options(const ModelConfig *config, const ModelInputs *inputs, AttentionOptions options)
{
    if (inputs->draws && config->dropout_attention > 0) {
        options.dropout = config->dropout_attention;
        options.dropout_seed = inputs->dropout_seed;
        options.draws = inputs->draws;
    }
    return options;
}

static const char *cache_name(char name[48], char which, int64_t layer, DType dtype)
{
    snprintf(name, 48, "cache.%c.%lld:%s", which, (long long)layer, dtype_name(dtype));
    return name;
}

void model_declare_cache(const ModelConfig *config, Store *store, DType dtype, int64_t capacity)
{
    char name[48];
    const Shape shape = shape_3(config->n_kv_head, capacity, config->head_dim);
    for (int64_t i = 0; i < config->n_layer; i++) {
        store_add_state(store, cache_name(name, 'k', i, dtype), STATE_CACHE, dtype, shape);
        store_add_state(store, cache_name(name, 'v', i, dtype), STATE_CACHE, dtype, shape);
    }
}

void model_cache(Graph *g, const ModelInputs *inputs, int64_t layer, Node **k, Node **v)
{
    char name[48];
    if (!inputs->slots)
        return;
    *k = cache_write(g, graph_state(g, cache_name(name, 'k', layer, inputs->cache_dtype)), *k, inputs->slots);
    *v = cache_write(g, graph_state(g, cache_name(name, 'v', layer, inputs->cache_dtype)), *v, inputs->slots);
}

Node *model_hidden(Graph *g, const ModelConfig *config, const ModelInputs *inputs)
{
    return config->family->hidden(g, config, inputs);
}

Node *model_head(Graph *g, const ModelConfig *config)
{
    return graph_param(g, config->tied ? config->family->embedding : "lm_head.weight");
}

CrossEntropyOptions model_loss_options(const ModelConfig *config)
{
    return (CrossEntropyOptions){.softcap = config->softcap_logits};
}

Node *model_logits(Graph *g, const ModelConfig *config, Node *hidden)
{
    Node *logits = linear(g, hidden, model_head(g, config), NULL, WEIGHT_OUT_IN);
    return config->softcap_logits > 0.0 ? softcap(g, logits, config->softcap_logits) : logits;
}
