/* attention_forward_kernel.h - the forward of attention; attention.c has the formula and what is promised about bits. A template: of numbers of f32, or of
 * pairs of bf16 (attention_product.h).
 *
 * Up to 64 rows that share a key head are a tile. Scores are made transposed, [key][row], so that a register holds sixteen rows
 * and maximum, exponential and sum go through the keys one by one, each lane a row of its own:
 *
 *     scores^T = K q^T         q turned once; then what the options make of it
 *     m = max, p = exp(scores - reference), l = sum of p    over the keys, in their order
 *     y = (p V) / l            p^T is the left side of the product as it stands, or pair by pair of its rows, rounded
 *
 * The reference is the row's largest score, rounded so coarsely (weight_reference) that the first keys tell it. A tile that is wrong about one, which is
 * seen from the largest score in the end, starts again with what is known by then. So keys are gone through once, nothing is ever rescaled, and neither
 * the place of a tile nor its size can be seen in the result. Tiles of neighbours go through the keys together: a task. A single token has
 * too few rows for this and another way to the same bits: attention_token.h. */
#ifndef ENGINE_OP_ATTENTION_FORWARD_KERNEL_H
#define ENGINE_OP_ATTENTION_FORWARD_KERNEL_H

#include "engine/op/attention_token.h"
#include "engine/op/shares.h"

enum {
    TOGETHER = 8,                                    /* tiles, if there is room */
    ROOM = TOGETHER * 2 * ATTENTION_LANES * 64,      /* floats: of eight tiles of heads 64 wide */
};

typedef struct {
    const Tensor *q, *ranges, *y, *lse;
    KeyRows k, v;
    int64_t heads_a_key_head, width, v_width, first_row;
    const AttentionOptions *options;
    const DropoutAttr *dropout;
    const int32_t *draws;  /* NULL: nothing is dropped */
} Forward;

/* Rows of one tile. Row r is query token + r / heads_a_key_head, head r % heads_a_key_head of the key head's. */
typedef struct {
    int64_t kv_head, token, first, key_begin, key_end;
    Lanes lanes;
    Scoring scoring;
    V16 reference[TILE_VECS], max[TILE_VECS], sum[TILE_VECS];
    bool is_wrong;  /* about a reference */
    float *q;       /* [words, whole vectors][stride] */
    float *y;       /* [n_rows][padded v_width] */
} Rows;

/* What a thread holds: tiles that go through the keys together, and the keys at hand. */
typedef struct {
    int64_t n_rows;
    Rows rows[TOGETHER];
    float room[ROOM];
    float k[ATTENTION_KEYS * ATTENTION_WIDTH_MAX], v[ATTENTION_KEYS * ATTENTION_WIDTH_MAX];
    float scores[ATTENTION_KEYS * ATTENTION_LANES];    /* [key][stride]; then weights, words of keys: [word][stride] */
    float left[ATTENTION_KEYS * ATTENTION_LANES];      /* [key][stride] what dropout leaves of a weight */
} Sweep;

static int64_t row_token(const Forward *f, const Rows *rows, int64_t r)
{
    return rows->token + (rows->first + r) / f->heads_a_key_head;
}

static int64_t row_head(const Forward *f, const Rows *rows, int64_t r)
{
    return rows->kv_head * f->heads_a_key_head + (rows->first + r) % f->heads_a_key_head;
}

/* Neighbours among n rows that are one head's, token after token. */
static int64_t rows_of_a_head(const Forward *f, int64_t n)
{
    return f->heads_a_key_head == 1 ? n : 1;
}

/* Sums start from zero. */
static void rows_clear(const Forward *f, Rows *rows)
{
    memset(rows->y, 0, (size_t)(rows->lanes.n_rows * tile_padded(f->v_width)) * sizeof *rows->y);
    for (int v = 0; v < TILE_VECS; v++)
        rows->sum[v] = v16_zero();
    rows->is_wrong = false;
}

