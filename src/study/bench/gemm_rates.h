/* gemm_rates.h - one matrix product of a given size, by every library there is. */
#ifndef STUDY_BENCH_GEMM_RATES_H
#define STUDY_BENCH_GEMM_RATES_H

#include "base/err.h"
#include "engine/op/gemm_peer.h"

typedef struct {
    int64_t m, n, k;  /* C [m, n] = A [m, k] B [k, n], all dense */
} GemmShape;

typedef struct {
    double flops_per_second[GEMM_PEER_COUNT];  /* 0: missing, or has no such product */
    double best;
} GemmRates;

/* The best call of n_rounds rounds, libraries taking turns. dtype: of A, B and C. ERR_MEMORY; ERR_INTERRUPTED after Ctrl-C. */
Err gemm_rates_measure(GemmRates *rates, const GemmShape *shape, DType dtype, int n_rounds);

#endif
