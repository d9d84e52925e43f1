/* linear_packed_cpu.c - x W over a packed weight; packed_weight.h has the layout and what is promised about bits.
 *
 * A tile is up to six rows of x by the 64 columns of a panel: 24 sums in registers, four vectors of weights made once for all rows. Many rows go block
 * by block through what stays in the second cache. One row (decode) waits for memory: a thread reads panel after panel, or, on CPUs whose cores fetch four
 * streams faster than one, four panels side by side (cpu_reads_streams). */
#include "engine/op/gemm.h"
#include "engine/op/linear_packed_internal.h"
#include "engine/op/linear_then.h"
#include "engine/op/op_internal.h"
#include "engine/op/packed_codes.h"
#include "engine/op/packed_pairs.h"
#include "engine/op/shares.h"
#include "base/kernel.h"

enum { TILE_ROWS = 6, VECS = PACKED_COLUMNS / 16, PIECE_ROWS = 132, PAST_ROWS = 64, AHEAD_BYTES = 4096, STREAMS = 4, ROW_PANELS = 32 /* of one row, whose sums wait in the first cache */ };

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

/* No store is masked that need not be: a Zen 4 lets masked ones of halves out so slowly that they took a twelfth of a prompt. */
static void store_row(const Tensor *y, int64_t row, int64_t column, const float *total, const float *bias, int64_t n)
{
    char *to = (char *)row_at(y, row) + column * dtype_bytes(y->dtype);
    for (int64_t i = 0; i < n; i += 16)
        store16(to, y->dtype, i, n, biased(total, bias ? bias + column : NULL, i, n));
}

typedef struct {
    const KernelCall *call;
    const float *x;             /* f32 and bf16: rows of f32, or, where pairs are multiplied, of pairs of bf16, */
    int64_t x_stride;           /*   so many words apart */
    bool is_pairs;
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

#if SIMD_AVX512
/* Whether a piece's rows go past the caches: whole lines, so many that the next operator reads them as streams. Where they lie other threads read last, and
 * to fetch such lines from a far core, only to write them, took a twentieth of a prompt. */
static bool goes_past_caches(const Tensor *y, const LinearThen *then, int64_t n_rows, int64_t n_columns)
{
    bool is_lines = n_columns == PACKED_COLUMNS && (uintptr_t)y->data % 64 == 0 && y->stride[0] * dtype_bytes(y->dtype) % 64 == 0;
    return is_lines && n_rows >= PAST_ROWS && (!then || (then->n_in == 1 && then->n_out == 1));
}

/* They are finished in a tile of the thread's own. */
static void store_past_caches(const Tensor *y, const LinearThen *then, int64_t row, int64_t n_rows, int64_t column, const float *total, const float *bias)
{
    _Alignas(64) char lines[PIECE_ROWS * PACKED_COLUMNS * sizeof(float)];
    const int64_t width = dtype_bytes(y->dtype), row_bytes = PACKED_COLUMNS * width;
    const Tensor tile = {.dtype = y->dtype, .shape = shape_2(n_rows, PACKED_COLUMNS), .stride = {PACKED_COLUMNS, 1}, .data = lines};
    for (int64_t r = 0; r < n_rows; r++)
        store_row(&tile, r, 0, total + r * PACKED_COLUMNS, bias ? bias + column : NULL, PACKED_COLUMNS);
    if (then)
        linear_then_in_place(then, &tile);
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t i = 0; i < row_bytes; i += 64)
            _mm512_stream_si512((void *)((char *)row_at(y, row + r) + column * width + i), _mm512_load_si512(lines + r * row_bytes + i));
}

static void past_caches_end(void)
{
    _mm_sfence();
}
#else
static bool goes_past_caches(const Tensor *y, const LinearThen *then, int64_t n_rows, int64_t n_columns)
{
    return (void)y, (void)then, (void)n_rows, (void)n_columns, false;
}

static void store_past_caches(const Tensor *y, const LinearThen *then, int64_t row, int64_t n_rows, int64_t column, const float *total, const float *bias)
{
    (void)y, (void)then, (void)row, (void)n_rows, (void)column, (void)total, (void)bias;
}

static void past_caches_end(void)
{
}
#endif