/* `buffer` has room for the rows of q. */
static void rows_begin(const Forward *f, Rows *rows, int64_t n_rows, float *buffer)
{
    int64_t words = tile_padded(tile_words(f->width));
    lanes_init(&rows->lanes, n_rows);
    rows_clear(f, rows);
    rows->scoring = (Scoring){.alibi = f->options->alibi, .softcap = (float)f->options->softcap};
    for (int v = 0; v < TILE_VECS; v++) {
        rows->max[v] = v16_set1(-INFINITY);
        rows->reference[v] = v16_zero();
    }
    for (int64_t r = 0, n = rows_of_a_head(f, n_rows); r < n_rows; r += n)
        tile_sides(f->q, row_token(f, rows, r), n, row_head(f, rows, r), buffer + r * words, NULL);
    for (int64_t r = 0; r < n_rows; r++) {
        int64_t token = row_token(f, rows, r);
        int32_t keys[2];
        attention_keys_of(keys, f->ranges, token, f->first_row, f->options->window);
        lanes_set(&rows->lanes, r, keys);
        if (f->options->alibi)
            rows->scoring.slope[r / 16][r % 16] = (float)attention_alibi_slope(row_head(f, rows, r), tensor_dim(f->q, 1));
    }
    tile_transpose(rows->q, rows->lanes.stride, (Left){buffer, words, 1}, n_rows, tile_words(f->width));
}

/* x where the lane's row sees the key, else `other`. */
SIMD_INLINE V16 where_seen(const Lanes *lanes, int64_t v, int64_t key, V16 x, V16 other)
{
    I16 keys = i16_set1((int32_t)key);
    return v16_select((keys >= lanes->begin[v]) & (keys < lanes->end[v]), x, other);
}

/* The largest of the scores of the keys [begin, end) and of `max`, over what the rows of vector v see. */
static V16 rows_max(const Lanes *lanes, int64_t v, const float *scores, int64_t begin, int64_t end, V16 max)
{
    int64_t from, to;
    lanes_hull(lanes, v, begin, end, &from, &to);
    for (int64_t j = from; j < to; j++)
        max = v16_max(where_seen(lanes, v, begin + j, v16_load(scores + j * lanes->stride + 16 * v), v16_set1(-INFINITY)), max);
    return max;
}

/* Rows whose first keys are among [begin, end) take their references from what is seen of those. */
static void rows_guess(Rows *rows, const float *scores, int64_t begin, int64_t end)
{
    const Lanes *lanes = &rows->lanes;
    for (int64_t v = 0; v < lanes->n_vecs; v++) {
        if (lanes->vec_last_begin[v] < begin)
            continue;
        I16 first = lanes->begin[v];
        V16 max = rows_max(lanes, v, scores, begin, end, rows->max[v]);
        rows->reference[v] = v16_select((first >= i16_set1((int32_t)begin)) & (first < i16_set1((int32_t)end)), weight_reference(max), rows->reference[v]);
    }
}

/* Is a row's largest score by now too large for its reference? */
static bool rows_are_wrong(const Rows *rows)
{
    I16 wrong = {0};
    for (int64_t v = 0; v < rows->lanes.n_vecs; v++)
        wrong |= weight_reference(rows->max[v]) > rows->reference[v];
    return v16_max_of(v16_select(wrong, v16_set1(1.0f), v16_zero())) > 0.0f;
}

/* A row's weight of key j beside its reference: of vector i among those at hand. */
typedef struct {
    V16 sum[TILE_VECS], max[TILE_VECS], reference[TILE_VECS];
} Weighing;

SIMD_INLINE V16 rows_weight(const Lanes *lanes, Weighing *w, int64_t v, int i, int64_t key, const float *score_at, const float *left_at, const bool all,
                            const bool drops)
{
    V16 score = v16_load(score_at + 16 * i);
    score = all ? score : where_seen(lanes, v + i, key, score, v16_set1(-INFINITY));
    w->max[i] = v16_max(score, w->max[i]);
    V16 p = v16_exp_weight(score - w->reference[i]);
    p = all ? p : where_seen(lanes, v + i, key, p, v16_zero());
    w->sum[i] += p;
    return drops ? p * v16_load(left_at + 16 * i) : p;
}

