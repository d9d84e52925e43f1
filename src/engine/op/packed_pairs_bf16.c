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
