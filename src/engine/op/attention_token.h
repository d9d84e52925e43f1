/* attention_token.h - the forward of one token, which is decode: its rows, the query heads of a key head, see the same keys.
 *
 * One row would fill one of the sixteen lanes of attention_forward_kernel.h's tiles. Here the lanes are keys: they are turned on their way from memory, which is
 * what such a token waits for; for one row in registers, for several into [width][64 keys]. While a window of rows is used the next one is fetched: of
 * keys, then of values, then of the next head's keys, so that memory is never idle. A core that follows one stream best (cpu_reads_streams) is only shown
 * the order of keys: with anything fetched or touched amid the products it reads at half the rate. Every sum is the one that attention.c promises, one
 * multiply-add after the other, hence the same bits. */
#ifndef ENGINE_OP_ATTENTION_TOKEN_H
#define ENGINE_OP_ATTENTION_TOKEN_H

#include "engine/op/attention_tile.h"

enum {
    TOKEN_ROWS = ATTENTION_TOKEN_HEADS,
    TOKEN_SCORES = 8192 * TOKEN_ROWS,        /* held: of fewer keys the more rows there are */
    TOKEN_STEP = 16,                         /* keys turned, or values taken, at a time */
    TOKEN_WINDOW = 256,                      /* keys fetched while as many before them are used, at most: they wait in the second cache */
    TOKEN_STREAMS = 4,                       /* in which a window is fetched, where a core reads several streams faster than one (cpu_reads_streams) */
};

typedef struct {
    const Tensor *q, *k, *v, *y, *lse;
    const AttentionOptions *options;
    int64_t token, kv_head, n_rows, key_begin, key_end, stride;  /* stride: keys whose scores are held, a row */
    int64_t window;                                              /* keys: token_window */
    int64_t next_kv_head;                                        /* that this thread comes to then; -1: none */
    bool fetches;                                                /* what comes next; else memory is read in order */
    float max[TOKEN_ROWS], sum[TOKEN_ROWS], slope[TOKEN_ROWS];
    float rows[TOKEN_ROWS * ATTENTION_WIDTH_MAX];                /* of q: [row][words, whole vectors] */
    float total[TOKEN_ROWS * ATTENTION_WIDTH_MAX];               /* of y */
    float turned[ATTENTION_KEYS * ATTENTION_WIDTH_MAX];          /* [words, whole vectors][64] */
    float copy[TOKEN_STEP * ATTENTION_WIDTH_MAX];
    float scores[TOKEN_SCORES];                                  /* [row][key] */
} TokenRows;

static int64_t token_head(const TokenRows *t, int64_t row)
{
    return t->kv_head * t->n_rows + row;
}

/* Where TOKEN_STEP rows lie that will be needed: row i at stream[i % 4] + i / 4 * row_bytes. */
typedef struct {
    const char *stream[TOKEN_STREAMS];
    int64_t row_bytes;
} TokenAhead;

SIMD_INLINE int64_t token_bytes(DType dtype)
{
    return dtype == DTYPE_F32 ? 4 : 2;
}

static const char *token_row(const Tensor *of, int64_t key, int64_t head)
{
    return (const char *)of->data + (key * of->stride[0] + head * of->stride[1]) * token_bytes(of->dtype);
}

/* Windows are even and whole steps. */
static int64_t token_window(int64_t n_keys)
{
    int64_t n_windows = n_keys / TOKEN_WINDOW + 1, n = n_keys / n_windows + 1;
    return (n + TOKEN_STEP - 1) / TOKEN_STEP * TOKEN_STEP;
}

/* What to fetch while the step at `key` is used: a part of the next window of the keys, then of the values, then of the next head's keys; where nothing
 * comes, what is at hand. What would lie behind the last key is that key. */
static TokenAhead token_ahead(const TokenRows *t, const Tensor *of, int64_t key)
{
    const int64_t n_keys = t->key_end - t->key_begin, window = t->window, quarter = window / TOKEN_STREAMS, done = (key - t->key_begin) / window * window;
    int64_t next = done + window, part = (key - t->key_begin - done) / TOKEN_STREAMS, head = t->kv_head;
    if (next >= n_keys) {
        head = of == t->k ? head : t->next_kv_head;
        of = of == t->k ? t->v : t->k;
        next = 0;
    }
    TokenAhead ahead = {.row_bytes = of->stride[0] * token_bytes(of->dtype)};
    for (int64_t s = 0; s < TOKEN_STREAMS; s++) {
        int64_t row = next + s * quarter + part, last = n_keys - TOKEN_STEP / TOKEN_STREAMS;
        row = row < last ? row : last > 0 ? last : 0;
        ahead.stream[s] = head >= 0 ? token_row(of, t->key_begin + row, head) : token_row(t->v, key, t->kv_head);
    }
    return ahead;
}

