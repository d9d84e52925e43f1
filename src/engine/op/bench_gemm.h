/* bench_gemm.h - the rate that benches of operators are held against: one large f32 product, measured between them, for on a shared
 * machine only ratios of one run mean anything. */
#ifndef ENGINE_OP_BENCH_GEMM_H
#define ENGINE_OP_BENCH_GEMM_H

#include "base/log.h"
#include "engine/op/gemm.h"

#include <stdlib.h>

/* The median of `n` measurements of seconds. */
static inline double bench_median(double *seconds, int n)
{
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && seconds[k] < seconds[k - 1]; k--) {
            double swap = seconds[k];
            seconds[k] = seconds[k - 1];
            seconds[k - 1] = swap;
        }
    return seconds[n / 2];
}

/* FLOP/s of one product [m, k] x [k, n] on all threads. */
static inline double bench_gemm_rate(int64_t m, int64_t n, int64_t k)
{
    float *a = aligned_alloc(64, (size_t)(m * k) * 4), *b = aligned_alloc(64, (size_t)(k * n) * 4), *c = aligned_alloc(64, (size_t)(m * n) * 4);
    for (int64_t i = 0; i < m * k; i++)
        a[i] = (float)(i % 7) - 3.0f;
    for (int64_t i = 0; i < k * n; i++)
        b[i] = (float)(i % 5) - 2.0f;
    Gemm gemm = {.m = m, .n = n, .k = k, .a = a, .a_row_stride = k, .a_col_stride = 1, .b = b, .b_row_stride = n, .b_col_stride = 1,
                 .c = c, .c_row_stride = n};
    void *workspace = aligned_alloc(64, (gemm_workspace_bytes(&gemm) + 63) / 64 * 64);
    double seconds[5];
    gemm_run(&gemm, workspace);
    for (int i = 0; i < 5; i++) {
        double start = clock_seconds();
        gemm_run(&gemm, workspace);
        seconds[i] = clock_seconds() - start;
    }
    free(a), free(b), free(c), free(workspace);
    return 2.0 * (double)m * (double)n * (double)k / bench_median(seconds, 5);
}

#endif
