/* gpt2.c - GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"), as GPT2LMHeadModel names it.
 *
 *     h = wte[token] + wpe[position]
 *     h = h + c_proj(attention(c_attn(ln_1(h))))        for each layer
 *     h = h + c_proj(gelu(c_fc(ln_2(h))))
 *     logits = ln_f(h) * wte^T
 *
 * In training the embedding, the weights of attention and both branches are dropped from, if the config says so.
 * Its Conv1D keeps weights [in, out], and c_attn yields q, k and v side by side. */
#include "base/options.h"
#include "engine/op/op.h"
#include "learn/model/model_internal.h"

#include <math.h>

static const ConfigField gpt2_fields[] = {
    {"n_embd", FIELD_INT, offsetof(ModelConfig, d_model), NULL},
    {"n_layer", FIELD_INT, offsetof(ModelConfig, n_layer), NULL},
    {"n_head", FIELD_INT, offsetof(ModelConfig, n_head), NULL},
    {"n_inner", FIELD_INT, offsetof(ModelConfig, d_ff), NULL},
    {"n_positions", FIELD_INT, offsetof(ModelConfig, seq_len_max), NULL},
    {"layer_norm_epsilon", FIELD_REAL, offsetof(ModelConfig, norm_eps), NULL},
    {"activation_function", FIELD_ACTIVATION, 0, "gelu_new|gelu_pytorch_tanh|gelu|relu"},
    {"scale_attn_weights", FIELD_MUST_BE, 0, "true"},
    {"scale_attn_by_inverse_layer_idx", FIELD_MUST_BE, 0, "false"},
    {"add_cross_attention", FIELD_MUST_BE, 0, "false"},
    {"resid_pdrop", FIELD_DROPOUT, offsetof(ModelConfig, dropout_hidden), NULL},
    {"embd_pdrop", FIELD_DROPOUT, offsetof(ModelConfig, dropout_embedding), NULL},
    {"attn_pdrop", FIELD_DROPOUT, offsetof(ModelConfig, dropout_attention), NULL},
};

static void gpt2_defaults(ModelConfig *config)
{
    config->seq_len_max = 1024;
    config->norm_eps = 1e-5;
    config->tied = true;
}

static void gpt2_derive(ModelConfig *config)
{
    config->n_kv_head = config->n_head;
    config->head_dim = config->n_head > 0 ? config->d_model / config->n_head : 0;
    config->attention_bias = config->mlp_bias = true;
    if (config->d_ff == 0)
        config->d_ff = 4 * config->d_model;
}

static void add_conv1d(ModelParams *p, const char *path, int64_t n_in, int64_t n_out, double std)
{
    model_params_add(p, arena_printf(p->arena, "%s.weight", path), shape_2(n_in, n_out), ROLE_MATRIX, INIT_NORMAL, std);
    model_params_add(p, arena_printf(p->arena, "%s.bias", path), shape_1(n_out), ROLE_VECTOR, INIT_ZEROS, 0);
}

/* "We scale the weights of residual layers at initialization by a factor of 1/sqrt(N) where N is the number of residual layers": two a
 * block. */
static void gpt2_params(const ModelConfig *config, ModelParams *p)
{
    const int64_t C = config->d_model, F = config->d_ff;
    const double std = config->init_std, std_residual = std / sqrt(2.0 * (double)config->n_layer);
    model_params_add(p, "transformer.wte.weight", shape_2(config->vocab_size, C), ROLE_EMBEDDING, INIT_NORMAL, std);
    model_params_add(p, "transformer.wpe.weight", shape_2(config->seq_len_max, C), ROLE_POSITIONS, INIT_NORMAL, std);
    for (int64_t i = 0; i < config->n_layer; i++) {
        const char *h = arena_printf(p->arena, "transformer.h.%lld", (long long)i);
        model_params_add_layernorm(p, arena_printf(p->arena, "%s.ln_1", h), C);
        add_conv1d(p, arena_printf(p->arena, "%s.attn.c_attn", h), C, 3 * C, std);
        add_conv1d(p, arena_printf(p->arena, "%s.attn.c_proj", h), C, C, std_residual);
        model_params_add_layernorm(p, arena_printf(p->arena, "%s.ln_2", h), C);
        add_conv1d(p, arena_printf(p->arena, "%s.mlp.c_fc", h), C, F, std);
        add_conv1d(p, arena_printf(p->arena, "%s.mlp.c_proj", h), F, C, std_residual);
    }
    model_params_add_layernorm(p, "transformer.ln_f", C);
    if (!config->tied)
        model_params_add(p, "lm_head.weight", shape_2(config->vocab_size, C), ROLE_HEAD, INIT_NORMAL, std);
}