/* Nothing where nothing is fetched, which the compiler sees. */
SIMD_INLINE void token_fetch_row(const TokenAhead *ahead, int64_t i, int64_t offset)
{
    uint64_t row = (uint64_t)i;
    if (ahead)
        __builtin_prefetch(ahead->stream[row % TOKEN_STREAMS] + (int64_t)(row / TOKEN_STREAMS) * ahead->row_bytes + offset);
}

static void token_fetch(const TokenRows *t, const Tensor *of, int64_t key)
{
    if (!t->fetches)
        return;
    TokenAhead ahead = token_ahead(t, of, key);
    for (int64_t i = 0; i < TOKEN_STEP; i++)
        for (int64_t b = 0; b < of->shape.dim[2] * token_bytes(of->dtype); b += 64)
            token_fetch_row(&ahead, i, b);
}

/* Are n rows whole vectors of words as they lie, as many as are taken at a time? */
static bool token_lies_well(const Tensor *of, int64_t n)
{
    return of->dtype == (TILE_TERMS == 1 ? DTYPE_F32 : DTYPE_BF16) && of->shape.dim[2] % (16 * TILE_TERMS) == 0 && of->stride[0] % TILE_TERMS == 0 &&
           n == TOKEN_STEP;
}

/* Sixteen keys as words in whole vectors, those from n on zeros: where they lie, or copied. */
static Left token_keys(TokenRows *t, int64_t key, int64_t n)
{
    const Tensor *of = t->k;
    const int64_t words = tile_padded(tile_words(of->shape.dim[2]));
    if (token_lies_well(of, n))
        return (Left){tile_row(of, key, t->kv_head), of->stride[0] / TILE_TERMS, 1};
    memset(t->copy + n * words, 0, (size_t)((TOKEN_STEP - n) * words) * sizeof *t->copy);
    return tile_sides(of, key, n, t->kv_head, t->copy, NULL).left;
}

/* Keys are turned column by column, an order that no core foresees: where nothing is fetched, a line of each is read as they lie, before. */
static void token_touch_keys(const TokenRows *t, int64_t key, int64_t n)
{
    for (int64_t i = 0; i < n && !t->fetches; i++)
        for (int64_t b = 0; b < t->k->shape.dim[2] * token_bytes(t->k->dtype); b += 64)
            (void)*(const volatile char *)(token_row(t->k, key + i, t->kv_head) + b);
}

/* to[w][i] = word w of key i: of sixteen. */
static void token_turn_words(float *to, Left from, int64_t n_words)
{
    for (int64_t c = 0; c < n_words; c += 16, to += 16 * ATTENTION_KEYS) {
        V16 rows[16];
        TILE_UNROLL16 for (int i = 0; i < 16; i++)
            rows[i] = v16_load(from.a + i * from.row_stride + c);
        tile_turn(rows);
        TILE_UNROLL16 for (int i = 0; i < 16; i++)
            v16_store(to + i * ATTENTION_KEYS, rows[i]);
    }
}

/* The same of bf16 to be multiplied as f32, width a multiple of 32: pairs of components are turned as words, and then become f32. */
static void token_turn_pairs(float *to, const char *from, int64_t row_bytes, int64_t width)
{
    for (int64_t c = 0; c < width; c += 32, to += 32 * ATTENTION_KEYS, from += 64) {
        V16 rows[16];
        TILE_UNROLL16 for (int i = 0; i < 16; i++)
            rows[i] = v16_load((const float *)(from + i * row_bytes));
        tile_turn(rows);
        TILE_UNROLL16 for (int i = 0; i < 16; i++) {
            v16_store(to + 2 * i * ATTENTION_KEYS, (V16)((I16)rows[i] << 16));
            v16_store(to + (2 * i + 1) * ATTENTION_KEYS, (V16)((I16)rows[i] & i16_set1(-65536)));
        }
    }
}