/* Scores of n neighbouring vectors of rows, from v on, become weights and are summed: the keys begin + [from, to), whole words. Words of weights lie in
 * the place of scores that were used before. */
SIMD_INLINE void rows_weigh_vectors(Rows *rows, Sweep *s, int64_t v, const int n, int64_t begin, int64_t from, int64_t to, const bool all,
                                    const bool drops)
{
    const Lanes *lanes = &rows->lanes;
    const int64_t stride = lanes->stride;
    Weighing w;
    TILE_UNROLL for (int i = 0; i < n; i++)
        w.sum[i] = rows->sum[v + i], w.max[i] = rows->max[v + i], w.reference[i] = rows->reference[v + i];
    const float *scores = s->scores + from * stride + 16 * v, *left = s->left + from * stride + 16 * v;
    float *words = s->scores + from / TILE_TERMS * stride + 16 * v;
    for (int64_t j = from; j < to; j += TILE_TERMS, scores += TILE_TERMS * stride, left += TILE_TERMS * stride, words += stride)
        TILE_UNROLL for (int i = 0; i < n; i++) {
            V16 p[TILE_TERMS];
            TILE_UNROLL for (int t = 0; t < TILE_TERMS; t++)
                p[t] = rows_weight(lanes, &w, v, i, begin + j + t, scores + t * stride, left + t * stride, all, drops);
            v16_store(words + 16 * i, words_across(p));
        }
    TILE_UNROLL for (int i = 0; i < n; i++)
        rows->sum[v + i] = w.sum[i], rows->max[v + i] = w.max[i];
}

static void rows_weigh(const Forward *f, Sweep *s, Rows *rows, int64_t begin, int64_t end)
{
    const Lanes *lanes = &rows->lanes;
    const bool all = lanes_see_words(lanes, begin, end), drops = f->draws != NULL;
    for (int64_t r = 0; r < lanes->n_rows && drops; r++)
        row_dropout(s->left, lanes, r, f->dropout, f->draws + 3 * row_token(f, rows, r), row_head(f, rows, r), begin, end);
    if (all && !drops && lanes->n_vecs == TILE_VECS) {
        rows_weigh_vectors(rows, s, 0, TILE_VECS, begin, 0, end - begin, true, false);
        return;
    }
    for (int64_t v = 0, from, to; v < lanes->n_vecs; v++) {
        lanes_hull(lanes, v, begin, end, &from, &to);
        if (drops)
            rows_weigh_vectors(rows, s, v, 1, begin, from, to, false, true);
        else
            rows_weigh_vectors(rows, s, v, 1, begin, from, to, false, false);
    }
}

/* The keys [begin, end): scores, weights, and the values that these weigh. */
static void rows_keys(const Forward *f, Sweep *s, Rows *rows, Left k, Right values, int64_t begin, int64_t end)
{
    const Lanes *lanes = &rows->lanes;
    lanes_product(lanes, s->scores, k, rows->q, tile_words(f->width), begin, end, (float)f->options->scale);
    lanes_score(lanes, &rows->scoring, s->scores, begin, end);
    if (rows->is_wrong) {
        for (int64_t v = 0; v < lanes->n_vecs; v++)
            rows->max[v] = rows_max(lanes, v, s->scores, begin, end, rows->max[v]);
        return;
    }
    rows_guess(rows, s->scores, begin, end);
    rows_weigh(f, s, rows, begin, end);
    rows->is_wrong = rows_are_wrong(rows);
    if (rows->is_wrong)
        return;
    Left p = {s->scores, 1, lanes->stride};
    int64_t padded = tile_padded(f->v_width);
    if (lanes_see_words(lanes, begin, end)) {
        tile_product(rows->y, padded, p, values, lanes->n_rows, padded / 16, (end - begin) / TILE_TERMS, NULL);
    } else {
        uint64_t seen[ATTENTION_LANES];
        lanes_mask(lanes, seen, begin, end);
        tile_product_masked(rows->y, padded, p, values, lanes->n_rows, padded / 16, seen);
    }
}

