/* attention_tile.h - rows in lanes, the keys that they see, and what becomes of their scores; for the kernels of attention. */
#ifndef ENGINE_OP_ATTENTION_TILE_H
#define ENGINE_OP_ATTENTION_TILE_H

#include "engine/op/attention_internal.h"
#include "engine/op/attention_product.h"
#include "engine/op/simd_rows.h"

/* ---- rows in lanes: sixteen a vector, each with the keys it sees ---- */

enum { TILE_VECS = ATTENTION_LANES / 16 };

typedef struct {
    int64_t n_rows, n_vecs, stride;              /* stride: lanes, whole vectors */
    I16 begin[TILE_VECS], end[TILE_VECS];        /* of a row; equal where it sees nothing or is absent */
    int32_t vec_begin[TILE_VECS], vec_end[TILE_VECS];  /* the hull of a vector's rows */
    int32_t vec_last_begin[TILE_VECS];                 /* where the last of them begins; -1: none sees anything */
    int32_t all_begin, all_end;                        /* what every row sees */
} Lanes;

static void lanes_init(Lanes *lanes, int64_t n_rows)
{
    *lanes = (Lanes){.n_rows = n_rows, .n_vecs = (n_rows + 15) / 16, .stride = (n_rows + 15) / 16 * 16, .all_end = INT32_MAX};
    for (int v = 0; v < TILE_VECS; v++)
        lanes->vec_begin[v] = INT32_MAX, lanes->vec_last_begin[v] = -1;
}

static void lanes_set(Lanes *lanes, int64_t row, const int32_t keys[2])
{
    int64_t v = row / 16;
    lanes->all_begin = keys[0] > lanes->all_begin ? keys[0] : lanes->all_begin;
    lanes->all_end = keys[1] < lanes->all_end ? keys[1] : lanes->all_end;
    if (keys[0] >= keys[1])
        return;
    lanes->begin[v][row % 16] = keys[0];
    lanes->end[v][row % 16] = keys[1];
    lanes->vec_begin[v] = keys[0] < lanes->vec_begin[v] ? keys[0] : lanes->vec_begin[v];
    lanes->vec_last_begin[v] = keys[0] > lanes->vec_last_begin[v] ? keys[0] : lanes->vec_last_begin[v];
    lanes->vec_end[v] = keys[1] > lanes->vec_end[v] ? keys[1] : lanes->vec_end[v];
}

/* Bit j: row `row` sees key begin + j, one of [begin, end). */
static uint64_t lanes_seen(const Lanes *lanes, int64_t row, int64_t begin, int64_t end)
{
    int64_t from = lanes->begin[row / 16][row % 16], to = lanes->end[row / 16][row % 16];
    from = (from < begin ? begin : from) - begin;
    to = (to > end ? end : to) - begin;
    return from < to ? ~(uint64_t)0 >> (64 - (to - from)) << from : 0;
}

/* Does every row see all of [begin, end)? */
static bool lanes_see_all(const Lanes *lanes, int64_t begin, int64_t end)
{
    return lanes->all_begin <= begin && end <= lanes->all_end;
}

/* And are the keys, and the rows, whole words? */
static bool lanes_see_words(const Lanes *lanes, int64_t begin, int64_t end)
{
    return lanes_see_all(lanes, begin, end) && (end - begin) % TILE_TERMS == 0 && lanes->n_rows % TILE_TERMS == 0;
}

/* seen[row] for all rows. */
static void lanes_mask(const Lanes *lanes, uint64_t *seen, int64_t begin, int64_t end)
{
    for (int64_t r = 0; r < lanes->n_rows; r++)
        seen[r] = lanes_seen(lanes, r, begin, end);
}