/* Whether keys of bf16 become f32 on their way, whole vectors of them. */
static bool token_widens(const TokenRows *t, int64_t n)
{
    return TILE_TERMS == 1 && t->k->dtype == DTYPE_BF16 && t->k->shape.dim[2] % 32 == 0 && n == TOKEN_STEP;
}

/* turned[w][i] = word w of key first + i, for whole vectors of keys. */
static void token_turn_keys(TokenRows *t, int64_t first, int64_t n)
{
    const Tensor *k = t->k;
    int64_t width = k->shape.dim[2];
    for (int64_t r = 0; r < n; r += TOKEN_STEP) {
        int64_t here = n - r < TOKEN_STEP ? n - r : TOKEN_STEP;
        token_touch_keys(t, first + r, here);
        token_fetch(t, k, first + r);
        if (token_widens(t, here))
            token_turn_pairs(t->turned + r, token_row(k, first + r, t->kv_head), 2 * k->stride[0], width);
        else
            token_turn_words(t->turned + r, token_keys(t, first + r, here), tile_words(width));
    }
}

/* Products of one row and sixteen keys; a line of what is fetched ahead for each that is used. */
SIMD_INLINE V16 token_products_words(const float *row, Left from, int64_t n_words, const TokenAhead *ahead)
{
    V16 sum = v16_zero();
    for (int64_t c = 0; c < n_words; c += 16) {
        V16 rows[16];
        TILE_UNROLL16 for (int i = 0; i < 16; i++) {
            token_fetch_row(ahead, i, 4 * c);
            rows[i] = v16_load(from.a + i * from.row_stride + c);
        }
        tile_turn(rows);
        TILE_UNROLL16 for (int i = 0; i < 16; i++)
            sum = words_fma(v16_set1(row[c + i]), rows[i], sum);
    }
    return sum;
}

/* The same of bf16 to be multiplied as f32, see token_turn_pairs. */
SIMD_INLINE V16 token_products_pairs(const float *row, const char *from, int64_t row_bytes, int64_t width, const TokenAhead *ahead)
{
    V16 sum = v16_zero();
    for (int64_t c = 0; c < width; c += 32, from += 64) {
        V16 rows[16];
        TILE_UNROLL16 for (int i = 0; i < 16; i++) {
            token_fetch_row(ahead, i, 2 * c);
            rows[i] = v16_load((const float *)(from + i * row_bytes));
        }
        tile_turn(rows);
        TILE_UNROLL16 for (int i = 0; i < 16; i++) {
            sum = v16_fma(v16_set1(row[c + 2 * i]), (V16)((I16)rows[i] << 16), sum);
            sum = v16_fma(v16_set1(row[c + 2 * i + 1]), (V16)((I16)rows[i] & i16_set1(-65536)), sum);
        }
    }
    return sum;
}

/* Scaled products of one row and a step's keys, n of sixteen. */
SIMD_INLINE V16 token_step(TokenRows *t, int64_t key, int64_t n, const TokenAhead *ahead)
{
    const Tensor *k = t->k;
    const int64_t width = k->shape.dim[2];
    V16 sum = token_widens(t, n) ? token_products_pairs(t->rows, token_row(k, key, t->kv_head), 2 * k->stride[0], width, ahead)
                                 : token_products_words(t->rows, token_keys(t, key, n), tile_words(width), ahead);
    return sum * (float)t->options->scale;
}

/* Those of n keys, these whole vectors of words: no key is needed twice, so they stay in registers. */
static void token_products(TokenRows *t, float *products, int64_t first, int64_t n)
{
    for (int64_t r = 0; r < n; r += TOKEN_STEP) {
        int64_t here = n - r < TOKEN_STEP ? n - r : TOKEN_STEP;
        if (t->fetches) {
            const TokenAhead ahead = token_ahead(t, t->k, first + r);
            v16_store(products + r, token_step(t, first + r, here, &ahead));
        } else {
            token_touch_keys(t, first + r, here);
            v16_store(products + r, token_step(t, first + r, here, NULL));
        }
    }
}