static void rows_finish(const Forward *f, Rows *rows)
{
    int64_t padded = tile_padded(f->v_width), n_heads = tensor_dim(f->y, 1);
    const Lanes *lanes = &rows->lanes;
    V16 lse[TILE_VECS], inverse[TILE_VECS];
    for (int64_t v = 0; v < lanes->n_vecs; v++) {
        lse[v] = weight_lse(rows->reference[v], rows->sum[v]);
        inverse[v] = 1.0f / rows->sum[v];
    }
    for (int64_t r = 0; r < lanes->n_rows; r++) {
        int64_t token = row_token(f, rows, r), head = row_head(f, rows, r), lane = r % 16;
        bool empty = lanes->begin[r / 16][lane] >= lanes->end[r / 16][lane];
        float *y = rows->y + r * padded;
        for (int64_t i = 0; i < padded && !empty; i += 16)
            v16_store(y + i, v16_load(y + i) * inverse[r / 16][lane]);
        ((float *)f->lse->data)[token * n_heads + head] = empty ? -INFINITY : lse[r / 16][lane];
    }
    for (int64_t r = 0, n = rows_of_a_head(f, lanes->n_rows); r < lanes->n_rows; r += n)
        tile_rows_store(f->y, row_token(f, rows, r), n, row_head(f, rows, r), rows->y + r * padded);
}

/* n tiles go through the keys that they see. */
static void sweep_keys(const Forward *f, Sweep *s, Rows *rows, int64_t n)
{
    int64_t key_begin = INT64_MAX, key_end = 0;
    for (int64_t i = 0; i < n; i++)
        if (rows[i].key_begin < rows[i].key_end) {
            key_begin = rows[i].key_begin < key_begin ? rows[i].key_begin : key_begin;
            key_end = rows[i].key_end > key_end ? rows[i].key_end : key_end;
        }
    for (int64_t j = key_begin; j < key_end; j += ATTENTION_KEYS) {
        int64_t end = key_end - j < ATTENTION_KEYS ? key_end : j + ATTENTION_KEYS;
        Left k = key_rows_at(&f->k, j, end - j, rows->kv_head, s->k, NULL).left;
        Right v = key_rows_at(&f->v, j, end - j, rows->kv_head, NULL, s->v).right;
        key_rows_fetch(&f->k, end, key_end, rows->kv_head);
        key_rows_fetch(&f->v, end, key_end, rows->kv_head);
        for (int64_t i = 0; i < n; i++) {
            int64_t from = rows[i].key_begin > j ? rows[i].key_begin : j, to = rows[i].key_end < end ? rows[i].key_end : end;
            from -= (from - j) % TILE_TERMS;
            if (from < to)
                rows_keys(f, s, &rows[i], left_at(k, from - j, 0), right_at(v, (from - j) / TILE_TERMS), from, to);
        }
    }
}

static void sweep_run(const Forward *f, Sweep *s)
{
    sweep_keys(f, s, s->rows, s->n_rows);
    for (int64_t i = 0; i < s->n_rows; i++) {
        Rows *rows = &s->rows[i];
        if (rows->is_wrong) {
            rows_clear(f, rows);
            for (int64_t v = 0; v < rows->lanes.n_vecs; v++)
                rows->reference[v] = weight_reference(rows->max[v]);
            sweep_keys(f, s, rows, 1);
        }
        rows_finish(f, rows);
    }
    s->n_rows = 0;
}

/* One token over a cache: too few rows for lanes. */
static bool is_token(const Forward *f, const AttentionTile *tile)
{
    return tile->token_end - tile->token_begin == 1 && f->heads_a_key_head <= ATTENTION_TOKEN_HEADS && !f->k.packed && !f->draws;
}

static void forward_token(const Forward *f, const AttentionTile *tile, int64_t kv_head, int64_t next_kv_head)
{
    TokenRows rows;
    rows.q = f->q;
    rows.k = f->k.t;
    rows.v = f->v.t;
    rows.y = f->y;
    rows.lse = f->lse;
    rows.options = f->options;
    rows.token = tile->token_begin;
    rows.kv_head = kv_head;
    rows.next_kv_head = next_kv_head;
    rows.n_rows = f->heads_a_key_head;
    rows.key_begin = tile->key_begin;
    rows.key_end = tile->key_end;
    token_run(&rows);
}

