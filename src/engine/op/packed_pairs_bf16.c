/* packed_pairs_bf16.c - see packed_pairs.h; compiled with the instruction set of CPU_AVX512_BF16, run only where it exists. */
#include "engine/op/bf16_dot.h"
#include "engine/op/packed_pairs_kernel.h"

void packed_pairs_rows(PairsTile t, int64_t n_rows)
{
    pairs_rows(t, n_rows);
}

void packed_pairs_streams(PairsTile t, int64_t n_panels, int64_t panel_bytes)
{
    pairs_streams(t, n_panels, panel_bytes);
}

void packed_pairs_row(const void *x, int64_t n_words, int64_t block_words, const void *weights, int64_t n_panels, float *total)
{
    pairs_row(x, n_words, block_words, weights, n_panels, total);
}
