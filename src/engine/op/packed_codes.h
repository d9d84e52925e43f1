/* packed_codes.h - rows times a panel of int8 or int4 codes, in whole numbers; for linear_packed_cpu.c. packed_weight.h has layouts and bits.
 *
 * Four steps of k are one word of four bytes, a column's codes without sign, so a register of sixteen columns meets four numbers of x at once:
 *
 *   AVX-512 with VNNI     q = 256 h + l: sums of bytes times h and of bytes times l
 *   AVX2, portable        even and odd bytes as pairs of 16 bits, times pairs of q
 *
 * Codes carry an offset (128 or 8), which leaves as offset * sum of q. All ways give the same integers. An AVX-512 without VNNI takes AVX2's. */
#ifndef ENGINE_OP_PACKED_CODES_H
#define ENGINE_OP_PACKED_CODES_H

#include "engine/op/packed_weight.h"
#include "engine/op/simd_rows.h"

enum { CODES_ROWS = SIMD_AVX512 ? 3 : 1, CODES_VECS = PACKED_COLUMNS / 16, CODES_SCALE_BYTES = 2 * PACKED_COLUMNS, CODES_AHEAD_BYTES = 4096 };

#define CODES_UNROLL _Pragma("GCC unroll 8")
#if SIMD_AVX512 || SIMD_AVX2
#define CODES_UNROLL_STEPS CODES_UNROLL
#else
#define CODES_UNROLL_STEPS  /* a step is some hundred instructions, and the compiler would take 9 s for them where it takes 3 */
#endif

/* ---- rows of x ---- */

/* Steps as the words of a panel hold them: int4 has the even ones of eight in a word's low halves, the odd ones in the high halves. */
SIMD_INLINE V16 inputs_in_order(V16 x, bool is_int4)
{
    return is_int4 ? __builtin_shufflevector(x, x, 0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15) : x;
}

