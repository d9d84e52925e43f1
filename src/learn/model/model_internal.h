/* model_internal.h - what a family of models tells the rest of this room.
 *
 * A family lists its parameters once; declaring, counting, initialising, loading and saving all walk that list. */
#ifndef LEARN_MODEL_INTERNAL_H
#define LEARN_MODEL_INTERNAL_H

#include "base/json.h"
#include "learn/model/model.h"

typedef enum { INIT_NORMAL, INIT_ZEROS, INIT_ONES } InitKind;

/* What a parameter does in a token's forward pass, for counting FLOPs. */
typedef enum {
    ROLE_VECTOR,     /* a bias or a gain */
    ROLE_MATRIX,     /* multiplied with every token */
    ROLE_EMBEDDING,  /* one row is looked up; the head when tied */
    ROLE_POSITIONS,  /* one row is looked up */
    ROLE_HEAD,       /* the head of its own */
} ParamRole;

typedef struct {
    const char *name;  /* the Hugging Face name */
    Shape shape;
    ParamRole role;
    InitKind init;
    double std;        /* INIT_NORMAL */
} ModelParam;

typedef struct {
    Arena *arena;
    ModelParam *param;
    int n, capacity;
} ModelParams;
void model_params_add(ModelParams *params, const char *name, Shape shape, ParamRole role, InitKind init, double std);
/* The family's list, in `arena`. */
ModelParams model_params(const ModelConfig *config, Arena *arena);

/* One member of config.json that a family interprets. */
typedef enum {
    FIELD_INT,        /* int64_t; null leaves the default, negative is written as null */
    FIELD_INT_OR_NONE,   /* int64_t; 0 stands for null, which is written for it */
    FIELD_REAL,       /* double */
    FIELD_REAL_OR_NONE,  /* double; 0 stands for null, which is written for it */
    FIELD_BOOL,       /* bool */
    FIELD_DROPOUT,    /* double, a rate; kept in the file as it is there */
    FIELD_NOT_APPLIED,  /* a rate for training that is not computed here, as `accepted` tells when it is not 0; kept in the file as it is there */
    FIELD_ACTIVATION, /* a name among `accepted`, the first the default: ModelConfig.activation and activation_name */
    FIELD_ONE_OF,     /* text that must be among `accepted` ("silu|swish"): the others are other functions */
    FIELD_MUST_BE,    /* true or false as `accepted` says: the other value is another computation */
} FieldKind;
typedef struct {
    const char *name;
    FieldKind kind;
    size_t offset;         /* in ModelConfig */
    const char *accepted;  /* FIELD_ONE_OF: the first is written; FIELD_MUST_BE: "true" or "false" */
} ConfigField;

/* Which layers have the sliding window when the file has no layer_types. */
typedef enum {
    WINDOW_ALL,
    WINDOW_UPPER,  /* from max_window_layers on, if use_window */
    WINDOW_EVEN,   /* every second, the first among them */
} WindowRule;

/* In what a member of the llama family differs from llama. */
typedef struct {
    bool qkv_bias;    /* q, k and v have biases, o has none; the config does not say so */
    bool qk_norm;     /* q and k are normalised head by head before they are rotated */
    bool any_width;   /* heads need not divide the model's width: head_dim says their width */
    bool gain_from_one;  /* gains of norms are kept as their distance from 1 */
    bool post_norms;     /* attention and feed-forward layer end in a norm of their own */
    bool scaled_embedding;  /* the embedding is multiplied with the root of the width */
    WindowRule window;
} LlamaTraits;

struct ModelFamily {
    const char *model_type;
    const char *architecture;  /* "GPT2LMHeadModel" */
    const char *prefix;        /* "transformer.": files saved without a head leave it out */
    const char *embedding;     /* name of the token table */
    const ConfigField *fields;
    int n_fields;
    bool has_rope;
    bool has_layer_types;
    bool in_out;               /* matrices lie as [in, out] (Conv1D), else as [out, in] */
    void (*defaults)(ModelConfig *config);  /* what transformers assumes for absent members; 0 where it depends on others */
    void (*derive)(ModelConfig *config);    /* fills what depends on others */
    void (*params)(const ModelConfig *config, ModelParams *params);
    Node *(*hidden)(Graph *g, const ModelConfig *config, const ModelInputs *inputs);
    LlamaTraits llama;  /* of the llama family */
};

