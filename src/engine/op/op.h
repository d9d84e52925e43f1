/* op.h - the operators: every function records one call and returns its first value.
 *
 * Shapes: N tokens, C = d_model, K and M widths of a product, H query heads, Hkv key heads, D head width, V vocabulary.
 * Floats are f32, bf16 or (reference backend) f64; i32 arrays index. A mistake marks the graph (graph.h).
 * Each operator's formula, derivation and paper stand in the file that bears its name. */
#ifndef ENGINE_OP_OP_H
#define ENGINE_OP_OP_H

#include "engine/graph/graph.h"

/* ---- matrix products ---- */

/* How a weight lies in memory: PyTorch's Linear keeps [out, in], GPT-2's Conv1D keeps [in, out]. */
typedef enum { WEIGHT_OUT_IN, WEIGHT_IN_OUT } WeightLayout;

/* y[N, M] = x[N, K] * W + bias[M].  w is [M, K] or [K, M] by layout; bias f32 or f64, may be NULL. y has the dtype of x; sums in f32. */
Node *linear(Graph *g, Node *x, Node *w, Node *bias, WeightLayout layout);
/* y[N, M] = a * b, where a is [N, K] ([K, N] if transpose_a) and b is [K, M] ([M, K] if transpose_b). */
Node *matmul(Graph *g, Node *a, Node *b, bool transpose_a, bool transpose_b);

/* ---- tables and rows ---- */

/* y[N, C] = table[ids[n]].  table [V, C], ids i32 [N]; an id outside [0, V) is an assert in the kernel, checked where ids enter. */
Node *embedding(Graph *g, Node *table, Node *ids);
/* ids[n] + by, i32 [N]: positions in a table whose first rows mean something else. */
Node *shift_ids(Graph *g, Node *ids, int64_t by);
/* y[M, C] = x[index[m]].  x [N, C], index i32 [M]: the last token of each sequence. Not differentiable. */
Node *gather_rows(Graph *g, Node *x, Node *index);

/* ---- elementwise: shapes equal; a and b may differ in float dtype, the result has the wider ---- */

Node *add(Graph *g, Node *a, Node *b);
Node *mul(Graph *g, Node *a, Node *b);
Node *scale(Graph *g, Node *x, double factor);
Node *cast(Graph *g, Node *x, DType dtype);  /* x itself when it has that dtype */
Node *gelu_tanh(Graph *g, Node *x);          /* 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (Hendrycks & Gimpel 2016) */
Node *gelu_erf(Graph *g, Node *x);           /* x (1 + erf(x / sqrt 2)) / 2: gelu itself */
Node *relu(Graph *g, Node *x);               /* max(x, 0); NaN stays. Its derivative at 0 is 0. */
Node *softcap(Graph *g, Node *x, double cap);  /* cap tanh(x / cap) */
Node *silu_gate(Graph *g, Node *gate, Node *up);  /* silu(gate) * up: SwiGLU without its products (Shazeer 2020) */

/* Drops elements of x [N, C] with probability rate < 1 and scales the others by 1 / (1 - rate). draws i32 [N, 3] names each token of the
 * training data: its sample's number (low word, high word) and its place in the sample. The mask is a pure function of seed, draws and
 * the operator's place in the graph. */
Node *dropout(Graph *g, Node *x, Node *draws, double rate, uint64_t seed);

/* ---- norms over the last axis; statistics in f32 ---- */

Node *layernorm(Graph *g, Node *x, Node *gain, Node *bias, double eps);  /* bias may be NULL */
/* A gain may be kept as its distance from 1: then y is x / rms(x) * (offset + gain), offset 1 (Gemma); else 0. */
Node *rmsnorm(Graph *g, Node *x, Node *gain, double eps, double offset);

/* ---- attention ---- */

/* How frequencies are stretched for longer texts than a model was trained on; factor s, original length L.
 *   linear   all / s (Chen et al. 2023, arXiv:2306.15595)
 *   dynamic  theta grows so that the slowest pair turns as far at seq_len as it did at L; none up to L ("NTK-aware")
 *   yarn     fast pairs stay, slow ones / s, a ramp between beta_fast and beta_slow turns within L (Peng et al. 2023, arXiv:2309.00071)
 *   llama3   wavelengths below L / high_freq stay, those above L / low_freq go / s, smooth between (Llama 3.1) */