/* The part of [begin, end) that some row of vector v sees, counted from begin; whole words. */
static void lanes_hull(const Lanes *lanes, int64_t v, int64_t begin, int64_t end, int64_t *from, int64_t *to)
{
    *from = (lanes->vec_begin[v] > begin ? lanes->vec_begin[v] : begin) - begin;
    *to = (lanes->vec_end[v] < end ? lanes->vec_end[v] : end) - begin;
    *from -= *from % TILE_TERMS;
    *to += *to % TILE_TERMS;
}

/* What the options of attention make of the products of a tile's rows and keys. Slopes: of the heads in the lanes. */
typedef struct {
    bool alibi;
    float softcap;
    V16 slope[TILE_VECS];
} Scoring;

/* products [keys][stride] of the keys [begin, end) become scores, where some row of a vector sees a key. */
static void lanes_score(const Lanes *lanes, const Scoring *scoring, float *products, int64_t begin, int64_t end)
{
    const float cap = scoring->softcap;
    for (int64_t v = 0, from, to; v < lanes->n_vecs && (scoring->alibi || cap > 0.0f); v++) {
        lanes_hull(lanes, v, begin, end, &from, &to);
        for (int64_t j = from; j < to; j++) {
            V16 score = v16_load(products + j * lanes->stride + 16 * v);
            if (scoring->alibi) {
                I16 beyond = i16_set1((int32_t)(begin + j) + 1) - lanes->end[v];  /* 0 for the last key, then below */
                score = v16_fma(scoring->slope[v], __builtin_convertvector(beyond, V16), score);
            }
            if (cap > 0.0f)
                score = v16_tanh(score / cap) * cap;
            v16_store(products + j * lanes->stride + 16 * v, score);
        }
    }
}

/* What a row's weights are taken beside, instead of its largest score: the nearest multiple of 64. It is nearly always known from a few keys,
 * the largest of all only behind the last one; and the bits of a weight depend on the row alone, for nothing is ever rescaled. */
SIMD_INLINE V16 weight_reference(V16 max)
{
    const float band = 64.0f;  /* nats: the largest weight is one of e^-32 to e^32 */
    V16 magic = v16_set1(12582912.0f);
    V16 near = (v16_fma(max, v16_set1(1.0f / band), magic) - magic) * band;
    return v16_select(v16_abs(max) < 0x1p26f, near, max);
}

/* The log-sum-exp of a row whose weights, beside the reference, add up to `sum`. */
SIMD_INLINE V16 weight_lse(V16 reference, V16 sum)
{
    return reference + v16_log(sum);
}

/* Factors [key][stride] of one row's weights for the keys [begin, end) that it sees: 0, or 1 / (1 - rate). Block by block of four distances. */
static void row_dropout(float *factors, const Lanes *lanes, int64_t row, const DropoutAttr *attr, const int32_t draw[3], int64_t head,
                        int64_t begin, int64_t end)
{
    const uint32_t threshold = dropout_threshold(attr);
    const float grown = (float)(1.0 / (1.0 - attr->rate));
    const int64_t last = (int64_t)lanes->end[row / 16][row % 16] - 1;
    int64_t first = lanes->begin[row / 16][row % 16];
    first = first < begin ? begin : first;
    end = last + 1 < end ? last + 1 : end;
    for (int64_t j = end - 1; j >= first;) {
        Philox words = dropout_words(attr, draw, attention_dropout_block(head, last - j));
        do {
            factors[(j - begin) * lanes->stride + row] = words.word[(last - j) & 3] >= threshold ? grown : 0.0f;
            j--;
        } while (j >= first && ((last - j) & 3) != 0);
    }
}

/* c [keys][stride] = factor times keys times turned rows [n_words][stride], for the keys [begin, end). Left out, six keys at a time: vectors none of
 * whose rows sees one of them. */
