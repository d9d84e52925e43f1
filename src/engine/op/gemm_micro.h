/* gemm_micro.h - the tile of C that stays in registers while a block of K passes; a template for the kernel files.
 *
 * Before including it, a kernel file defines
 *     Vec, VEC_LANES              the accumulator: a vector of floats
 *     MICRO_ROWS, MICRO_VECS      the tile: rows, and vectors in a row, such that all accumulators fit the registers
 *     MICRO_A_WIDTH               words from step to step in a panel of A, at least MICRO_ROWS
 *     MICRO_MULTIPLY_ADD(acc, a, b)  acc plus the product(s) of two words: a one word for all lanes, b a vector of words, as Vec
 * and perhaps MICRO_UNROLL_K, a pragma before the loop over k; and gets micro_strip, a GemmKernel.strip, and MICRO_PANELS, the shapes of its panels. */
#include "engine/op/gemm_kernels.h"
#include "engine/op/simd_rows.h"

#if defined(__clang__)
#define MICRO_UNROLL _Pragma("unroll")
#define MICRO_UNROLL_4 _Pragma("unroll 4")
#else
#define MICRO_UNROLL _Pragma("GCC unroll 16")
#define MICRO_UNROLL_4 _Pragma("GCC unroll 4")
#endif
#ifndef MICRO_UNROLL_K
#define MICRO_UNROLL_K MICRO_UNROLL_4
#endif
#define MICRO_HIDE(x) __asm__("" : "+r"(x))  /* the compiler forgets what it knew of x */

enum {
    MICRO_COLUMNS = MICRO_VECS * VEC_LANES,
    FETCH_ROWS = 2,        /* fetched at once, */
    FETCH_STEPS_MIN = 192  /* in blocks of K that are worth so many interruptions; in shorter ones half a tile's rows */
};
#define MICRO_PANELS .a = {MICRO_ROWS, MICRO_A_WIDTH}, .b = {MICRO_COLUMNS, MICRO_COLUMNS}
typedef Vec VecUnaligned __attribute__((aligned(4), may_alias));
typedef float FloatWord __attribute__((may_alias));

/* The way out of a whole tile to bf16: how most products end that have bf16 operands. */
static void micro_out_bf16(const GemmStrip *s, int64_t column, const float *sum)
{
    const GemmOut *out = &s->out;
    const float *from = out->from ? (const float *)out->from + column : NULL, *bias = out->bias ? out->bias + column : NULL;
    uint16_t *to = (uint16_t *)out->to + column;
    for (int i = 0; i < s->n_rows; i++, sum += MICRO_COLUMNS, to += out->to_stride)
        for (int j = 0; j < MICRO_COLUMNS; j += 16) {
            V16 x = v16_load(sum + j);
            if (from)
                x = v16_load(from + i * out->from_stride + j) + x;
            if (bias)
                x += v16_load(bias + j);
            v16_store_bf16(to + j, x);
        }
}

/* The general way out: edges and halves. `column` counts within the strip; sum is [n_rows][MICRO_COLUMNS]. */
static __attribute__((noinline)) void micro_out(const GemmStrip *s, int64_t column, const float *sum)
{
    const GemmOut *out = &s->out;
    int64_t n = s->n_columns - column < MICRO_COLUMNS ? s->n_columns - column : MICRO_COLUMNS;
    if (n == MICRO_COLUMNS && n % 16 == 0 && out->to_dtype == DTYPE_BF16 && (!out->from || out->from_dtype == DTYPE_F32)) {
        micro_out_bf16(s, column, sum);
        return;
    }
    for (int i = 0; i < s->n_rows; i++) {
        const char *from = out->from ? (const char *)out->from + (i * out->from_stride + column) * dtype_bytes(out->from_dtype) : NULL;
        char *to = (char *)out->to + (i * out->to_stride + column) * dtype_bytes(out->to_dtype);
        for (int64_t j = 0; j < n; j += 16) {
            V16 x = load16(sum + i * MICRO_COLUMNS, DTYPE_F32, j, n);
            if (from)
                x = load16(from, out->from_dtype, j, n) + x;
            if (out->bias)
                x += load16(out->bias + column, DTYPE_F32, j, n);
            store16(to, out->to_dtype, j, n, x);
        }
    }
}

#define EACH_ACC                                  \
    MICRO_UNROLL for (int i = 0; i < n_rows; i++) \
        MICRO_UNROLL for (int v = 0; v < MICRO_VECS; v++)

/* From row i of C to the next, at a tile's edges: an address is one of four rows' base and a stride. Left to itself the compiler keeps an address
 * a row, most of them in memory, and where blocks of K are short they take a tenth of the time. */
#define NEXT_C_ROW(base, i, stride) \
    do {                            \
        if ((i) % 4 == 3) {         \
            base += 4 * (stride);   \
            MICRO_HIDE(base);       \
        }                           \
    } while (0)

