/* linear_packed_cpu.c - x W over a packed weight; packed_weight.h has the layout and what is promised about bits.
 *
 * A tile is up to six rows of x by the 64 columns of a panel: 24 sums in registers, four vectors of weights made once for all rows. One
 * row (decode) reads the panel from memory once, in one stream, prefetched; many rows find it in the second cache. */
#include "engine/op/gemm.h"
#include "engine/op/op_internal.h"
#include "engine/op/packed_weight.h"
#include "engine/op/simd.h"
#include "base/kernel.h"

enum { TILE_ROWS = 6, VECS = PACKED_COLUMNS / 16, PIECE_ROWS = 48, AHEAD_BYTES = 4096, SCALE_BYTES = 2 * PACKED_COLUMNS };

static const double MULTIPLICATIONS_MIN = 1 << 16;  /* worth a second thread */

typedef struct {
    const float *x;      /* rows of f32, x_stride apart */
    int64_t x_stride, n_in;
    const char *panel;
    float *total;        /* [rows][64] */
} Tile;

#define UNROLL _Pragma("GCC unroll 8")

SIMD_INLINE V16 floats_of_codes(const int8_t *codes)
{
#if SIMD_AVX512
    return (V16)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)codes)));
#else
    typedef int8_t Codes16 __attribute__((vector_size(16)));
    Codes16 c;
    memcpy(&c, codes, sizeof c);
    return __builtin_convertvector(c, V16);
#endif
}

/* Code i of eight in each word, less 8. */
SIMD_INLINE V16 floats_of_nibbles(I16 words, int i)
{
#if SIMD_AVX512
    const __m512 values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    return (V16)_mm512_permutexvar_ps(_mm512_srli_epi32((__m512i)words, (unsigned)(4 * i)), values);  /* the low four bits count */
#else
    return __builtin_convertvector((I16)((U16)words >> 4 * i & 15) - 8, V16);
#endif
}

/* sum[r] += x[r][k] * w */
SIMD_INLINE void tile_step(V16 sum[TILE_ROWS][VECS], const int n_rows, const Tile *t, int64_t k, const V16 *w)
{
    UNROLL for (int r = 0; r < n_rows; r++) {
        V16 x = v16_set1(t->x[r * t->x_stride + k]);
        UNROLL for (int v = 0; v < VECS; v++)
            sum[r][v] = v16_fma(x, w[v], sum[r][v]);
    }
}

SIMD_INLINE void tile_clear(V16 sum[TILE_ROWS][VECS], const int n_rows)
{
    UNROLL for (int r = 0; r < n_rows; r++)
        UNROLL for (int v = 0; v < VECS; v++)
            sum[r][v] = v16_zero();
}

SIMD_INLINE void fetch_ahead(const char *at, int n_bytes)
{
    for (int i = 0; i < n_bytes; i += 64)
        __builtin_prefetch(at + AHEAD_BYTES + i);
}

/* f32 and bf16: blocks of GEMM_K_BLOCK as in gemm.h. */
SIMD_INLINE void tile_whole(const Tile *t, const int n_rows, const int n_bytes)
{
    for (int64_t first = 0; first < t->n_in; first += GEMM_K_BLOCK) {
        V16 sum[TILE_ROWS][VECS], w[VECS];
        int64_t end = t->n_in - first < GEMM_K_BLOCK ? t->n_in : first + GEMM_K_BLOCK;
        tile_clear(sum, n_rows);
        for (int64_t k = first; k < end; k++) {
            const char *at = t->panel + k * PACKED_COLUMNS * n_bytes;
            if (n_rows <= 2)
                fetch_ahead(at, PACKED_COLUMNS * n_bytes);
            UNROLL for (int v = 0; v < VECS; v++)
                w[v] = n_bytes == 4 ? v16_load((const float *)at + 16 * v) : v16_load_bf16((const uint16_t *)at + 16 * v);
            tile_step(sum, n_rows, t, k, w);
        }
        UNROLL for (int r = 0; r < n_rows; r++)
            UNROLL for (int v = 0; v < VECS; v++) {
                float *total = t->total + r * PACKED_COLUMNS + 16 * v;
                v16_store(total, first ? v16_load(total) + sum[r][v] : sum[r][v]);
            }
    }
}