typedef enum { ROPE_PLAIN, ROPE_LINEAR, ROPE_DYNAMIC, ROPE_YARN, ROPE_LLAMA3 } RopeScaling;

typedef struct {
    double theta;
    bool interleaved;       /* pairs are (2i, 2i + 1), else (i, i + D/2) as Hugging Face lays them */
    bool is_ramp_exact;     /* yarn: the ramp's ends are not rounded to whole pairs ("truncate": false) */
    int32_t scaling;        /* RopeScaling */
    double factor;
    int64_t original_len;   /* L */
    int64_t seq_len;        /* dynamic: the longest sequence */
    double slow, fast;      /* yarn: beta_slow, beta_fast; llama3: low_freq_factor, high_freq_factor */
    double amplitude;       /* what is turned is multiplied by this; 0 means 1 */
} RotaryOptions;
/* Radians a position of pair i, of heads of width D. */
double rotary_frequency(const RotaryOptions *options, int64_t i, int64_t D);

/* Rotates each pair of a head by position * frequency (Su et al. 2021, arXiv:2104.09864), theta^(-2i/D) unless scaled.
 * x [N, H, D] (D even), positions i32 [N]. */
Node *rotary(Graph *g, Node *x, Node *positions, RotaryOptions options);

typedef struct {
    double scale;    /* of q.k */
    double softcap;  /* c > 0: a score s becomes c tanh(s / c) (Gemma 2: Riviere et al. 2024, arXiv:2408.00118); 0: off */
    int64_t window;  /* W > 0: of its range a row sees the last W keys only (Beltagy et al. 2020, arXiv:2004.05150); 0: off */
    bool alibi;      /* scores fall with the distance from the last key of the range, a slope a head (Press et al. 2022, arXiv:2108.12409) */
    double dropout;  /* p > 0: a weight is dropped with this probability, as dropout does; it needs draws */
    uint64_t dropout_seed;
    Node *draws;     /* i32 [N, 3], of the queries (dropout) */
} AttentionOptions;

/* y[n, h] = sum_j softmax_j(score(n, h, j)) v[j, ...] over the visible keys j in [ranges[n][0], ranges[n][1]), where score is
 * scale * q[n, h] . k[j, h / (H/Hkv)] with what the options add.
 * q [N, H, D], k [Nk, Hkv, D], v [Nk, Hkv, Dv], ranges i32 [N, 2]. y [N, H, Dv]; sibling 1: log-sum-exp f32 [N, H].
 * Sums run over the visible keys in their order: a row's bits do not depend on its neighbours. An empty range gives zeros and lse -inf.
 * Memory O(N): Milakov & Gimelshein 2018 (online softmax), Dao et al. 2022 (tiled, recomputed backward). */
Node *attention(Graph *g, Node *q, Node *k, Node *v, Node *ranges, AttentionOptions options);
/* dq of sum(dy * y), and as siblings dk and dv, where attention() made y: for programs of attention alone; others differentiate. */
Node *attention_backward(Graph *g, Node *y, Node *dy);
/* cache[:, slots[n]] = x[n], in place.  cache [Hkv, capacity, D] state, x [N, Hkv, D], slots i32 [N]. Returns the cache, now with x, as attention
 * takes it: [capacity, Hkv, D], a window. */
Node *cache_write(Graph *g, Node *cache, Node *x, Node *slots);

/* ---- losses and sums ---- */

/* What becomes of the logits z and of the target distribution t; all zero: plain.
 *   softcap    c > 0: z becomes c tanh(z / c)
 *   smoothing  e, 0 <= e < 1. SMOOTH_UNIFORM: t is 1 - e at the label, plus e / V everywhere (Szegedy et al. 2016, as PyTorch has it), the loss a
 *              cross-entropy. SMOOTH_OTHERS: 1 - e at the label, e over the other tokens but not the ignored one, and the loss is KL(t || p).
 *   ignored    a token id that is no target: where it is the label, the loss is 0. The caller must not count it as a target. Read if has_ignored.
 *   z_loss     adds z_loss * logsumexp(z)^2, which keeps logits from drifting (Chowdhery et al. 2022, arXiv:2204.02311) */
