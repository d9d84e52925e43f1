/* gemm_kernels.h - what a CPU level gives to gemm.c: packing and the tile in registers. Inside engine/op only.
 *
 * A panel holds `width` lanes (rows of A or columns of B) over a block of K, so that a step of k is contiguous:
 *
 *     word[k][lane]     lane < width;  a word is an f32, or for the bf16 kernel two bf16: k even below, k odd above
 *
 * Panels of B are `nr` wide, filled up with zeros; panels of A are as wide as they have rows, at most `mr`. */
#ifndef ENGINE_OP_GEMM_KERNELS_H
#define ENGINE_OP_GEMM_KERNELS_H

#include "engine/op/gemm.h"
#include "engine/op/kernel.h"

enum { GEMM_MR_MAX = 16, GEMM_NR_MAX = 32 };  /* over all levels */

/* Lanes of an operand: lane l at step k lies at base + l*lane_stride + k*k_stride (elements). */
typedef struct {
    const void *base;
    DType dtype;
    int64_t lane_stride, k_stride;
} GemmLanes;

/* Where a tile's block sum goes: to = (from, if any) + sum + (bias, if any). */
typedef struct {
    const void *from;  /* NULL: nothing there yet */
    void *to;
    DType from_dtype, to_dtype;
    int64_t from_stride, to_stride;  /* elements from row to row */
    const float *bias;
    int n_columns;
} GemmOut;

typedef struct {
    int mr, nr;
    int k_per_word;  /* 1 for f32 words, 2 for pairs of bf16 */
    /* Packs lanes [0, n_lanes) and k [0, n_k) of the source; lanes up to width are zero, and an absent odd k of a pair. */
    void (*pack)(uint32_t *panel, int width, int n_lanes, int64_t n_k, GemmLanes source);
    /* Sums the n_words steps of a block for n_rows rows of A's panel and the columns of B's, and puts them out. */
    void (*tile)(int n_rows, int64_t n_words, const uint32_t *a_panel, const uint32_t *b_panel, const GemmOut *out);
} GemmKernel;

KERNEL_DECLARE(const GemmKernel *, gemm_kernel, (void));
const GemmKernel *gemm_kernel_bf16(void);  /* CPU_AVX512_BF16, both operands bf16 */

/* gemm_run with a kernel of the caller's choice, on all threads or on one. */
void gemm_run_kernel(const Gemm *g, const GemmKernel *kernel, void *workspace, bool is_serial);

#endif
