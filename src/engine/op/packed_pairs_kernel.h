/* packed_pairs_kernel.h - see packed_pairs.h; a template. The including file defines BF16_DOT as for gemm_bf16_kernel.h, and gets pairs_rows,
 * pairs_row and pairs_streams. A tile is up to six rows, or one row by four panels: 24 or 16 sums in registers. */
#include "engine/op/packed_pairs.h"
#include "engine/op/packed_weight.h"
#include "engine/op/simd.h"

enum { PAIRS_ROWS = 6, PAIRS_VECS = PACKED_COLUMNS / 16, PAIRS_AHEAD_BYTES = 4096 };

#ifndef PAIRS_UNROLL
#define PAIRS_UNROLL _Pragma("GCC unroll 8")
#endif

SIMD_INLINE void pairs_clear(V16 sum[PAIRS_ROWS][PAIRS_VECS], const int n)
{
    PAIRS_UNROLL for (int i = 0; i < n; i++)
        PAIRS_UNROLL for (int v = 0; v < PAIRS_VECS; v++)
            sum[i][v] = v16_zero();
}

/* total += sum, of n rows or panels. */
SIMD_INLINE void pairs_add(const PairsTile *t, V16 sum[PAIRS_ROWS][PAIRS_VECS], const int n)
{
    PAIRS_UNROLL for (int i = 0; i < n; i++)
        PAIRS_UNROLL for (int v = 0; v < PAIRS_VECS; v++) {
            float *total = t->total + i * PACKED_COLUMNS + 16 * v;
            v16_store(total, t->is_first ? sum[i][v] : v16_load(total) + sum[i][v]);
        }
}

SIMD_INLINE V16 pairs_word(const PairsTile *t, int64_t row, int64_t word)
{
    float pair;
    memcpy(&pair, (const char *)t->x + 4 * (row * t->x_stride + word), sizeof pair);
    return v16_set1(pair);
}

SIMD_INLINE void pairs_tile(const PairsTile *t, const int n_rows)
{
    V16 sum[PAIRS_ROWS][PAIRS_VECS], w[PAIRS_VECS];
    pairs_clear(sum, n_rows);
    for (int64_t k = 0; k < t->n_words; k++) {
        const float *at = (const float *)t->weights + k * PACKED_COLUMNS;
        PAIRS_UNROLL for (int v = 0; v < PAIRS_VECS; v++)
            w[v] = v16_load(at + 16 * v);
        PAIRS_UNROLL for (int r = 0; r < n_rows; r++) {
            V16 x = pairs_word(t, r, k);
            PAIRS_UNROLL for (int v = 0; v < PAIRS_VECS; v++)
                sum[r][v] = BF16_DOT(sum[r][v], x, w[v]);
        }
    }
    pairs_add(t, sum, n_rows);
}

/* In as few passes as there are kernels for. */
static void pairs_rows(PairsTile t, int64_t n_rows)
{
    for (int64_t n; n_rows > 0; n_rows -= n) {
        n = n_rows >= PAIRS_ROWS ? PAIRS_ROWS : n_rows >= 2 ? 2 : 1;
        if (n == PAIRS_ROWS)
            pairs_tile(&t, PAIRS_ROWS);
        else if (n == 2)
            pairs_tile(&t, 2);
        else
            pairs_tile(&t, 1);
        t.x = (const float *)t.x + n * t.x_stride;
        t.total += n * PACKED_COLUMNS;
    }
}

SIMD_INLINE void pairs_panels(const PairsTile *t, const int n_panels, int64_t panel_bytes)
{
    V16 sum[PAIRS_ROWS][PAIRS_VECS];
    pairs_clear(sum, n_panels);
    for (int64_t k = 0; k < t->n_words; k++) {
        V16 x = pairs_word(t, 0, k);
        PAIRS_UNROLL for (int p = 0; p < n_panels; p++) {
            const char *at = (const char *)t->weights + p * panel_bytes + k * 4 * PACKED_COLUMNS;
            PAIRS_UNROLL for (int v = 0; v < PAIRS_VECS; v++) {
                __builtin_prefetch(at + PAIRS_AHEAD_BYTES + 64 * v);
                sum[p][v] = BF16_DOT(sum[p][v], x, v16_load((const float *)at + 16 * v));
            }
        }
    }
    pairs_add(t, sum, n_panels);
}

static void pairs_streams(PairsTile t, int64_t n_panels, int64_t panel_bytes)
{
    if (n_panels == 4)
        pairs_panels(&t, 4, panel_bytes);
    else if (n_panels == 2)
        pairs_panels(&t, 2, panel_bytes);
    else
        pairs_panels(&t, 1, panel_bytes);
}

/* One loop over all words of all panels, see codes_row. */
static void pairs_row(const void *x, int64_t n_words, int64_t block_words, const float *weights, int64_t n_panels, float *total)
{
    V16 sum[PAIRS_VECS] = {{0}};
    int64_t k = 0, block_end = block_words < n_words ? block_words : n_words;
    for (int64_t i = 0; i < n_panels * n_words; i++) {
        const V16 word = pairs_word(&(PairsTile){.x = x}, 0, k);
        PAIRS_UNROLL for (int v = 0; v < PAIRS_VECS; v++)
            sum[v] = BF16_DOT(sum[v], word, v16_load(weights + i * PACKED_COLUMNS + 16 * v));
        if (++k < block_end)
            continue;
        PAIRS_UNROLL for (int v = 0; v < PAIRS_VECS; v++) {
            v16_store(total + 16 * v, k <= block_words ? sum[v] : v16_load(total + 16 * v) + sum[v]);
            sum[v] = v16_zero();
        }
        if (k == n_words) {
            total += PACKED_COLUMNS;
            k = 0;
        }
        block_end = k + block_words < n_words ? k + block_words : n_words;
    }
}
