/* llama.c - Llama (Touvron et al. 2023, arXiv:2302.13971 and 2307.09288), as LlamaForCausalLM names it.
 *
 *     h = embed_tokens[token]
 *     h = h + o_proj(attention(rotary(q_proj(n)), rotary(k_proj(n)), v_proj(n)))        n = input_layernorm(h)
 *     h = h + down_proj(silu(gate_proj(n)) * up_proj(n))                                n = post_attention_layernorm(h)
 *     logits = norm(h) * lm_head^T
 *
 * n_kv_head key-value heads serve n_head query heads (grouped queries: Ainslie et al. 2023, arXiv:2305.13245).
 * What its kin do otherwise stands in LlamaTraits (model_internal.h), and who does it in llama_kin.c. */
#include "base/options.h"
#include "engine/op/op.h"
#include "learn/model/model_internal.h"

#include <math.h>

static const ConfigField llama_fields[] = {
    LLAMA_FIELDS,
    LLAMA_ACTIVATION,
    {"attention_bias", FIELD_BOOL, offsetof(ModelConfig, attention_bias), NULL},
    {"mlp_bias", FIELD_BOOL, offsetof(ModelConfig, mlp_bias), NULL},
};

void llama_defaults(ModelConfig *config)
{
    config->seq_len_max = 2048;
    config->norm_eps = 1e-6;
    config->rope.theta = 10000.0;
}

void llama_derive(ModelConfig *config)
{
    if (config->n_kv_head == 0)
        config->n_kv_head = config->n_head;
    if (config->head_dim == 0 && config->n_head > 0)
        config->head_dim = config->d_model / config->n_head;
    if (config->family->llama.window == WINDOW_UPPER && !config->use_window)
        config->window = 0;
}

static void add_norm(ModelParams *p, const ModelConfig *config, const char *path, int64_t width)
{
    InitKind one = config->family->llama.gain_from_one ? INIT_ZEROS : INIT_ONES;
    model_params_add(p, arena_printf(p->arena, "%s.weight", path), shape_1(width), ROLE_VECTOR, one, 0);
}

void llama_params(const ModelConfig *config, ModelParams *p)
{
    const int64_t C = config->d_model, F = config->d_ff;
    const int64_t q_width = config->n_head * config->head_dim, kv_width = config->n_kv_head * config->head_dim;
    const double std = config->init_std;
    const LlamaTraits *traits = &config->family->llama;
    const bool qkv_bias = config->attention_bias || traits->qkv_bias;
    model_params_add(p, "model.embed_tokens.weight", shape_2(config->vocab_size, C), ROLE_EMBEDDING, INIT_NORMAL, std);
    for (int64_t i = 0; i < config->n_layer; i++) {
        const char *h = arena_printf(p->arena, "model.layers.%lld", (long long)i);
        add_norm(p, config, arena_printf(p->arena, "%s.input_layernorm", h), C);
        model_params_add_linear(p, arena_printf(p->arena, "%s.self_attn.q_proj", h), q_width, C, std, qkv_bias);
        model_params_add_linear(p, arena_printf(p->arena, "%s.self_attn.k_proj", h), kv_width, C, std, qkv_bias);
        model_params_add_linear(p, arena_printf(p->arena, "%s.self_attn.v_proj", h), kv_width, C, std, qkv_bias);
        model_params_add_linear(p, arena_printf(p->arena, "%s.self_attn.o_proj", h), C, q_width, std, config->attention_bias);
        if (traits->qk_norm) {
            add_norm(p, config, arena_printf(p->arena, "%s.self_attn.q_norm", h), config->head_dim);
            add_norm(p, config, arena_printf(p->arena, "%s.self_attn.k_norm", h), config->head_dim);
        }
        add_norm(p, config, arena_printf(p->arena, "%s.post_attention_layernorm", h), C);
        if (traits->post_norms) {
            add_norm(p, config, arena_printf(p->arena, "%s.pre_feedforward_layernorm", h), C);
            add_norm(p, config, arena_printf(p->arena, "%s.post_feedforward_layernorm", h), C);
        }
        model_params_add_linear(p, arena_printf(p->arena, "%s.mlp.gate_proj", h), F, C, std, config->mlp_bias);
        model_params_add_linear(p, arena_printf(p->arena, "%s.mlp.up_proj", h), F, C, std, config->mlp_bias);
        model_params_add_linear(p, arena_printf(p->arena, "%s.mlp.down_proj", h), C, F, std, config->mlp_bias);
    }
    add_norm(p, config, "model.norm", C);
    if (!config->tied)
        model_params_add(p, "lm_head.weight", shape_2(config->vocab_size, C), ROLE_HEAD, INIT_NORMAL, std);
}

static Node *llama_linear(Graph *g, Node *x, int64_t layer, const char *name, bool bias)
{
    Node *w = model_param(g, "model.layers.%lld.%s.weight", (long long)layer, name);
    return linear(g, x, w, bias ? model_param(g, "model.layers.%lld.%s.bias", (long long)layer, name) : NULL, WEIGHT_OUT_IN);
}

