/* bloom.c - BLOOM (Le Scao et al. 2022, arXiv:2211.05100), as BloomForCausalLM names it.
 *
 *     h = word_embeddings_layernorm(word_embeddings[token])
 *     h = r + dense(attention(query_key_value(n)))         n = input_layernorm(h)              for each layer
 *     h = r + dense_4h_to_h(gelu(dense_h_to_4h(n)))        n = post_attention_layernorm(h)
 *     logits = ln_f(h) * word_embeddings^T
 *
 * where r is h, or n with apply_residual_connection_post_layernorm. There is no table of positions: scores fall with the distance (ALiBi, Press
 * et al. 2022, arXiv:2108.12409). The fused projection yields q, k and v side by side for each head. */
#include "base/options.h"
#include "engine/op/op.h"
#include "learn/model/model_internal.h"

#include <math.h>

static const ConfigField bloom_fields[] = {
    {"hidden_size", FIELD_INT, offsetof(ModelConfig, d_model), NULL},
    {"n_embed", FIELD_INT, offsetof(ModelConfig, d_model), NULL},  /* its name in the first files */
    {"n_layer", FIELD_INT, offsetof(ModelConfig, n_layer), NULL},
    {"num_hidden_layers", FIELD_INT, offsetof(ModelConfig, n_layer), NULL},
    {"n_head", FIELD_INT, offsetof(ModelConfig, n_head), NULL},
    {"num_attention_heads", FIELD_INT, offsetof(ModelConfig, n_head), NULL},
    {"seq_length", FIELD_INT, offsetof(ModelConfig, seq_len_max), NULL},
    {"layer_norm_epsilon", FIELD_REAL, offsetof(ModelConfig, norm_eps), NULL},
    {"apply_residual_connection_post_layernorm", FIELD_BOOL, offsetof(ModelConfig, norm_first), NULL},
    {"hidden_dropout", FIELD_DROPOUT, offsetof(ModelConfig, dropout_hidden), NULL},
    {"attention_dropout", FIELD_DROPOUT, offsetof(ModelConfig, dropout_attention), NULL},
};

static void bloom_defaults(ModelConfig *config)
{
    config->seq_len_max = 2048;
    config->norm_eps = 1e-5;
    config->tied = true;
}

static void bloom_derive(ModelConfig *config)
{
    config->n_kv_head = config->n_head;
    config->head_dim = config->n_head > 0 ? config->d_model / config->n_head : 0;
    config->attention_bias = config->mlp_bias = true;
    config->d_ff = 4 * config->d_model;
}

static void bloom_params(const ModelConfig *config, ModelParams *p)
{
    const int64_t C = config->d_model, F = config->d_ff;
    const double std = config->init_std;
    model_params_add(p, "transformer.word_embeddings.weight", shape_2(config->vocab_size, C), ROLE_EMBEDDING, INIT_NORMAL, std);
    model_params_add_layernorm(p, "transformer.word_embeddings_layernorm", C);
    for (int64_t i = 0; i < config->n_layer; i++) {
        const char *h = arena_printf(p->arena, "transformer.h.%lld", (long long)i);
        model_params_add_layernorm(p, arena_printf(p->arena, "%s.input_layernorm", h), C);
        model_params_add_linear(p, arena_printf(p->arena, "%s.self_attention.query_key_value", h), 3 * C, C, std, true);
        model_params_add_linear(p, arena_printf(p->arena, "%s.self_attention.dense", h), C, C, std, true);
        model_params_add_layernorm(p, arena_printf(p->arena, "%s.post_attention_layernorm", h), C);
        model_params_add_linear(p, arena_printf(p->arena, "%s.mlp.dense_h_to_4h", h), F, C, std, true);
        model_params_add_linear(p, arena_printf(p->arena, "%s.mlp.dense_4h_to_h", h), C, F, std, true);
    }
    model_params_add_layernorm(p, "transformer.ln_f", C);
    if (!config->tied)
        model_params_add(p, "lm_head.weight", shape_2(config->vocab_size, C), ROLE_HEAD, INIT_NORMAL, std);
}

