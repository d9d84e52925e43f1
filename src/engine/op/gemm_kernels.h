/* gemm_kernels.h - what a CPU level gives to gemm.c: packing and the tile in registers. Inside engine/op only.
 *
 * A panel holds some lanes (rows of A or columns of B) over a block of K, so that a step of k is contiguous:
 *
 *     word[k][lane]     lane < width;  a word is an f32, or for the bf16 kernel two bf16: k even below, k odd above
 *
 * `lanes` of the width are used; the rest, and lanes beyond the operand's edge, hold anything. Panels follow one another. */
#ifndef ENGINE_OP_GEMM_KERNELS_H
#define ENGINE_OP_GEMM_KERNELS_H

#include "engine/op/gemm.h"
#include "base/kernel.h"

enum { GEMM_A_WIDTH_MAX = 16, GEMM_B_WIDTH_MAX = 32, GEMM_DIRECT_ROWS_MAX = 8 };  /* over all levels */

typedef struct {
    int lanes, width;
} PanelShape;

/* Lanes of an operand: lane l at step k lies at base + l*lane_stride + k*k_stride (elements). */
typedef struct {
    const void *base;
    DType dtype;
    int64_t lane_stride, k_stride;
} GemmLanes;

/* Where block sums go: to = (from, if any) + sum + (bias, if any). */
typedef struct {
    const void *from;  /* NULL: nothing there yet */
    void *to;
    DType from_dtype, to_dtype;
    int64_t from_stride, to_stride;  /* elements from row to row */
    const float *bias;
    bool is_near;                    /* `to` is a place between blocks of K: it need not be fetched */
} GemmOut;

/* A strip of C: the rows of one panel of A, by some panels of B; one block of K. */
typedef struct {
    int n_rows;
    int64_t n_columns, n_words;
    const uint32_t *a, *b;
    int64_t a_row_stride;   /* not 0: `a` is not a panel but rows of words, so many apart: pairs lie in rows as in panels */
    /* Not 0: from step to step of k, for the operand is no panel, but at each step its lanes lie side by side. A's only beside B's. B: whole panels, and
     * `a` is none. */
    int64_t a_step_words, b_step_words;
    const uint32_t *a_next; /* these rows come next, so many words apart, or this panel, from afar; NULL: none */
    int64_t a_next_stride;
    int64_t b_panel_words;  /* from panel to panel of B */
    GemmOut out;
} GemmStrip;

typedef struct {
    PanelShape a, b;  /* a.lanes rows by b.lanes columns of C are a tile; b.lanes == b.width */
    int k_per_word;   /* 1 for f32 words, 2 for pairs of bf16; an absent odd k of a pair is zero */
    /* Packs lanes [0, n_lanes) and k [0, n_k) of the source into as many panels as that takes. */
    void (*pack)(uint32_t *panels, PanelShape shape, int64_t n_lanes, int64_t n_k, GemmLanes source);
    void (*strip)(const GemmStrip *strip);
    /* The same with B where it lies, of at most GEMM_DIRECT_ROWS_MAX rows of A that are not packed, of words all the same: strip->b is not used, and
     * strip->n_words counts steps of k. NULL: B must be packed. */
    void (*direct)(const GemmStrip *strip, GemmLanes b);
} GemmKernel;

KERNEL_DECLARE(const GemmKernel *, gemm_kernel, (void));
const GemmKernel *gemm_kernel_bf16(void);  /* CPU_AVX512_BF16, both operands bf16 */

/* gemm_run with a kernel of the caller's choice, on all threads or on one. */
void gemm_run_kernel(const Gemm *g, const GemmKernel *kernel, void *workspace, bool is_serial);

#endif
