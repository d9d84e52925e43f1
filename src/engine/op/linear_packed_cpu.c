/* linear_packed_cpu.c - x W over a packed weight; packed_weight.h has the layout and what is promised about bits.
 *
 * A tile is up to six rows of x by the 64 columns of a panel: 24 sums in registers, four vectors of weights made once for all rows. Many rows go block
 * by block through what stays in the second cache. One row (decode) waits for memory: a thread reads panel after panel, or, on CPUs whose cores fetch four
 * streams faster than one, four panels side by side (cpu_reads_streams). */
#include "engine/op/gemm.h"
#include "engine/op/linear_then.h"
#include "engine/op/op_internal.h"
#include "engine/op/packed_codes.h"
#include "engine/op/packed_pairs.h"
#include "engine/op/shares.h"
#include "base/kernel.h"

enum { TILE_ROWS = 6, VECS = PACKED_COLUMNS / 16, PIECE_ROWS = 132, AHEAD_BYTES = 4096, STREAMS = 4,
       OWN_GROUPS = 256 /* of a row that each thread rounds for itself */ };

OP_KERNELS_DECLARE(linear_packed);
OP_KERNELS_DECLARE(linear_packed_then);

static const double MULTIPLICATIONS_MIN = 1 << 16;  /* worth a second thread */

/* Rows by a block of at most GEMM_K_BLOCK steps (gemm.h). A step of k, in bf16 a pair of steps, is a word a column. */
typedef struct {
    const float *x;       /* rows of f32, x_stride apart */
    int64_t x_stride, n_k;
    const char *weights;  /* words of f32 or of two bf16, [n_k][64] or [n_k / 2][64] */
    float *total;         /* [rows][64], added to unless this is the first block */
    bool is_first;
} Tile;

enum { WORDS_BYTES = 4 * PACKED_COLUMNS };

#define UNROLL _Pragma("GCC unroll 8")