/* total += scale * sum, for a group. */
SIMD_INLINE void tile_scale(const Tile *t, const int n_rows, V16 sum[TILE_ROWS][VECS], const char *group, bool is_first)
{
    UNROLL for (int v = 0; v < VECS; v++) {
        V16 scale = v16_load_f16((const uint16_t *)group + 16 * v);
        UNROLL for (int r = 0; r < n_rows; r++) {
            float *total = t->total + r * PACKED_COLUMNS + 16 * v;
            v16_store(total, v16_fma(scale, sum[r][v], is_first ? v16_zero() : v16_load(total)));
        }
    }
}

SIMD_INLINE void tile_int8(const Tile *t, const int n_rows)
{
    const char *group = t->panel;
    for (int64_t first = 0; first < t->n_in; first += PACKED_GROUP, group += SCALE_BYTES + PACKED_GROUP * PACKED_COLUMNS) {
        V16 sum[TILE_ROWS][VECS], w[VECS];
        int64_t n = t->n_in - first < PACKED_GROUP ? t->n_in - first : PACKED_GROUP;
        tile_clear(sum, n_rows);
        if (n_rows <= 2)
            fetch_ahead(group, SCALE_BYTES);
        for (int64_t i = 0; i < n; i++) {
            const char *at = group + SCALE_BYTES + i * PACKED_COLUMNS;
            if (n_rows <= 2)
                fetch_ahead(at, PACKED_COLUMNS);
            UNROLL for (int v = 0; v < VECS; v++)
                w[v] = floats_of_codes((const int8_t *)at + 16 * v);
            tile_step(sum, n_rows, t, first + i, w);
        }
        tile_scale(t, n_rows, sum, group, first == 0);
    }
}

SIMD_INLINE void tile_int4(const Tile *t, const int n_rows)
{
    const char *group = t->panel;
    for (int64_t first = 0; first < t->n_in; first += PACKED_GROUP, group += SCALE_BYTES + PACKED_GROUP * PACKED_COLUMNS / 2) {
        V16 sum[TILE_ROWS][VECS], w[VECS];
        I16 words[VECS];
        tile_clear(sum, n_rows);
        if (n_rows <= 2)
            fetch_ahead(group, SCALE_BYTES);
        for (int64_t i = 0; i < PACKED_GROUP && first + i < t->n_in; i += 8) {
            const char *at = group + SCALE_BYTES + i * PACKED_COLUMNS / 2;
            if (n_rows <= 2)
                fetch_ahead(at, 4 * PACKED_COLUMNS);
            UNROLL for (int v = 0; v < VECS; v++)
                words[v] = (I16)v16_load((const float *)at + 16 * v);
            int64_t n = t->n_in - first - i;
            UNROLL for (int step = 0; step < 8; step++) {
                if (step >= n)
                    break;
                UNROLL for (int v = 0; v < VECS; v++)
                    w[v] = floats_of_nibbles(words[v], step);
                tile_step(sum, n_rows, t, first + i + step, w);
            }
        }
        tile_scale(t, n_rows, sum, group, first == 0);
    }
}

SIMD_INLINE void tile_rows(const Tile *t, const int n_rows, PackedFormat format)
{
    switch (format) {
    case PACKED_F32: tile_whole(t, n_rows, 4); break;
    case PACKED_BF16: tile_whole(t, n_rows, 2); break;
    case PACKED_INT8: tile_int8(t, n_rows); break;
    default: tile_int4(t, n_rows); break;
    }
}