static Node *bloom_linear(Graph *g, Node *x, int64_t layer, const char *name)
{
    Node *w = model_param(g, "transformer.h.%lld.%s.weight", (long long)layer, name);
    return linear(g, x, w, model_param(g, "transformer.h.%lld.%s.bias", (long long)layer, name), WEIGHT_OUT_IN);
}

static Node *bloom_norm(Graph *g, Node *x, const ModelConfig *config, const char *path)
{
    return layernorm(g, x, model_param(g, "transformer.%s.weight", path), model_param(g, "transformer.%s.bias", path), config->norm_eps);
}

static Node *bloom_layer_norm(Graph *g, Node *x, const ModelConfig *config, int64_t layer, const char *name)
{
    Node *gain = model_param(g, "transformer.h.%lld.%s.weight", (long long)layer, name);
    return layernorm(g, x, gain, model_param(g, "transformer.h.%lld.%s.bias", (long long)layer, name), config->norm_eps);
}

/* q, k and v of a head lie together: [N, H, 3, D], cut along its last two axes as one. */
static Node *bloom_attention(Graph *g, Node *x, const ModelConfig *config, const ModelInputs *inputs, int64_t layer)
{
    const int64_t N = node_dim(x, 0), H = config->n_head, D = config->head_dim;
    Node *qkv = view(g, bloom_linear(g, x, layer, "self_attention.query_key_value"), shape_3(N, H, 3 * D));
    Node *q = split(g, qkv, (int64_t[]){D, D, D}, 3);
    Node *k = node_sibling(q, 1), *v = node_sibling(q, 2);
    model_cache(g, inputs, layer, &k, &v);
    AttentionOptions options = {.scale = 1.0 / sqrt((double)D), .alibi = true};
    Node *y = attention(g, q, k, v, inputs->ranges, model_attention_options(config, inputs, options));
    return model_dropout(g, inputs, bloom_linear(g, view(g, y, shape_2(N, H * D)), layer, "self_attention.dense"), config->dropout_hidden);
}

static Node *bloom_mlp(Graph *g, Node *x, const ModelConfig *config, const ModelInputs *inputs, int64_t layer)
{
    Node *y = bloom_linear(g, gelu_tanh(g, bloom_linear(g, x, layer, "mlp.dense_h_to_4h")), layer, "mlp.dense_4h_to_h");
    return model_dropout(g, inputs, y, config->dropout_hidden);
}

static Node *bloom_hidden(Graph *g, const ModelConfig *config, const ModelInputs *inputs)
{
    const bool from_norm = config->norm_first;
    Node *h = bloom_norm(g, model_embedding(g, "transformer.word_embeddings.weight", inputs->tokens), config, "word_embeddings_layernorm");
    for (int64_t i = 0; i < config->n_layer; i++) {
        graph_push_scope(g, "h.%lld", (long long)i);
        graph_push_scope(g, "self_attention");
        Node *n = bloom_layer_norm(g, h, config, i, "input_layernorm");
        h = add(g, from_norm ? n : h, bloom_attention(g, n, config, inputs, i));
        graph_pop_scope(g);
        graph_push_scope(g, "mlp");
        n = bloom_layer_norm(g, h, config, i, "post_attention_layernorm");
        h = add(g, from_norm ? n : h, bloom_mlp(g, n, config, inputs, i));
        graph_pop_scope(g);
        graph_pop_scope(g);
    }
    return bloom_norm(g, h, config, "ln_f");
}

const ModelFamily model_bloom = {
    .model_type = "bloom",
    .architecture = "BloomForCausalLM",
    .prefix = "transformer.",
    .embedding = "transformer.word_embeddings.weight",
    .fields = bloom_fields,
    .n_fields = N_ELEMENTS(bloom_fields),
    .defaults = bloom_defaults,
    .derive = bloom_derive,
    .params = bloom_params,
    .hidden = bloom_hidden,
};