#if SIMD_AVX512
/* The way out of a whole tile to bf16, from the registers: how most products end that have bf16 operands. */
SIMD_INLINE void micro_to_bf16(Vec acc[MICRO_ROWS][MICRO_VECS], const int n_rows, const GemmStrip *s, int64_t column)
{
    const GemmOut *out = &s->out;
    const int64_t from_stride = out->from_stride, to_stride = out->to_stride;
    if (out->from) {
        const float *from = (const float *)out->from + column;
        MICRO_UNROLL for (int i = 0; i < n_rows; i++) {
            MICRO_UNROLL for (int v = 0; v < MICRO_VECS; v++)
                acc[i][v] = *(const VecUnaligned *)(from + i % 4 * from_stride + v * VEC_LANES) + acc[i][v];
            NEXT_C_ROW(from, i, from_stride);
        }
    }
    if (out->bias)
        EACH_ACC acc[i][v] += *(const VecUnaligned *)(out->bias + column + v * VEC_LANES);
    uint16_t *to = (uint16_t *)out->to + column;
    MICRO_UNROLL for (int i = 0; i < n_rows; i++) {
        v16_store_bf16_two(to + i % 4 * to_stride, (V16)acc[i][0], (V16)acc[i][1]);
        NEXT_C_ROW(to, i, to_stride);
    }
}
#define MICRO_TO_BF16 1
#else
#define micro_to_bf16(...) ((void)0)
#define MICRO_TO_BF16 0
#endif

/* What a tile will need soon comes near while a block of K passes, rows by rows: its place in C, and its share of the A that comes after this one,
 * rows as they lie or a panel; left alone, the CPU does not follow so many streams. All at once it would hold B up, for only so many lines can be on
 * their way. */
typedef struct {
    const char *a;                       /* the next of A from its share on, of the first row; or the share of a panel */
    int64_t a_lines, a_row_bytes;        /* lines a row, and from row to row */
    const char *c;
    int64_t c_bytes, c_row_bytes;        /* 0: C is near, or written elsewhere */
} MicroFetch;

SIMD_INLINE MicroFetch micro_fetch_of(const GemmStrip *s, const int n_rows, const bool a_is_packed, int64_t column, bool is_whole)
{
    const int64_t line = 64, n_panels = (s->n_columns + MICRO_COLUMNS - 1) / MICRO_COLUMNS, panel = column / MICRO_COLUMNS;
    const int64_t n_lines = a_is_packed ? (s->n_words * MICRO_A_WIDTH / 16 + n_rows - 1) / n_rows : (s->n_words + 15) / 16;
    const int64_t c_bytes = s->out.to_dtype == DTYPE_F32 ? 4 : 2;
    MicroFetch fetch = {0};
    if (s->a_next) {
        int64_t first = n_lines * panel / n_panels;
        fetch.a_lines = n_lines * (panel + 1) / n_panels - first;
        fetch.a_row_bytes = a_is_packed ? n_lines * line : s->a_next_stride * 4;
        fetch.a = (const char *)s->a_next + first * line;
    }
    if (is_whole && !s->out.is_near) {
        fetch.c = (const char *)s->out.to + column * c_bytes;
        fetch.c_bytes = MICRO_COLUMNS * c_bytes;
        fetch.c_row_bytes = s->out.to_stride * c_bytes;
    }
    return fetch;
}

SIMD_INLINE void micro_fetch(const MicroFetch *fetch, int row, int row_end)
{
    for (int i = row; i < row_end; i++) {
        for (int64_t at = 0; at < fetch->c_bytes; at += 64)
            __builtin_prefetch(fetch->c + i * fetch->c_row_bytes + at, 1);
        for (int64_t line = 0; line < fetch->a_lines; line++)
            __builtin_prefetch(fetch->a + i * fetch->a_row_bytes + 64 * line, 0, 2);
    }
}

/* How words come: A from a panel, from rows as they lie, or from steps of k as they lie; B from panels, or from steps as they lie. */
typedef enum { MICRO_PANELS_A_B, MICRO_ROWS_A, MICRO_ROWS_A_STEPS_B, MICRO_STEPS_A_B } MicroSource;

/* n_rows and source are constants where this is inlined. Rows that are not packed are found from four bases and a stride, which
 * is what addresses can hold; left to itself the compiler keeps a pointer a row, most of them in memory. */