/* Up to TILE_ROWS rows in as few passes as there are kernels for: each is unrolled whole, so they are few. */
static void tile_run(Tile t, int64_t n_rows, PackedFormat format)
{
    while (n_rows > 0) {
        int64_t n = !SIMD_AVX512 || n_rows == 1 ? 1 : n_rows == TILE_ROWS ? TILE_ROWS : 2;
        if (n == 1)
            tile_rows(&t, 1, format);
        else if (SIMD_AVX512 && n == 2)
            tile_rows(&t, 2, format);
        else if (SIMD_AVX512)
            tile_rows(&t, TILE_ROWS, format);
        t.x += n * t.x_stride;
        t.total += n * PACKED_COLUMNS;
        n_rows -= n;
    }
}

static void store_row(const Tensor *y, int64_t row, int64_t column, const float *total, const float *bias, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16) {
        int64_t here = n - i < 16 ? n - i : 16;
        V16 value = v16_load(total + i);
        if (bias)
            value += v16_load_tail(bias + column + i, here);
        void *to = (char *)row_at(y, row) + (column + i) * dtype_bytes(y->dtype);
        if (y->dtype == DTYPE_F32)
            v16_store_tail(to, value, here);
        else if (y->dtype == DTYPE_BF16)
            v16_store_bf16_tail(to, value, here);
        else
            v16_store_f16_tail(to, value, here);
    }
}

/* Some rows by one panel. */
static void run_piece(const KernelCall *call, const float *x, int64_t x_stride, int64_t panel, int64_t row, int64_t row_end)
{
    _Alignas(64) float total[TILE_ROWS * PACKED_COLUMNS];
    const PackedSpec *spec = call->attr;
    int64_t column = panel * PACKED_COLUMNS, n_columns = spec->n_out - column < PACKED_COLUMNS ? spec->n_out - column : PACKED_COLUMNS;
    for (; row < row_end; row += TILE_ROWS) {
        int64_t n_rows = row_end - row < TILE_ROWS ? row_end - row : TILE_ROWS;
        Tile tile = {x + row * x_stride, x_stride, spec->n_in, (const char *)call->in[1].data + panel * packed_panel_bytes(spec), total};
        tile_run(tile, n_rows, (PackedFormat)spec->format);
        for (int64_t r = 0; r < n_rows; r++)
            store_row(&call->out[0], row + r, column, total + r * PACKED_COLUMNS, call->in[2].data, n_columns);
    }
}

static void widen_row(float *to, const Tensor *x, int64_t row)
{
    int64_t n = cols_of(x);
    const uint16_t *from = row_at(x, row);
    for (int64_t i = 0; i < n; i += 16) {
        int64_t here = n - i < 16 ? n - i : 16;
        v16_store_tail(to + i, x->dtype == DTYPE_BF16 ? v16_load_bf16_tail(from + i, here) : v16_load_f16_tail(from + i, here), here);
    }
}

void KERNEL(linear_packed)(const KernelCall *call)
{
    const PackedSpec *spec = call->attr;
    const Tensor *x = &call->in[0];
    int64_t n_rows = tensor_dim(x, 0), n_panels = (spec->n_out + PACKED_COLUMNS - 1) / PACKED_COLUMNS;
    int64_t n_row_pieces = (n_rows + PIECE_ROWS - 1) / PIECE_ROWS, n_pieces = n_panels * n_row_pieces;
    const float *rows = x->data;
    int64_t stride = x->stride[0];
    if (x->dtype != DTYPE_F32) {
        for (int64_t r = 0; r < n_rows; r++)
            widen_row((float *)call->workspace + r * spec->n_in, x, r);
        rows = call->workspace;
        stride = spec->n_in;
    }
#pragma omp parallel for schedule(dynamic, 1) if ((double)n_rows * (double)spec->n_in * (double)spec->n_out > MULTIPLICATIONS_MIN)
    for (int64_t piece = 0; piece < n_pieces; piece++) {
        int64_t row = piece % n_row_pieces * PIECE_ROWS;
        run_piece(call, rows, stride, piece / n_row_pieces, row, row + PIECE_ROWS < n_rows ? row + PIECE_ROWS : n_rows);
    }
}
