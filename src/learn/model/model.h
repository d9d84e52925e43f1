/* model.h - a decoder built from its Hugging Face config.json, under Hugging Face weight names.
 *
 * A ModelConfig says what to build; the parameters live in a Store; the layers are recorded into a Graph. Training, evaluation and
 * generation record the same layers. Families: gpt2 (Radford et al. 2019); llama (Touvron et al. 2023; grouped queries, Ainslie et al. 2023)
 * and its kin, which differ in a table: mistral (Jiang et al. 2023, arXiv:2310.06825), qwen2 (Yang et al. 2024, arXiv:2407.10671), qwen3
 * (Yang et al. 2025, arXiv:2505.09388), gemma (Mesnard et al. 2024, arXiv:2403.08295), gemma2 (Riviere et al. 2024, arXiv:2408.00118); opt
 * (Zhang et al. 2022, arXiv:2205.01068); bloom (Le Scao et al. 2022, arXiv:2211.05100). A family is one file, or one table, and one row in model.c. */
#ifndef LEARN_MODEL_MODEL_H
#define LEARN_MODEL_MODEL_H

#include "base/arena.h"
#include "base/err.h"
#include "engine/graph/graph.h"
#include "engine/op/op.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ModelFamily ModelFamily;

typedef enum { ACTIVATION_GELU_TANH, ACTIVATION_GELU_ERF, ACTIVATION_RELU, ACTIVATION_SILU } Activation;

enum { MODEL_EOS_MAX = 8 };

typedef struct {
    const ModelFamily *family;
    const char *model_type;  /* "gpt2", "llama", ... */
    int64_t vocab_size, d_model, d_ff, n_layer, n_head, n_kv_head, head_dim, seq_len_max;
    double norm_eps;
    RotaryOptions rope;       /* families that rotate */
    int64_t window;           /* sliding window of the layers that have one (model_layer_window); 0: none has */
    bool use_window;          /* qwen: the window counts only if this is set, and from layer max_window_layers on */
    int64_t max_window_layers;
    const bool *layer_slides; /* [n_layer_types] "layer_types" of the file, which overrides the family's rule; NULL: absent */
    int64_t n_layer_types;
    int64_t query_scale;      /* scores are divided by its root; 0: by that of head_dim */
    double softcap_scores, softcap_logits;  /* 0: none */
    int64_t d_embedding;      /* opt: width of the token table, where it is not d_model; 0: d_model */
    bool norm_first;          /* opt: norms stand before what they feed, else after the sum */
    double init_std;          /* initializer_range */
    int activation;           /* Activation of the feed-forward layers */
    const char *activation_name;  /* as the file has it */
    bool tied;                /* the head is the embedding table */
    bool attention_bias, mlp_bias;
    int64_t bos_id, pad_id;  /* -1: none */
    int n_eos;                      /* ids that end a text */
    int64_t eos_id[MODEL_EOS_MAX];
    double dropout_embedding, dropout_hidden, dropout_attention;  /* rates, where ModelInputs has draws */
    DType dtype;              /* of the weights in the file, as it says; saving writes what the store holds */
    const char *source_json;  /* the config.json as read, so that saving keeps fields we do not interpret; NULL: made here */
} ModelConfig;

/* Reads "dir/config.json" or the file itself; texts live in `arena`. ERR_UNSUPPORTED names a model_type or a feature (a rope_scaling, an
 * activation) that this build cannot compute exactly; ERR_FORMAT a missing or contradictory field (n_head that does not divide d_model).
 * vocab_size may be absent or 0 in a recipe's config: the tokenizer decides it. */
Err model_config_read(ModelConfig *config, Arena *arena, const char *path);
/* The same from text in memory; `name` opens messages. The text must outlive the config and end with a NUL. */
Err model_config_parse(ModelConfig *config, Arena *arena, const char *name, const char *bytes, size_t n_bytes);
/* config.json that transformers loads, in `arena`; keeps unknown fields of source_json. */
const char *model_config_to_json(const ModelConfig *config, Arena *arena);
/* Keys that a row of layer `layer` may see, itself included; 0: all before it. */
int64_t model_layer_window(const ModelConfig *config, int64_t layer);
/* Says how long the sequences will be: 1 .. seq_len_max, or more where the rotary embedding is scaled by length (rope_type dynamic), whose
 * frequencies follow from it. ERR_USAGE: too long. */
