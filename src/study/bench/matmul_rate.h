/* matmul_rate.h - the yardstick of training speed: how fast this machine makes the matrix products that a model's training consists of.
 *
 * Forward, dx and dw of every weight matrix, the head included, each at its own shape, by every library there is (gemm_peer.h); the
 * best of each counts, and the rate is all FLOPs over the sum of the best times. A trainer's tokens per second times the necessary FLOPs a token
 * (model_train_flops_per_token), divided by this rate, is its share of peak. */
#ifndef STUDY_BENCH_MATMUL_RATE_H
#define STUDY_BENCH_MATMUL_RATE_H

#include "engine/op/gemm_peer.h"
#include "learn/model/model.h"

typedef struct {
    /* Long sides are cut to these: rates do not depend on them any more, and a probe stays short. */
    int64_t n_tokens_max, vocab_max;
} MatmulRateOptions;

/* C [m, n] = A [m, k] B [k, n], an operand perhaps lying with its columns one after the other. */
typedef struct {
    int64_t m, n, k;
    bool a_transposed, b_transposed;
    int64_t count;                             /* of such products a micro batch */
    double flops_per_second[GEMM_PEER_COUNT];  /* 0: the library is missing or cannot */
} MatmulShape;

typedef struct {
    double flops_per_second;                         /* of the best, product by product */
    double peer_flops_per_second[GEMM_PEER_COUNT];   /* of one alone; 0: it is missing, or cannot do all of them */
    double seconds;                                  /* that the probe took */
    int n_shapes;
    const MatmulShape *shape;                        /* all of them */
} MatmulRate;

/* n_tokens: of a micro batch. compute: the dtype of operands, and of results but weights' gradients, which are f32. For bf16 and fp16 the best of all
 * in that, as far as they know it (gemm_peer.h), and of all in f32 counts, for a trainer that computes in bf16 may not be slower than f32 either.
 * The shapes live in `arena`. ERR_MEMORY. */
Err matmul_rate_measure(MatmulRate *rate, const ModelConfig *config, int64_t n_tokens, DType compute, const MatmulRateOptions *options, Arena *arena);

/* FLOP/s by a short probe (some tenths of a second; a second or two at 124M parameters); 0 when there is no memory for it. */
double measured_matmul_rate(const ModelConfig *config, int64_t n_tokens, DType compute);

#endif
