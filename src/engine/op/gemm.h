/* gemm.h - matrix products: C [M, N] = A [M, K] · B [K, N], with a contract about bits.
 *
 * A row of C depends on that row of A, on B, the bias, that row of C if it is accumulated to, K, the dtypes, k_leaf and the CPU
 * level; not on M, not on where the row lies, not on strides, not on which or how many threads came along. An element is
 * made so, whatever the path: K is cut into blocks of k_leaf (0: GEMM_K_BLOCK); a block's sum is formed from zero in f32, one
 * multiply-add after the other in the order of k; the sums are added in block order to the old C (or taken as they are, if
 * there is none); the bias is added last; a bf16 or fp16 C is rounded once, at the end. (Two bf16 operands at CPU_AVX512_BF16: the order
 * inside a block is that of the instruction, the odd k of a pair before the even one, subnormal numbers being zero; and where k_leaf is 0 a block is
 * GEMM_K_BLOCK_PAIRS, as many words: each end of a block costs the same, however long that was.)
 *
 * That is why gradients can be summed leaf by leaf: with k_leaf and accumulate, two products over 512 tokens each give the bits of one
 * over 1024.
 *
 * Blocked as in Goto & van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication": panels of A and B are packed, and halves
 * widened to f32 on the way (so a strided or transposed operand costs nothing more), then small tiles of C stay in
 * registers over a block of K. */
#ifndef ENGINE_OP_GEMM_H
#define ENGINE_OP_GEMM_H

#include "engine/tensor/dtype.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GEMM_K_BLOCK = 384,    /* the cut of K when k_leaf is 0, */
    GEMM_K_BLOCK_PAIRS = 2 * GEMM_K_BLOCK,  /* and in products of pairs */
    GEMM_K_LEAF_MAX = 4096,
    GEMM_SAME_CACHE_SET = 1024  /* words from row to row, and its multiples, after which rows meet in one set of the first cache */
};

/* Strides count elements. A[i, k] lies at a + i*a_row_stride + k*a_col_stride, so a transpose is two strides exchanged; a stride
 * may be 0 (a repeated row) or negative. C does not overlap A, B or bias, and its rows do not overlap. */
typedef struct {
    int64_t m, n, k;                           /* any may be 0; with k == 0 the product is zero */
    DType a_dtype, b_dtype, c_dtype;           /* DTYPE_F32, DTYPE_BF16 or DTYPE_F16 each */
    const void *a;                             /* [M, K] */
    int64_t a_row_stride, a_col_stride;
    const void *b;                             /* [K, N] */
    int64_t b_row_stride, b_col_stride;
    const void *b_panels;                      /* B once more, as gemm_pack_b laid it out: it need not be packed again; NULL: none */
    void *c;                                   /* [M, N], unit column stride */
    int64_t c_row_stride;
    const float *bias;                         /* [N], added to each row; NULL: none */
    bool accumulate;                           /* C += product, else C = product */
    int64_t k_leaf;                            /* 0, or 1 .. GEMM_K_LEAF_MAX */
    /* Told of each part of C as soon as it is complete, by the thread that made it, while it is near; parts do not overlap. NULL: nobody. */
    void (*finish)(const void *context, int64_t row, int64_t n_rows, int64_t column, int64_t n_columns);
    const void *finish_context;
} Gemm;

/* Bytes of workspace that gemm_run and gemm_run_serial need: depends on m, n, k, dtypes, k_leaf and whether rows of A are dense only. It never
 * falls when m grows, so the bytes for the largest m do for all smaller ones. */
size_t gemm_workspace_bytes(const Gemm *g);

/* B [K, N] laid out for many products, of any number of rows: as this machine reads it, for these dtypes of A and B and a k_leaf of 0. No bit of a
 * product depends on whether its B was. Bytes depend on n and k only; panels are 64-byte aligned. On all threads. */
size_t gemm_b_panels_bytes(int64_t n, int64_t k);
void gemm_pack_b(const Gemm *g, void *panels);

/* Computes C on all OpenMP threads. workspace: gemm_workspace_bytes(g) bytes, 64-byte aligned, used by this call only while it runs.
 * Allocates nothing. */
void gemm_run(const Gemm *g, void *workspace);

/* The same bits on the calling thread alone: for tiles computed inside a parallel region. */
void gemm_run_serial(const Gemm *g, void *workspace);

/* The specification: plain loops in double. c and magnitude are [M, N], dense. magnitude is the sum of the absolute values of
 * everything that was added: an error bound is a small multiple of it. It does not write g->c, and reads it if g->accumulate. */
void gemm_ref(const Gemm *g, double *c, double *magnitude);

/* How far an f32 computation as above may lie from gemm_ref, as a multiple of magnitude: gamma_n = n u / (1 - n u), u = 2^-24, for
 * the n roundings an element meets (Higham 2002, "Accuracy and Stability of Numerical Algorithms", 3.1), and half a bf16
 * or fp16 step if C is one. Underflow is not counted. */
double gemm_error_bound(const Gemm *g);

#endif