typedef enum { SMOOTH_UNIFORM, SMOOTH_OTHERS } Smoothing;
typedef struct {
    double softcap, smoothing, z_loss;
    int32_t smoothing_kind;  /* Smoothing */
    int32_t has_ignored;
    int64_t ignored;
} CrossEntropyOptions;

/* loss[n] = weight[n] * (logsumexp_v(x[n] . w[v]) - x[n] . w[label[n]]), nats, f32 [N] (f64 in f64), or what the options make of it.  x [N, C], w [V, C], label i32 [N],
 * weight f32 [N]. Logits exist for a chunk of tokens at a time; [N, V] is never held. When differentiated with a gradient that does
 * not depend on the loss, loss, dx and dw are made in one pass and the forward call is superseded. */
Node *linear_cross_entropy(Graph *g, Node *x, Node *w, Node *label, Node *weight, CrossEntropyOptions options);
/* Sum of all elements, f32 [1] (f64 of f64), in an order fixed by the shape. */
Node *sum(Graph *g, Node *x);

/* ---- windows and copies ---- */

Node *view(Graph *g, Node *x, Shape shape);  /* same count, row-major; keeps the bound when dim 0 is unchanged */
/* Cuts the last axis of x [..., W] into n parts [..., widths[i]]; siblings 0 .. n-1 are windows, n <= OP_OUTPUTS_MAX. */
Node *split(Graph *g, Node *x, const int64_t *widths, int n);
/* The inverse, a copy: x[i] [..., widths[i]] -> [..., sum of widths]. */
Node *concat(Graph *g, Node *const *x, int n);
Node *fill(Graph *g, DType dtype, Shape shape, int bound, double value);

/* ---- writing state, for the update segment ---- */

Node *state_fill(Graph *g, Node *state, double value);
Node *state_add(Graph *g, Node *state, Node *x);   /* state += x */
Node *state_store(Graph *g, Node *state, Node *x); /* state = x, rounded to its dtype: refreshes a copy */

/* counts += how many elements of x have which exponent. counts i64 [EXPONENT_BINS], a state: [0] zeros, [1 + e - EXPONENT_MIN] those of size
 * [2^e, 2^(e+1)), ends taking what lies beyond, the last those that are infinite or no number. The range is that of fp16. */
enum { EXPONENT_MIN = -24, EXPONENT_MAX = 15, EXPONENT_BINS = EXPONENT_MAX - EXPONENT_MIN + 3 };
Node *exponent_count(Graph *g, Node *counts, Node *x);

/* scalars, f32 [N_STEP_SCALARS], written by the host before each update. */
typedef enum { SCALAR_LR, SCALAR_STEP, SCALAR_INV_TARGETS, SCALAR_GRAD_NORM_MAX, N_STEP_SCALARS } StepScalar;

/* The norm of all gradients times SCALAR_INV_TARGETS, and the factor that AdamW applies to raw gradient sums: inv_targets, times
 * max / norm where norm > max > 0. grads: the slabs of all buckets. Returns f32 [2]: norm, factor. Non-finite gradients give a norm of NaN or
 * inf and a factor of 0. */
Node *grad_norm(Graph *g, Node *const *grads, int n_grads, Node *scalars);

/* One AdamW step in place (Loshchilov & Hutter 2019, arXiv:1711.05101, as PyTorch orders it), elementwise over slabs:
 *   p -= lr * weight_decay * p;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
 *   p -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)        with g = factor * grad, t = SCALAR_STEP (from 1)
 * A factor of 0 (non-finite gradients) leaves p, m and v as they are. With clear_grad the gradient is zeros afterwards, whatever the factor.
 * Returns p, changed. */
typedef struct {
    double beta1, beta2, eps, weight_decay;
    int64_t clear_grad;
} AdamwOptions;
Node *adamw(Graph *g, Node *p, Node *grad, Node *m, Node *v, Node *scalars, Node *norm_factor, const AdamwOptions *options);

/* Every operator, for `inspect graph`, tests that visit all, and the documentation. */
struct OpInfo;
extern const struct OpInfo *const op_table[];
extern const int op_table_count;

#endif
