/* generate.h - text from a model: a program with a key-value cache, the choice of the next token, and the loop that joins them.
 *
 * One program does prefill and decode: its batch is a list of tokens, each with its sequence, its place and the cache rows that it
 * sees. A prompt goes through in chunks; then every live sequence contributes one token a run. A token's logits have the same bits
 * whichever way it came and whatever came with it (the contracts of gemm.h and attention). */
#ifndef LEARN_GENERATE_GENERATE_H
#define LEARN_GENERATE_GENERATE_H

#include "engine/graph/program.h"
#include "learn/model/model.h"
#include "text/tokenizer/tokenizer.h"

/* ---- the program ---- */

typedef struct Generator Generator;

/* How the matrices are read. Only the first sees weights that change after generator_bind.
 *   stored  where they lie
 *   packed  copies of the same numbers, laid out for reading (op/packed_weight.h): the same bits, faster; without effect where that does not help
 *   int8    copies in 8 bits with a scale for 32 of them, 8.5 bits a weight: other bits than stored, and a loss that `jikji bench weights` measures
 *   int4    in 4 bits, 4.5 a weight */
typedef enum { WEIGHTS_STORED, WEIGHTS_PACKED, WEIGHTS_INT8, WEIGHTS_INT4, N_GENERATOR_WEIGHTS } GeneratorWeights;
#define GENERATOR_WEIGHTS_CHOICES "stored|packed|int8|int4"

/* Keys and values in the cache: in the dtype of the parameters, or in bf16 where that is f32, which halves what a token reads of its past; other bits,
 * and a loss that `jikji bench weights` measures. */
typedef enum { CACHE_SAME, CACHE_BF16, N_GENERATOR_CACHES } GeneratorCache;
#define GENERATOR_CACHE_CHOICES "same|bf16"

typedef struct {
    int64_t n_sequences;  /* at once */
    int64_t context;      /* tokens a sequence may hold, prompt included: 1 .. seq_len_max */
    int64_t chunk;        /* most tokens of one run, >= n_sequences */
    DType dtype;          /* that of the parameters (ModelDeclareOptions) */
    Backend backend;
    GeneratorWeights weights;
    GeneratorCache cache;
} GeneratorOptions;
DType generator_cache_dtype(const GeneratorOptions *options);
/* One sequence, the model's whole context, chunks of 256, on the fast kernels, weights as stored. */
GeneratorOptions generator_options_default(const ModelConfig *config);

/* Adds the caches to the store and compiles the program; no memory yet, so plan may count it. The store holds the model's parameters
 * (model_declare) and outlives the generator. ERR_USAGE: an option out of bounds, or a cache in
 * bf16 beside parameters in fp16. */
Err generator_new(Generator **out, const ModelConfig *config, Store *store, const GeneratorOptions *options);
/* Maps the program's memory and packs the weights; the store must be allocated, caches included, and hold the weights. */
Err generator_bind(Generator *gen);
void generator_free(Generator *gen);  /* NULL is fine; the caches stay in the store */
const ProgramPlan *generator_plan(const Generator *gen);
/* For profiles. */
Program *generator_program(Generator *gen);
/* Bytes of matrices that a token reads: copies, and what was not copied. */
int64_t generator_weight_bytes(const Generator *gen);
const GeneratorOptions *generator_options(const Generator *gen);
const ModelConfig *generator_config(const Generator *gen);

/* Empties a sequence's cache, or shortens it to its first n tokens. */
void generator_truncate(Generator *gen, int64_t sequence, int64_t n);
int64_t generator_length(const Generator *gen, int64_t sequence);  /* tokens in its cache */

/* One token to compute: it goes behind those its sequence already has. */
typedef struct {
    int64_t sequence;
    int32_t id;         /* within the vocabulary */
    bool want_logits;
} GeneratorToken;
/* Computes n <= chunk tokens, n_sequences of which at most want logits, and none beyond its sequence's context (asserts). Returns the
 * logits [wanted, vocab_size] in the options' dtype, in order; borrowed until the next run. */
const Tensor *generator_run(Generator *gen, const GeneratorToken *tokens, int64_t n);

/* ---- choosing a token ---- */

