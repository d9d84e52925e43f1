/* attention_product.h - small products that stay in registers and first-level cache; for the kernels of attention. A template.
 *
 * Everything attention multiplies is C[r][.] (+)= sum_k A[r, k] * B[k][.], where one word of A meets a row of words of B, sixteen columns a
 * register. A word is a number of f32; or a pair of bf16, where the including file defines BF16_DOT as for gemm_bf16_kernel.h, and BF16_ROUND(high, low):
 * thirty-two f32 rounded to bf16, those of `low` in the lower half of the register.
 *
 * An element of C is one multiply-add after the other in the order of k, whatever the sizes and wherever it lies: a longer
 * sum in two calls, the second adding, has the bits of one call. The instruction adds the upper number of a pair first. So where pairs are of keys or of
 * rows, the earlier one is the upper one: the sum is that of single numbers in their order, and no bit depends on which of them are a pair. Along the
 * width, pairs are as they lie in memory: the odd number comes first. Columns come in whole vectors: buffers are padded. */
#ifndef ENGINE_OP_ATTENTION_PRODUCT_H
#define ENGINE_OP_ATTENTION_PRODUCT_H

#include "engine/op/simd.h"

#include <stdbool.h>

/* ---- words ---- */

#ifdef BF16_DOT

enum { TILE_TERMS = 2, WORD_LANES = 16 };  /* numbers in a word, words in a register */
typedef V16 Words;
typedef uint16_t Half32 __attribute__((vector_size(64)));

SIMD_INLINE Words words_load(const float *p)
{
    return v16_load(p);
}

SIMD_INLINE void words_store(float *p, Words x)
{
    v16_store(p, x);
}

/* sum + left * right, sixteen words. */
SIMD_INLINE V16 words_fma(V16 left, V16 right, V16 sum)
{
    return BF16_DOT(sum, left, right);
}

SIMD_INLINE Words word_fma(float left, Words right, Words sum)
{
    return BF16_DOT(sum, v16_set1(left), right);
}

/* The same of those numbers of the pair whose bit in `seen` is set, the lower bit being the earlier number's. What is not seen becomes -0 times 0, which adds
 * nothing to any sum, not even to the sign of a zero. */
SIMD_INLINE Words word_fma_seen(uint64_t seen, float left, Words right, Words sum)
{
    uint32_t mask = (seen & 1 ? 0xffff0000u : 0) | (seen & 2 ? 0xffffu : 0), word;
    memcpy(&word, &left, sizeof word);
    word = (word & mask) | (~mask & 0x80008000u);
    return BF16_DOT(sum, (V16)i16_set1((int32_t)word), (V16)((I16)right & i16_set1((int32_t)mask)));
}

/* Words of the numbers of as many vectors, lane by lane; the earlier vector first. */
SIMD_INLINE V16 words_across(const V16 *x)
{
    Half32 both = (Half32)BF16_ROUND(x[0], x[1]);
    return (V16)__builtin_shufflevector(both, both, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                        14, 30, 15, 31);
}