static void lanes_product(const Lanes *lanes, float *c, Left keys, const float *turned, int64_t n_words, int64_t begin, int64_t end, float factor)
{
    enum { STEP = 6 };
    if (lanes_see_all(lanes, begin, end)) {
        tile_product(c, lanes->stride, keys, (Right){turned, lanes->stride}, end - begin, lanes->n_vecs, n_words, &factor);
        return;
    }
    for (int64_t j = begin; j < end; j += STEP) {
        int64_t n = end - j < STEP ? end - j : STEP, first = lanes->n_vecs, last = 0;
        for (int64_t v = 0; v < lanes->n_vecs; v++)
            if (lanes->vec_begin[v] < j + n && lanes->vec_end[v] > j) {
                first = v < first ? v : first;
                last = v + 1;
            }
        if (first < last)
            tile_product(c + (j - begin) * lanes->stride + 16 * first, lanes->stride, left_at(keys, j - begin, 0),
                         (Right){turned + 16 * first, lanes->stride}, n, last - first, n_words, &factor);
    }
}

/* ---- sixteen by sixteen ---- */

/* Elements p and q of a, r and t of b (counted from 16), from each quarter of a vector; and quarters p and q of a, r and t of b (counted from 4): each one
 * instruction. */
#define TILE_QUARTER_(at, p, q, r, t) (at) + (p), (at) + (q), (at) + (r), (at) + (t)
#define TILE_MIX_(a, b, p, q, r, t) \
    (V16)__builtin_shufflevector(a, b, TILE_QUARTER_(0, p, q, r, t), TILE_QUARTER_(4, p, q, r, t), TILE_QUARTER_(8, p, q, r, t), TILE_QUARTER_(12, p, q, r, t))
#define TILE_QUARTERS_(a, b, p, q, r, t) \
    (V16)__builtin_shufflevector(a, b, TILE_QUARTER_(4 * (p), 0, 1, 2, 3), TILE_QUARTER_(4 * (q), 0, 1, 2, 3), TILE_QUARTER_(4 * (r), 0, 1, 2, 3), \
                                 TILE_QUARTER_(4 * (t), 0, 1, 2, 3))

/* Rows become columns: four rows within quarters first, which gives columns c, c + 4, c + 8, c + 12 of four rows; then quarters are gathered. */
SIMD_INLINE void tile_turn(V16 rows[16])
{
    V16 four[4][4];  /* [rows 4i ..][c] */
    TILE_UNROLL16 for (int i = 0; i < 4; i++) {
        const V16 *r = rows + 4 * i;
        V16 low = TILE_MIX_(r[0], r[1], 0, 16, 1, 17), high = TILE_MIX_(r[0], r[1], 2, 18, 3, 19);
        V16 low2 = TILE_MIX_(r[2], r[3], 0, 16, 1, 17), high2 = TILE_MIX_(r[2], r[3], 2, 18, 3, 19);
        four[i][0] = TILE_MIX_(low, low2, 0, 1, 16, 17);
        four[i][1] = TILE_MIX_(low, low2, 2, 3, 18, 19);
        four[i][2] = TILE_MIX_(high, high2, 0, 1, 16, 17);
        four[i][3] = TILE_MIX_(high, high2, 2, 3, 18, 19);
    }
    TILE_UNROLL16 for (int c = 0; c < 4; c++) {
        V16 even = TILE_QUARTERS_(four[0][c], four[1][c], 0, 2, 4, 6), odd = TILE_QUARTERS_(four[0][c], four[1][c], 1, 3, 5, 7);
        V16 even2 = TILE_QUARTERS_(four[2][c], four[3][c], 0, 2, 4, 6), odd2 = TILE_QUARTERS_(four[2][c], four[3][c], 1, 3, 5, 7);
        rows[c] = TILE_QUARTERS_(even, even2, 0, 2, 4, 6);
        rows[c + 4] = TILE_QUARTERS_(odd, odd2, 0, 2, 4, 6);
        rows[c + 8] = TILE_QUARTERS_(even, even2, 1, 3, 5, 7);
        rows[c + 12] = TILE_QUARTERS_(odd, odd2, 1, 3, 5, 7);
    }
}

