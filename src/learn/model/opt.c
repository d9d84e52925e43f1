/* opt.c - OPT (Zhang et al. 2022, arXiv:2205.01068), as OPTForCausalLM names it.
 *
 *     h = embed_tokens[token] + embed_positions[position + 2]
 *     h = h + out_proj(attention(q_proj(n), k_proj(n), v_proj(n)))      n = self_attn_layer_norm(h)        for each layer
 *     h = h + fc2(relu(fc1(n)))                                         n = final_layer_norm(h)
 *     logits = final_layer_norm(h) * embed_tokens^T
 *
 * The first two rows of the table of positions are never read. Without do_layer_norm_before the norms stand behind the sums, and there is no
 * last one (OPT-350m, which also keeps tokens in a narrower space: project_in and project_out lead there and back). */
#include "base/options.h"
#include "engine/op/op.h"
#include "learn/model/model_internal.h"

#include <math.h>

enum { POSITION_OFFSET = 2 };

static const ConfigField opt_fields[] = {
    {"hidden_size", FIELD_INT, offsetof(ModelConfig, d_model), NULL},
    {"ffn_dim", FIELD_INT, offsetof(ModelConfig, d_ff), NULL},
    {"num_hidden_layers", FIELD_INT, offsetof(ModelConfig, n_layer), NULL},
    {"num_attention_heads", FIELD_INT, offsetof(ModelConfig, n_head), NULL},
    {"max_position_embeddings", FIELD_INT, offsetof(ModelConfig, seq_len_max), NULL},
    {"word_embed_proj_dim", FIELD_INT, offsetof(ModelConfig, d_embedding), NULL},
    {"do_layer_norm_before", FIELD_BOOL, offsetof(ModelConfig, norm_first), NULL},
    {"init_std", FIELD_REAL, offsetof(ModelConfig, init_std), NULL},
    {"enable_bias", FIELD_BOOL, offsetof(ModelConfig, attention_bias), NULL},
    {"activation_function", FIELD_ACTIVATION, 0, "relu|gelu|gelu_new|gelu_pytorch_tanh"},
    {"_remove_final_layer_norm", FIELD_MUST_BE, 0, "false"},
    {"layer_norm_elementwise_affine", FIELD_MUST_BE, 0, "true"},
    {"dropout", FIELD_DROPOUT, offsetof(ModelConfig, dropout_hidden), NULL},
    {"attention_dropout", FIELD_DROPOUT, offsetof(ModelConfig, dropout_attention), NULL},
    {"layerdrop", FIELD_NOT_APPLIED, 0, "every layer runs in every step of training"},
};

static void opt_defaults(ModelConfig *config)
{
    config->seq_len_max = 2048;
    config->norm_eps = 1e-5;  /* that of LayerNorm: the file does not say */
    config->tied = true;
    config->attention_bias = true;
    config->norm_first = true;
}

static void opt_derive(ModelConfig *config)
{
    config->n_kv_head = config->n_head;
    config->head_dim = config->n_head > 0 ? config->d_model / config->n_head : 0;
    config->mlp_bias = config->attention_bias;
    if (config->d_embedding == 0)
        config->d_embedding = config->d_model;
}