Err model_config_set_context(ModelConfig *config, int64_t context);
/* Checks a config made or changed by hand (vocab_size set by the tokenizer). */
Err model_config_check(const ModelConfig *config);

typedef struct {
    DType dtype;     /* of the parameters: f32; f64 for reference runs; bf16, fp16 for forward passes only: matrices are that, vectors f32, and
                        the graph goes through pass_autocast */
    bool trainable;  /* buckets "decay" (matrices) and "no_decay" (biases, norms); else "frozen" (and "frozen_vectors" beside bf16 or fp16) */
} ModelDeclareOptions;
/* Adds every parameter to the store. */
void model_declare(const ModelConfig *config, Store *store, const ModelDeclareOptions *options);
/* Initial weights as the papers state (normal(0, init_std), residual projections scaled by 1/sqrt(2 n_layer) in gpt2; zeros for biases, ones for norm
 * gains), a pure function of (seed, parameter name, position). The store must be allocated. */
void model_init(const ModelConfig *config, Store *store, uint64_t seed);
int64_t model_n_params(const ModelConfig *config);  /* tied weights counted once */
/* Matmul FLOPs of forward and backward for one token in a sequence of seq_len: 6 (body + head weights) + 6 n_layer seq_len d_attention
 * (causal attention counted as half of the square; d_attention = n_head head_dim). */
double model_train_flops_per_token(const ModelConfig *config, int64_t seq_len);

/* A weight that every token is multiplied with: y[n_out] = x[n_in] W. The head is among them, tied or not. */
typedef struct {
    int64_t n_in, n_out;
    bool in_out;   /* it lies as [n_in, n_out], else as [n_out, n_in] */
    bool is_head;
} ModelMatrix;
int model_matrices(ModelMatrix **matrices, const ModelConfig *config, Arena *arena);

/* Reads model.safetensors (or its shards by index) of a Hugging Face directory into an allocated store; floats are converted to the store's
 * dtype. Every parameter must be there with its shape, tied heads may be absent; unknown tensors are errors but for buffers known to be derived
 * ("attn.bias" masks, "rotary_emb.inv_freq"). NaN or infinity in a weight: ERR_NUMERIC with the tensor's name and the element. */
Err model_load(const ModelConfig *config, Store *store, const char *dir);
/* Writes config.json, generation_config.json and model.safetensors (f32 unless the store is bf16 or fp16) into an existing folder, each file whole or absent. */
Err model_save(const ModelConfig *config, const Store *store, const char *dir);

/* Key and value caches for generation: states "cache.k.<layer>:<dtype>", "cache.v.<layer>:<dtype>" of [n_kv_head, capacity, head_dim]. */
void model_declare_cache(const ModelConfig *config, Store *store, DType dtype, int64_t capacity);

typedef struct {
    Node *tokens;     /* i32 [N] */
    Node *positions;  /* i32 [N] */
    Node *ranges;     /* i32 [N, 2]: visible keys; rows of this batch, or of the cache */
    Node *slots;      /* i32 [N]: where this batch's keys go in the cache; NULL: no cache, keys are this batch's own */
    DType cache_dtype;  /* of the cache that slots are of */
    Node *draws;      /* i32 [N, 3]: the tokens' names for dropout (op.h); NULL: nothing is dropped */
    uint64_t dropout_seed;
} ModelInputs;
/* Declares the inputs "tokens", "positions", "ranges" (and "slots") for at most n_tokens_max tokens, bound "n_tokens". */
ModelInputs model_inputs(Graph *g, int64_t n_tokens_max, bool cached);
bool model_has_dropout(const ModelConfig *config);
/* Declares the input "draws": the layers will drop what the config asks for. */
void model_inputs_dropout(Graph *g, ModelInputs *inputs, uint64_t seed);
/* Records the layers. Returns the final hidden states [N, width of the head], after the last norm. */
Node *model_hidden(Graph *g, const ModelConfig *config, const ModelInputs *inputs);
/* The head's weight [vocab_size, d_model]: the embedding table when tied. */
Node *model_head(Graph *g, const ModelConfig *config);
/* Logits [N, vocab_size] of hidden states, capped where the family does that. A loss does not take these: it takes the hidden states and
 * model_loss_options. */
Node *model_logits(Graph *g, const ModelConfig *config, Node *hidden);
/* What the family does to logits before a loss sees them. */
CrossEntropyOptions model_loss_options(const ModelConfig *config);

#endif