static void token_begin(TokenRows *t)
{
    int64_t words = tile_padded(tile_words(t->q->shape.dim[2]));
    t->fetches = cpu_reads_streams();
    t->window = token_window(t->key_end - t->key_begin);
    t->stride = TOKEN_SCORES / t->n_rows / ATTENTION_KEYS * ATTENTION_KEYS;
    memset(t->total, 0, (size_t)(t->n_rows * tile_padded(t->v->shape.dim[2])) * sizeof *t->total);
    for (int64_t r = 0; r < t->n_rows; r++) {
        tile_sides(t->q, t->token, 1, token_head(t, r), t->rows + r * words, NULL);
        t->max[r] = -INFINITY;
        t->sum[r] = 0.0f;
        t->slope[r] = t->options->alibi ? (float)attention_alibi_slope(token_head(t, r), tensor_dim(t->q, 1)) : 0.0f;
    }
}

/* What the options make of sixteen scores of one row, the first that of key j. */
SIMD_INLINE V16 token_score(const TokenRows *t, int64_t row, int64_t j, V16 score)
{
    const I16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const float cap = (float)t->options->softcap;
    if (t->options->alibi)
        score = v16_fma(v16_set1(t->slope[row]), __builtin_convertvector(i16_set1((int32_t)(j + 1 - t->key_end)) + lane, V16), score);
    return cap > 0.0f ? v16_tanh(score / cap) * cap : score;
}

/* Scores of n keys, from `first` on, and their maximum. */
static void token_score_keys(TokenRows *t, float *scores, int64_t first, int64_t n)
{
    const I16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const int64_t words = tile_words(t->k->shape.dim[2]);
    const float scale = (float)t->options->scale;
    if (t->n_rows == 1 && words % 16 == 0) {
        token_products(t, scores, first, n);
    } else {
        token_turn_keys(t, first, n);
        tile_product(scores, t->stride, (Left){t->rows, tile_padded(words), 1}, (Right){t->turned, ATTENTION_KEYS}, t->n_rows, (n + 15) / 16, words, &scale);
    }
    for (int64_t r = 0; r < t->n_rows; r++) {
        float *row = scores + r * t->stride;
        V16 max = v16_set1(t->max[r]);
        for (int64_t i = 0; i < n; i += 16) {
            V16 score = token_score(t, r, first + i, v16_load(row + i));
            v16_store(row + i, score);
            max = v16_max(n - i < 16 ? v16_select(lane < i16_set1((int32_t)(n - i)), score, v16_set1(-INFINITY)) : score, max);
        }
        t->max[r] = v16_max_of(max);
    }
}

/* total += weights times n values; and *weight_sum += the weights, if it is there: one chain of additions more beside those of the columns. */
SIMD_INLINE void token_add_columns(float *total, const float *weights, float *weight_sum, const Tensor *of, const char *values, int64_t offset,
                                   const TokenAhead *ahead, int64_t n, const DType dtype, const int n_vecs)
{
    const int64_t row_bytes = of->stride[0] * token_bytes(dtype);
    V16 sum[4];
    _Alignas(64) float words[TOKEN_STEP];
    v16_store(words, words_single(v16_load(weights)));
    float of_weights = weight_sum ? *weight_sum : 0.0f;
    TILE_UNROLL for (int v = 0; v < n_vecs; v++)
        sum[v] = v16_load(total + 16 * v);
    for (int64_t i = 0; i < n; i++, values += row_bytes) {
        of_weights += weights[i];
        TILE_UNROLL for (int v = 0; v < n_vecs; v += dtype == DTYPE_F32 ? 1 : 2)
            token_fetch_row(ahead, i, offset + 16 * v * token_bytes(dtype));
        TILE_UNROLL for (int v = 0; v < n_vecs; v++)
            sum[v] = words_fma(v16_set1(words[i]), load16(values + offset, dtype, 16 * v, 16 * n_vecs), sum[v]);
    }
    TILE_UNROLL for (int v = 0; v < n_vecs; v++)
        v16_store(total + 16 * v, sum[v]);
    if (weight_sum)
        *weight_sum = of_weights;
}