static void opt_params(const ModelConfig *config, ModelParams *p)
{
    static const char *const projections[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"};
    const int64_t C = config->d_model, F = config->d_ff, E = config->d_embedding;
    const double std = config->init_std;
    const bool bias = config->attention_bias;
    model_params_add(p, "model.decoder.embed_tokens.weight", shape_2(config->vocab_size, E), ROLE_EMBEDDING, INIT_NORMAL, std);
    model_params_add(p, "model.decoder.embed_positions.weight", shape_2(config->seq_len_max + POSITION_OFFSET, C), ROLE_POSITIONS,
                     INIT_NORMAL, std);
    if (E != C) {
        model_params_add_linear(p, "model.decoder.project_in", C, E, std, false);
        model_params_add_linear(p, "model.decoder.project_out", E, C, std, false);
    }
    for (int64_t i = 0; i < config->n_layer; i++) {
        const char *h = arena_printf(p->arena, "model.decoder.layers.%lld", (long long)i);
        model_params_add_layernorm(p, arena_printf(p->arena, "%s.self_attn_layer_norm", h), C);
        for (int k = 0; k < 4; k++)
            model_params_add_linear(p, arena_printf(p->arena, "%s.%s", h, projections[k]), C, C, std, bias);
        model_params_add_layernorm(p, arena_printf(p->arena, "%s.final_layer_norm", h), C);
        model_params_add_linear(p, arena_printf(p->arena, "%s.fc1", h), F, C, std, bias);
        model_params_add_linear(p, arena_printf(p->arena, "%s.fc2", h), C, F, std, bias);
    }
    if (config->norm_first)
        model_params_add_layernorm(p, "model.decoder.final_layer_norm", C);
    if (!config->tied)
        model_params_add(p, "lm_head.weight", shape_2(config->vocab_size, E), ROLE_HEAD, INIT_NORMAL, std);
}

static Node *opt_linear(Graph *g, Node *x, const ModelConfig *config, int64_t layer, const char *name)
{
    Node *w = model_param(g, "model.decoder.layers.%lld.%s.weight", (long long)layer, name);
    Node *bias = config->attention_bias ? model_param(g, "model.decoder.layers.%lld.%s.bias", (long long)layer, name) : NULL;
    return linear(g, x, w, bias, WEIGHT_OUT_IN);
}

static Node *opt_norm(Graph *g, Node *x, const ModelConfig *config, int64_t layer, const char *name)
{
    Node *gain = model_param(g, "model.decoder.layers.%lld.%s.weight", (long long)layer, name);
    return layernorm(g, x, gain, model_param(g, "model.decoder.layers.%lld.%s.bias", (long long)layer, name), config->norm_eps);
}

static Node *opt_attention(Graph *g, Node *x, const ModelConfig *config, const ModelInputs *inputs, int64_t layer)
{
    const Shape heads = shape_3(node_dim(x, 0), config->n_head, config->head_dim);
    Node *q = view(g, opt_linear(g, x, config, layer, "self_attn.q_proj"), heads);
    Node *k = view(g, opt_linear(g, x, config, layer, "self_attn.k_proj"), heads);
    Node *v = view(g, opt_linear(g, x, config, layer, "self_attn.v_proj"), heads);
    model_cache(g, inputs, layer, &k, &v);
    AttentionOptions options = model_attention_options(config, inputs, (AttentionOptions){.scale = 1.0 / sqrt((double)config->head_dim)});
    Node *y = view(g, attention(g, q, k, v, inputs->ranges, options), shape_2(node_dim(x, 0), config->d_model));
    return model_dropout(g, inputs, opt_linear(g, y, config, layer, "self_attn.out_proj"), config->dropout_hidden);
}

static Node *opt_mlp(Graph *g, Node *x, const ModelConfig *config, const ModelInputs *inputs, int64_t layer)
{
    Node *y = opt_linear(g, model_activation(g, config, opt_linear(g, x, config, layer, "fc1")), config, layer, "fc2");
    return model_dropout(g, inputs, y, config->dropout_hidden);
}

static Node *opt_layer(Graph *g, Node *h, const ModelConfig *config, const ModelInputs *inputs, int64_t layer)
{
    const bool first = config->norm_first;
    graph_push_scope(g, "self_attn");
    h = add(g, h, opt_attention(g, first ? opt_norm(g, h, config, layer, "self_attn_layer_norm") : h, config, inputs, layer));
    h = first ? h : opt_norm(g, h, config, layer, "self_attn_layer_norm");
    graph_pop_scope(g);
    graph_push_scope(g, "mlp");
    h = add(g, h, opt_mlp(g, first ? opt_norm(g, h, config, layer, "final_layer_norm") : h, config, inputs, layer));
    h = first ? h : opt_norm(g, h, config, layer, "final_layer_norm");
    graph_pop_scope(g);
    return h;
}

/* Positions are read from row POSITION_OFFSET on. */
static Node *opt_embedding(Graph *g, const ModelConfig *config, const ModelInputs *inputs)
{
    Node *tokens = model_embedding(g, "model.decoder.embed_tokens.weight", inputs->tokens);
    if (config->d_embedding != config->d_model)
        tokens = linear(g, tokens, model_param(g, "model.decoder.project_in.weight"), NULL, WEIGHT_OUT_IN);
    return add(g, tokens, model_embedding(g, "model.decoder.embed_positions.weight", shift_ids(g, inputs->positions, POSITION_OFFSET)));
}

static Node *opt_hidden(Graph *g, const ModelConfig *config, const ModelInputs *inputs)
{
    Node *h = opt_embedding(g, config, inputs);
    for (int64_t i = 0; i < config->n_layer; i++) {
        graph_push_scope(g, "layers.%lld", (long long)i);
        h = opt_layer(g, h, config, inputs, i);
        graph_pop_scope(g);
    }
    if (config->norm_first)
        h = layernorm(g, h, model_param(g, "model.decoder.final_layer_norm.weight"), model_param(g, "model.decoder.final_layer_norm.bias"),
                      config->norm_eps);
    if (config->d_embedding != config->d_model)
        h = linear(g, h, model_param(g, "model.decoder.project_out.weight"), NULL, WEIGHT_OUT_IN);
    return h;
}

const ModelFamily model_opt = {
    .model_type = "opt",
    .architecture = "OPTForCausalLM",
    .prefix = "model.",
    .embedding = "model.decoder.embed_tokens.weight",
    .fields = opt_fields,
    .n_fields = N_ELEMENTS(opt_fields),
    .defaults = opt_defaults,
    .derive = opt_derive,
    .params = opt_params,
    .hidden = opt_hidden,
};
