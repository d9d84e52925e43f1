/* llama_kin.c - families that are llama but for a table: what their config.json holds, its defaults, and their traits. */
#include "base/options.h"
#include "learn/model/model_internal.h"

#define ACTIVATION_SILU {"hidden_act", FIELD_ONE_OF, 0, "silu|swish"}

/* ---- mistral (Jiang et al. 2023, arXiv:2310.06825): every layer sees a sliding window, unless the file says null ---- */

static const ConfigField mistral_fields[] = {
    LLAMA_FIELDS,
    ACTIVATION_SILU,
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
    ACTIVATION_SILU,                                                                    \
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
