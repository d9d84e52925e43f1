/* attention_product.h - small products that stay in registers and first-level cache; for the kernels of attention.
 *
 * Everything attention multiplies is C[r][.] (+)= sum_k A[r, k] * B[k][.], where one number of A meets a row of B, sixteen columns a
 * register. An element of C is one multiply-add after the other in the order of k, whatever the sizes and wherever it lies: a longer
 * sum in two calls, the second accumulating, has the bits of one call. Columns come in whole vectors: buffers are padded. */
#ifndef ENGINE_OP_ATTENTION_PRODUCT_H
#define ENGINE_OP_ATTENTION_PRODUCT_H

#include "engine/op/simd.h"

#include <stdbool.h>

/* A[r, k] lies at a + r*row_stride + k*k_stride. */
typedef struct {
    const float *a;
    int64_t row_stride, k_stride;
} Left;

/* Rows of whole vectors. */
typedef struct {
    const float *data;
    int64_t stride;
} Right;

#define TILE_UNROLL _Pragma("GCC unroll 8")
#define TILE_UNROLL16 _Pragma("GCC unroll 16")

enum { TILE_REGS = SIMD_AVX512 ? 4 : 2 };  /* a row, so that six rows' sums fit the registers */

SIMD_INLINE void tile_block(float *c, int64_t c_stride, Left a, Right b, int64_t n_k, bool accumulate, const int n_rows,
                            const int n_regs)
{
    Reg sum[6][TILE_REGS];
    TILE_UNROLL for (int r = 0; r < n_rows; r++)
        TILE_UNROLL for (int v = 0; v < n_regs; v++)
            sum[r][v] = accumulate ? reg_load(c + r * c_stride + REG_LANES * v) : (Reg){};
    for (int64_t k = 0; k < n_k; k++) {
        Reg right[TILE_REGS];
        TILE_UNROLL for (int v = 0; v < n_regs; v++)
            right[v] = reg_load(b.data + k * b.stride + REG_LANES * v);
        TILE_UNROLL for (int r = 0; r < n_rows; r++) {
            float left = a.a[r * a.row_stride + k * a.k_stride];
            TILE_UNROLL for (int v = 0; v < n_regs; v++)
                sum[r][v] = reg_fma(left, right[v], sum[r][v]);
        }
    }
    TILE_UNROLL for (int r = 0; r < n_rows; r++)
        TILE_UNROLL for (int v = 0; v < n_regs; v++)
            reg_store(c + r * c_stride + REG_LANES * v, sum[r][v]);
}

/* Blocks of one, four or six rows, n_vecs vectors wide, as many as fit in n_rows. Returns the rows done. */
SIMD_INLINE int64_t tile_rows(float *c, int64_t c_stride, Left a, Right b, int64_t n_k, bool accumulate, const int n_block, int64_t n_rows,
                              int64_t n_vecs)
{
    enum { COLUMNS = TILE_REGS * REG_LANES };
    const int64_t n_regs = n_vecs * (16 / REG_LANES), n_whole = n_regs / TILE_REGS, n_rest = n_regs % TILE_REGS;
    int64_t r = 0;
    for (; r + n_block <= n_rows; r += n_block, c += n_block * c_stride, a.a += n_block * a.row_stride) {
        Right right = b;
        float *to = c;
        for (int64_t i = 0; i < n_whole; i++, to += COLUMNS, right.data += COLUMNS)
            tile_block(to, c_stride, a, right, n_k, accumulate, n_block, TILE_REGS);
        if (n_rest == 3)
            tile_block(to, c_stride, a, right, n_k, accumulate, n_block, 3 < TILE_REGS ? 3 : TILE_REGS);
        else if (n_rest == 2)
            tile_block(to, c_stride, a, right, n_k, accumulate, n_block, 2 < TILE_REGS ? 2 : TILE_REGS);
        else if (n_rest == 1)
            tile_block(to, c_stride, a, right, n_k, accumulate, n_block, 1);
    }
    return r;
}

static Left left_at(Left a, int64_t row, int64_t k)
{
    a.a += row * a.row_stride + k * a.k_stride;
    return a;
}

static Right right_at(Right b, int64_t row)
{
    b.data += row * b.stride;
    return b;
}

static __attribute__((noinline)) void tile_product(float *c, int64_t c_stride, Left a, Right b, int64_t n_rows, int64_t n_vecs, int64_t n_k,
                                                   bool accumulate)
{
    int64_t r = tile_rows(c, c_stride, a, b, n_k, accumulate, 6, n_rows, n_vecs);
    r += tile_rows(c + r * c_stride, c_stride, left_at(a, r, 0), b, n_k, accumulate, 4, n_rows - r, n_vecs);
    tile_rows(c + r * c_stride, c_stride, left_at(a, r, 0), b, n_k, accumulate, 1, n_rows - r, n_vecs);
}