/* Words of the neighbours in one vector. */
SIMD_INLINE void words_store_along(float *to, V16 x)
{
    Half32 both = (Half32)BF16_ROUND(x, x);
    *(Half16Unaligned *)to = __builtin_shufflevector(both, both, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
}

/* Words of one number each, and of another that adds nothing to a sum. */
SIMD_INLINE V16 words_single(V16 x)
{
    return words_across((V16[]){x, v16_set1(-0.0f)});
}

#else

enum { TILE_TERMS = 1, WORD_LANES = REG_LANES };
typedef Reg Words;

SIMD_INLINE Words words_load(const float *p)
{
    return reg_load(p);
}

SIMD_INLINE void words_store(float *p, Words x)
{
    reg_store(p, x);
}

SIMD_INLINE V16 words_fma(V16 left, V16 right, V16 sum)
{
    return v16_fma(left, right, sum);
}

SIMD_INLINE Words word_fma(float left, Words right, Words sum)
{
    return reg_fma(left, right, sum);
}

/* What is not seen is not touched. */
SIMD_INLINE Words word_fma_seen(uint64_t seen, float left, Words right, Words sum)
{
#if SIMD_AVX512
    return (Words)_mm512_mask3_fmadd_ps(_mm512_set1_ps(left), (__m512)right, (__m512)sum, (__mmask16)-(int)(seen & 1));
#else
    return seen & 1 ? reg_fma(left, right, sum) : sum;
#endif
}

SIMD_INLINE V16 words_across(const V16 *x)
{
    return x[0];
}

SIMD_INLINE void words_store_along(float *to, V16 x)
{
    v16_store(to, x);
}

SIMD_INLINE V16 words_single(V16 x)
{
    return x;
}

#endif

/* ---- products ---- */

/* Word A[r, k] lies at a + r*row_stride + k*k_stride. */
typedef struct {
    const float *a;
    int64_t row_stride, k_stride;
} Left;

/* Rows of whole vectors of words. */
typedef struct {
    const float *data;
    int64_t stride;
} Right;

#ifndef TILE_UNROLL
#define TILE_UNROLL _Pragma("GCC unroll 8")
#define TILE_UNROLL16 _Pragma("GCC unroll 16")
#endif

enum {
    TILE_REGS = WORD_LANES == 16 ? 4 : 2,  /* a row, so that six rows' sums fit the registers */
    TILE_COLUMNS = TILE_REGS * WORD_LANES,
};

SIMD_INLINE void tile_block(float *c, int64_t c_stride, Left a, Right b, int64_t n_k, const float *factor, const int n_rows, const int n_regs)
{
    Words sum[6][TILE_REGS];
    const bool adds = factor == NULL;
    TILE_UNROLL for (int r = 0; r < n_rows; r++)
        TILE_UNROLL for (int v = 0; v < n_regs; v++)
            sum[r][v] = adds ? words_load(c + r * c_stride + WORD_LANES * v) : (Words){};
    for (int64_t k = 0; k < n_k; k++) {
        Words right[TILE_REGS];
        TILE_UNROLL for (int v = 0; v < n_regs; v++)
            right[v] = words_load(b.data + k * b.stride + WORD_LANES * v);
        TILE_UNROLL for (int r = 0; r < n_rows; r++) {
            float left = a.a[r * a.row_stride + k * a.k_stride];
            TILE_UNROLL for (int v = 0; v < n_regs; v++)
                sum[r][v] = word_fma(left, right[v], sum[r][v]);
        }
    }
    TILE_UNROLL for (int r = 0; r < n_rows; r++)
        TILE_UNROLL for (int v = 0; v < n_regs; v++)
            words_store(c + r * c_stride + WORD_LANES * v, adds ? sum[r][v] : sum[r][v] * *factor);
}

/* Blocks of one, four or six rows, n_vecs vectors wide, as many as fit in n_rows. Returns the rows done. */
SIMD_INLINE int64_t tile_rows(float *c, int64_t c_stride, Left a, Right b, int64_t n_k, const float *factor, const int n_block, int64_t n_rows, int64_t n_vecs)
{
    const int64_t n_regs = n_vecs * (16 / WORD_LANES), n_whole = n_regs / TILE_REGS, n_rest = n_regs % TILE_REGS;
    int64_t r = 0;
    for (; r + n_block <= n_rows; r += n_block, c += n_block * c_stride, a.a += n_block * a.row_stride) {
        Right right = b;
        float *to = c;
        for (int64_t i = 0; i < n_whole; i++, to += TILE_COLUMNS, right.data += TILE_COLUMNS)
            tile_block(to, c_stride, a, right, n_k, factor, n_block, TILE_REGS);
        if (n_rest == 3)
            tile_block(to, c_stride, a, right, n_k, factor, n_block, 3 < TILE_REGS ? 3 : TILE_REGS);
        else if (n_rest == 2)
            tile_block(to, c_stride, a, right, n_k, factor, n_block, 2 < TILE_REGS ? 2 : TILE_REGS);
        else if (n_rest == 1)
            tile_block(to, c_stride, a, right, n_k, factor, n_block, 1);
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

/* C = factor A B, or, without a factor, C += A B; n_k words. */
static __attribute__((noinline)) void tile_product(float *c, int64_t c_stride, Left a, Right b, int64_t n_rows, int64_t n_vecs, int64_t n_k,
                                                   const float *factor)
{
    int64_t r = tile_rows(c, c_stride, a, b, n_k, factor, 6, n_rows, n_vecs);
    r += tile_rows(c + r * c_stride, c_stride, left_at(a, r, 0), b, n_k, factor, 4, n_rows - r, n_vecs);
    tile_rows(c + r * c_stride, c_stride, left_at(a, r, 0), b, n_k, factor, 1, n_rows - r, n_vecs);
}

SIMD_INLINE void tile_block_seen(float *c, int64_t c_stride, Left a, Right b, const uint64_t *seen, int64_t k, int64_t end, const int n_rows,
                                 const int n_regs)
{
    Words sum[4][TILE_REGS];
    TILE_UNROLL for (int r = 0; r < n_rows; r++)
        TILE_UNROLL for (int v = 0; v < n_regs; v++)
            sum[r][v] = words_load(c + r * c_stride + WORD_LANES * v);
    for (; k < end; k++)
        TILE_UNROLL for (int r = 0; r < n_rows; r++)
            TILE_UNROLL for (int v = 0; v < n_regs; v++)
                sum[r][v] = word_fma_seen(seen[r] >> k * TILE_TERMS, a.a[r * a.row_stride + k * a.k_stride],
                                          words_load(b.data + k * b.stride + WORD_LANES * v), sum[r][v]);
    TILE_UNROLL for (int r = 0; r < n_rows; r++)
        TILE_UNROLL for (int v = 0; v < n_regs; v++)
            words_store(c + r * c_stride + WORD_LANES * v, sum[r][v]);
}

/* Four rows, or one, over the words [k, end), each of which some of them take: those numbers whose bit is set in their mask. */
SIMD_INLINE void tile_rows_seen(float *c, int64_t c_stride, Left a, Right b, const uint64_t *seen, int64_t k, int64_t end, const int n_rows, int64_t n_vecs)
{
    int64_t n_regs = n_vecs * (16 / WORD_LANES);
    for (; n_regs >= TILE_REGS; n_regs -= TILE_REGS, c += TILE_COLUMNS, b.data += TILE_COLUMNS)
        tile_block_seen(c, c_stride, a, b, seen, k, end, n_rows, TILE_REGS);
    for (; n_regs >= 2; n_regs -= 2, c += 2 * WORD_LANES, b.data += 2 * WORD_LANES)
        tile_block_seen(c, c_stride, a, b, seen, k, end, n_rows, 2);
    if (n_regs == 1)
        tile_block_seen(c, c_stride, a, b, seen, k, end, n_rows, 1);
}

static __attribute__((noinline)) void tile_rows_4_seen(float *c, int64_t c_stride, Left a, Right b, const uint64_t *seen, int64_t k, int64_t end,
                                                       int64_t n_vecs)
{
    tile_rows_seen(c, c_stride, a, b, seen, k, end, 4, n_vecs);
}

static __attribute__((noinline)) void tile_row_seen(float *c, Left a, Right b, const uint64_t *seen, int64_t k, int64_t end, int64_t n_vecs)
{
    tile_rows_seen(c, 0, a, b, seen, k, end, 1, n_vecs);
}

/* The words of which all numbers are set. */
SIMD_INLINE uint64_t words_whole(uint64_t mask)
{
    const uint64_t both = mask & mask >> 1 & 0x5555555555555555;
    return TILE_TERMS == 1 ? mask : both | both << 1;
}

/* C += product, but row r takes only those numbers (of 64) whose bit is set in seen[r]. What is masked is not touched: a NaN there stays there.
 * Four rows go together. */
static void tile_product_masked(float *c, int64_t c_stride, Left a, Right b, int64_t n_rows, int64_t n_vecs, const uint64_t *seen)
{
    for (int64_t n; n_rows > 0; n_rows -= n, c += n * c_stride, seen += n, a.a += n * a.row_stride) {
        n = n_rows >= 4 ? 4 : 1;
        uint64_t all = seen[0], some = seen[0];
        for (int64_t r = 1; r < n; r++)
            all &= seen[r], some |= seen[r];
        all = words_whole(all), some = ~words_whole(~some);
        for (int64_t k = 0, end; k < 64 && some >> k; k = end) {
            k += __builtin_ctzll(some >> k);
            bool together = all >> k & 1;
            uint64_t change = together ? ~(all >> k) : all >> k;  /* where the next word is of the other kind */
            int64_t n_same = change ? __builtin_ctzll(change) : 64, n_seen = 64 - __builtin_clzll(some) - k;
            end = k + (n_same < n_seen ? n_same : n_seen);
            int64_t word = k / TILE_TERMS, word_end = end / TILE_TERMS;
            if (together)
                tile_product(c, c_stride, left_at(a, 0, word), right_at(b, word), n, n_vecs, word_end - word, NULL);
            else if (n == 4)
                tile_rows_4_seen(c, c_stride, a, b, seen, word, word_end, n_vecs);
            else
                tile_row_seen(c, a, b, seen, word, word_end, n_vecs);
        }
    }
}

#endif