SIMD_INLINE void inputs_store(PackedInputs *to, int half, I16 q)
{
#if SIMD_AVX512
    __m128i low = _mm512_cvtepi32_epi8((__m512i)q);
    __m512i high = _mm512_srai_epi32(_mm512_sub_epi32((__m512i)q, _mm512_cvtepi8_epi32(low)), 8);
    _mm_storeu_si128((__m128i *)(to->q.digit[1] + 16 * half), low);
    _mm_storeu_si128((__m128i *)(to->q.digit[0] + 16 * half), _mm512_cvtepi32_epi8(high));
#else
    I16 pairs = __builtin_shufflevector(q, q, 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
    for (int i = 0; i < 16; i++)
        to->q.whole[16 * half + i] = (int16_t)pairs[i];
#endif
}

/* Thirty-two numbers, those beyond the row zeros. */
SIMD_INLINE void inputs_round(PackedInputs *to, V16 a, V16 b, bool is_int4)
{
    V16 sizes = v16_max(v16_abs(a), v16_abs(b)), zeros = a * 0.0f + b * 0.0f, magic = v16_set1(12582912.0f);
    float largest = v16_max_of(sizes);
    bool finite = v16_sum(zeros) == 0.0f;
    V16 factor = v16_set1(finite && largest >= 0x1p-100f ? (float)PACKED_INPUT_MAX / largest : 0.0f);
    if (!finite)
        a = b = v16_zero();
    I16 p = __builtin_convertvector(inputs_in_order(a, is_int4) * factor + magic - magic, I16);
    I16 q = __builtin_convertvector(inputs_in_order(b, is_int4) * factor + magic - magic, I16);
    I16 both = p + q;
    to->sum = 0;
    for (int i = 0; i < 16; i++)
        to->sum += both[i];
    to->scale = finite ? largest / (float)PACKED_INPUT_MAX : NAN;
    inputs_store(to, 0, p);
    inputs_store(to, 1, q);
}

static void inputs_round_row(PackedInputs *to, const Tensor *x, int64_t row, bool is_int4)
{
    const void *from = row_at(x, row);
    for (int64_t i = 0, n = cols_of(x); i < n; i += PACKED_GROUP, to++)
        inputs_round(to, load16(from, x->dtype, i, n), n - i > 16 ? load16(from, x->dtype, i + 16, n) : v16_zero(), is_int4);
}

/* ---- products ---- */

typedef struct {
    const PackedInputs *x;
    int64_t n_groups;    /* a row */
    const char *panel;
    float *total;        /* [rows][64] */
} CodesTile;

typedef struct {
    I16 high[CODES_ROWS][CODES_VECS], low[CODES_ROWS][CODES_VECS];  /* of digits; without VNNI all in high */
} CodesSums;

SIMD_INLINE I16 word_of_inputs(const void *at)
{
    int32_t word;
    memcpy(&word, at, sizeof word);
    return i16_set1(word);
}

#if SIMD_AVX512
/* sum += the four unsigned bytes of a word times the four signed ones of another. */
SIMD_INLINE I16 bytes_dot(I16 sum, I16 codes, I16 digits)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(digits));
    return sum;
}
#elif SIMD_AVX2
/* Pairs of 16 bits times pairs, summed. */
SIMD_INLINE I16 pairs_dot(I16 a, I16 b)
{
    union {
        I16 v;
        __m256i half[2];
    } x = {a}, y = {b};
    x.half[0] = _mm256_madd_epi16(x.half[0], y.half[0]);
    x.half[1] = _mm256_madd_epi16(x.half[1], y.half[1]);
    return x.v;
}
#else
SIMD_INLINE I16 pairs_dot(I16 a, I16 b)
{
    return (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
}
#endif

/* Step s of a group: four codes a column. */
SIMD_INLINE void codes_step(CodesSums *sums, const int n_rows, const CodesTile *t, int s, const I16 *words)
{
    CODES_UNROLL for (int r = 0; r < n_rows; r++) {
        const PackedInputs *x = t->x + r * t->n_groups;
#if SIMD_AVX512
        I16 high = word_of_inputs(x->q.digit[0] + 4 * s), low = word_of_inputs(x->q.digit[1] + 4 * s);
        CODES_UNROLL for (int v = 0; v < CODES_VECS; v++) {
            sums->high[r][v] = bytes_dot(sums->high[r][v], words[v], high);
            sums->low[r][v] = bytes_dot(sums->low[r][v], words[v], low);
        }
#else
        I16 even = word_of_inputs(x->q.whole + 4 * s), odd = word_of_inputs(x->q.whole + 4 * s + 2);
        CODES_UNROLL for (int v = 0; v < CODES_VECS; v++)
            sums->high[r][v] += pairs_dot(words[v] & 0x00ff00ff, even) + pairs_dot((I16)((U16)words[v] >> 8) & 0x00ff00ff, odd);
#endif
    }
}

/* total += sum * scales, of a group; of one row `held` is the total, in registers. */
SIMD_INLINE void codes_add(const CodesTile *t, const int n_rows, const CodesSums *sums, const char *group, int32_t offset, bool is_first, V16 *held)
{
    CODES_UNROLL for (int v = 0; v < CODES_VECS; v++) {
        V16 scale = v16_load_f16((const uint16_t *)group + 16 * v);
        CODES_UNROLL for (int r = 0; r < n_rows; r++) {
            const PackedInputs *x = t->x + r * t->n_groups;
            float *total = t->total + r * PACKED_COLUMNS + 16 * v;
            I16 sum = sums->high[r][v];
#if SIMD_AVX512
            sum = (sum << 8) + sums->low[r][v];
#endif
            sum -= i16_set1(offset * x->sum);
            V16 scaled = __builtin_convertvector(sum, V16) * x->scale;
            if (held)
                held[v] = v16_fma(scaled, scale, held[v]);
            else
                v16_store(total, v16_fma(scaled, scale, is_first ? v16_zero() : v16_load(total)));
        }
    }
}

/* What is fetched beside a group: of n panels, panel_bytes apart, from `at` on, n_lines cache lines each; line by line over the panels. */
typedef struct {
    const char *at;
    int n, n_lines;
    int64_t panel_bytes;
} CodesAhead;

/* A part of it, that of step s of n_steps. */
SIMD_INLINE void codes_fetch(const CodesAhead *ahead, int s, const int n_steps)
{
    for (int line = s; line < ahead->n_lines; line += n_steps)
        CODES_UNROLL for (int i = 0; i < ahead->n; i++)
            __builtin_prefetch(ahead->at + i * ahead->panel_bytes + 64 * line);
}

/* Rows by group g of a panel. */
SIMD_INLINE void codes_group(CodesTile t, const int n_rows, int64_t g, const CodesAhead *ahead, const bool is_int4, V16 *held)
{
    const int step_bytes = 4 * PACKED_COLUMNS, n_loads = is_int4 ? PACKED_GROUP / 8 : PACKED_GROUP / 4;
    CodesSums sums = {0};
    const char *group = t.panel + g * (CODES_SCALE_BYTES + n_loads * step_bytes);
    t.x += g;
    CODES_UNROLL_STEPS for (int s = 0; s < n_loads; s++) {
        const char *at = group + CODES_SCALE_BYTES + s * step_bytes;
        I16 words[CODES_VECS];
        codes_fetch(ahead, s, n_loads);
        CODES_UNROLL for (int v = 0; v < CODES_VECS; v++)
            words[v] = (I16)v16_load((const float *)at + 16 * v);
        if (!is_int4) {
            codes_step(&sums, n_rows, &t, s, words);
            continue;
        }
        I16 halves[CODES_VECS];
        CODES_UNROLL for (int v = 0; v < CODES_VECS; v++)
            halves[v] = words[v] & 0x0f0f0f0f;
        codes_step(&sums, n_rows, &t, 2 * s, halves);
        CODES_UNROLL for (int v = 0; v < CODES_VECS; v++)
            halves[v] = (I16)((U16)words[v] >> 4) & 0x0f0f0f0f;
        codes_step(&sums, n_rows, &t, 2 * s + 1, halves);
    }
    codes_add(&t, n_rows, &sums, group, is_int4 ? 8 : 128, g == 0, held);
}

/* Rows by a panel. */
SIMD_INLINE void codes_tile(CodesTile t, const int n_rows, const bool is_int4)
{
    const CodesAhead nothing = {0};
    for (int64_t g = 0; g < t.n_groups; g++)
        codes_group(t, n_rows, g, &nothing, is_int4, NULL);
}

SIMD_INLINE int64_t codes_group_bytes(const bool is_int4)
{
    return CODES_SCALE_BYTES + PACKED_GROUP * PACKED_COLUMNS / (is_int4 ? 2 : 1);
}

/* One row by n panels, one after the other: one stream of memory, and one loop over the groups of all, for the ends of loops, panel by panel, cost a core that
 * reads on its own a twelfth of its rate. */
SIMD_INLINE void codes_row(CodesTile t, int64_t n, const bool is_int4)
{
    const CodesAhead nothing = {0};
    V16 held[CODES_VECS] = {{0}};
    int64_t g = 0;
    for (int64_t i = 0; i < n * t.n_groups; i++) {
        codes_group((CodesTile){t.x + g, t.n_groups, t.panel + i * codes_group_bytes(is_int4), NULL}, 1, 0, &nothing, is_int4, held);
        if (++g < t.n_groups)
            continue;
        CODES_UNROLL for (int v = 0; v < CODES_VECS; v++) {
            v16_store(t.total + 16 * v, held[v]);
            held[v] = v16_zero();
        }
        t.total += PACKED_COLUMNS;
        g = 0;
    }
}

static void codes_run_row(CodesTile t, int64_t n, bool is_int4)
{
    if (is_int4)
        codes_row(t, n, true);
    else
        codes_row(t, n, false);
}

/* One row by n panels, panel_bytes apart, side by side: as many streams of memory. Beside each panel's group a part of all panels' next ones is fetched. */
SIMD_INLINE void codes_streams(CodesTile t, const int n, int64_t panel_bytes, const bool is_int4)
{
    const int group_bytes = (int)codes_group_bytes(is_int4), n_lines = (group_bytes / 64 + n - 1) / n;
    for (int64_t g = 0; g < t.n_groups; g++)
        for (int i = 0; i < n; i++) {
            CodesTile part = {t.x, t.n_groups, t.panel + i * panel_bytes, t.total + i * PACKED_COLUMNS};
            CodesAhead ahead = {t.panel + g * group_bytes + CODES_AHEAD_BYTES + i * n_lines * 64, n, n_lines, panel_bytes};
            codes_group(part, 1, g, &ahead, is_int4, NULL);
        }
}

/* The same for as many panels as there are kernels for: 4, 2 or 1; with AVX-512 alone more than 1. */
static void codes_run_streams(CodesTile t, int64_t n, int64_t panel_bytes, bool is_int4)
{
    if (SIMD_AVX512 && n == 4)
        is_int4 ? codes_streams(t, 4, panel_bytes, true) : codes_streams(t, 4, panel_bytes, false);
    else if (SIMD_AVX512 && n == 2)
        is_int4 ? codes_streams(t, 2, panel_bytes, true) : codes_streams(t, 2, panel_bytes, false);
    else
        is_int4 ? codes_streams(t, 1, panel_bytes, true) : codes_streams(t, 1, panel_bytes, false);
}

/* Rows by a panel in as few passes as there are kernels for. */
static void codes_run(CodesTile t, int64_t n_rows, bool is_int4)
{
    while (n_rows > 0) {
        int64_t n = n_rows >= CODES_ROWS ? CODES_ROWS : 1;
        if (n == 1)
            codes_run_row(t, 1, is_int4);
        else if (is_int4)
            codes_tile(t, CODES_ROWS, true);
        else
            codes_tile(t, CODES_ROWS, false);
        t.x += n * t.n_groups;
        t.total += n * PACKED_COLUMNS;
        n_rows -= n;
    }
}

#endif