/* Some rows by one panel. Returns whether `then`, if there is one, has gone over them. */
static bool run_piece(const Product *p, const LinearThen *then, int64_t panel, int64_t row, int64_t n_rows)
{
    _Alignas(64) float total[PIECE_ROWS * PACKED_COLUMNS];
    const KernelCall *call = p->call;
    const PackedSpec *spec = call->attr;
    const Tensor *y = &call->out[0];
    const char *weights = (const char *)call->in[1].data + panel * packed_panel_bytes(spec);
    int64_t column = panel * PACKED_COLUMNS, n_columns = spec->n_out - column < PACKED_COLUMNS ? spec->n_out - column : PACKED_COLUMNS;
    if (p->codes)
        codes_run((CodesTile){p->codes + row * p->n_groups, p->n_groups, weights, total}, n_rows, spec->format == PACKED_INT4);
    else
        run_blocks(p, weights, row, n_rows, total);
    if (goes_past_caches(y, then, n_rows, n_columns)) {
        store_past_caches(y, then, row, n_rows, column, total, call->in[2].data);
        return true;
    }
    for (int64_t r = 0; r < n_rows; r++)
        store_row(y, row + r, column, total + r * PACKED_COLUMNS, call->in[2].data, n_columns);
    return false;
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

/* One row by n panels, their sums to total [n][64]: side by side, or one after the other. */
static void row_sums(const Product *p, const char *weights, int64_t n, float *total)
{
    const PackedSpec *spec = p->call->attr;
    const int64_t panel_bytes = packed_panel_bytes(spec);
    if (cpu_reads_streams()) {
        for (int64_t here; n > 0; weights += here * panel_bytes, total += here * PACKED_COLUMNS, n -= here) {
            here = !SIMD_AVX512 ? 1 : n >= STREAMS ? STREAMS : n >= 2 ? 2 : 1;  /* as many as registers hold sums of */
            stream_sums(p, weights, here, total);
        }
    } else if (p->codes) {
        codes_run_row((CodesTile){p->codes, p->n_groups, weights, total}, n, spec->format == PACKED_INT4);
    } else if (p->is_pairs) {
        packed_pairs_row(p->x, (spec->n_in + 1) / 2, GEMM_K_BLOCK_PAIRS / 2, weights, n, total);
    } else {
        for (int64_t i = 0; i < n; i++)
            run_blocks(p, weights + i * panel_bytes, 0, 1, total + i * PACKED_COLUMNS);
    }
}

/* One row by panels [panel, end). */
static void run_row(const Product *p, int64_t panel, int64_t end)
{
    _Alignas(64) float total[ROW_PANELS * PACKED_COLUMNS];
    const KernelCall *call = p->call;
    const PackedSpec *spec = call->attr;
    for (int64_t n; panel < end; panel += n) {
        n = end - panel < ROW_PANELS ? end - panel : ROW_PANELS;
        int64_t column = panel * PACKED_COLUMNS, n_columns = spec->n_out - column < n * PACKED_COLUMNS ? spec->n_out - column : n * PACKED_COLUMNS;
        row_sums(p, (const char *)call->in[1].data + panel * packed_panel_bytes(spec), n, total);
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
static void prepare_pairs(Product *p, const Tensor *x, uint16_t *to)
{
    int64_t n_in = cols_of(x), n_rows = tensor_dim(x, 0);
    p->is_pairs = true;
    if (n_in % 2 == 0 && x->stride[0] % 2 == 0) {
        p->x = x->data;
        p->x_stride = x->stride[0] / 2;
        return;
    }
    p->x = (const float *)to;
    p->x_stride = (n_in + 1) / 2;
    for (int64_t r = 0; r < n_rows; r++, to += 2 * p->x_stride) {
        memcpy(to, row_at(x, r), (size_t)n_in * sizeof *to);
        memset(to + n_in, 0, (size_t)(n_in % 2) * sizeof *to);
    }
}

/* x as the kernels read it, which may lie in `room`. */
static Product prepare(const KernelCall *call, void *room)
{
    const PackedSpec *spec = call->attr;
    const Tensor *x = &call->in[0];
    int64_t n_rows = tensor_dim(x, 0);
    Product p = {.call = call, .x = x->data, .x_stride = x->stride[0], .n_groups = (spec->n_in + PACKED_GROUP - 1) / PACKED_GROUP};
    if (spec->format >= PACKED_INT8) {
        PackedInputs *codes = room;
        p.codes = codes;
#pragma omp parallel for schedule(static) if (n_rows > 1 && n_rows * spec->n_in > PARALLEL_MIN)
        for (int64_t r = 0; r < n_rows; r++)
            inputs_round_row(codes + r * p.n_groups, x, r, spec->format == PACKED_INT4);
    } else if (multiplies_pairs(spec, x)) {
        prepare_pairs(&p, x, room);
    } else if (x->dtype != DTYPE_F32) {
#pragma omp parallel for schedule(static) if (n_rows > 1 && n_rows * spec->n_in > PARALLEL_MIN)
        for (int64_t r = 0; r < n_rows; r++)
            widen_row((float *)room + r * spec->n_in, x, r);
        p.x = room;
        p.x_stride = spec->n_in;
    }
    return p;
}

static bool is_worth_threads(const KernelCall *call)
{
    const PackedSpec *spec = call->attr;
    return (double)tensor_dim(&call->in[0], 0) * (double)spec->n_in * (double)spec->n_out > MULTIPLICATIONS_MIN;
}

/* Even pieces of whole tiles. */
static int64_t rows_of_a_piece(int64_t n_rows, int64_t n_pieces)
{
    int64_t rows = (n_rows + n_pieces - 1) / n_pieces;
    return (rows + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
}

/* Columns of some rows by panels [panel, panel + n), once they are made: of one row all at once, for a call takes longer than 64 columns do. */
static void finish(const KernelCall *call, const LinearThen *then, int64_t row, int64_t n_rows, int64_t panel, int64_t n)
{
    const int64_t n_out = ((const PackedSpec *)call->attr)->n_out, column = panel * PACKED_COLUMNS, end = (panel + n) * PACKED_COLUMNS;
    if (then && n > 0)
        linear_then_finish(call, then, row, n_rows, column, (end < n_out ? end : n_out) - column);
}

/* Share i of n of one row: what reads one stretch of memory. */
static void run_share(const KernelCall *call, const LinearThen *then, int i, int n)
{
    _Alignas(64) char room[PACKED_SHARE_INPUTS * sizeof(float)];  /* each thread prepares the row: that is sooner done than seen by another */
    const int64_t n_panels = packed_panels(call->attr), first = share_begin(n_panels, i, n), end = share_begin(n_panels, i + 1, n);
    const Product p = prepare(call, room);
    run_row(&p, first, end);
    finish(call, then, 0, 1, first, end - first);
}

/* Pieces of rows by a panel, whoever takes them. */
static void run_pieces(const KernelCall *call, const LinearThen *then)
{
    int64_t n_rows = tensor_dim(&call->in[0], 0), n_row_pieces = (n_rows + PIECE_ROWS - 1) / PIECE_ROWS, piece_rows = rows_of_a_piece(n_rows, n_row_pieces);
    const Product p = prepare(call, call->workspace);
    Shares shares = shares_of(packed_panels(call->attr) * n_row_pieces);
#pragma omp parallel if (is_worth_threads(call))
    {
        for (int64_t piece; shares_take(&shares, &piece);) {
            int64_t row = piece % n_row_pieces * piece_rows, n_here = n_rows - row < piece_rows ? n_rows - row : piece_rows;
            if (!run_piece(&p, then, piece / n_row_pieces, row, n_here))
                finish(call, then, row, n_here, piece / n_row_pieces, 1);
        }
        if (n_rows >= PAST_ROWS)
            past_caches_end();
    }
}

static void run(const KernelCall *call, const LinearThen *then)
{
    int64_t n_rows = tensor_dim(&call->in[0], 0);
    if (n_rows == 0)
        return;
    if (call->n_shares > 0) {
        run_share(call, then, call->share, call->n_shares);
    } else if (n_rows == 1 && linear_packed_row_is_shared(call->attr)) {
#pragma omp parallel if (is_worth_threads(call))
        run_share(call, then, omp_get_thread_num(), omp_get_num_threads());
    } else {
        run_pieces(call, then);
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
