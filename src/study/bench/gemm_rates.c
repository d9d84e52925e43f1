/* gemm_rates.c - operands for one product, and the peers' turns at it. */
#include "study/bench/gemm_rates.h"

#include "base/file.h"
#include "base/log.h"
#include "study/bench/bench_internal.h"

#include <math.h>

/* seconds: INFINITY where a library is missing or has no such product. */
static Err best_of_rounds(double seconds[GEMM_PEER_COUNT], const Gemm *g, void *workspace, int n_rounds)
{
    GemmPeers *peers = gemm_peers_open();
    Err err = OK;
    for (int p = 0; p < GEMM_PEER_COUNT; p++)
        seconds[p] = INFINITY;
    for (int round = 0; round < n_rounds && err == OK; round++) {
        double turn[GEMM_PEER_COUNT];
        err = interrupt_requested() ? err_set(ERR_INTERRUPTED, "interrupted") : OK;
        if (err == OK)
            gemm_peers_time(turn, peers, g, workspace, 1);
        for (int p = 0; p < GEMM_PEER_COUNT && err == OK; p++)
            seconds[p] = turn[p] > 0 ? fmin(seconds[p], turn[p]) : seconds[p];
    }
    gemm_peers_close(peers);
    return err;
}

Err gemm_rates_measure(GemmRates *rates, const GemmShape *s, DType dtype, int n_rounds)
{
    Gemm g = {.m = s->m, .n = s->n, .k = s->k, .a_dtype = dtype, .b_dtype = dtype, .c_dtype = dtype, .a_row_stride = s->k, .a_col_stride = 1,
              .b_row_stride = s->n, .b_col_stride = 1, .c_row_stride = s->n};
    size_t a = bench_matrix_bytes(s->m * s->k, dtype), b = bench_matrix_bytes(s->k * s->n, dtype), c = bench_matrix_bytes(s->m * s->n, dtype);
    size_t n_bytes = a + b + c + gemm_workspace_bytes(&g);
    void *block;
    *rates = (GemmRates){0};
    TRY(memory_map(&block, n_bytes));
    bench_fill(block, a + b, dtype);
    g.a = block;
    g.b = (char *)block + a;
    g.c = (char *)block + a + b;
    double seconds[GEMM_PEER_COUNT];
    Err err = best_of_rounds(seconds, &g, (char *)block + a + b + c, n_rounds);
    memory_unmap(block, n_bytes);
    for (int p = 0; p < GEMM_PEER_COUNT && err == OK; p++) {
        rates->flops_per_second[p] = gemm_flops(&g) / seconds[p];
        rates->best = fmax(rates->best, rates->flops_per_second[p]);
    }
    return err;
}