/* n values of one row, the width whole vectors: halves are widened on their way, as nobody else needs them. */
SIMD_INLINE void token_add_step(TokenRows *t, const float *weights, int64_t first, int64_t n, const TokenAhead *ahead)
{
    const Tensor *of = t->v;
    const int64_t width = of->shape.dim[2], n_bytes = token_bytes(of->dtype);
    const char *values = token_row(of, first, t->kv_head);
    for (int64_t c = 0, n_here; c < width; c += n_here) {
        float *weight_sum = c == 0 ? t->sum : NULL;
        n_here = width - c >= 64 ? 64 : 16;
        if (n_here == 64)
            WITH_FAST_DTYPE(of->dtype, D, token_add_columns(t->total + c, weights, weight_sum, of, values, c * n_bytes, ahead, n, D, 4))
        else
            WITH_FAST_DTYPE(of->dtype, D, token_add_columns(t->total + c, weights, weight_sum, of, values, c * n_bytes, ahead, n, D, 1))
    }
}

static void token_add_values(TokenRows *t, const float *weights, int64_t first, int64_t n)
{
    if (t->fetches) {
        const TokenAhead ahead = token_ahead(t, t->v, first);
        token_add_step(t, weights, first, n, &ahead);
    } else {
        token_add_step(t, weights, first, n, NULL);
    }
}

/* The same of any rows and widths. */
static void token_add_rows(TokenRows *t, const float *weights, int64_t first, int64_t n)
{
    const I16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    int64_t padded = tile_padded(t->v->shape.dim[2]);
    float words[TOKEN_ROWS * TOKEN_STEP];
    for (int64_t r = 0; r < t->n_rows; r++) {
        for (int64_t i = 0; i < n; i++)
            t->sum[r] += weights[r * t->stride + i];
        words_store_along(words + r * TOKEN_STEP, v16_select(lane < i16_set1((int32_t)n), v16_load(weights + r * t->stride), v16_set1(-0.0f)));
    }
    Right values = TILE_TERMS == 1 && token_lies_well(t->v, n) ? (Right){tile_row(t->v, first, t->kv_head), t->v->stride[0]}
                                                               : tile_sides(t->v, first, n, t->kv_head, NULL, t->copy).right;
    tile_product(t->total, padded, (Left){words, TOKEN_STEP, 1}, values, t->n_rows, padded / 16, tile_words(n), NULL);
}

/* Scores become exponentials, which are summed, one after the other, and weigh the values. */
static void token_weigh(TokenRows *t, float *scores, int64_t first, int64_t n)
{
    for (int64_t r = 0; r < t->n_rows; r++) {
        float *row = scores + r * t->stride;
        const V16 reference = weight_reference(v16_set1(t->max[r]));
        for (int64_t i = 0; i < n; i += 16)
            v16_store(row + i, v16_exp_weight(v16_load(row + i) - reference));
    }
    for (int64_t i = 0; i < n; i += TOKEN_STEP) {
        int64_t here = n - i < TOKEN_STEP ? n - i : TOKEN_STEP;
        if (t->n_rows == 1 && t->v->shape.dim[2] % 16 == 0) {
            token_add_values(t, scores + i, first + i, here);
        } else {
            token_fetch(t, t->v, first + i);
            token_add_rows(t, scores + i, first + i, here);
        }
    }
}

static void token_finish(TokenRows *t)
{
    int64_t padded = tile_padded(t->v->shape.dim[2]), n_heads = tensor_dim(t->y, 1);
    bool empty = t->key_begin >= t->key_end;
    for (int64_t r = 0; r < t->n_rows; r++) {
        float *y = t->total + r * padded, inverse = 1.0f / t->sum[r];
        for (int64_t i = 0; i < padded && !empty; i += 16)
            v16_store(y + i, v16_load(y + i) * inverse);
        tile_rows_store(t->y, t->token, 1, token_head(t, r), y);
        ((float *)t->lse->data)[t->token * n_heads + token_head(t, r)] =
            empty ? -INFINITY : weight_lse(weight_reference(v16_set1(t->max[r])), v16_set1(t->sum[r]))[0];
    }
}

/* The maximum comes before the first exponential: where not all scores are held, they are computed a second time. */
static void token_run(TokenRows *t)
{
    token_begin(t);
    bool again = t->key_end - t->key_begin > t->stride;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t j = t->key_begin; j < t->key_end; j += ATTENTION_KEYS) {
            int64_t n = t->key_end - j < ATTENTION_KEYS ? t->key_end - j : ATTENTION_KEYS;
            float *scores = t->scores + (again ? 0 : j - t->key_begin);
            if (pass == 0 || again)
                token_score_keys(t, scores, j, n);
            if (pass == 1)
                token_weigh(t, scores, j, n);
        }
    token_finish(t);
}

#endif