/* The weights of one step: words of f32, or one half of words of bf16. */
SIMD_INLINE void step_weights(V16 w[VECS], const V16 *words, const int n_bytes, const int odd)
{
    UNROLL for (int v = 0; v < VECS; v++)
        w[v] = n_bytes == 4 ? words[v] : odd ? (V16)((U16)words[v] & 0xffff0000u) : (V16)((U16)words[v] << 16);
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

/* total += sum, of n rows (or panels) of 64. */
SIMD_INLINE void tile_add(const Tile *t, V16 sum[TILE_ROWS][VECS], const int n)
{
    UNROLL for (int r = 0; r < n; r++)
        UNROLL for (int v = 0; v < VECS; v++) {
            float *total = t->total + r * PACKED_COLUMNS + 16 * v;
            v16_store(total, t->is_first ? sum[r][v] : v16_load(total) + sum[r][v]);
        }
}

SIMD_INLINE void fetch_ahead(const char *at)
{
    for (int i = 0; i < WORDS_BYTES; i += 64)
        __builtin_prefetch(at + AHEAD_BYTES + i);
}

SIMD_INLINE void load_words(V16 words[VECS], const char *at)
{
    UNROLL for (int v = 0; v < VECS; v++)
        words[v] = v16_load((const float *)at + 16 * v);
}

/* The n_steps of k that a row of words holds. */
SIMD_INLINE void tile_words(V16 sum[TILE_ROWS][VECS], const int n_rows, const Tile *t, int64_t k, const int n_steps, const int n_bytes)
{
    const char *at = t->weights + k * PACKED_COLUMNS * n_bytes;
    V16 words[VECS], w[VECS];
    if (n_rows == 2)
        fetch_ahead(at);
    load_words(words, at);
    UNROLL for (int s = 0; s < n_steps; s++) {
        step_weights(w, words, n_bytes, s);
        tile_step(sum, n_rows, t, k + s, w);
    }
}

SIMD_INLINE void tile_rows(const Tile *t, const int n_rows, const int n_bytes)
{
    const int n_steps = 4 / n_bytes;
    V16 sum[TILE_ROWS][VECS];
    int64_t k = 0;
    tile_clear(sum, n_rows);
    for (; k + n_steps <= t->n_k; k += n_steps)
        tile_words(sum, n_rows, t, k, n_steps, n_bytes);
    if (k < t->n_k)
        tile_words(sum, n_rows, t, k, 1, n_bytes);
    tile_add(t, sum, n_rows);
}

/* In as few passes as there are kernels for: each is unrolled whole, so they are few. */
static void tile_run(Tile t, int64_t n_rows, int n_bytes)
{
    while (n_rows > 0) {
        int64_t n = !SIMD_AVX512 || n_rows == 1 ? 1 : n_rows >= TILE_ROWS ? TILE_ROWS : 2;
        if (n == 1)
            n_bytes == 4 ? tile_rows(&t, 1, 4) : tile_rows(&t, 1, 2);
        else if (SIMD_AVX512 && n == 2)
            n_bytes == 4 ? tile_rows(&t, 2, 4) : tile_rows(&t, 2, 2);
        else if (SIMD_AVX512)
            n_bytes == 4 ? tile_rows(&t, TILE_ROWS, 4) : tile_rows(&t, TILE_ROWS, 2);
        t.x += n * t.x_stride;
        t.total += n * PACKED_COLUMNS;
        n_rows -= n;
    }
}

/* tile_words for one row by n_panels panels. */
SIMD_INLINE void streams_words(V16 sum[TILE_ROWS][VECS], const int n_panels, int64_t panel_bytes, const Tile *t, int64_t k, const int n_steps,
                               const int n_bytes)
{
    UNROLL for (int p = 0; p < n_panels; p++) {
        const char *at = t->weights + p * panel_bytes + k * PACKED_COLUMNS * n_bytes;
        V16 words[VECS], w[VECS];
        fetch_ahead(at);
        load_words(words, at);
        UNROLL for (int s = 0; s < n_steps; s++) {
            V16 x = v16_set1(t->x[k + s]);
            step_weights(w, words, n_bytes, s);
            UNROLL for (int v = 0; v < VECS; v++)
                sum[p][v] = v16_fma(x, w[v], sum[p][v]);
        }
    }
}

/* One row by n_panels panels, panel_bytes apart, side by side. The sums of one panel are those of tile_rows. */
SIMD_INLINE void tile_streams(const Tile *t, const int n_panels, int64_t panel_bytes, const int n_bytes)
{
    const int n_steps = 4 / n_bytes;
    V16 sum[TILE_ROWS][VECS];
    int64_t k = 0;
    tile_clear(sum, n_panels);
    for (; k + n_steps <= t->n_k; k += n_steps)
        streams_words(sum, n_panels, panel_bytes, t, k, n_steps, n_bytes);
    if (k < t->n_k)
        streams_words(sum, n_panels, panel_bytes, t, k, 1, n_bytes);
    tile_add(t, sum, n_panels);
}

/* With AVX-512 alone more than one, see linear_packed. */
static void streams_run(const Tile *t, int64_t n_panels, int64_t panel_bytes, int n_bytes)
{
    if (SIMD_AVX512 && n_panels == STREAMS)
        n_bytes == 4 ? tile_streams(t, STREAMS, panel_bytes, 4) : tile_streams(t, STREAMS, panel_bytes, 2);
    else if (SIMD_AVX512 && n_panels == 2)
        n_bytes == 4 ? tile_streams(t, 2, panel_bytes, 4) : tile_streams(t, 2, panel_bytes, 2);
    else
        n_bytes == 4 ? tile_streams(t, 1, panel_bytes, 4) : tile_streams(t, 1, panel_bytes, 2);
}

/* A block of bf16 as f32; of an odd number of steps, with one of zeros more. */
static void widen_block(float *to, const char *from, int64_t n_k)
{
    for (int64_t k = 0; k < n_k; k += 2, from += WORDS_BYTES) {
        V16 words[VECS], w[VECS];
        load_words(words, from);
        for (int s = 0; s < 2; s++, to += PACKED_COLUMNS) {
            step_weights(w, words, 2, s);
            for (int v = 0; v < VECS; v++)
                v16_store(to + 16 * v, w[v]);
        }
    }
}

/* Sixteen sums, or what is left of n, with their biases. */
SIMD_INLINE V16 biased(const float *total, const float *bias, int64_t i, int64_t n)
{
    V16 value = v16_load(total + i);
    return bias ? value + load16(bias, DTYPE_F32, i, n) : value;
}

/* A line of bf16 is one store, and no store is masked that need not be: a Zen 4 lets masked halves of lines out so slowly that they took a twelfth of a
 * prompt. */
static void store_row(const Tensor *y, int64_t row, int64_t column, const float *total, const float *bias, int64_t n)
{
    char *to = (char *)row_at(y, row) + column * dtype_bytes(y->dtype);
    const float *own_bias = bias ? bias + column : NULL;
    int64_t i = 0;
    for (; y->dtype == DTYPE_BF16 && n - i >= 32; i += 32)
        v16_store_bf16_two((uint16_t *)to + i, biased(total, own_bias, i, n), biased(total, own_bias, i + 16, n));
    for (; i < n; i += 16)
        store16(to, y->dtype, i, n, biased(total, own_bias, i, n));
}

typedef struct {
    const KernelCall *call;
    const float *x;             /* f32 and bf16: rows of f32, or, where pairs are multiplied, of pairs of bf16, */
    int64_t x_stride;           /*   so many words apart */
    bool is_pairs, is_own;      /* is_own: each thread makes `codes` */
    const PackedInputs *codes;  /* int8 and int4, */
    int64_t n_groups;           /*   so many a row */
} Product;

/* Rows from `row` on by a block of a panel of bf16. */
static PairsTile pairs_tile(const Product *p, int64_t row, int64_t first_k, int64_t n_k, const char *weights, float *total)
{
    return (PairsTile){p->x + row * p->x_stride + first_k / 2, p->x_stride, (n_k + 1) / 2, weights, total, first_k == 0};
}

static int64_t k_block(const Product *p)
{
    return p->is_pairs ? GEMM_K_BLOCK_PAIRS : GEMM_K_BLOCK;
}

/* Block by block, so that all rows find a block in the second cache. Many rows share the work of widening it. */
static void run_blocks(const Product *p, const char *panel, int64_t row, int64_t n_rows, float *total)
{
    _Alignas(64) float wide[GEMM_K_BLOCK * PACKED_COLUMNS];
    const PackedSpec *spec = p->call->attr;
    int n_bytes = spec->format == PACKED_F32 ? 4 : 2;
    for (int64_t first = 0; first < spec->n_in; first += k_block(p)) {
        int64_t n_k = spec->n_in - first < k_block(p) ? spec->n_in - first : k_block(p);
        const char *weights = panel + first * PACKED_COLUMNS * n_bytes;
        if (p->is_pairs) {
            packed_pairs_rows(pairs_tile(p, row, first, n_k, weights, total), n_rows);
            continue;
        }
        bool widen = n_bytes == 2 && n_rows > TILE_ROWS;
        if (widen)
            widen_block(wide, weights, n_k);
        Tile tile = {p->x + row * p->x_stride + first, p->x_stride, n_k, widen ? (const char *)wide : weights, total, first == 0};
        tile_run(tile, n_rows, widen ? 4 : n_bytes);
    }
}

/* Some rows by one panel. */
static void run_piece(const Product *p, int64_t panel, int64_t row, int64_t n_rows)
{
    _Alignas(64) float total[PIECE_ROWS * PACKED_COLUMNS];
    const KernelCall *call = p->call;
    const PackedSpec *spec = call->attr;
    const char *weights = (const char *)call->in[1].data + panel * packed_panel_bytes(spec);
    int64_t column = panel * PACKED_COLUMNS, n_columns = spec->n_out - column < PACKED_COLUMNS ? spec->n_out - column : PACKED_COLUMNS;
    if (p->codes)
        codes_run((CodesTile){p->codes + row * p->n_groups, p->n_groups, weights, total}, n_rows, spec->format == PACKED_INT4);
    else
        run_blocks(p, weights, row, n_rows, total);
    for (int64_t r = 0; r < n_rows; r++)
        store_row(&call->out[0], row + r, column, total + r * PACKED_COLUMNS, call->in[2].data, n_columns);
}

/* One row by n <= STREAMS panels, their sums to total [n][64]. */
static void stream_sums(const Product *p, const char *weights, int64_t n, float *total)
{
    const PackedSpec *spec = p->call->attr;
    const int64_t panel_bytes = packed_panel_bytes(spec);
    const int n_bytes = spec->format == PACKED_F32 ? 4 : 2;
    if (p->codes) {
        codes_run_streams((CodesTile){p->codes, p->n_groups, weights, total}, n, panel_bytes, spec->format == PACKED_INT4);
        return;
    }
    for (int64_t first = 0; first < spec->n_in; first += k_block(p)) {
        int64_t n_k = spec->n_in - first < k_block(p) ? spec->n_in - first : k_block(p);
        const char *block = weights + first * PACKED_COLUMNS * n_bytes;
        if (p->is_pairs)
            packed_pairs_streams(pairs_tile(p, 0, first, n_k, block, total), n, panel_bytes);
        else
            streams_run(&(Tile){p->x + first, p->x_stride, n_k, block, total, first == 0}, n, panel_bytes, n_bytes);
    }
}

/* One row by panels [panel, panel + n), as many at a time as there are kernels for. */
static void run_streams(const Product *p, int64_t panel, int64_t n)
{
    _Alignas(64) float total[STREAMS * PACKED_COLUMNS];
    const KernelCall *call = p->call;
    const PackedSpec *spec = call->attr;
    for (int64_t here; n > 0; panel += here, n -= here) {
        here = n >= STREAMS ? STREAMS : n >= 2 ? 2 : 1;
        int64_t column = panel * PACKED_COLUMNS, n_columns = spec->n_out - column < here * PACKED_COLUMNS ? spec->n_out - column : here * PACKED_COLUMNS;
        stream_sums(p, (const char *)call->in[1].data + panel * packed_panel_bytes(spec), here, total);
        store_row(&call->out[0], 0, column, total, call->in[2].data, n_columns);
    }
}

static void widen_row(float *to, const Tensor *x, int64_t row)
{
    for (int64_t i = 0, n = cols_of(x); i < n; i += 16)
        store16(to, DTYPE_F32, i, n, load16(row_at(x, row), x->dtype, i, n));
}

/* Whether linear would multiply pairs (gemm.h). */
static bool multiplies_pairs(const PackedSpec *spec, const Tensor *x)
{
    return SIMD_AVX512 && cpu_level() == CPU_AVX512_BF16 && spec->format == PACKED_BF16 && x->dtype == DTYPE_BF16;
}

/* Rows of pairs: x as it lies, or, where a row ends inside a pair, a copy that ends in zeros. */
static void prepare_pairs(Product *p, const Tensor *x)
{
    int64_t n_in = cols_of(x), n_rows = tensor_dim(x, 0);
    p->is_pairs = true;
    if (n_in % 2 == 0 && x->stride[0] % 2 == 0) {
        p->x = x->data;
        p->x_stride = x->stride[0] / 2;
        return;
    }
    uint16_t *to = p->call->workspace;
    p->x = p->call->workspace;
    p->x_stride = (n_in + 1) / 2;
    for (int64_t r = 0; r < n_rows; r++, to += 2 * p->x_stride) {
        memcpy(to, row_at(x, r), (size_t)n_in * sizeof *to);
        memset(to + n_in, 0, (size_t)(n_in % 2) * sizeof *to);
    }
}

/* x as the kernels read it. */
static Product prepare(const KernelCall *call)
{
    const PackedSpec *spec = call->attr;
    const Tensor *x = &call->in[0];
    int64_t n_rows = tensor_dim(x, 0);
    Product p = {.call = call, .x = x->data, .x_stride = x->stride[0], .n_groups = (spec->n_in + PACKED_GROUP - 1) / PACKED_GROUP};
    if (spec->format >= PACKED_INT8) {
        PackedInputs *codes = call->workspace;
        p.codes = codes;
        p.is_own = n_rows == 1 && p.n_groups <= OWN_GROUPS;
        if (p.is_own)
            return p;
#pragma omp parallel for schedule(static) if (n_rows * spec->n_in > PARALLEL_MIN)
        for (int64_t r = 0; r < n_rows; r++)
            inputs_round_row(codes + r * p.n_groups, x, r, spec->format == PACKED_INT4);
    } else if (multiplies_pairs(spec, x)) {
        prepare_pairs(&p, x);
    } else if (x->dtype != DTYPE_F32) {
#pragma omp parallel for schedule(static) if (n_rows * spec->n_in > PARALLEL_MIN)
        for (int64_t r = 0; r < n_rows; r++)
            widen_row((float *)call->workspace + r * spec->n_in, x, r);
        p.x = call->workspace;
        p.x_stride = spec->n_in;
    }
    return p;
}

/* Even pieces of whole tiles. */
static int64_t rows_of_a_piece(int64_t n_rows, int64_t n_pieces)
{
    int64_t rows = (n_rows + n_pieces - 1) / n_pieces;
    return (rows + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
}

/* What a thread has made and `then`, if there is one, has not gone over: panels side by side, of all rows of a piece. */
typedef struct {
    int64_t row, n_rows, panel, end;
} Made;

static void made_finish(Made *made, const KernelCall *call, const LinearThen *then)
{
    const int64_t n_out = ((const PackedSpec *)call->attr)->n_out, column = made->panel * PACKED_COLUMNS, end = made->end * PACKED_COLUMNS;
    if (then && made->end > made->panel)
        linear_then_finish(call, then, made->row, made->n_rows, column, (end < n_out ? end : n_out) - column);
    made->panel = made->end;
}

/* Of one row it waits: a call takes longer than 64 columns do. */
static void made_add(Made *made, const KernelCall *call, const LinearThen *then, int64_t row, int64_t n_rows, int64_t panel, int64_t n_panels)
{
    if (n_rows > 1 || panel != made->end) {
        made_finish(made, call, then);
        *made = (Made){row, n_rows, panel, panel};
    }
    made->end += n_panels;
}

static void run(const KernelCall *call, const LinearThen *then)
{
    const PackedSpec *spec = call->attr;
    int64_t n_rows = tensor_dim(&call->in[0], 0), n_panels = (spec->n_out + PACKED_COLUMNS - 1) / PACKED_COLUMNS;
    int64_t n_row_pieces = (n_rows + PIECE_ROWS - 1) / PIECE_ROWS, n_pieces = n_panels * n_row_pieces;
    if (n_rows == 0)
        return;
    int64_t piece_rows = rows_of_a_piece(n_rows, n_row_pieces);
    const Product prepared = prepare(call);
    const bool streams = n_rows == 1 && cpu_reads_streams();
    const bool halves = n_rows == 1 && !streams;
    int64_t n_at_once = SIMD_AVX512 && streams ? STREAMS : 1;  /* as many as registers hold sums of */
    Shares shares = shares_of(n_pieces);
#pragma omp parallel if ((double)n_rows * (double)spec->n_in * (double)spec->n_out > MULTIPLICATIONS_MIN)
    {
        PackedInputs own[OWN_GROUPS];  /* sooner there than those of another thread are seen */
        Made made = {.n_rows = n_rows};
        Product p = prepared;
        if (p.is_own) {
            inputs_round_row(own, &call->in[0], 0, spec->format == PACKED_INT4);
            p.codes = own;
        }
        for (int64_t piece, n; (n = shares_take(&shares, halves ? shares_half(&shares) : n_at_once, &piece)) > 0;) {
            int64_t row = piece % n_row_pieces * piece_rows, n_here = n_rows - row < piece_rows ? n_rows - row : piece_rows;
            if (streams)
                run_streams(&p, piece, n);
            else
                for (int64_t i = 0; i < n; i++)
                    run_piece(&p, (piece + i) / n_row_pieces, row, n_here);
            made_add(&made, call, then, row, n_here, piece / n_row_pieces, n);
        }
        made_finish(&made, call, then);
    }
}

/* Whether codes are left to AVX2: an AVX-512 without VNNI. */
static bool lacks_vnni(const KernelCall *call)
{
    return SIMD_AVX512 && ((const PackedSpec *)call->attr)->format >= PACKED_INT8 && !packed_has_vnni();
}

void KERNEL(linear_packed)(const KernelCall *call)
{
    if (lacks_vnni(call))
        linear_packed_avx2(call);
    else
        run(call, NULL);
}

void KERNEL(linear_packed_then)(const KernelCall *call)
{
    if (lacks_vnni(call))
        linear_packed_then_avx2(call);
    else
        run(call, &((const PackedThen *)call->attr)->then);
}