/* Adds a tile's rows to the sweep, and goes through the keys whenever it is full. */
static void forward_tile(const Forward *f, Sweep *s, const AttentionTile *tile, int64_t kv_head)
{
    int64_t n_rows = (tile->token_end - tile->token_begin) * f->heads_a_key_head, q_floats = tile_padded(f->width) * ATTENTION_LANES;
    int64_t floats = q_floats + tile_padded(f->v_width) * ATTENTION_LANES;
    for (int64_t first = 0; first < n_rows; first += ATTENTION_LANES) {
        Rows *rows = &s->rows[s->n_rows];
        rows->kv_head = kv_head;
        rows->token = tile->token_begin;
        rows->first = first;
        rows->key_begin = tile->key_begin;
        rows->key_end = tile->key_end;
        rows->q = s->room + s->n_rows * floats;
        rows->y = rows->q + q_floats;
        rows_begin(f, rows, n_rows - first < ATTENTION_LANES ? n_rows - first : ATTENTION_LANES, s->k);
        if (++s->n_rows == TOGETHER || (s->n_rows + 1) * floats > ROOM)
            sweep_run(f, s);
    }
}

/* What the task of a tile and a key head reads. */
static void fetch_task(const Forward *f, const AttentionTile *tile, int64_t kv_head)
{
    tile_rows_fetch(f->q, tile->token_begin, tile->token_end - tile->token_begin, kv_head * f->heads_a_key_head, f->heads_a_key_head, false);
    tile_rows_fetch(f->k.t, tile->key_begin, tile->key_end - tile->key_begin, kv_head, 1, false);
    tile_rows_fetch(f->v.t, tile->key_begin, tile->key_end - tile->key_begin, kv_head, 1, false);
}

/* Bundle i of the tiles, `together` of them: a task. */
static void forward_bundle(const Forward *f, const AttentionTile *tiles, int64_t n_tiles, int64_t together, int64_t bundle, int64_t kv_head,
                           const AttentionTile *next, int64_t next_kv_head)
{
    tiles += bundle * together;
    n_tiles -= bundle * together;
    n_tiles = n_tiles < together ? n_tiles : together;
    if (n_tiles == 1 && is_token(f, tiles)) {
        forward_token(f, tiles, kv_head, -1);
        return;
    }
    Sweep sweep;
    sweep.n_rows = 0;
    for (int64_t t = 0; t < n_tiles; t++)
        forward_tile(f, &sweep, &tiles[t], kv_head);
    if (next) {
        fetch_task(f, next, next_kv_head);
        tile_rows_fetch(f->y, tiles->token_begin, tiles->token_end - tiles->token_begin, kv_head * f->heads_a_key_head, f->heads_a_key_head, true);
    }
    if (sweep.n_rows > 0)
        sweep_run(f, &sweep);
}

/* How many tiles of queries go through the keys together, so that keys and values that come from afar come once for all of
 * them: 1 where what a tile sees stays in the second-level cache anyway, then more, as far as `most`. */
static int64_t tiles_together(const AttentionTile *tiles, int64_t n_tiles, const Tensor *k, const Tensor *v, int64_t most)
{
    const int64_t near_bytes = 64 << 10;
    int64_t n_seen = 0, key_bytes = (tile_padded(k->shape.dim[2]) + tile_padded(v->shape.dim[2])) * (int64_t)sizeof(float);
    for (int64_t t = 0; t < n_tiles; t++)
        n_seen += tiles[t].key_end - tiles[t].key_begin;
    int64_t n = n_tiles > 0 ? n_seen / n_tiles * key_bytes / near_bytes : 1;
    return n < 1 ? 1 : n > most ? most : n;
}