static Node *llama_norm(Graph *g, Node *x, const ModelConfig *config, int64_t layer, const char *name)
{
    Node *gain = model_param(g, "model.layers.%lld.%s.weight", (long long)layer, name);
    return rmsnorm(g, x, gain, config->norm_eps, config->family->llama.gain_from_one);
}

/* Heads of a projection: cut, normalised where the family does that, rotated. */
static Node *llama_heads(Graph *g, Node *x, const ModelConfig *config, const ModelInputs *inputs, int64_t layer, char which, int64_t n_heads)
{
    const LlamaTraits *traits = &config->family->llama;
    char name[] = "self_attn.?_proj", norm[] = "self_attn.?_norm";
    name[10] = norm[10] = which;
    Node *heads = view(g, llama_linear(g, x, layer, name, config->attention_bias || traits->qkv_bias),
                       shape_3(node_dim(x, 0), n_heads, config->head_dim));
    if (which == 'v')
        return heads;
    if (traits->qk_norm)
        heads = llama_norm(g, heads, config, layer, norm);
    return rotary(g, heads, inputs->positions, config->rope);
}

static Node *llama_attention(Graph *g, Node *x, const ModelConfig *config, const ModelInputs *inputs, int64_t layer)
{
    Node *q = llama_heads(g, x, config, inputs, layer, 'q', config->n_head);
    Node *k = llama_heads(g, x, config, inputs, layer, 'k', config->n_kv_head);
    Node *v = llama_heads(g, x, config, inputs, layer, 'v', config->n_kv_head);
    model_cache(g, inputs, layer, &k, &v);
    const int64_t size = config->query_scale > 0 ? config->query_scale : config->head_dim;
    AttentionOptions options = {.scale = 1.0 / sqrt((double)size), .softcap = config->softcap_scores,
                                .window = model_layer_window(config, layer)};
    Node *y = attention(g, q, k, v, inputs->ranges, model_attention_options(config, inputs, options));
    Node *rows = view(g, y, shape_2(node_dim(x, 0), config->n_head * config->head_dim));
    return llama_linear(g, rows, layer, "self_attn.o_proj", config->attention_bias);
}

static Node *llama_mlp(Graph *g, Node *x, const ModelConfig *config, int64_t layer)
{
    Node *gate = llama_linear(g, x, layer, "mlp.gate_proj", config->mlp_bias);
    Node *up = llama_linear(g, x, layer, "mlp.up_proj", config->mlp_bias);
    bool is_silu = config->activation == ACTIVATION_SILU;
    Node *gated = is_silu ? silu_gate(g, gate, up) : mul(g, model_activation(g, config, gate), up);
    return llama_linear(g, gated, layer, "mlp.down_proj", config->mlp_bias);
}

/* With norms around it, or before it alone: the norm that stands after attention in one case stands before the feed-forward layer in the
 * other, under the same name. */
static Node *llama_layer(Graph *g, Node *h, const ModelConfig *config, const ModelInputs *inputs, int64_t layer)
{
    const bool post = config->family->llama.post_norms;
    graph_push_scope(g, "self_attn");
    Node *y = llama_attention(g, llama_norm(g, h, config, layer, "input_layernorm"), config, inputs, layer);
    h = add(g, h, post ? llama_norm(g, y, config, layer, "post_attention_layernorm") : y);
    graph_pop_scope(g);
    graph_push_scope(g, "mlp");
    y = llama_mlp(g, llama_norm(g, h, config, layer, post ? "pre_feedforward_layernorm" : "post_attention_layernorm"), config, layer);
    h = add(g, h, post ? llama_norm(g, y, config, layer, "post_feedforward_layernorm") : y);
    graph_pop_scope(g);
    return h;
}

Node *llama_hidden(Graph *g, const ModelConfig *config, const ModelInputs *inputs)
{
    const LlamaTraits *traits = &config->family->llama;
    Node *h = model_embedding(g, "model.embed_tokens.weight", inputs->tokens);
    if (traits->scaled_embedding)
        h = scale(g, h, sqrt((double)config->d_model));
    for (int64_t i = 0; i < config->n_layer; i++) {
        graph_push_scope(g, "layers.%lld", (long long)i);
        h = llama_layer(g, h, config, inputs, i);
        graph_pop_scope(g);
    }
    Node *gain = model_param(g, "model.norm.weight");
    return rmsnorm(g, h, gain, config->norm_eps, traits->gain_from_one);
}

const ModelFamily model_llama = {
    .model_type = "llama",
    .architecture = "LlamaForCausalLM",
    LLAMA_FAMILY,
    .fields = llama_fields,
    .n_fields = N_ELEMENTS(llama_fields),
    .defaults = llama_defaults,
};