extern const ModelFamily model_gpt2, model_llama, model_mistral, model_qwen2, model_qwen3, model_gemma, model_gemma2, model_opt, model_bloom;
/* NULL when this build has no such family; `known` (may be NULL) gets "gpt2, llama, ...". */
const ModelFamily *model_family_find(const char *model_type, const char **known);

/* The llama family's layers (llama.c), and the members of config.json that all its kin have. */
void llama_defaults(ModelConfig *config);
void llama_derive(ModelConfig *config);
void llama_params(const ModelConfig *config, ModelParams *params);
Node *llama_hidden(Graph *g, const ModelConfig *config, const ModelInputs *inputs);
#define LLAMA_FIELDS                                                               \
    {"hidden_size", FIELD_INT, offsetof(ModelConfig, d_model), NULL},              \
    {"intermediate_size", FIELD_INT, offsetof(ModelConfig, d_ff), NULL},           \
    {"num_hidden_layers", FIELD_INT, offsetof(ModelConfig, n_layer), NULL},        \
    {"num_attention_heads", FIELD_INT, offsetof(ModelConfig, n_head), NULL},       \
    {"num_key_value_heads", FIELD_INT, offsetof(ModelConfig, n_kv_head), NULL},    \
    {"head_dim", FIELD_INT, offsetof(ModelConfig, head_dim), NULL},                \
    {"max_position_embeddings", FIELD_INT, offsetof(ModelConfig, seq_len_max), NULL}, \
    {"rms_norm_eps", FIELD_REAL, offsetof(ModelConfig, norm_eps), NULL},           \
    {"attention_dropout", FIELD_DROPOUT, offsetof(ModelConfig, dropout_attention), NULL}
#define LLAMA_ACTIVATION {"hidden_act", FIELD_ACTIVATION, 0, "silu|swish|gelu|gelu_new|gelu_pytorch_tanh|relu"}
#define LLAMA_FAMILY                                                               \
    .prefix = "model.", .embedding = "model.embed_tokens.weight", .has_rope = true, .derive = llama_derive, .params = llama_params, \
    .hidden = llama_hidden

/* model_rope.c: rotary settings from config.json, and back. */
bool rope_is_member(JsonText key);
Err rope_read(JsonReader *r, Arena *arena, ModelConfig *config, JsonText member);
void rope_derive(ModelConfig *config);
Err rope_check(const ModelConfig *config);
void rope_write(JsonWriter *w, const ModelConfig *config);

/* Writes the member "eos_token_id": null, an id or a list. */
void model_write_eos(JsonWriter *writer, const ModelConfig *config);

/* Keys and values of layer `layer` as attention sees them: the batch's own, or the cache after this batch was written into it. */
void model_cache(Graph *g, const ModelInputs *inputs, int64_t layer, Node **k, Node **v);
/* x with its share dropped, if this batch drops. */
Node *model_dropout(Graph *g, const ModelInputs *inputs, Node *x, double rate);
/* `options` with dropout on the weights, if this batch drops. */
AttentionOptions model_attention_options(const ModelConfig *config, const ModelInputs *inputs, AttentionOptions options);
/* The feed-forward layer's function of x, but for silu: that comes with a gate (silu_gate). */
Node *model_activation(Graph *g, const ModelConfig *config, Node *x);
/* Rows of a table as the beginning of the residual stream, which is f32 even where weights are bf16: it is a long sum. */
Node *model_embedding(Graph *g, const char *table, Node *ids);
/* A LayerNorm's two vectors, or a Linear's [n_out, n_in] matrix and its bias, under `path`. */
void model_params_add_layernorm(ModelParams *params, const char *path, int64_t width);
void model_params_add_linear(ModelParams *params, const char *path, int64_t n_out, int64_t n_in, double std, bool bias);
/* The parameter of that name. */
Node *model_param(Graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