typedef struct {
    double temperature;  /* 0: the most likely token (the lowest id among equals); else logits are divided by it */
    int64_t top_k;       /* 0: off */
    double top_p;        /* 1: off */
    double min_p;        /* 0: off */
    double repetition_penalty;  /* 0 or 1: off */
    double frequency_penalty, presence_penalty;  /* 0: off */
    uint64_t seed;
} SampleOptions;

/* What a sequence holds so far, for the penalties. */
typedef struct {
    const int32_t *ids;
    int64_t n;
    int64_t n_new;  /* the last of them, which the model chose itself */
} SampleHistory;

/* Order and meaning are those of transformers: penalties, temperature, then top-k (every token whose logit is below the k-th largest goes; equals
 * of the k-th stay), then top-p on the softmax of what is left (a token stays if those before it, the more likely ones and lower ids among equals,
 * have a total probability < top_p; the first always stays), then min-p (a token goes whose probability is below min_p times the largest;
 * Nguyen et al. 2024, arXiv:2407.01082). Penalties work on the logits: repetition divides a positive one by the penalty and multiplies another
 * by it, once for every token of the history (Keskar et al. 2019, arXiv:1909.05858); frequency is subtracted for each time that the model chose
 * the token, presence if it did at all (OpenAI's). From the rest one is drawn with u = uniform(seed, sequence, position): the first id, in rising order, at which the cumulative probability exceeds u. Computed in
 * double. `scratch` holds sample_scratch_bytes. ERR_NUMERIC: a logit is not finite. `history` may be NULL: nothing is penalised. */
Err sample_token(int32_t *id, const Tensor *logits_row, const SampleOptions *options, const SampleHistory *history, uint64_t sequence,
                 uint64_t position, void *scratch);
size_t sample_scratch_bytes(int64_t vocab_size);

enum { LOG_PROBS_MAX = 20 };
typedef struct {
    int32_t id;
    double log_prob;  /* nats; of the model itself: no temperature, no penalty */
} TokenScore;
/* scores[0]: of token `id`; scores[1 .. n_top]: the most likely tokens, lower ids first among equals. n_top <= LOG_PROBS_MAX and the
 * vocabulary. */
void sample_log_probs(TokenScore *scores, const Tensor *logits_row, int32_t id, int n_top);

/* ---- from prompt to text ---- */

enum { GENERATE_STOPS_MAX = 16 };

typedef struct {
    SampleOptions sample;
    int64_t max_tokens;  /* new ones, a sequence; >= 1 */
    int n_stops;
    const char *stops[GENERATE_STOPS_MAX];  /* text ends before the first of them; none is empty */
    bool ignore_eos;
    bool log_probs;  /* say how likely each chosen token was, and the n_top_log_probs most likely ones in its place */
    int n_top_log_probs;
    bool slide;  /* a full context does not end the text: its later half becomes the beginning, and the text goes on */
} GenerateOptions;

typedef enum {
    FINISH_EOS,      /* the model ended the text */
    FINISH_STOP,     /* a stop string */
    FINISH_LENGTH,   /* max_tokens */
    FINISH_CONTEXT,  /* prompt and new tokens fill the context */
} FinishReason;
const char *finish_reason_name(FinishReason reason);  /* "eos", "stop", "length", "context" */

typedef struct {
    const char *text;  /* what the new tokens stand for, up to a stop string */
    size_t n_bytes;
    int64_t n_tokens;  /* new ones, the ending eos not counted */
    FinishReason reason;
    const TokenScore *scores;  /* [n_tokens][1 + n_top_log_probs], the chosen token first; NULL unless asked for */
} Generated;

/* Called as text becomes certain: whole characters that no stop string can still swallow. */
typedef struct {
    void (*write)(void *context, int64_t sequence, const char *text, size_t n_bytes);
    void *context;
} GenerateSink;

/* Continues n_prompts <= n_sequences prompts at once, each in the sequence of its index, from empty caches. A prompt has at least one
 * token and leaves room for one. The result depends on a prompt, its index and the options only. `results` (n_prompts of them) live in `arena`; sink may be NULL.
 * ERR_USAGE: a prompt that is empty or does not fit the context, or an id outside the vocabulary. ERR_INTERRUPTED: Ctrl-C. */
Err generate(Generator *gen, const Tokenizer *tok, const TokenSpan *prompts, int64_t n_prompts, const GenerateOptions *options,
             const GenerateSink *sink, Arena *arena, Generated *results);

#endif