/* Counted in multiplications, not in rows: one row that decodes may see a long cache. */
static bool is_worth_threads(const Forward *f, const AttentionTile *tiles, int64_t n_tiles)
{
    int64_t n_pairs = 0;
    for (int64_t t = 0; t < n_tiles; t++)
        n_pairs += (int64_t)(tiles[t].token_end - tiles[t].token_begin) * (tiles[t].key_end - tiles[t].key_begin);
    return n_pairs * f->q->shape.dim[1] * (f->width + f->v_width) > 4 * PARALLEL_MIN;
}

/* Share i of n of one token, head by head: a thread goes through neighbours, so it knows what to fetch next. */
static void forward_share(const Forward *f, const AttentionTile *tile, int i, int n)
{
    const int64_t kv_heads = f->k.t->shape.dim[1], end = share_begin(kv_heads, i + 1, n);
    for (int64_t head = share_begin(kv_heads, i, n); head < end; head++)
        forward_token(f, tile, head, head + 1 < end ? head + 1 : -1);
}

static void attention_forward(const KernelCall *call)
{
    const AttentionAttr *attr = call->attr;
    const Tensor *k = &call->in[1], *v = &call->in[2];
    Forward f = {.q = &call->in[0], .ranges = &call->in[3], .first_row = call->first_row, .y = &call->out[0], .lse = &call->out[1],
                 .options = &attr->options, .dropout = &attr->dropout, .draws = call->in[ATTENTION_DRAWS].data};
    int64_t kv_heads = k->shape.dim[1];
    f.heads_a_key_head = f.q->shape.dim[1] / kv_heads;
    f.width = k->shape.dim[2];
    f.v_width = v->shape.dim[2];
    float *packed = call->workspace;
    int64_t k_room = attr->is_self ? key_rows_room(k) : 0, v_room = attr->is_self ? key_rows_room(v) : 0;
    AttentionTile *tiles = (AttentionTile *)(packed + k_room + v_room);
    if (call->n_shares > 0) {  /* of one token, which sees keys of a cache */
        AttentionTile tile;
        f.k = key_rows_begin(k, NULL);
        f.v = key_rows_begin(v, NULL);
        if (attention_cut(f.ranges, 0, attr->options.window, k->shape.dim[0], 1, &tile) == 1)
            forward_share(&f, &tile, call->share, call->n_shares);
        return;
    }
    int64_t tokens_max = f.heads_a_key_head < ATTENTION_LANES ? ATTENTION_LANES / f.heads_a_key_head : 1;
    int64_t n_tiles = attention_cut(f.ranges, call->first_row, attr->options.window, k->shape.dim[0], tokens_max, tiles);
    int64_t together = tiles_together(tiles, n_tiles, k, v, TOGETHER), n_bundles = (n_tiles + together - 1) / together, n_tasks = n_bundles * kv_heads;
    bool is_long = !attr->is_self || key_rows_are_shared(tiles, n_tiles, k->shape.dim[0]), is_packed = attr->is_self && is_long && TILE_TERMS == 1;
    f.k = key_rows_begin(k, is_packed ? packed : NULL);
    f.v = key_rows_begin(v, is_packed ? packed + k_room : NULL);
    /* Late tiles see more keys than early ones: the long tasks go first. Short sequences have tasks of one size, and a thread takes the rows that
     * it met in the operator before. */
    bool is_worth = is_worth_threads(&f, tiles, n_tiles);
    if (n_tiles == 1 && is_token(&f, tiles)) {
#pragma omp parallel if (is_worth)
        forward_share(&f, tiles, omp_get_thread_num(), omp_get_num_threads());
        return;
    }
    if (is_long) {
#pragma omp parallel for schedule(dynamic) if (is_worth)
        for (int64_t task = 0; task < n_tasks; task++)
            forward_bundle(&f, tiles, n_tiles, together, n_bundles - 1 - task % n_bundles, task / n_bundles, NULL, 0);
    } else {
#pragma omp parallel for schedule(static) if (is_worth)
        for (int64_t task = 0; task < n_tasks; task++)
            forward_bundle(&f, tiles, n_tiles, together, task / kv_heads, task % kv_heads,
                           task + 1 < n_tasks ? &tiles[(task + 1) / kv_heads * together] : NULL, (task + 1) % kv_heads);
    }
}

#endif
