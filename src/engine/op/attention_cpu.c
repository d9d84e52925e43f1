/* attention_cpu.c - the forward of attention; attention.c has the formula and what is promised about bits.
 *
 * A task is a tile of up to 64 rows that share a key head. Scores are made transposed, [key][row], so that a register holds sixteen rows
 * and maximum, exponential and sum go through the keys one by one, each lane a row of its own:
 *
 *     scores^T = K q^T         q^T packed once, K read where it lies; then what the options make of it
 *     m = max, p = exp(scores - m), l = sum of p    over the keys, in their order
 *     y = (p V) / l            p^T is the left side of the product as it stands
 *
 * The maximum is known before the first exponential: scores of SCORES_MAX / 64 keys are held, and those of further keys
 * are computed a second time rather than corrected. So nothing is ever rescaled, and neither the place of a tile nor its size
 * can be seen in the result. A single token has too few rows for this and another way to the same bits: attention_token.h. */
#include "engine/op/attention_token.h"
#include "base/kernel.h"

#include <omp.h>

enum { SCORES_MAX = 4096 * ATTENTION_LANES };  /* 1 MB of a thread's stack: some systems give a thread no more than 2 */

typedef struct {
    const Tensor *q, *ranges, *y, *lse;
    KeyRows k, v;
    int64_t heads_a_key_head, width, v_width;
    const AttentionOptions *options;
    const DropoutAttr *dropout;
    const int32_t *draws;  /* NULL: nothing is dropped */
} Forward;

/* Rows of one tile. Row r is query token + r / heads_a_key_head, head r % heads_a_key_head of the key head's. */
typedef struct {
    int64_t kv_head, token, first;
    Lanes lanes;
    Scoring scoring;
    V16 max[TILE_VECS], sum[TILE_VECS];
    float q[ATTENTION_WIDTH_MAX * ATTENTION_LANES];    /* [padded width][stride], scaled */
    float y[ATTENTION_LANES * ATTENTION_WIDTH_MAX];    /* [n_rows][padded v_width] */
    float buffer[ATTENTION_KEYS * ATTENTION_WIDTH_MAX];
    float scores[SCORES_MAX];                          /* [keys][stride] */
    float left[ATTENTION_KEYS * ATTENTION_LANES];      /* [key][stride] what dropout leaves of a weight */
} Rows;

static int64_t row_token(const Forward *f, const Rows *rows, int64_t r)
{
    return rows->token + (rows->first + r) / f->heads_a_key_head;
}

static int64_t row_head(const Forward *f, const Rows *rows, int64_t r)
{
    return rows->kv_head * f->heads_a_key_head + (rows->first + r) % f->heads_a_key_head;
}

static void rows_begin(const Forward *f, Rows *rows, int64_t n_rows)
{
    int64_t padded = tile_padded(f->width);
    lanes_init(&rows->lanes, n_rows);
    memset(rows->y, 0, (size_t)(n_rows * tile_padded(f->v_width)) * sizeof *rows->y);
    rows->scoring = (Scoring){.alibi = f->options->alibi, .softcap = (float)f->options->softcap};
    for (int v = 0; v < TILE_VECS; v++) {
        rows->max[v] = v16_set1(-INFINITY);
        rows->sum[v] = v16_zero();
    }
    for (int64_t r = 0; r < n_rows; r++) {
        int64_t token = row_token(f, rows, r);
        tile_row_load(rows->buffer + r * padded, f->q, token, row_head(f, rows, r));
        lanes_set(&rows->lanes, r, (const int32_t *)f->ranges->data + 2 * token, f->options->window);
        if (f->options->alibi)
            rows->scoring.slope[r / 16][r % 16] = (float)attention_alibi_slope(row_head(f, rows, r), tensor_dim(f->q, 1));
    }
    tile_transpose(rows->q, rows->lanes.stride, (Right){rows->buffer, padded}, n_rows, padded, (float)f->options->scale);
}

/* x where the lane's row sees the key, else `other`. */
SIMD_INLINE V16 where_seen(const Lanes *lanes, int64_t v, int64_t key, V16 x, V16 other)
{
    I16 keys = i16_set1((int32_t)key);
    return v16_select((keys >= lanes->begin[v]) & (keys < lanes->end[v]), x, other);
}