/* to [n_words, whole vectors][to_stride] = the transpose of n rows of words; columns from n up to whole vectors are zeros. */
static void tile_transpose(float *to, int64_t to_stride, Left from, int64_t n, int64_t n_words)
{
    for (int64_t r = 0; r < n; r += 16)
        for (int64_t c = 0; c < n_words; c += 16) {
            V16 rows[16];
            TILE_UNROLL16 for (int i = 0; i < 16; i++)
                rows[i] = r + i < n ? v16_load(from.a + (r + i) * from.row_stride + c) : v16_zero();
            tile_turn(rows);
            TILE_UNROLL16 for (int i = 0; i < 16; i++)
                v16_store(to + (c + i) * to_stride + r, rows[i]);
        }
}

/* ---- rows of tensors [N, heads, width] ---- */

static int64_t tile_padded(int64_t width)
{
    return (width + 15) & ~(int64_t)15;
}

/* Words of a row along its width. */
static int64_t tile_words(int64_t width)
{
    return (width + TILE_TERMS - 1) / TILE_TERMS;
}

static void *tile_row(const Tensor *t, int64_t token, int64_t head)
{
    return (char *)t->data + (token * t->stride[0] + head * t->stride[1]) * dtype_bytes(t->dtype);
}

/* n rows [n][padded width], to where they belong. */
static void tile_rows_store(const Tensor *t, int64_t token, int64_t n, int64_t head, const float *from)
{
    int64_t width = t->shape.dim[2], padded = tile_padded(width), row_bytes = t->stride[0] * dtype_bytes(t->dtype);
    char *to = tile_row(t, token, head);
    WITH_FAST_DTYPE(t->dtype, D, for (int64_t i = 0; i < n; i++)
                                     for (int64_t c = 0; c < width; c += 16)
                                         store16(to + i * row_bytes, D, c, width, v16_load(from + i * padded + c)))
}

/* The same n rows of one head as either side of a product, copied to `left` and `right`, each NULL where that side is not wanted: where they lie, rows are
 * often some kilobytes apart, and such neighbours share few sets of the caches. Left, [n][words, whole vectors]: words along the width. Right,
 * [words of n][padded width]: words along the rows; what is absent is zero. Of f32 both are one copy. */
typedef struct {
    Left left;
    Right right;
} Sides;

/* Of f32. */
static Sides sides_of(float *rows, int64_t stride)
{
    return (Sides){{rows, stride, 1}, {rows, stride}};
}

#ifdef BF16_DOT

/* Words c .. c+15 of a row as they lie; what is absent, also of half a word, is zero. */
SIMD_INLINE V16 words_of_row(const char *row, int64_t c, int64_t width)
{
    const int64_t n = width - 2 * c;
    V16 tail = v16_zero();
    if (n >= 32)
        return v16_load((const float *)row + c);
    memcpy(&tail, row + 4 * c, n > 0 ? (size_t)(2 * n) : 0);
    return tail;
}

static Sides tile_sides(const Tensor *t, int64_t token, int64_t n, int64_t head, float *left, float *right)
{
    const int64_t width = t->shape.dim[2], padded = tile_padded(width), words = tile_padded(tile_words(width)), row_bytes = 2 * t->stride[0];
    const char *from = tile_row(t, token, head);
    for (int64_t i = 0; i < n && left; i++)
        for (int64_t c = 0; c < words; c += 16)
            v16_store(left + i * words + c, words_of_row(from + i * row_bytes, c, width));
    for (int64_t i = 0; i < n && right; i += 2)
        for (int64_t c = 0; c < width; c += 16) {
            U16 earlier = (U16)load16(from + i * row_bytes, DTYPE_BF16, c, width);
            U16 later = i + 1 < n ? (U16)load16(from + (i + 1) * row_bytes, DTYPE_BF16, c, width) : (U16){};
            v16_store(right + i / 2 * padded + c, (V16)(earlier | later >> 16));
        }
    return (Sides){{left, words, 1}, {right, padded}};
}

#else

