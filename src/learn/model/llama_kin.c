/* llama_kin.c - families that are llama but for a table: what their config.json holds, its defaults, and their traits. */
#include "base/options.h"
#include "learn/model/model_internal.h"

/* ---- mistral (Jiang et al. 2023, arXiv:2310.06825): every layer sees a sliding window, unless the file says null ---- */

static const ConfigField mistral_fields[] = {
    LLAMA_FIELDS,
    LLAMA_ACTIVATION,
    {"sliding_window", FIELD_INT_OR_NONE, offsetof(ModelConfig, window), NULL},
};

static void mistral_defaults(ModelConfig *config)
{
    llama_defaults(config);
    config->seq_len_max = 131072;
    config->window = 4096;
    config->n_kv_head = 8;
}

const ModelFamily model_mistral = {
    LLAMA_FAMILY,
    .model_type = "mistral",
    .architecture = "MistralForCausalLM",
    .fields = mistral_fields,
    .n_fields = N_ELEMENTS(mistral_fields),
    .defaults = mistral_defaults,
    .llama = {.any_width = true, .window = WINDOW_ALL},
};

/* ---- qwen2 (Yang et al. 2024, arXiv:2407.10671): q, k and v have biases ---- */

#define QWEN_FIELDS                                                                     \
    LLAMA_FIELDS,                                                                       \
    LLAMA_ACTIVATION,                                                                    \
    {"use_sliding_window", FIELD_BOOL, offsetof(ModelConfig, use_window), NULL},        \
    {"sliding_window", FIELD_INT_OR_NONE, offsetof(ModelConfig, window), NULL},         \
    {"max_window_layers", FIELD_INT, offsetof(ModelConfig, max_window_layers), NULL}

static const ConfigField qwen2_fields[] = {QWEN_FIELDS};

static void qwen2_defaults(ModelConfig *config)
{
    llama_defaults(config);
    config->seq_len_max = 32768;
    config->window = 4096;
    config->max_window_layers = 28;
    config->n_kv_head = 32;
}

const ModelFamily model_qwen2 = {
    LLAMA_FAMILY,
    .model_type = "qwen2",
    .architecture = "Qwen2ForCausalLM",
    .fields = qwen2_fields,
    .n_fields = N_ELEMENTS(qwen2_fields),
    .has_layer_types = true,
    .defaults = qwen2_defaults,
    .llama = {.qkv_bias = true, .any_width = true, .window = WINDOW_UPPER},
};

/* ---- qwen3 (Yang et al. 2025, arXiv:2505.09388): q and k are normalised, heads have a width of their own ---- */

static const ConfigField qwen3_fields[] = {
    QWEN_FIELDS,
    {"attention_bias", FIELD_BOOL, offsetof(ModelConfig, attention_bias), NULL},
};

static void qwen3_defaults(ModelConfig *config)
{
    qwen2_defaults(config);
    config->head_dim = 128;
}

const ModelFamily model_qwen3 = {
    LLAMA_FAMILY,
    .model_type = "qwen3",
    .architecture = "Qwen3ForCausalLM",
    .fields = qwen3_fields,
    .n_fields = N_ELEMENTS(qwen3_fields),
    .has_layer_types = true,
    .defaults = qwen3_defaults,
    .llama = {.qk_norm = true, .any_width = true, .window = WINDOW_UPPER},
};

/* ---- gemma (Mesnard et al. 2024, arXiv:2403.08295): gelu, gains kept from 1, a scaled embedding. Its first files say "gelu" and mean
 * the tanh form ---- */

#define ONE_DIRECTION {"use_bidirectional_attention", FIELD_MUST_BE, 0, "false"}
#define ATTENTION_BIAS {"attention_bias", FIELD_BOOL, offsetof(ModelConfig, attention_bias), NULL}

static const ConfigField gemma_fields[] = {
    LLAMA_FIELDS,
    {"hidden_act", FIELD_ONE_OF, 0, "gelu_pytorch_tanh|gelu_new|gelu"},
    {"hidden_activation", FIELD_ONE_OF, 0, "gelu_pytorch_tanh|gelu_new"},
    ATTENTION_BIAS,
    ONE_DIRECTION,
};

static void gemma_defaults(ModelConfig *config)
{
    llama_defaults(config);
    config->seq_len_max = 8192;
    config->n_kv_head = 16;
    config->head_dim = 256;
    config->tied = true;
}

const ModelFamily model_gemma = {
    LLAMA_FAMILY,
    .model_type = "gemma",
    .architecture = "GemmaForCausalLM",
    .fields = gemma_fields,
    .n_fields = N_ELEMENTS(gemma_fields),
    .defaults = gemma_defaults,
    .llama = {.any_width = true, .gain_from_one = true, .scaled_embedding = true},
};

/* ---- gemma2 (Riviere et al. 2024, arXiv:2408.00118): norms before and after, soft-caps, every second layer sees a window ---- */

static const ConfigField gemma2_fields[] = {
    LLAMA_FIELDS,
    {"hidden_activation", FIELD_ACTIVATION, 0, "gelu_pytorch_tanh|gelu_new|gelu|relu|silu|swish"},
    ATTENTION_BIAS,
    ONE_DIRECTION,
    {"query_pre_attn_scalar", FIELD_INT, offsetof(ModelConfig, query_scale), NULL},
    {"sliding_window", FIELD_INT_OR_NONE, offsetof(ModelConfig, window), NULL},
    {"attn_logit_softcapping", FIELD_REAL_OR_NONE, offsetof(ModelConfig, softcap_scores), NULL},
    {"final_logit_softcapping", FIELD_REAL_OR_NONE, offsetof(ModelConfig, softcap_logits), NULL},
};

static void gemma2_defaults(ModelConfig *config)
{
    gemma_defaults(config);
    config->n_kv_head = 4;
    config->query_scale = 256;
    config->window = 4096;
    config->softcap_scores = 50.0;
    config->softcap_logits = 30.0;
}

const ModelFamily model_gemma2 = {
    LLAMA_FAMILY,
    .model_type = "gemma2",
    .architecture = "Gemma2ForCausalLM",
    .fields = gemma2_fields,
    .n_fields = N_ELEMENTS(gemma2_fields),
    .has_layer_types = true,
    .defaults = gemma2_defaults,
    .llama = {.gain_from_one = true, .post_norms = true, .scaled_embedding = true, .window = WINDOW_EVEN},
};