/* Scores of the keys [begin, end) into `scores`, and their maximum over what is visible. */
static void rows_score(const Forward *f, Rows *rows, float *scores, int64_t begin, int64_t end)
{
    const Lanes *lanes = &rows->lanes;
    Left k = left_of(key_rows_at(&f->k, begin, end - begin, rows->kv_head, rows->buffer));
    lanes_product(lanes, scores, k, rows->q, f->width, begin, end);
    lanes_score(lanes, &rows->scoring, scores, begin, end);
    bool all = lanes_see_all(lanes, begin, end);
    for (int64_t v = 0, from, to; v < lanes->n_vecs; v++) {
        V16 max = rows->max[v];
        lanes_hull(lanes, v, begin, end, &from, &to);
        for (int64_t j = from; j < to; j++) {
            V16 score = v16_load(scores + j * lanes->stride + 16 * v);
            if (!all)
                score = where_seen(lanes, v, begin + j, score, v16_set1(-INFINITY));
            max = v16_max(score, max);
        }
        rows->max[v] = max;
    }
}

/* Scores become exponentials, which are summed and weigh the values. */
static void rows_weigh(const Forward *f, Rows *rows, float *scores, int64_t begin, int64_t end)
{
    const Lanes *lanes = &rows->lanes;
    uint64_t seen[ATTENTION_LANES];
    bool all = lanes_see_all(lanes, begin, end);
    for (int64_t r = 0; r < lanes->n_rows && f->draws; r++)
        row_dropout(rows->left, lanes, r, f->dropout, f->draws + 3 * row_token(f, rows, r), row_head(f, rows, r), begin, end);
    for (int64_t v = 0, from, to; v < lanes->n_vecs; v++) {
        V16 sum = rows->sum[v], max = rows->max[v];
        lanes_hull(lanes, v, begin, end, &from, &to);
        for (int64_t j = from; j < to; j++) {
            float *score = scores + j * lanes->stride + 16 * v;
            V16 p = weight_exp(v16_load(score) - max);
            v16_store(score, f->draws ? p * v16_load(rows->left + j * lanes->stride + 16 * v) : p);
            sum += all ? p : where_seen(lanes, v, begin + j, p, v16_zero());
        }
        rows->sum[v] = sum;
    }
    Right values = key_rows_at(&f->v, begin, end - begin, rows->kv_head, rows->buffer);
    Left p = {scores, 1, lanes->stride};
    int64_t padded = tile_padded(f->v_width);
    if (all) {
        tile_product(rows->y, padded, p, values, lanes->n_rows, padded / 16, end - begin, true);
    } else {
        lanes_mask(lanes, seen, begin, end);
        tile_product_masked(rows->y, padded, p, values, lanes->n_rows, padded / 16, end - begin, seen);
    }
}

static void rows_finish(const Forward *f, Rows *rows)
{
    int64_t padded = tile_padded(f->v_width), n_heads = tensor_dim(f->y, 1);
    const Lanes *lanes = &rows->lanes;
    V16 lse[TILE_VECS], inverse[TILE_VECS];
    for (int64_t v = 0; v < lanes->n_vecs; v++) {
        lse[v] = weight_lse(rows->max[v], rows->sum[v]);
        inverse[v] = 1.0f / rows->sum[v];
    }
    for (int64_t r = 0; r < lanes->n_rows; r++) {
        int64_t token = row_token(f, rows, r), head = row_head(f, rows, r), lane = r % 16;
        bool empty = lanes->begin[r / 16][lane] >= lanes->end[r / 16][lane];
        float *y = rows->y + r * padded;
        for (int64_t i = 0; i < padded && !empty; i += 16)
            v16_store(y + i, v16_load(y + i) * inverse[r / 16][lane]);
        tile_row_store(f->y, token, head, y);
        ((float *)f->lse->data)[token * n_heads + head] = empty ? -INFINITY : lse[r / 16][lane];
    }
}

/* Scores are held for as many keys as there is room; those of the others share the last place and are computed a second time. */
static void rows_run(const Forward *f, Rows *rows, int64_t key_begin, int64_t key_end)
{
    int64_t room = SCORES_MAX / rows->lanes.stride / ATTENTION_KEYS * ATTENTION_KEYS;
    int64_t held = key_end - key_begin > room ? room - ATTENTION_KEYS : room;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t j = key_begin; j < key_end; j += ATTENTION_KEYS) {
            int64_t end = key_end - j < ATTENTION_KEYS ? key_end : j + ATTENTION_KEYS;
            bool is_held = j - key_begin < held;
            float *scores = rows->scores + (is_held ? j - key_begin : held) * rows->lanes.stride;
            if (pass == 0 || !is_held)
                rows_score(f, rows, scores, j, end);
            if (pass == 1)
                rows_weigh(f, rows, scores, j, end);
        }
    rows_finish(f, rows);
}