static Sides tile_sides(const Tensor *t, int64_t token, int64_t n, int64_t head, float *left, float *right)
{
    int64_t width = t->shape.dim[2], padded = tile_padded(width), row_bytes = t->stride[0] * dtype_bytes(t->dtype);
    const char *from = tile_row(t, token, head);
    float *to = right ? right : left;
    WITH_FAST_DTYPE(t->dtype, D, for (int64_t i = 0; i < n; i++)
                                     for (int64_t c = 0; c < width; c += 16)
                                         v16_store(to + i * padded + c, load16(from + i * row_bytes, D, c, width)))
    return sides_of(to, padded);
}

#endif

/* n rows of neighbouring heads come near while others are worked on: the CPU does not follow such steps. */
SIMD_INLINE void tile_rows_fetch(const Tensor *t, int64_t token, int64_t n, int64_t head, int64_t n_heads, const bool to_write)
{
    int64_t row_bytes = t->stride[0] * dtype_bytes(t->dtype), n_bytes = ((n_heads - 1) * t->stride[1] + t->shape.dim[2]) * dtype_bytes(t->dtype);
    const char *from = tile_row(t, token, head);
    for (int64_t i = 0; i < n; i++, from += row_bytes)
        for (int64_t at = 0; at < n_bytes; at += 64) {
            if (to_write)  /* clang takes a constant only */
                __builtin_prefetch(from + at, 1, 2);
            else
                __builtin_prefetch(from + at, 0, 2);
        }
}

/* Keys or values, copied tile by tile, or once for all tiles: `packed` [head][key][padded width], of numbers. */
typedef struct {
    const Tensor *t;
    float *packed;  /* NULL: tile by tile */
} KeyRows;

/* Is a copy for all tiles worth its way through memory? Where a tile of keys is used once or twice, as in short sequences, it is not. */
static bool key_rows_are_shared(const AttentionTile *tiles, int64_t n_tiles, int64_t n_keys)
{
    int64_t n_uses = 0;
    for (int64_t t = 0; t < n_tiles; t++)
        n_uses += (tiles[t].key_end - tiles[t].key_begin + ATTENTION_KEYS - 1) / ATTENTION_KEYS;
    return n_uses * ATTENTION_KEYS > 2 * n_keys;
}

/* Floats of such a copy. */
static int64_t key_rows_room(const Tensor *t)
{
    return t->shape.dim[0] * t->shape.dim[1] * tile_padded(t->shape.dim[2]);
}

/* Copies all to `packed`, unless that is NULL: row by row, as they lie. */
static KeyRows key_rows_begin(const Tensor *t, float *packed)
{
    int64_t n_keys = t->shape.dim[0], n_heads = t->shape.dim[1], padded = tile_padded(t->shape.dim[2]);
#pragma omp parallel for schedule(static) if (packed != NULL)
    for (int64_t j = 0; j < (packed ? n_keys : 0); j++)
        for (int64_t head = 0; head < n_heads; head++)
            tile_sides(t, j, 1, head, packed + (head * n_keys + j) * padded, NULL);
    return (KeyRows){t, packed};
}

/* The keys behind those up to `end`, before key_end, come near, unless they lie well. */
static void key_rows_fetch(const KeyRows *rows, int64_t end, int64_t key_end, int64_t head)
{
    int64_t n = key_end - end < ATTENTION_KEYS ? key_end - end : ATTENTION_KEYS;
    if (!rows->packed && n > 0)
        tile_rows_fetch(rows->t, end, n, head, 1, false);
}

static Sides key_rows_at(const KeyRows *rows, int64_t key, int64_t n, int64_t head, float *left, float *right)
{
    int64_t padded = tile_padded(rows->t->shape.dim[2]);
    if (!rows->packed)
        return tile_sides(rows->t, key, n, head, left, right);
    return sides_of(rows->packed + (head * rows->t->shape.dim[0] + key) * padded, padded);
}

#endif
