/* attention_tile.h - small products that stay in registers and first-level cache; for the kernels of attention.
 *
 * Everything attention multiplies is C[r][.] (+)= sum_k A[r, k] * B[k][.], where one number of A meets a row of B, sixteen columns a
 * register. An element of C is one multiply-add after the other in the order of k, whatever the sizes and wherever it lies: a longer
 * sum in two calls, the second accumulating, has the bits of one call. Columns come in whole vectors: buffers are padded. */
#ifndef ENGINE_OP_ATTENTION_TILE_H
#define ENGINE_OP_ATTENTION_TILE_H

#include "engine/op/attention_internal.h"
#include "engine/op/simd_rows.h"

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

SIMD_INLINE void tile_block(float *c, int64_t c_stride, Left a, Right b, int64_t n_k, bool accumulate, const int n_rows,
                            const int n_vecs)
{
    V16 sum[4][4];
    TILE_UNROLL for (int r = 0; r < n_rows; r++)
        TILE_UNROLL for (int v = 0; v < n_vecs; v++)
            sum[r][v] = accumulate ? v16_load(c + r * c_stride + 16 * v) : v16_zero();
    for (int64_t k = 0; k < n_k; k++) {
        V16 right[4];
        TILE_UNROLL for (int v = 0; v < n_vecs; v++)
            right[v] = v16_load(b.data + k * b.stride + 16 * v);
        TILE_UNROLL for (int r = 0; r < n_rows; r++) {
            V16 left = v16_set1(a.a[r * a.row_stride + k * a.k_stride]);
            TILE_UNROLL for (int v = 0; v < n_vecs; v++)
                sum[r][v] = v16_fma(left, right[v], sum[r][v]);
        }
    }
    TILE_UNROLL for (int r = 0; r < n_rows; r++)
        TILE_UNROLL for (int v = 0; v < n_vecs; v++)
            v16_store(c + r * c_stride + 16 * v, sum[r][v]);
}

/* One row or four, n_vecs vectors wide. */
SIMD_INLINE void tile_rows(float *c, int64_t c_stride, Left a, Right b, int64_t n_k, bool accumulate, const int n_rows,
                           int64_t n_vecs)
{
    for (; n_vecs >= 4; n_vecs -= 4, c += 64, b.data += 64)
        tile_block(c, c_stride, a, b, n_k, accumulate, n_rows, 4);
    if (n_vecs == 3)
        tile_block(c, c_stride, a, b, n_k, accumulate, n_rows, 3);
    else if (n_vecs == 2)
        tile_block(c, c_stride, a, b, n_k, accumulate, n_rows, 2);
    else if (n_vecs == 1)
        tile_block(c, c_stride, a, b, n_k, accumulate, n_rows, 1);
}

static __attribute__((noinline)) void tile_rows_4(float *c, int64_t c_stride, Left a, Right b, int64_t n_k, bool accumulate,
                                                  int64_t n_vecs)
{
    tile_rows(c, c_stride, a, b, n_k, accumulate, 4, n_vecs);
}

static __attribute__((noinline)) void tile_rows_1(float *c, int64_t c_stride, Left a, Right b, int64_t n_k, bool accumulate,
                                                  int64_t n_vecs)
{
    tile_rows(c, c_stride, a, b, n_k, accumulate, 1, n_vecs);
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

static void tile_product(float *c, int64_t c_stride, Left a, Right b, int64_t n_rows, int64_t n_vecs, int64_t n_k, bool accumulate)
{
    int64_t r = 0;
    for (; r + 4 <= n_rows; r += 4)
        tile_rows_4(c + r * c_stride, c_stride, left_at(a, r, 0), b, n_k, accumulate, n_vecs);
    for (; r < n_rows; r++)
        tile_rows_1(c + r * c_stride, c_stride, left_at(a, r, 0), b, n_k, accumulate, n_vecs);
}

/* C += product, but row r takes only those k (< 64) whose bit is set in mask[r]. What is masked is not touched: a NaN there stays there.
 * Up to four rows go together over stretches that all of them see. */
static void tile_product_masked(float *c, int64_t c_stride, Left a, Right b, int64_t n_rows, int64_t n_vecs, int64_t n_k,
                                const uint64_t *mask)
{
    for (int64_t r0 = 0; r0 < n_rows; r0 += 4) {
        int64_t n = n_rows - r0 < 4 ? n_rows - r0 : 4;
        for (int64_t k = 0, length; k < n_k; k += length) {
            bool seen[4], all = n == 4;
            length = n_k - k;
            for (int64_t r = 0; r < n; r++) {
                uint64_t bits = mask[r0 + r] >> k;
                seen[r] = bits & 1;
                all = all && seen[r];
                uint64_t others = seen[r] ? ~bits : bits;
                if (others && __builtin_ctzll(others) < length)
                    length = __builtin_ctzll(others);
            }
            if (all)
                tile_rows_4(c + r0 * c_stride, c_stride, left_at(a, r0, k), right_at(b, k), length, true, n_vecs);
            else
                for (int64_t r = 0; r < n; r++)
                    if (seen[r])
                        tile_rows_1(c + (r0 + r) * c_stride, c_stride, left_at(a, r0 + r, k), right_at(b, k), length, true, n_vecs);
        }
    }
}

/* Bit j: key begin + j, one of [begin, end), lies in [from, to). */
static uint64_t tile_seen(int64_t from, int64_t to, int64_t begin, int64_t end)
{
    from = (from < begin ? begin : from) - begin;
    to = (to > end ? end : to) - begin;
    return from < to ? ~(uint64_t)0 >> (64 - (to - from)) << from : 0;
}

/* ---- rows of tensors [N, heads, width] as f32 ---- */

static int64_t tile_padded(int64_t width)
{
    return (width + 15) & ~(int64_t)15;
}

static void *tile_row(const Tensor *t, int64_t token, int64_t head)
{
    return (char *)t->data + (token * t->stride[0] + head * t->stride[1]) * (t->dtype == DTYPE_BF16 ? 2 : 4);
}

/* The row times a factor, zeros up to whole vectors. */
static void tile_row_load(float *to, const Tensor *t, int64_t token, int64_t head, float factor)
{
    const void *from = tile_row(t, token, head);
    for (int64_t i = 0, width = t->shape.dim[2]; i < width; i += 16)
        v16_store(to + i, load16(from, t->dtype, i, width) * factor);
}

static void tile_row_store(const Tensor *t, int64_t token, int64_t head, const float *from)
{
    void *to = tile_row(t, token, head);
    for (int64_t i = 0, width = t->shape.dim[2]; i < width; i += 16)
        store16(to, t->dtype, i, width, v16_load(from + i));
}

/* Rows of one head where they lie, if they are f32 in whole vectors, else a copy in `buffer` [n][padded width]. */
static Right tile_rows_of(const Tensor *t, int64_t token, int64_t n, int64_t head, float *buffer)
{
    int64_t padded = tile_padded(t->shape.dim[2]);
    if (t->dtype == DTYPE_F32 && padded == t->shape.dim[2])
        return (Right){tile_row(t, token, head), t->stride[0]};
    for (int64_t i = 0; i < n; i++)
        tile_row_load(buffer + i * padded, t, token + i, head, 1.0f);
    return (Right){buffer, padded};
}

/* The same rows as the left side of a product. */
static Left left_of(Right rows)
{
    return (Left){rows.data, rows.stride, 1};
}

#endif