/* One token over a cache: too few rows for lanes. */
static bool is_token(const Forward *f, const AttentionTile *tile)
{
    return tile->token_end - tile->token_begin == 1 && f->heads_a_key_head <= TOKEN_ROWS && !f->k.packed && !f->draws;
}

static void forward_token(const Forward *f, const AttentionTile *tile, int64_t kv_head)
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
    rows.n_rows = f->heads_a_key_head;
    rows.key_begin = tile->key_begin;
    rows.key_end = tile->key_end;
    token_run(&rows);
}

static void forward_tile(const Forward *f, const AttentionTile *tile, int64_t kv_head)
{
    Rows rows;
    int64_t n_rows = (tile->token_end - tile->token_begin) * f->heads_a_key_head;
    for (int64_t first = 0; first < n_rows; first += ATTENTION_LANES) {
        rows.kv_head = kv_head;
        rows.token = tile->token_begin;
        rows.first = first;
        rows_begin(f, &rows, n_rows - first < ATTENTION_LANES ? n_rows - first : ATTENTION_LANES);
        rows_run(f, &rows, tile->key_begin, tile->key_end);
    }
}

static void forward_task(const Forward *f, const AttentionTile *tile, int64_t kv_head)
{
    if (is_token(f, tile))
        forward_token(f, tile, kv_head);
    else
        forward_tile(f, tile, kv_head);
}

/* Counted in multiplications, not in rows: one row that decodes may see a long cache. */
static bool is_worth_threads(const Forward *f, const AttentionTile *tiles, int64_t n_tiles)
{
    int64_t n_pairs = 0;
    for (int64_t t = 0; t < n_tiles; t++)
        n_pairs += (int64_t)(tiles[t].token_end - tiles[t].token_begin) * (tiles[t].key_end - tiles[t].key_begin);
    return n_pairs * f->q->shape.dim[1] * (f->width + f->v_width) > 4 * PARALLEL_MIN;
}

void KERNEL(attention)(const KernelCall *call)
{
    const AttentionAttr *attr = call->attr;
    const Tensor *k = &call->in[1], *v = &call->in[2];
    Forward f = {.q = &call->in[0], .ranges = &call->in[3], .y = &call->out[0], .lse = &call->out[1],
                 .options = &attr->options, .dropout = &attr->dropout, .draws = call->in[ATTENTION_DRAWS].data};
    int64_t kv_heads = k->shape.dim[1];
    f.heads_a_key_head = f.q->shape.dim[1] / kv_heads;
    f.width = k->shape.dim[2];
    f.v_width = v->shape.dim[2];
    float *packed = call->workspace;
    int64_t k_room = attr->is_self ? key_rows_room(k) : 0, v_room = attr->is_self ? key_rows_room(v) : 0;
    AttentionTile *tiles = (AttentionTile *)(packed + k_room + v_room);
    int64_t tokens_max = f.heads_a_key_head < ATTENTION_LANES ? ATTENTION_LANES / f.heads_a_key_head : 1;
    int64_t n_tiles = attention_cut(f.ranges, attr->options.window, k->shape.dim[0], tokens_max, tiles), n_tasks = n_tiles * kv_heads;
    bool is_shared = attr->is_self && key_rows_are_shared(tiles, n_tiles, k->shape.dim[0]);
    f.k = key_rows_begin(k, is_shared ? packed : NULL);
    f.v = key_rows_begin(v, is_shared ? packed + k_room : NULL);
    /* Late tiles see more keys than early ones: the long tasks go first. Short sequences have tasks of one size, and a thread takes the rows that
     * it met in the operator before. */
    bool is_worth = is_worth_threads(&f, tiles, n_tiles);
    if (is_shared || !attr->is_self) {
#pragma omp parallel for schedule(dynamic) if (is_worth)
        for (int64_t task = 0; task < n_tasks; task++)
            forward_task(&f, &tiles[n_tiles - 1 - task % n_tiles], task / n_tiles);
    } else {
#pragma omp parallel for schedule(static) if (is_worth)
        for (int64_t task = 0; task < n_tasks; task++)
            forward_task(&f, &tiles[task / kv_heads], task % kv_heads);
    }
}