/* a * b + c where `on`, else c: what is not seen is not touched. */
SIMD_INLINE Reg reg_fma_if(bool on, float a, Reg b, Reg c)
{
#if SIMD_AVX512
    return (Reg)_mm512_mask3_fmadd_ps(_mm512_set1_ps(a), (__m512)b, (__m512)c, (__mmask16)-(int)on);
#else
    return on ? reg_fma(a, b, c) : c;
#endif
}

SIMD_INLINE void tile_block_if(float *c, int64_t c_stride, Left a, Right b, const uint64_t *mask, int64_t k, int64_t end, const int n_regs)
{
    Reg sum[4][TILE_REGS];
    TILE_UNROLL for (int r = 0; r < 4; r++)
        TILE_UNROLL for (int v = 0; v < n_regs; v++)
            sum[r][v] = reg_load(c + r * c_stride + REG_LANES * v);
    for (; k < end; k++)
        TILE_UNROLL for (int r = 0; r < 4; r++)
            TILE_UNROLL for (int v = 0; v < n_regs; v++)
                sum[r][v] = reg_fma_if(mask[r] >> k & 1, a.a[r * a.row_stride + k * a.k_stride],
                                       reg_load(b.data + k * b.stride + REG_LANES * v), sum[r][v]);
    TILE_UNROLL for (int r = 0; r < 4; r++)
        TILE_UNROLL for (int v = 0; v < n_regs; v++)
            reg_store(c + r * c_stride + REG_LANES * v, sum[r][v]);
}

/* Four rows over the steps [k, end), each of which some of them take: those whose bit is set in their mask. */
static __attribute__((noinline)) void tile_rows_4_if(float *c, int64_t c_stride, Left a, Right b, const uint64_t *mask, int64_t k, int64_t end,
                                                     int64_t n_vecs)
{
    enum { COLUMNS = TILE_REGS * REG_LANES };
    int64_t n_regs = n_vecs * (16 / REG_LANES);
    for (; n_regs >= TILE_REGS; n_regs -= TILE_REGS, c += COLUMNS, b.data += COLUMNS)
        tile_block_if(c, c_stride, a, b, mask, k, end, TILE_REGS);
    for (; n_regs >= 2; n_regs -= 2, c += 2 * REG_LANES, b.data += 2 * REG_LANES)
        tile_block_if(c, c_stride, a, b, mask, k, end, 2);
    if (n_regs == 1)
        tile_block_if(c, c_stride, a, b, mask, k, end, 1);
}

/* One row over the runs of set bits of its mask, from bit k to bit `end`. */
static void tile_row_masked(float *c, Left a, Right b, int64_t n_vecs, uint64_t mask, int64_t k, int64_t end)
{
    while (k < end && mask >> k) {
        k += __builtin_ctzll(mask >> k);
        uint64_t others = ~(mask >> k);
        int64_t length = others ? __builtin_ctzll(others) : 64;
        length = length < end - k ? length : end - k;
        if (length > 0)
            tile_product(c, 0, left_at(a, 0, k), right_at(b, k), 1, n_vecs, length, true);
        k += length > 0 ? length : 0;
    }
}

/* C += product, but row r takes only those k (< 64) whose bit is set in mask[r]. What is masked is not touched: a NaN there stays there.
 * Four rows go together. */
static void tile_product_masked(float *c, int64_t c_stride, Left a, Right b, int64_t n_rows, int64_t n_vecs, int64_t n_k,
                                const uint64_t *mask)
{
    for (; n_rows >= 4; n_rows -= 4, c += 4 * c_stride, mask += 4, a.a += 4 * a.row_stride) {
        uint64_t all = mask[0] & mask[1] & mask[2] & mask[3], some = mask[0] | mask[1] | mask[2] | mask[3];
        for (int64_t k = 0; k < n_k && some >> k;) {
            k += __builtin_ctzll(some >> k);
            bool together = all >> k & 1;
            uint64_t change = together ? ~(all >> k) : all >> k;  /* where the next step is of the other kind */
            int64_t n = change ? __builtin_ctzll(change) : 64, n_seen = 64 - __builtin_clzll(some) - k;
            n = n < n_k - k ? n : n_k - k;
            n = n < n_seen ? n : n_seen;
            if (together)
                tile_product(c, c_stride, left_at(a, 0, k), right_at(b, k), 4, n_vecs, n, true);
            else
                tile_rows_4_if(c, c_stride, a, b, mask, k, k + n, n_vecs);
            k += n;
        }
    }
    for (int64_t r = 0; r < n_rows; r++)
        tile_row_masked(c + r * c_stride, left_at(a, r, 0), b, n_vecs, mask[r], 0, n_k);
}

#endif
