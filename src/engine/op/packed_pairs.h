/* packed_pairs.h - rows of bf16 times panels of bf16 (packed_weight.h) by the dot product of pairs, for CPU_AVX512_BF16 only; called by linear_packed_cpu.c.
 *
 * The sums of a block are those of gemm.h for two bf16 operands at that level, so packing changes no bit there either. */
#ifndef ENGINE_OP_PACKED_PAIRS_H
#define ENGINE_OP_PACKED_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

/* A block of K of at most GEMM_K_BLOCK_PAIRS steps; a word is a pair of bf16, the even k below. */
typedef struct {
    const void *x;               /* rows of words, */
    int64_t x_stride, n_words;   /* x_stride words apart */
    const void *weights;         /* [n_words][64] */
    float *total;                /* [rows or panels][64], added to unless this is the first block */
    bool is_first;
} PairsTile;

/* Any number of rows by one panel. */
void packed_pairs_rows(PairsTile t, int64_t n_rows);
/* One row by n_panels (4, 2 or 1) panels, panel_bytes apart, side by side: as many streams of memory. The same sums. */
void packed_pairs_streams(PairsTile t, int64_t n_panels, int64_t panel_bytes);

/* One row of n_words words in blocks of block_words by n_panels panels that follow one another, their sums to total [n_panels][64]: one stream of memory. */
void packed_pairs_row(const void *x, int64_t n_words, int64_t block_words, const void *weights, int64_t n_panels, float *total);

#endif