static Node *gpt2_param(Graph *g, int64_t layer, const char *name, const char *kind)
{
    return model_param(g, "transformer.h.%lld.%s.%s", (long long)layer, name, kind);
}

static Node *gpt2_conv1d(Graph *g, Node *x, int64_t layer, const char *name)
{
    return linear(g, x, gpt2_param(g, layer, name, "weight"), gpt2_param(g, layer, name, "bias"), WEIGHT_IN_OUT);
}

static Node *gpt2_norm(Graph *g, Node *x, const ModelConfig *config, int64_t layer, const char *name)
{
    return layernorm(g, x, gpt2_param(g, layer, name, "weight"), gpt2_param(g, layer, name, "bias"), config->norm_eps);
}

static Node *gpt2_attention(Graph *g, Node *x, const ModelConfig *config, const ModelInputs *inputs, int64_t layer)
{
    const int64_t N = node_dim(x, 0), C = config->d_model;
    const Shape heads = shape_3(N, config->n_head, config->head_dim);
    Node *qkv = gpt2_conv1d(g, x, layer, "attn.c_attn");
    Node *q = split(g, qkv, (int64_t[]){C, C, C}, 3);
    Node *k = view(g, node_sibling(q, 1), heads);
    Node *v = view(g, node_sibling(q, 2), heads);
    model_cache(g, inputs, layer, &k, &v);
    AttentionOptions options = model_attention_options(config, inputs, (AttentionOptions){.scale = 1.0 / sqrt((double)config->head_dim)});
    Node *y = attention(g, view(g, q, heads), k, v, inputs->ranges, options);
    return model_dropout(g, inputs, gpt2_conv1d(g, view(g, y, shape_2(N, C)), layer, "attn.c_proj"), config->dropout_hidden);
}

static Node *gpt2_mlp(Graph *g, Node *x, const ModelConfig *config, const ModelInputs *inputs, int64_t layer)
{
    Node *y = gpt2_conv1d(g, model_activation(g, config, gpt2_conv1d(g, x, layer, "mlp.c_fc")), layer, "mlp.c_proj");
    return model_dropout(g, inputs, y, config->dropout_hidden);
}

static Node *gpt2_hidden(Graph *g, const ModelConfig *config, const ModelInputs *inputs)
{
    Node *h = add(g, model_embedding(g, "transformer.wte.weight", inputs->tokens),
                  model_embedding(g, "transformer.wpe.weight", inputs->positions));
    h = model_dropout(g, inputs, h, config->dropout_embedding);
    for (int64_t i = 0; i < config->n_layer; i++) {
        graph_push_scope(g, "h.%lld", (long long)i);
        graph_push_scope(g, "attn");
        h = add(g, h, gpt2_attention(g, gpt2_norm(g, h, config, i, "ln_1"), config, inputs, i));
        graph_pop_scope(g);
        graph_push_scope(g, "mlp");
        h = add(g, h, gpt2_mlp(g, gpt2_norm(g, h, config, i, "ln_2"), config, inputs, i));
        graph_pop_scope(g);
        graph_pop_scope(g);
    }
    return layernorm(g, h, model_param(g, "transformer.ln_f.weight"), model_param(g, "transformer.ln_f.bias"), config->norm_eps);
}

const ModelFamily model_gpt2 = {
    .model_type = "gpt2",
    .architecture = "GPT2LMHeadModel",
    .prefix = "transformer.",
    .embedding = "transformer.wte.weight",
    .fields = gpt2_fields,
    .n_fields = N_ELEMENTS(gpt2_fields),
    .in_out = true,
    .defaults = gpt2_defaults,
    .derive = gpt2_derive,
    .params = gpt2_params,
    .hidden = gpt2_hidden,
};