SIMD_INLINE void micro_rows(const int n_rows, const MicroSource source, const GemmStrip *s)
{
    const bool a_is_packed = source == MICRO_PANELS_A_B || source == MICRO_STEPS_A_B, b_is_packed = source == MICRO_PANELS_A_B || source == MICRO_ROWS_A;
    int64_t a_stride = a_is_packed ? 1 : s->a_row_stride, n_words = s->n_words;
    int64_t a_step = b_is_packed ? MICRO_A_WIDTH : s->a_step_words, b_step = b_is_packed ? MICRO_COLUMNS : s->b_step_words;
    const FloatWord *b = (const FloatWord *)s->b;
    const int64_t n_columns = s->n_columns, b_panel_words = s->b_panel_words, c_stride = s->out.to_stride;
    const bool adds = s->out.from != NULL, is_plain = s->out.to_dtype == DTYPE_F32 && (!adds || s->out.from == s->out.to);
    const bool goes_to_bf16 = s->out.to_dtype == DTYPE_BF16 && (!adds || s->out.from_dtype == DTYPE_F32);
    const float *bias = s->out.bias;
    const int rows_wanted = n_words >= FETCH_STEPS_MIN ? FETCH_ROWS : (n_rows + 1) / 2;
    const int64_t n_steps = n_words * rows_wanted / n_rows / 4 * 4;
    for (int64_t column = 0; column < n_columns; column += MICRO_COLUMNS, b += b_panel_words) {
        const FloatWord *a = (const FloatWord *)s->a, *a_base[4];
        MICRO_UNROLL for (int i = 0; i < 4; i++)
            a_base[i] = a + 4 * i * a_stride;
        bool is_whole = n_columns - column >= MICRO_COLUMNS, is_fast = is_plain && is_whole, is_half = MICRO_TO_BF16 && goes_to_bf16 && is_whole;
        float *to = (float *)s->out.to + column;
        Vec acc[MICRO_ROWS][MICRO_VECS];
        EACH_ACC acc[i][v] = (Vec){};
        const MicroFetch fetch = micro_fetch_of(s, n_rows, a_is_packed, column, is_whole);
        const int rows_at_once = fetch.a_lines + fetch.c_bytes > 0 ? rows_wanted : n_rows;
        int64_t k = 0;
        for (int row = 0; row < n_rows; row += rows_at_once) {
            micro_fetch(&fetch, row, row + rows_at_once < n_rows ? row + rows_at_once : n_rows);
            int64_t k_end = row + rows_at_once < n_rows ? k + n_steps : n_words;
            MICRO_UNROLL_K for (; k < k_end; k++) {
                MICRO_HIDE(a_stride);
                Vec row_of_b[MICRO_VECS];
                MICRO_UNROLL for (int v = 0; v < MICRO_VECS; v++)
                    row_of_b[v] = *(const VecUnaligned *)(b + k * b_step + v * VEC_LANES);
                EACH_ACC acc[i][v] = MICRO_MULTIPLY_ADD(acc[i][v], a_is_packed ? a[k * a_step + i] : a_base[i / 4][i % 4 * a_stride + k], row_of_b[v]);
            }
        }

        if (is_fast) {
            /* All loads before all stores: rows a multiple of 4 kB apart look alike to the CPU's store buffer. */
            const float *from = to;
            if (adds)
                MICRO_UNROLL for (int i = 0; i < n_rows; i++) {
                    MICRO_UNROLL for (int v = 0; v < MICRO_VECS; v++)
                        acc[i][v] = *(const VecUnaligned *)(from + i % 4 * c_stride + v * VEC_LANES) + acc[i][v];
                    NEXT_C_ROW(from, i, c_stride);
                }
            if (bias)
                EACH_ACC acc[i][v] += *(const VecUnaligned *)(bias + column + v * VEC_LANES);
            MICRO_UNROLL for (int i = 0; i < n_rows; i++) {
                MICRO_UNROLL for (int v = 0; v < MICRO_VECS; v++)
                    *(VecUnaligned *)(to + i % 4 * c_stride + v * VEC_LANES) = acc[i][v];
                NEXT_C_ROW(to, i, c_stride);
            }
        } else if (is_half) {
            micro_to_bf16(acc, n_rows, s, column);
        } else {
            Vec sum[MICRO_ROWS][MICRO_VECS];  /* a copy: acc itself must not need an address, or it leaves the registers */
            EACH_ACC sum[i][v] = acc[i][v];
            micro_out(s, column, (const float *)sum);
        }
    }
}

#define MICRO_CASE(rows) \
    case rows:                            \
        if (s->a_step_words)              \
            micro_rows(rows, MICRO_STEPS_A_B, s);      \
        else if (s->b_step_words)         \
            micro_rows(rows, MICRO_ROWS_A_STEPS_B, s); \
        else if (s->a_row_stride)         \
            micro_rows(rows, MICRO_ROWS_A, s);         \
        else                              \
            micro_rows(rows, MICRO_PANELS_A_B, s);     \
        break

static void micro_strip(const GemmStrip *s)
{
    switch (s->n_rows) {
        MICRO_CASE(1);
        MICRO_CASE(2);
        MICRO_CASE(3);
        MICRO_CASE(4);
        MICRO_CASE(5);
        MICRO_CASE(6);
#if MICRO_ROWS > 6
        MICRO_CASE(7);
        MICRO_CASE(8);
        MICRO_CASE(9);
        MICRO_CASE(10);
        MICRO_CASE(11);
        MICRO_CASE(12);
        MICRO_CASE(13);
        MICRO_CASE(14);
#endif
    }
}
